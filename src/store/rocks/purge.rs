//! Erasing: the rows that go, and getting their bytes off the disk.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rocksdb::BottommostLevelCompaction;
use rocksdb::CompactOptions;
use rocksdb::WriteBatch;

use crate::store::Append;
use crate::store::Changes;
use crate::store::ERASURES_MAX;
use crate::store::EngineError;
use crate::store::Erasure;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::rocks::RocksStore;
use crate::store::rocks::layout;
use crate::store::rocks::layout::Family;
use crate::store::row::ERASED_ROW;

impl RocksStore {
    /// Writes what takes the place of erased records, and returns how many calls have erased
    /// anything once that is written.
    pub(super) fn put_erasures(
        &self,
        write: &mut WriteBatch,
        group: &[&Changes],
    ) -> Result<u64, StoreError> {
        let before = self.erasures_count.load(Ordering::Acquire);
        let mut erasures_count = before;
        for changes in group.iter().filter(|changes| !changes.erasures.is_empty()) {
            if changes.erasures.len() > ERASURES_MAX {
                return Err(StoreError::TooLarge {
                    what: "call",
                    limit: ERASURES_MAX,
                });
            }
            erasures_count += 1;
            for erasure in &changes.erasures {
                self.put_erasure(write, erasure)?;
            }
        }
        if erasures_count != before {
            let schema = self.family(Family::Schema)?;
            write.put_cf(schema, layout::ERASURES_KEY, erasures_count.to_be_bytes());
        }
        Ok(erasures_count)
    }

    fn put_erasure(&self, write: &mut WriteBatch, erasure: &Erasure) -> Result<(), StoreError> {
        if let Some(record) = erasure.successor() {
            let records = self.family(Family::Records)?;
            write.put_cf(records, layout::record_key(&erasure.key), record.encode()?);
        }
        if let Some(key) = erasure.value_key() {
            // A value whose record had expired may have a younger one, which the row is of then.
            let row = self.read_values(&[key])?.into_iter().next().flatten();
            if row.is_some_and(|row| row.record == erasure.key.id) {
                write.delete_cf(self.family(Family::Values)?, layout::value_key(&key));
            }
        }
        let subjects = self.family(Family::Subjects)?;
        let sharers = self.family(Family::Sharers)?;
        for subject in &erasure.subjects {
            write.delete_cf(subjects, layout::subject_key(subject, erasure.key.id.0));
            write.delete_cf(sharers, layout::sharer_key(&erasure.key, subject));
        }
        Ok(())
    }

    /// Writes what takes the place of entries of the log that are erased, and returns how many have
    /// been once that is written.
    pub(super) fn put_erased_entries(
        &self,
        write: &mut WriteBatch,
        append: &Append,
    ) -> Result<u64, StoreError> {
        let before = self.entry_erasures_count.load(Ordering::Acquire);
        let audit = self.family(Family::Audit)?;
        for index in &append.erased {
            // An entry of the same batch has no hash in the tree yet that would be left of it.
            if *index >= append.tree_size {
                return Err(StoreError::Conflict);
            }
            write.put_cf(audit, layout::entry_key(*index), ERASED_ROW);
        }
        let pruned_count = u64::from(append.pruned_size.is_some());
        let count = before + append.erased.len() as u64 + pruned_count;
        if count != before {
            let schema = self.family(Family::Schema)?;
            write.put_cf(schema, layout::ENTRY_ERASURES_KEY, count.to_be_bytes());
        }
        Ok(count)
    }

    /// Takes the beginning of the log out, in one step: however many entries there are, the batch
    /// has two ranges of keys.
    pub(super) fn put_pruning(
        &self,
        write: &mut WriteBatch,
        append: &Append,
    ) -> Result<(), StoreError> {
        let Some(size) = append.pruned_size else {
            return Ok(());
        };
        let before = self.pruned_size.load(Ordering::Acquire);
        let is_tile_end = size.is_multiple_of(TILE_WIDTH);
        if size <= before || size > append.tree_size || !is_tile_end {
            return Err(StoreError::Conflict);
        }
        let (audit, tiles) = (self.family(Family::Audit)?, self.family(Family::Tiles)?);
        write.delete_range_cf(audit, layout::entry_key(before), layout::entry_key(size));
        write.delete_range_cf(
            tiles,
            layout::hash_key(0, before),
            layout::hash_key(0, size),
        );
        let schema = self.family(Family::Schema)?;
        write.put_cf(schema, layout::PRUNED_KEY, size.to_be_bytes());
        Ok(())
    }

    /// Writes the tables anew that have what was erased. A write-ahead log is removed once all that
    /// it has is in tables, and a table once another has what is left of it.
    pub(super) fn rewrite_erased(&self) -> Result<(), StoreError> {
        let erasures_count = self.erasures_count.load(Ordering::Acquire);
        let entry_erasures_count = self.entry_erasures_count.load(Ordering::Acquire);
        self.flush()?;
        for family in layout::ERASED {
            self.rewrite(family)?;
        }
        if entry_erasures_count != self.read_count(layout::ENTRIES_PURGED_KEY)? {
            self.rewrite(Family::Audit)?;
        }
        // If we crash before this line, the next start purges once more than it had to.
        let guard = self.begin()?;
        let mut write = WriteBatch::default();
        let schema = self.family(Family::Schema)?;
        for (key, count) in [
            (layout::PURGED_KEY, erasures_count),
            (layout::ENTRIES_PURGED_KEY, entry_erasures_count),
        ] {
            write.put_cf(schema, key, count.to_be_bytes());
        }
        self.write(&guard, write)
    }

    fn rewrite(&self, family: Family) -> Result<(), StoreError> {
        let mut options = CompactOptions::default();
        // The lowest level too, which has most of the bytes and is else left as it is.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        // Other compactions may go on meanwhile.
        options.set_exclusive_manual_compaction(false);
        let handle = self.family(family)?;
        let whole = None::<&[u8]>;
        let errors_count = self.background_errors_count()?;
        self.database
            .compact_range_cf_opt(handle, whole, whole, &options);
        // The call itself does not say whether it worked.
        if self.background_errors_count()? != errors_count {
            return Err(StoreError::Unavailable(EngineError::new(NOT_PURGED)));
        }
        Ok(())
    }

    /// How many flushes and compactions have failed since the store was opened. The engine counts
    /// those of all families in the one that has the schema, which is its default.
    fn background_errors_count(&self) -> Result<u64, StoreError> {
        self.property(Family::Schema, "rocksdb.background-errors")
    }

    /// How many calls erased, and entries were, since the last purge began.
    pub(super) fn erasures_unpurged(&self) -> Result<u64, StoreError> {
        let unpurged = |count: &AtomicU64, key| {
            let purged = self.read_count(key)?;
            Ok(count.load(Ordering::Acquire).saturating_sub(purged))
        };
        let calls: Result<u64, StoreError> = unpurged(&self.erasures_count, layout::PURGED_KEY);
        let entries = unpurged(&self.entry_erasures_count, layout::ENTRIES_PURGED_KEY)?;
        Ok(calls? + entries)
    }
}

/// Hashes of leaves go with the whole tiles that they are in.
const TILE_WIDTH: u64 = 256;
const NOT_PURGED: &str = "tables were not rewritten: a flush or a compaction failed";
