//! Writing rows: one batch, one sync, all of it or nothing.

use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use rocksdb::WriteBatch;

use crate::domain::Timestamp;
use crate::store::Append;
use crate::store::Changes;
use crate::store::CommitBatch;
use crate::store::EngineError;
use crate::store::NamespaceId;
use crate::store::NewRecord;
use crate::store::RECORDS_MAX;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::RequestKey;
use crate::store::RequestRow;
use crate::store::RowChange;
use crate::store::StoreError;
use crate::store::SubjectKey;
use crate::store::Sweep;
use crate::store::ValueRow;
use crate::store::rocks::RocksStore;
use crate::store::rocks::ballast;
use crate::store::rocks::error::write_error;
use crate::store::rocks::layout;
use crate::store::rocks::layout::Family;
use crate::store::rocks::options;

impl RocksStore {
    pub(super) fn write_commit(&self, batch: &CommitBatch<'_>) -> Result<(), StoreError> {
        let guard = self.begin()?;
        let append = &batch.append;
        let contiguous = (append.tree_size..).zip(&append.entries);
        let is_next = append.tree_size == self.tree_size.load(Ordering::Acquire)
            && contiguous
                .clone()
                .all(|(index, entry)| index == entry.index);
        // Nothing is written without an entry that says so.
        if !is_next || append.entries.is_empty() {
            return Err(StoreError::Conflict);
        }
        let mut write = WriteBatch::with_capacity_bytes(bytes_estimate(batch));
        let has_relocations = self.put_relocations(&mut write, &batch.changes)?;
        // Before the new records: a successor may take over the row of its value.
        let successions_count = self.put_successions(&mut write, &batch.changes)?;
        self.put_changes(&mut write, &batch.changes)?;
        for put in &batch.puts {
            let handle = self.family(Family::of(put.table))?;
            match &put.value {
                Some(value) => write.put_cf(handle, &put.key, value),
                None => write.delete_cf(handle, &put.key),
            }
        }
        let erasures_count = self.put_erasures(&mut write, &batch.changes)?;
        self.put_append(&mut write, append)?;
        let entry_erasures_count = self.put_erased_entries(&mut write, append)?;
        self.put_pruning(&mut write, append)?;
        // Before the write, and after it: who reads in between sees an odd number.
        let step = u64::from(has_relocations || successions_count > 0);
        self.relocations_count.fetch_add(step, Ordering::SeqCst);
        let written = self.write(&guard, write);
        self.relocations_count.fetch_add(step, Ordering::SeqCst);
        written?;
        // Before the number: who reads it finds all that was written until then.
        let mut recent = self.recent();
        recent.remember(&batch.changes);
        self.moment.store(recent.moment().0, Ordering::Release);
        drop(recent);
        // If we crash before this line, the next start reads the tree size from the table.
        let tree_size = append.tree_size + append.entries.len() as u64;
        self.tree_size.store(tree_size, Ordering::Release);
        if let Some(size) = append.pruned_size {
            self.pruned_size.store(size, Ordering::Release);
        }
        // After the write: who reads the new number reads what was written.
        self.erasures_count.store(erasures_count, Ordering::Release);
        self.entry_erasures_count
            .store(entry_erasures_count, Ordering::Release);
        self.successions_count
            .fetch_add(successions_count, Ordering::Release);
        Ok(())
    }

    pub(super) fn write_row(&self, change: &RowChange) -> Result<(), StoreError> {
        let guard = self.begin()?;
        let mut write = WriteBatch::default();
        self.put_row(&mut write, change)?;
        self.write(&guard, write)
    }

    /// Without waiting for the disk: the next commit does, and what is lost meanwhile is harmless.
    pub(super) fn write_cosigned(&self, note: &str) -> Result<(), StoreError> {
        let _guard = self.begin()?;
        let checkpoints = self.family(Family::Checkpoints)?;
        let written = self.database.put_cf_opt(
            checkpoints,
            layout::COSIGNED_KEY,
            note,
            &options::unsynced_write_options(),
        );
        // Out of the process, so that a kill does not lose it; on the disk with the next commit.
        let written = written.and_then(|()| self.database.flush_wal(false));
        written.map_err(|error| self.poison(&error))
    }

    pub(super) fn write_sweep(
        &self,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: usize,
    ) -> Result<Sweep, StoreError> {
        // Under the writer's lock: a row that a call has just taken over must not be removed for
        // what it was before.
        let guard = self.begin()?;
        let after = after.map(|key| layout::request_key(&key));
        let after = after.as_ref().map(|key| key.as_slice());
        let family = Family::Requests;
        let looked_at = self.scan(
            family,
            after.unwrap_or_default(),
            after,
            limit,
            |key, value| {
                let key = *key.first_chunk::<20>().ok_or(StoreError::Corrupt {
                    table: family.name(),
                })?;
                Ok(Some((key, RequestRow::decode(value)?.expires)))
            },
        )?;
        let handle = self.family(family)?;
        let mut write = WriteBatch::default();
        for (key, _) in looked_at.iter().filter(|(_, expires)| *expires <= now) {
            write.delete_cf(handle, key);
        }
        let removed_count = write.len();
        if removed_count > 0 {
            self.write(&guard, write)?;
        }
        let is_full = looked_at.len() == limit;
        let next = looked_at
            .last()
            .filter(|_| is_full)
            .map(|(key, _)| read_request_key(key));
        Ok(Sweep {
            removed_count,
            next,
        })
    }

    /// Notes for good that a write has failed.
    pub(super) fn poison(&self, error: &rocksdb::Error) -> StoreError {
        self.poisoned.store(true, Ordering::Release);
        write_error(error)
    }

    /// Whether a commit would find room on the disk now.
    pub(super) fn room(&self) -> Result<(), StoreError> {
        self.usable()?;
        let Some(ballast) = &self.ballast else {
            return Err(StoreError::Unavailable(EngineError::new(READ_ONLY)));
        };
        ballast.admit(ballast::free_bytes(&self.directory)?)
    }

    /// Becomes the one writer, if there may be one and the disk has room.
    pub(super) fn begin(&self) -> Result<MutexGuard<'_, ()>, StoreError> {
        // The lock guards no data that a panic could have left half done.
        let guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.room()?;
        Ok(guard)
    }

    pub(super) fn write(
        &self,
        _: &MutexGuard<'_, ()>,
        write: WriteBatch,
    ) -> Result<(), StoreError> {
        if write.size_in_bytes() > COMMIT_BYTES_MAX {
            return Err(StoreError::TooLarge {
                what: "batch",
                limit: COMMIT_BYTES_MAX,
            });
        }
        // If we crash before this returns, the batch is there as a whole or not at all, and nobody
        // was told that it is. If it returns an error, the same holds, but we go on running with a
        // memory that may differ from the disk: hence the store refuses everything afterwards.
        let written = self.database.write_opt(write, &options::write_options());
        written.map_err(|error| self.poison(&error))
    }

    fn put_changes(&self, write: &mut WriteBatch, group: &[&Changes]) -> Result<(), StoreError> {
        let mut records = Vec::new();
        let mut values = Vec::new();
        let mut subjects = Vec::new();
        let mut requests = Vec::new();
        let mut sharers = Vec::new();
        for changes in group {
            let records_count =
                changes.records.len() + changes.replacements.len() + changes.relocations.len();
            if records_count > RECORDS_MAX {
                return Err(StoreError::TooLarge {
                    what: "call",
                    limit: RECORDS_MAX,
                });
            }
            for new in &changes.records {
                records.push((layout::record_key(&new.key), new.record.encode()?));
                values.extend(value_row(new)?);
                self.remove_older_rows(write, new)?;
                let subject = new.subject_key.as_ref();
                subjects.extend(subject.map(|key| link_row(key, new.key.id)));
            }
            for replacement in &changes.replacements {
                let key = layout::record_key(&replacement.key);
                records.push((key, replacement.after.encode()?));
            }
            for (subject, record) in &changes.links {
                subjects.push(link_row(subject, *record));
                let sharer = sharer_row(changes, subject, *record);
                sharers.extend(sharer.map(|key| (key, layout::link_value(subject))));
            }
            for (key, row) in changes.request.iter().chain(&changes.mark) {
                requests.push((layout::request_key(key), row.encode()?));
            }
            for change in &changes.rows {
                self.put_row(write, change)?;
            }
        }
        self.put_sorted(write, Family::Records, records)?;
        self.put_sorted(write, Family::Values, values)?;
        self.put_sorted(write, Family::Sharers, sharers)?;
        self.put_sorted(write, Family::Subjects, subjects)?;
        self.put_sorted(write, Family::Requests, requests)
    }

    /// Removes the rows by which older keys find the record that a new one replaces: a value has
    /// one row, and one that stayed would stand in the way of whatever comes after.
    fn remove_older_rows(&self, write: &mut WriteBatch, new: &NewRecord) -> Result<(), StoreError> {
        let Some(replaced) = new.replaces else {
            return Ok(());
        };
        let rows = self.read_values(&new.older.values)?;
        for (key, row) in new.older.values.iter().zip(rows) {
            if row.is_some_and(|row| row.record == replaced) {
                write.delete_cf(self.family(Family::Values)?, layout::value_key(key));
            }
        }
        Ok(())
    }

    fn put_append(&self, write: &mut WriteBatch, append: &Append) -> Result<(), StoreError> {
        let audit = self.family(Family::Audit)?;
        for entry in &append.entries {
            write.put_cf(audit, layout::entry_key(entry.index), entry.encode()?);
        }
        let tiles = self.family(Family::Tiles)?;
        for hash in &append.hashes {
            write.put_cf(tiles, layout::hash_key(hash.level, hash.index), hash.hash);
        }
        let checkpoints = self.family(Family::Checkpoints)?;
        write.put_cf(checkpoints, layout::CHECKPOINT_KEY, &append.checkpoint);
        Ok(())
    }

    /// Checks a row once more, under the writer's lock: `compare_and_set` may have come between.
    fn put_row(&self, write: &mut WriteBatch, change: &RowChange) -> Result<(), StoreError> {
        let family = Family::of(change.table);
        if self.get(family, &change.key)? != change.expected {
            return Err(StoreError::Conflict);
        }
        let handle = self.family(family)?;
        match &change.value {
            Some(value) => write.put_cf(handle, &change.key, value),
            None => write.delete_cf(handle, &change.key),
        }
        Ok(())
    }

    /// Writes rows in the order of their table, which is how a memtable takes them fastest, and
    /// how engines that lock rows do not deadlock.
    fn put_sorted<const N: usize>(
        &self,
        write: &mut WriteBatch,
        family: Family,
        mut rows: Vec<([u8; N], impl AsRef<[u8]> + Ord)>,
    ) -> Result<(), StoreError> {
        rows.sort_unstable();
        let handle = self.family(family)?;
        for (key, value) in rows {
            write.put_cf(handle, key, value);
        }
        Ok(())
    }
}

/// About how many bytes a commit's rows take: memory that is asked for once need not grow.
fn bytes_estimate(batch: &CommitBatch<'_>) -> usize {
    let changes = batch.changes.iter().map(|changes| changes.bytes_estimate());
    let append = &batch.append;
    let entries = append.entries.iter().map(|stored| stored.entry.len());
    let rows_count = append.entries.len() + append.hashes.len() + batch.puts.len();
    changes.sum::<usize>()
        + entries.sum::<usize>()
        + rows_count * LOG_ROW_BYTES_ESTIMATE
        + append.checkpoint.len()
}

fn link_row(list: &SubjectKey, record: RecordId) -> ([u8; 36], [u8; 4]) {
    let key = layout::subject_key(list, record.0);
    (key, layout::link_value(list))
}

/// The row of who joins a record; none for whom the same call made it.
fn sharer_row(changes: &Changes, subject: &SubjectKey, id: RecordId) -> Option<[u8; 36]> {
    let mut new = changes.records.iter();
    let is_own = new.any(|new| new.key.id == id && new.subject_key.as_ref() == Some(subject));
    let namespace = subject.namespace;
    let record = RecordKey { namespace, id };
    (!is_own).then(|| layout::sharer_key(&record, subject))
}

/// The row of a new record in the value index.
fn value_row(new: &NewRecord) -> Result<Option<(layout::NamespacedKey, Vec<u8>)>, StoreError> {
    let Some(value_key) = &new.value_key else {
        return Ok(None);
    };
    // The record must know its own row, or erasing would leave it behind.
    let index = new
        .record
        .value_index
        .filter(|index| index.fingerprint == value_key.fingerprint);
    let Some(index) = index else {
        return Err(StoreError::Conflict);
    };
    let row = ValueRow {
        record: new.key.id,
        key_version: index.key_version,
    };
    Ok(Some((layout::value_key(value_key), row.encode())))
}

fn read_request_key(key: &layout::NamespacedKey) -> RequestKey {
    let (namespace, fingerprint) = key.split_at(4);
    RequestKey {
        namespace: NamespaceId(namespace.try_into().map_or(0, u32::from_be_bytes)),
        fingerprint: fingerprint.try_into().unwrap_or_default(),
    }
}

/// The most bytes of one commit: well below the memory for rows, and the watermark of free space.
const COMMIT_BYTES_MAX: usize = 24 << 20;
/// What a row of the log takes beside an entry's bytes: its key and salt, or a hash.
const LOG_ROW_BYTES_ESTIMATE: usize = 80;
const READ_ONLY: &str = "opened to be read only";
