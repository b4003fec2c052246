//! A record that gets a successor: another token for the same value.

use crate::store::Record;
use crate::store::RecordKey;
use crate::store::SubjectKey;
use crate::store::ValueKey;

/// A record that gets a successor, which is among the new records of the same call and takes its
/// row in the value index. The record itself stays; nobody may have joined it since it was read,
/// so that whoever has it can be given the successor too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Succession {
    /// Where it is, and stays.
    pub key: RecordKey,
    /// What must be there.
    pub before: Record,
    /// What shall be there. It has no row in the value index.
    pub after: Record,
    /// Who joined it after it was made, which must still be so, in the order of the store.
    pub sharers: Vec<SubjectKey>,
}

impl Succession {
    /// The row of the value index that is no longer the record's.
    pub(super) fn value_key(&self) -> Option<ValueKey> {
        let index = self.before.value_index?;
        Some(ValueKey {
            namespace: self.key.namespace,
            fingerprint: index.fingerprint,
        })
    }
}
