//! Files and directories that outlast a power cut, their names included: what was written is on the
//! disk, as a whole or not at all, once a function here has returned.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::fs::Permissions;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::FileType;
use rustix::fs::fdatasync;
use rustix::fs::fstat;

/// Who may read a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Readers {
    /// Its owner alone.
    Owner,
    /// Whoever the process's mask lets.
    Anybody,
}

/// Writes a file that must not be there yet. One for its owner alone is left under no other name:
/// what killed attempts left of it is removed once it is there.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] if it is there; else if it cannot be written. It is not there
/// then, unless all that failed was to make its name outlast a power cut.
pub(crate) fn create(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let directory = directory_of(path);
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Anybody => 0o666,
    };
    // The mask of the process is taken off the mode when the file is made.
    let prefix = unfinished_prefix(path);
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .prefix(&prefix)
        .suffix(UNFINISHED_SUFFIX)
        .rand_bytes(UNFINISHED_BYTES)
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    // If we crash before this line, there is no such file; after it, there is a whole one.
    file.persist_noclobber(path).map_err(|error| error.error)?;
    if readers == Readers::Owner {
        remove_unfinished(directory, &prefix);
    }
    sync_names(directory)
}

/// What the names begin with that a file has before it is whole: no two attempts have the same one.
fn unfinished_prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// Removes what killed attempts left of a file, as far as it can: the file is there all the same.
/// An attempt that is under way meanwhile fails, as it would have.
fn remove_unfinished(directory: &Path, prefix: &OsStr) {
    for file in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = file.file_name();
        let name = name.as_bytes().strip_prefix(prefix.as_bytes());
        let random = name.and_then(|name| name.strip_suffix(UNFINISHED_SUFFIX.as_bytes()));
        // The name of another file may begin with this one's, and goes on.
        if random.is_some_and(|it| it.len() == UNFINISHED_BYTES && !it.contains(&b'.')) {
            let _stays = fs::remove_file(file.path());
        }
    }
}

/// Writes a file in the place of what was there: whoever reads it sees one or the other.
///
/// # Errors
///
/// If it cannot be written. What was there is there then, unless all that failed was to make the
/// new one outlast a power cut.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_unsynced(path, bytes)?;
    sync_names(directory_of(path))
}

/// The same for one of many files, whose names somebody else brings to the disk: after a power cut
/// it may be the one of before.
///
/// # Errors
///
/// If it cannot be written.
pub(crate) fn replace_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// Brings the names in a directory to the disk.
///
/// # Errors
///
/// If they may not be there.
pub(crate) fn sync_names(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Brings the name of a directory itself to the disk: what is in it is no more there than that.
///
/// # Errors
///
/// If it may not be there.
pub(crate) fn sync_own_name(directory: &Path) -> io::Result<()> {
    let whole = fs::canonicalize(directory)?;
    sync_names(whole.parent().unwrap_or(&whole))
}

/// Brings what was written to an open file to the disk. A pipe, a socket or a terminal is no file:
/// what becomes of what was written to one, its reader alone can tell.
///
/// The file's name is whoever's who made it, such as a shell.
///
/// # Errors
///
/// If it may not be there.
pub(crate) fn sync_written(file: impl AsFd) -> io::Result<()> {
    let mode = fstat(&file)?.st_mode;
    match FileType::from_raw_mode(mode) == FileType::RegularFile {
        true => Ok(fdatasync(&file)?),
        false => Ok(()),
    }
}

/// Where a file is.
pub(crate) fn directory_of(path: &Path) -> &Path {
    let directory = path.parent();
    let directory = directory.filter(|it| !it.as_os_str().is_empty());
    directory.unwrap_or(Path::new("."))
}

/// What the names of files that are not whole yet end with.
const UNFINISHED_SUFFIX: &str = ".new";
/// How many random letters they have before that.
const UNFINISHED_BYTES: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let names = fs::read_dir(directory).unwrap();
        let names = names.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn file_is_created_once_and_for_whom_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        create(&path, b"first", Readers::Owner).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = create(&path, b"second", Readers::Anybody).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        // Nothing of the second attempt is left.
        assert_eq!(names(directory.path()), ["key.pem"]);
    }

    #[test]
    fn what_killed_attempts_left_of_a_secret_goes_with_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let others = [
            ".b.pem.aB3xY9.new",
            ".key.pem.new",
            ".key.pem.old.aB3xY9.new",
        ];
        let own = [".key.pem.aB3xY9.new", ".key.pem.Zz0000.new"];
        for name in others.iter().chain(&own) {
            fs::write(path(name), b"half a k").unwrap();
        }
        create(&path("key.pem"), b"key", Readers::Owner).unwrap();
        let mut left = names(directory.path());
        left.sort();
        assert_eq!(left, [&others[..], &["key.pem"]].concat());
    }

    #[test]
    fn file_that_cannot_be_written_is_not_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/key.pem");
        assert!(create(&path, b"key", Readers::Owner).is_err());
        assert!(replace(&path, b"state").is_err());
        assert_eq!(names(directory.path()), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_file_is_not_synced_and_no_error() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = File::create(directory.path().join("log.jsonl")).unwrap();
        file.write_all(b"{}\n").unwrap();
        sync_written(&file).unwrap();
        // To sync a pipe is an error.
        let (_reader, writer) = io::pipe().unwrap();
        assert!(fdatasync(&writer).is_err());
        sync_written(&writer).unwrap();
    }

    #[test]
    fn replaced_file_is_one_or_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        replace(&path, b"first").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(directory.path()), ["state"]);
    }
}
