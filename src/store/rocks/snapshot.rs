//! A copy of the database as of one moment, by hard links to its tables.

use std::fs;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rocksdb::checkpoint::Checkpoint;

use crate::store::Snapshot;
use crate::store::StoreError;
use crate::store::rocks::DATABASE_NAME;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;
use crate::store::rocks::error::unavailable;
use crate::store::snapshot::SnapshotDirectory;

impl RocksStore {
    /// Takes a snapshot. What is in memory is written to tables first, which are then linked: a
    /// snapshot takes no more room than that, but keeps tables on the disk that are no longer used.
    pub(super) fn take_snapshot(&self) -> Result<Snapshot, StoreError> {
        self.room()?;
        let path = self.directory.join(SNAPSHOT_NAME);
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                return unavailable("another snapshot is in use");
            }
            unavailable(error)
        })?;
        let directory = SnapshotDirectory(path);
        let database = directory.0.join(DATABASE_NAME);
        Checkpoint::new(&self.database)
            .and_then(|checkpoint| checkpoint.create_checkpoint(&database))
            .map_err(unavailable)?;
        // Before it is opened: the engine then writes a log of itself there.
        let names = names_in(&database).map_err(unavailable)?;
        let options = RocksOptions {
            block_cache_bytes: SNAPSHOT_CACHE_BYTES,
            ..RocksOptions::default()
        };
        let store = Self::open_read_only(&directory.0, &options)?;
        Ok(Snapshot::new(Box::new(store), directory, names))
    }

    /// Removes the snapshot that a process left behind: it keeps bytes on the disk that may have
    /// been erased.
    pub(super) fn remove_snapshot(directory: &Path) -> Result<(), StoreError> {
        match fs::remove_dir_all(directory.join(SNAPSHOT_NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unavailable(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The names of the files in a database, under the directory that has it.
fn names_in(database: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(database)? {
        let name = entry?.file_name();
        // The engine's own names are plain.
        let name = name.to_str().ok_or(io::ErrorKind::InvalidData)?;
        names.push(format!("{DATABASE_NAME}/{name}"));
    }
    Ok(names)
}

const SNAPSHOT_NAME: &str = "snapshot";
/// A snapshot is read from one end to the other.
const SNAPSHOT_CACHE_BYTES: usize = 8 << 20;
