//! The file that a list is written to until it is whole.
//!
//! Whoever writes one holds a lock on it, which ends with the process. So what is there without a
//! lock was left by a command that was killed, and is taken over.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cli::error::CliError;

/// Creates the file, which only its owner reads, in the place of one that was left behind. Nothing
/// is written to what was there: it may have another name, and be something else by that.
///
/// # Errors
///
/// If another command is writing it, it is no file of a list, or it cannot be created.
pub(super) fn create(path: &Path) -> Result<File, CliError> {
    let mut left = None;
    for _ in 0..ATTEMPTS_MAX {
        match create_new(path) {
            Ok(file) => {
                lock(path, &file)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(CliError::file(path)(error)),
        }
        // Kept open, and locked, until there is another in its place.
        left = take_over(path)?;
    }
    drop(left);
    Err(in_use(path))
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// Removes what a killed command has left, unless it is gone by itself.
fn take_over(path: &Path) -> Result<Option<File>, CliError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CliError::file(path)(error)),
    };
    if !found.is_file() {
        let path = path.display();
        return Err(CliError::Failed(format!(
            "{path}: is no file of a list that was not finished\n  remove it, or choose another \
             name for the list"
        )));
    }
    let file = File::open(path).map_err(CliError::file(path))?;
    lock(path, &file)?;
    fs::remove_file(path).map_err(CliError::file(path))?;
    Ok(Some(file))
}

fn lock(path: &Path, file: &File) -> Result<(), CliError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(in_use(path)),
        Err(TryLockError::Error(error)) => Err(CliError::file(path)(error)),
    }
}

fn in_use(path: &Path) -> CliError {
    let path = path.display();
    CliError::Failed(format!(
        "{path}: another command is writing this list\n  wait for its end, or choose another name \
         for the list"
    ))
}

/// How often what is there may turn out to be another file.
const ATTEMPTS_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_a_killed_command_left_is_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list.csv.partial");
        let mut killed = create(&path).unwrap();
        killed.write_all(b"half").unwrap();
        // Killed between the link and the end: the list is whole, and has both names.
        let whole = directory.path().join("list.csv");
        fs::hard_link(&path, &whole).unwrap();
        drop(killed);
        let mut file = create(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        file.write_all(b"other").unwrap();
        assert_eq!(fs::read(&whole).unwrap(), b"half");
    }

    #[test]
    fn list_that_is_being_written_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list.csv.partial");
        let mut file = create(&path).unwrap();
        file.write_all(b"half").unwrap();
        let refused = create(&path).unwrap_err().to_string();
        assert!(refused.contains("another command"), "{refused}");
        assert!(refused.contains("\n  wait"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"half");
    }

    #[test]
    fn what_is_no_list_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list.csv.partial");
        let other = directory.path().join("other");
        fs::write(&other, "another's").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let refused = create(&path).unwrap_err().to_string();
        assert!(refused.contains("\n  remove it"), "{refused}");
        assert_eq!(fs::read(&other).unwrap(), b"another's");
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    }
}
