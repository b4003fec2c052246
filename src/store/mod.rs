//! The tables of the vault, and the one trait behind which an engine keeps them.
//!
//! The trait speaks of records, values and entries, in batches, and not of bytes: an engine that
//! is reached over a network then needs one round trip for a call, and an embedded one a single
//! synced write. It blocks; why it does, and why conflicts are asked for before they are
//! committed, is in `docs/decisions/0004-store-trait.md`.
//!
//! Every stored key is a keyed fingerprint or an opaque id, since engines write keys in clear
//! wherever they like.

mod change;
mod condition;
#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
mod conformance_erasing;
#[cfg(test)]
mod conformance_logging;
#[cfg(test)]
mod conformance_reading;
#[cfg(test)]
mod conformance_relocating;
#[cfg(test)]
mod conformance_succeeding;
mod erasure;
mod error;
mod key;
mod reader;
mod recent;
mod record;
mod relocation;
pub mod rocks;
mod row;
mod snapshot;
mod succession;

use crate::domain::Timestamp;

pub use change::Append;
pub use change::Changes;
pub use change::CommitBatch;
pub use change::NewRecord;
pub use change::Older;
pub use change::RECORDS_MAX;
pub use change::Replacement;
pub use change::Row;
pub use change::RowChange;
pub use change::RowPut;
pub use change::Table;
pub use erasure::ERASURES_MAX;
pub use erasure::Erasure;
pub use erasure::Fate;
pub use erasure::Sharing;
pub use error::Conflict;
pub use error::EngineError;
pub use error::StoreError;
pub use key::KeyMap;
pub use key::KeySet;
pub use key::NamespaceId;
pub use key::RecordId;
pub use key::RecordKey;
pub use key::RequestKey;
pub use key::SubjectKey;
pub use key::ValueKey;
pub use recent::Moment;
pub use recent::Reads;
pub use record::RESIDUE_BYTES_MAX;
pub use record::Record;
pub use record::RecordState;
pub use record::Successor;
pub use record::ValueIndex;
pub use record::WRAPPED_BYTES_MAX;
pub use relocation::ListMove;
pub use relocation::Relocation;
pub use relocation::SHARERS_MAX;
pub use row::ENTRY_BYTES_MAX;
pub use row::Hash;
pub use row::OUTCOME_BYTES_MAX;
pub use row::RequestRow;
pub use row::SALT_BYTES;
pub use row::Salt;
pub use row::StoredEntry;
pub use row::StoredHash;
pub use row::StoredLeaf;
pub use row::ValueRow;
pub use snapshot::Snapshot;
pub use succession::Succession;

/// Where the vault keeps its tables.
///
/// Methods block, for as long as a disk takes. They are called from worker threads, and
/// [`Store::commit`] from one sequencer thread only. After [`StoreError::OutcomeUnknown`] a store
/// refuses everything: what was written is known only after the process has started anew.
pub trait Store: Send + Sync + 'static {
    /// Reads records; the answer has the order of the keys.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or a stored row is damaged.
    fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Reads at most `limit` records of a namespace, in the order of their ids, after `after`.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or a stored row is damaged.
    fn records_after(
        &self,
        namespace: NamespaceId,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<(RecordId, Record)>, StoreError>;

    /// Finds records by the fingerprints of their values; the answer has the order of the keys.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or a stored row is damaged.
    fn values(&self, keys: &[ValueKey]) -> Result<Vec<Option<ValueRow>>, StoreError>;

    /// Lists at most `limit` of a subject's records, in the order of their ids, after `after`.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or a stored row is damaged.
    fn subject_records(
        &self,
        subject: &SubjectKey,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError>;

    /// Says of each pair whether the subject's list has the record.
    ///
    /// # Errors
    ///
    /// If the engine cannot read.
    fn subject_links(&self, links: &[(SubjectKey, RecordId)]) -> Result<Vec<bool>, StoreError>;

    /// Says who has a record, as the customer sees it whose lists these are.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or a stored row is damaged.
    fn sharing(&self, record: &RecordKey, subjects: &[SubjectKey]) -> Result<Sharing, StoreError>;

    /// Lists at most `limit` of the customers who joined a record after it was made.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or a stored row is damaged.
    fn sharers(&self, record: &RecordKey, limit: usize) -> Result<Vec<SubjectKey>, StoreError>;

    /// Lists at most `limit` links of customers with records, in the order of the lists, after
    /// `after`.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or a stored row is damaged.
    fn links_after(
        &self,
        namespace: NamespaceId,
        after: Option<(SubjectKey, RecordId)>,
        limit: usize,
    ) -> Result<Vec<(SubjectKey, RecordId)>, StoreError>;

    /// How often records began or ended to move, or to be succeeded, since the store was opened:
    /// odd while some do.
    /// Who reads in several steps has missed no record that moved in between, if the number was
    /// the same before and after, and even.
    fn relocations_count(&self) -> u64;

    /// How many calls have erased anything, or given a record a successor. Who read records when
    /// there were as many can be sure that none of them was erased or succeeded since. It only
    /// grows while the store is open.
    fn endings_count(&self) -> u64;

    /// Where the store is in its commits. Who reads after it reads at least what was written
    /// until then: see [`Changes::reads`].
    fn moment(&self) -> Moment;

    /// Reads what an earlier call with this request id did. An expired row may still be there.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or the stored row is damaged.
    fn request(&self, key: &RequestKey) -> Result<Option<RequestRow>, StoreError>;

    /// Says, for each call of a group, which of its conditions do not hold: against the store, and
    /// against the earlier calls of the group that have no conflict themselves.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or a stored row is damaged.
    fn conflicts(&self, group: &[&Changes]) -> Result<Vec<Vec<Conflict>>, StoreError>;

    /// Writes a group of calls and their audit entries: all of it or nothing, and on the disk when
    /// it returns. The caller has asked for [`Store::conflicts`] and found none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the log does not have the expected tree size or another writer
    /// came between; [`StoreError::DiskFull`] and [`StoreError::TooLarge`] before anything is
    /// written; [`StoreError::OutcomeUnknown`] if the write itself failed.
    fn commit(&self, batch: &CommitBatch<'_>) -> Result<(), StoreError>;

    /// Reads at most `limit` entries of the audit log, from index `from` on; of those that were
    /// erased, the hashes of their leaves.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or an index is missing.
    fn entries(&self, from: u64, limit: usize) -> Result<Vec<StoredLeaf>, StoreError>;

    /// Reads at most `limit` Merkle hashes of one stored level, from index `from` on. Levels 0, 8,
    /// 16 and so on are stored, and only hashes of complete subtrees.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or an index is missing.
    fn hashes(&self, level: u8, from: u64, limit: usize) -> Result<Vec<Hash>, StoreError>;

    /// How many entries of the audit log were taken out: it begins with the entry of this index.
    /// Reading earlier ones, or the hashes of their leaves, is [`StoreError::Pruned`].
    ///
    /// # Errors
    ///
    /// If the engine cannot read.
    fn pruned_size(&self) -> Result<u64, StoreError>;

    /// How many entries the audit log has, with those that were taken out.
    ///
    /// # Errors
    ///
    /// If the engine cannot read.
    fn tree_size(&self) -> Result<u64, StoreError>;

    /// The latest signed checkpoint of the audit log, a C2SP signed note.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or the stored note is not text.
    fn checkpoint(&self) -> Result<Option<String>, StoreError>;

    /// The latest checkpoint that a witness has cosigned, as far as it was kept.
    ///
    /// # Errors
    ///
    /// If the engine cannot read, or the stored note is not text.
    fn cosigned_checkpoint(&self) -> Result<Option<String>, StoreError>;

    /// Keeps a checkpoint that a witness has cosigned. Not on the disk yet when it returns: who
    /// loses it asks the witness again.
    ///
    /// # Errors
    ///
    /// As [`Store::commit`].
    fn keep_cosigned(&self, note: &str) -> Result<(), StoreError>;

    /// Lists at most `limit` rows of a small table, in the order of their keys, after `after`.
    ///
    /// # Errors
    ///
    /// If the engine cannot read.
    fn rows(
        &self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// Changes one row of a small table, if it is as expected. For what happens outside the audit
    /// log, such as making a vault; everything else is a [`RowChange`] among [`Changes`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if the row is not as expected; else as [`Store::commit`].
    fn compare_and_set(&self, change: &RowChange) -> Result<(), StoreError>;

    /// Removes rows of requests that have expired by `now`. Looks at no more than `limit` rows
    /// after `after`, and says where to go on, or nothing at the end of the table.
    ///
    /// # Errors
    ///
    /// As [`Store::commit`].
    fn sweep_requests(
        &self,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: usize,
    ) -> Result<Sweep, StoreError>;

    /// Moves what is in memory to its tables, so that the next start has less to replay.
    ///
    /// # Errors
    ///
    /// If the engine cannot write.
    fn flush(&self) -> Result<(), StoreError>;

    /// Writes the tables anew without what was removed or replaced, and removes the files that had
    /// it: afterwards no file of the store has the bytes of what was erased before. Takes as long
    /// as reading and writing every record does; calls are served meanwhile.
    ///
    /// # Errors
    ///
    /// If the engine cannot write; what was erased is then erased all the same, but its bytes may
    /// still be on the disk.
    fn purge(&self) -> Result<(), StoreError>;

    /// Takes a copy of everything as of one moment, to be read only. One at a time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if there is another, or the engine cannot.
    fn snapshot(&self) -> Result<Snapshot, StoreError>;

    /// Says whether a commit would find room on the disk now.
    ///
    /// # Errors
    ///
    /// [`StoreError::DiskFull`] if it would not; else as for any read.
    fn check_space(&self) -> Result<(), StoreError>;

    /// For how long the read that began first has asked the disk, in milliseconds; 0 if none does.
    /// An engine that never waits for a disk has none.
    fn reading_ms(&self) -> u64 {
        0
    }

    /// What a metric may tell about the store.
    ///
    /// # Errors
    ///
    /// If the engine cannot say.
    fn statistics(&self) -> Result<Statistics, StoreError>;
}

/// What one step of a sweep did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sweep {
    /// Rows that were removed.
    pub removed_count: usize,
    /// The last row that was looked at, if there may be more after it.
    pub next: Option<RequestKey>,
}

/// What a metric may tell about a store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Statistics {
    /// Bytes that are free for the store on its disk.
    pub free_bytes: u64,
    /// Bytes in memory that are not in a table file yet.
    pub memtable_bytes: u64,
    /// About how many records there are.
    pub records_count_estimate: u64,
    /// Calls that erased, and entries of the log that were, whose bytes may still be on the disk:
    /// see [`Store::purge`].
    pub erasures_unpurged_count: u64,
    /// Bytes in table files.
    pub table_bytes: u64,
    /// Entries of the audit log.
    pub tree_size: u64,
}
