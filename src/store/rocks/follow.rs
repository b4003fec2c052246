//! Reading a store that another process writes, and keeping up with it.
//!
//! A store that is opened read-only stays as it was when it was opened. One that follows reads the
//! writer's log of writes anew when it is told to, and costs as much as there is that is new.
//! It may see a write before the writer has synced it: who publishes what it reads asks the head
//! first, which is written after the sync.

use std::path::Path;
use std::sync::atomic::Ordering;

use crate::store::StoreError;
use crate::store::rocks::Database;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;
use crate::store::rocks::error::open_error;
use crate::store::rocks::error::unavailable;
use crate::store::rocks::existing;
use crate::store::rocks::layout;
use crate::store::rocks::options;

impl RocksStore {
    /// Opens a store that another process may be writing, to read it and follow it. Nothing of it
    /// changes; `scratch` is a directory for what RocksDB says of itself.
    ///
    /// # Errors
    ///
    /// As [`RocksStore::open`].
    pub fn open_to_follow(
        directory: &Path,
        scratch: &Path,
        options: &RocksOptions,
    ) -> Result<Self, StoreError> {
        let path = existing(directory)?;
        let mut settings = options::database_options(options);
        // The writer removes tables that it has merged; they must be open by then.
        settings.set_max_open_files(-1);
        let families = options::family_descriptors(options);
        let database = Database::open_cf_descriptors_as_secondary(
            &settings,
            path.as_path(),
            scratch,
            families,
        )
        .map_err(|error| open_error(&error))?;
        Self::start(database, directory, None)
    }

    /// Reads what was written since, of a store that [`RocksStore::open_to_follow`] opened.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn catch_up(&self) -> Result<(), StoreError> {
        self.database
            .try_catch_up_with_primary()
            .map_err(unavailable)?;
        let pruned_size = self.read_count(layout::PRUNED_KEY)?;
        self.pruned_size.store(pruned_size, Ordering::Release);
        let tree_size = self.read_tree_size()?;
        self.tree_size.store(tree_size, Ordering::Release);
        Ok(())
    }
}
