//! What a call writes, and under which conditions.

use crate::store::Erasure;
use crate::store::Reads;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::Relocation;
use crate::store::RequestKey;
use crate::store::RequestRow;
use crate::store::StoredEntry;
use crate::store::StoredHash;
use crate::store::SubjectKey;
use crate::store::Succession;
use crate::store::ValueKey;

/// The most records that one call may write.
pub const RECORDS_MAX: usize = 1_000;

/// Everything that one call writes: all of it, or nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// New records, at most [`RECORDS_MAX`].
    pub records: Vec<NewRecord>,
    /// Records that take the place of others, at most [`RECORDS_MAX`].
    pub replacements: Vec<Replacement>,
    /// Records that move to where newer fingerprint keys find them, at most [`RECORDS_MAX`].
    pub relocations: Vec<Relocation>,
    /// Records that get a successor among the new ones, at most [`RECORDS_MAX`].
    pub successions: Vec<Succession>,
    /// Further subjects whose lists known records join, which must be there. A link that is there
    /// already stays.
    pub links: Vec<(SubjectKey, RecordId)>,
    /// The row of the call's request id; there must be none, or one that has expired.
    pub request: Option<(RequestKey, RequestRow)>,
    /// Where the row of the same request may be under older keys: there must be none either.
    pub older_requests: Vec<RequestKey>,
    /// Changes of rows in small tables.
    pub rows: Vec<RowChange>,
    /// Records that are erased, at most [`crate::store::ERASURES_MAX`].
    pub erasures: Vec<Erasure>,
    /// A row among those of request ids that is written whatever it was: since when a customer is
    /// erased.
    pub mark: Option<(RequestKey, RequestRow)>,
    /// What the call read, and when; nothing where it does not matter what was written since.
    pub reads: Option<Reads>,
    /// [`crate::store::Store::relocations_count`] before the call read a customer's list, if no
    /// record may have moved since; nothing where that does not matter.
    pub lists_as_of: Option<u64>,
}

impl Changes {
    /// About how many bytes the changes take in a batch, so that groups can be bounded.
    #[must_use]
    pub fn bytes_estimate(&self) -> usize {
        let record = |new: &NewRecord| ROW_BYTES_ESTIMATE + new.record.sealed_bytes();
        let replacement = |changed: &Replacement| ROW_BYTES_ESTIMATE + changed.after.sealed_bytes();
        let relocation = |moved: &Relocation| {
            let links = moved.rows_count_max() * LINK_BYTES_ESTIMATE;
            ROW_BYTES_ESTIMATE + moved.after.sealed_bytes() + links
        };
        let succession = |it: &Succession| ROW_BYTES_ESTIMATE + it.after.sealed_bytes();
        let row = |change: &RowChange| change.key.len() + change.value.as_ref().map_or(0, Vec::len);
        let request = self
            .request
            .as_ref()
            .map_or(0, |(_, row)| 100 + row.outcome.len());
        self.records.iter().map(record).sum::<usize>()
            + self.rows.iter().map(row).sum::<usize>()
            + self.replacements.iter().map(replacement).sum::<usize>()
            + self.relocations.iter().map(relocation).sum::<usize>()
            + self.successions.iter().map(succession).sum::<usize>()
            + self.links.len() * 2 * LINK_BYTES_ESTIMATE
            + self.erasures.len() * ERASURE_BYTES_ESTIMATE
            + request
    }

    /// How many rows the changes write, at the most.
    #[must_use]
    pub fn rows_count_max(&self) -> usize {
        self.records.len() * 3
            + self.replacements.len()
            + self
                .relocations
                .iter()
                .map(Relocation::rows_count_max)
                .sum::<usize>()
            + self.successions.len() * 2
            + self.links.len() * 2
            + self.rows.len()
            + self.erasures.len() * 4
            + usize::from(self.request.is_some())
    }
}

/// A record that is not there yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewRecord {
    /// Where it goes; there must be no record.
    pub key: RecordKey,
    /// Where the value index shall point at it, from the record's own [`super::ValueIndex`].
    /// There must be no row, or one that points at `replaces`.
    pub value_key: Option<ValueKey>,
    /// Where the token's record, and the value's row, may be under older keys: there must be none
    /// either, but a row that points at `replaces`.
    pub older: Older,
    /// The expired record of the same value, whose row in the value index this one takes over.
    pub replaces: Option<RecordId>,
    /// The subject whose list it joins.
    pub subject_key: Option<SubjectKey>,
    /// The record.
    pub record: Record,
}

/// Where a token's record, and a value's row, may be under older versions of the fingerprint keys.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Older {
    /// The record.
    pub records: Vec<RecordKey>,
    /// The row in the value index.
    pub values: Vec<ValueKey>,
}

/// A record that takes the place of another of the same token, if that is as it was read. What the
/// indexes say of it stays.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replacement {
    /// Where it is.
    pub key: RecordKey,
    /// What must be there.
    pub before: Record,
    /// What shall be there.
    pub after: Record,
}

/// A small table, of rows that are opaque to the store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Table {
    /// What each holder of a budget has seen, and when.
    Budgets,
    /// What officers do together.
    Ceremonies,
    /// Signed checkpoints of the log that are kept: where it came under another key.
    Checkpoints,
    /// Customers who do not exist.
    Decoys,
    /// What is frozen.
    Freezes,
    /// Grants.
    Grants,
    /// How often values were claimed for tokens.
    Guesses,
    /// Key versions with their states, wrapped.
    Keys,
    /// What the vault knows of itself, such as its namespaces.
    Meta,
}

/// A row of a small table: its key, then what it holds.
pub type Row = (Vec<u8>, Vec<u8>);

/// A change of one row, if it is as expected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowChange {
    /// The table.
    pub table: Table,
    /// The key of the row.
    pub key: Vec<u8>,
    /// What the row must hold now; nothing if there must be none.
    pub expected: Option<Vec<u8>>,
    /// What the row shall hold; nothing to remove it.
    pub value: Option<Vec<u8>>,
}

/// A row of a small table as it shall be, whatever it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowPut {
    /// The table.
    pub table: Table,
    /// The key of the row.
    pub key: Vec<u8>,
    /// What the row shall hold; nothing to remove it.
    pub value: Option<Vec<u8>>,
}

/// A group of calls with their audit entries, written as one.
#[derive(Clone, Debug)]
pub struct CommitBatch<'a> {
    /// The calls' changes, none of which has a conflict.
    pub changes: Vec<&'a Changes>,
    /// Rows of the sequencer's own state, each key at most once.
    pub puts: Vec<RowPut>,
    /// What the audit log grows by.
    pub append: Append,
}

/// What the audit log grows by.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Append {
    /// How many entries the log must have before.
    pub tree_size: u64,
    /// The entries, their indexes from `tree_size` on without a gap.
    pub entries: Vec<StoredEntry>,
    /// The indexes of earlier entries that are erased: those of `entries` that say so name them.
    /// None of them was erased before.
    pub erased: Vec<u64>,
    /// The log begins here from now on: entries before it, and the hashes of their leaves, go. One
    /// of `entries` says so. A multiple of 256, more than before, at most `tree_size`.
    pub pruned_size: Option<u64>,
    /// The Merkle hashes that they complete.
    pub hashes: Vec<StoredHash>,
    /// The signed checkpoint of the log with them.
    pub checkpoint: String,
}

/// A tombstone, and the keys of the rows that go.
const ERASURE_BYTES_ESTIMATE: usize = 300;
/// The row of a link.
const LINK_BYTES_ESTIMATE: usize = 50;
/// The keys of a record's three rows, and what they hold beside the sealed bytes.
const ROW_BYTES_ESTIMATE: usize = 200;
