//! A copy of a store as of one moment.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use crate::store::Store;

/// A copy of a store as of one moment, which can be read only. It shares its files with the store
/// where that is possible, and is gone when it is dropped.
pub struct Snapshot {
    store: Box<dyn Store>,
    files: BTreeMap<String, PathBuf>,
    // Last: the files go after who reads them.
    directory: SnapshotDirectory,
}

/// A directory that goes when this is dropped.
pub(super) struct SnapshotDirectory(pub(super) PathBuf);

impl Snapshot {
    /// The snapshot that `store` reads, made of the files with these names in the directory.
    pub(super) fn new(
        store: Box<dyn Store>,
        directory: SnapshotDirectory,
        names: Vec<String>,
    ) -> Self {
        let path = |name: String| {
            let path = directory.0.join(&name);
            (name, path)
        };
        Self {
            store,
            files: names.into_iter().map(path).collect(),
            directory,
        }
    }

    /// What it has.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The files that it is made of, by their names: what a store is opened with elsewhere. Each
    /// name is a relative path of two parts.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, PathBuf> {
        &self.files
    }
}

impl Drop for SnapshotDirectory {
    fn drop(&mut self) {
        // What cannot be removed now, the next start removes.
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "snapshot was not removed");
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Snapshot")
            .field("directory", &self.directory.0)
            .finish_non_exhaustive()
    }
}
