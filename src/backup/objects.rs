//! Files that are named by what is in them.

use std::collections::BTreeSet;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use sha2::Digest;
use sha2::Sha256;

use crate::backup::BackupError;
use crate::backup::ManifestFile;
use crate::durable;

/// The objects of a directory of backups.
pub(super) struct Objects(PathBuf);

impl Objects {
    pub(super) fn of(directory: &Path) -> Self {
        Self(directory.join(OBJECTS))
    }

    pub(super) fn path(&self, file: &ManifestFile) -> PathBuf {
        let (shard, _) = file.sha256.split_at_checked(2).unwrap_or_default();
        self.0.join(shard).join(&file.sha256)
    }

    /// Puts a file among the objects, if it is not there; says whether it was not. `told` learns
    /// of bytes as they are read.
    pub(super) fn add(
        &self,
        source: &Path,
        name: String,
        told: &mut impl FnMut(u64),
    ) -> Result<(ManifestFile, bool), BackupError> {
        let (sha256, bytes) = digest(source, &mut io::sink(), told)?;
        let file = ManifestFile {
            name,
            bytes,
            sha256,
        };
        let path = self.path(&file);
        if fs::metadata(&path).is_ok_and(|there| there.len() == bytes) {
            return Ok((file, false));
        }
        let parent = path.parent().unwrap_or(&self.0);
        make_directory(parent)?;
        // What is cut off here has no object's name, and is written anew by the next backup.
        let partial = self.0.join(PARTIAL);
        let mut target = create_anew(&partial)?;
        let copied = digest(source, &mut target, &mut |_| ())?;
        if copied.0 != file.sha256 {
            let changed = io::Error::other("file changed while it was copied");
            return Err(BackupError::file(source)(changed));
        }
        target.sync_all().map_err(BackupError::file(&partial))?;
        fs::rename(&partial, &path).map_err(BackupError::file(&path))?;
        sync(parent)?;
        Ok((file, true))
    }

    /// Brings the names of the directories that objects are in to the disk: an object is no more
    /// there than they are.
    pub(super) fn sync(&self, directory: &Path) -> Result<(), BackupError> {
        make_directory(&self.0)?;
        sync(&self.0)?;
        sync(directory)
    }

    /// Whether the object is there and is what its name says.
    pub(super) fn is_whole(&self, file: &ManifestFile) -> Result<bool, BackupError> {
        let path = self.path(file);
        if !path.is_file() {
            return Ok(false);
        }
        let read = digest(&path, &mut io::sink(), &mut |_| ())?;
        Ok(read == (file.sha256.clone(), file.bytes))
    }

    /// Copies an object to where it belongs, and says whether it is what its name says.
    pub(super) fn take(&self, file: &ManifestFile, target: &Path) -> Result<bool, BackupError> {
        let path = self.path(file);
        if !path.is_file() {
            return Ok(false);
        }
        let mut copy = create_anew(target)?;
        let read = digest(&path, &mut copy, &mut |_| ())?;
        copy.sync_all().map_err(BackupError::file(target))?;
        Ok(read == (file.sha256.clone(), file.bytes))
    }

    /// Removes the objects that no list names any more, and what was cut off.
    pub(super) fn keep_only(&self, wanted: &BTreeSet<String>) -> Result<(), BackupError> {
        for shard in entries(&self.0)? {
            if !shard.is_dir() {
                fs::remove_file(&shard).map_err(BackupError::file(&shard))?;
                continue;
            }
            for object in entries(&shard)? {
                let name = object.file_name().and_then(|name| name.to_str());
                if !name.is_some_and(|name| wanted.contains(name)) {
                    fs::remove_file(&object).map_err(BackupError::file(&object))?;
                }
            }
        }
        Ok(())
    }
}

/// The SHA-256 of a file and how many bytes it has, copied to a target on the way.
fn digest(
    source: &Path,
    target: &mut impl Write,
    told: &mut impl FnMut(u64),
) -> Result<(String, u64), BackupError> {
    let mut file = File::open(source).map_err(BackupError::file(source))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer).map_err(BackupError::file(source))?;
        let part = buffer.get(..read).unwrap_or_default();
        if part.is_empty() {
            return Ok((hex::encode(hasher.finalize()), bytes));
        }
        hasher.update(part);
        target.write_all(part).map_err(BackupError::file(source))?;
        bytes += read as u64;
        told(read as u64);
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let listed = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(BackupError::file(directory))?,
    };
    let path = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.path());
    let paths: io::Result<Vec<PathBuf>> = listed.map(path).collect();
    paths.map_err(BackupError::file(directory))
}

/// Makes a directory that only its owner may look into.
pub(super) fn make_directory(path: &Path) -> Result<(), BackupError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).map_err(BackupError::file(path))
}

/// Makes a file that only its owner may read, in place of any that is there.
pub(super) fn create_anew(path: &Path) -> Result<File, BackupError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path).map_err(BackupError::file(path))
}

/// Waits until the names in a directory are on the disk.
pub(super) fn sync(directory: &Path) -> Result<(), BackupError> {
    durable::sync_names(directory).map_err(BackupError::file(directory))
}

/// Waits until the name of a directory that was made here is on the disk.
pub(super) fn sync_parent(directory: &Path) -> Result<(), BackupError> {
    durable::sync_own_name(directory).map_err(BackupError::file(directory))
}

const OBJECTS: &str = "objects";
const PARTIAL: &str = "partial";
const BUFFER_BYTES: usize = 1 << 20;
