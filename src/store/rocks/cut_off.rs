//! Opening a store whose log of writes ends in bytes that were never synced:
//! `docs/decisions/0051-what-was-never-synced-is-left-out.md`.

use std::path::Path;

use crate::store::Store;
use crate::store::StoreError;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;
use crate::store::rocks::layout::Family;
use crate::store::rocks::options;

impl RocksStore {
    /// Opens a store whose log of writes ends in what was never written: after a power cut, bytes
    /// that were not synced may be any. What is before them is opened, if the audit log is at least
    /// as long then as its head says that somebody was told.
    ///
    /// # Errors
    ///
    /// As [`RocksStore::open`]; [`StoreError::Corrupt`] if less is left, and nothing on the disk
    /// changes then.
    pub fn open_cut_off(
        directory: &Path,
        options: &RocksOptions,
        tree_size_min: u64,
    ) -> Result<Self, StoreError> {
        drop(Self::read_cut_off(directory, options, tree_size_min)?);
        Self::open_to_write(directory, options, options::cut_off_options(options))
    }

    /// Opens a store to read it only, as [`RocksStore::open_cut_off`] would.
    ///
    /// # Errors
    ///
    /// As [`RocksStore::open_cut_off`].
    pub fn read_cut_off(
        directory: &Path,
        options: &RocksOptions,
        tree_size_min: u64,
    ) -> Result<Self, StoreError> {
        let store = Self::open_to_read(directory, options, &options::cut_off_options(options))?;
        if store.tree_size()? < tree_size_min {
            return Err(StoreError::Corrupt {
                table: Family::Audit.name(),
            });
        }
        Ok(store)
    }
}
