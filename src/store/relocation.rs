//! A record that moves to where newer fingerprint keys find it.

use crate::store::Record;
use crate::store::RecordKey;
use crate::store::SubjectKey;
use crate::store::ValueKey;

/// The most customers who joined records that one call may move with them.
pub const SHARERS_MAX: usize = 50_000;

/// A record that moves to where newer fingerprint keys find it, with everything that points at it:
/// its row in the value index, and its links on customers' lists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Relocation {
    /// Where it is.
    pub from: RecordKey,
    /// Where it shall be; the same place, if only what points at it moves.
    pub to: RecordKey,
    /// What must be there.
    pub before: Record,
    /// What shall be there. Where its value index differs, the row moves, if it is the record's.
    pub after: Record,
    /// Who joined it after it was made, which must still be so, in the order of the store.
    pub sharers: Vec<SubjectKey>,
    /// The lists of customers who are known.
    pub lists: Vec<ListMove>,
}

/// A customer's list under a newer version of the fingerprint key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListMove {
    /// The list under each version.
    pub from: Vec<SubjectKey>,
    /// The list under the newest.
    pub to: SubjectKey,
}

impl Relocation {
    /// The list that a link moves to.
    #[must_use]
    pub fn list_after(&self, list: &SubjectKey) -> SubjectKey {
        let mut moves = self.lists.iter();
        moves
            .find(|moves| moves.from.contains(list))
            .map_or(*list, |moves| moves.to)
    }

    /// The lists that may have the record.
    pub(super) fn lists_before(&self) -> impl Iterator<Item = SubjectKey> {
        let known = self.lists.iter().flat_map(|moves| &moves.from);
        known.chain(&self.sharers).copied()
    }

    pub(super) fn value_key_before(&self) -> Option<ValueKey> {
        value_key(&self.from, &self.before)
    }

    pub(super) fn value_key_after(&self) -> Option<ValueKey> {
        value_key(&self.to, &self.after)
    }

    /// How many rows it writes, at the most.
    pub(super) fn rows_count_max(&self) -> usize {
        let links = self.sharers.len() * 2 + self.lists_before().count();
        4 + links * 2
    }
}

fn value_key(key: &RecordKey, record: &Record) -> Option<ValueKey> {
    let index = record.value_index?;
    Some(ValueKey {
        namespace: key.namespace,
        fingerprint: index.fingerprint,
    })
}
