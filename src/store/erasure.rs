//! What becomes of the records of a customer who is erased.

use crate::domain::Fidelity;
use crate::domain::KeyVersion;
use crate::domain::Timestamp;
use crate::store::Record;
use crate::store::RecordKey;
use crate::store::RecordState;
use crate::store::SubjectKey;
use crate::store::ValueKey;

/// The most records that one call may erase.
pub const ERASURES_MAX: usize = 500;

/// A record on the list of a customer who is erased, as it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Erasure {
    /// The record.
    pub key: RecordKey,
    /// The customer's lists that it leaves: one for each version of the fingerprint key. At least
    /// one.
    pub subjects: Vec<SubjectKey>,
    /// The record, which must still be so; nothing where the list has one that is not there.
    pub expected: Option<Record>,
    /// Who else has it, which must still be so.
    pub sharing: Sharing,
    /// Whether the record was made for this customer: the subject that is sealed in it is theirs.
    pub is_own: bool,
}

/// Who has a record, as one customer sees it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Sharing {
    /// The customer joined the record after it was made.
    pub is_further: bool,
    /// Customers who are neither this one nor whom the record was made for joined it.
    pub has_others: bool,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Others have it too: it stays, and no longer says whom it was made for.
    Disowned,
    /// Nobody else has it: a tombstone takes its place.
    Erased,
    /// It is not there, or was erased before.
    Gone,
    /// It was made for somebody else, and stays as it is.
    Kept,
}

impl Erasure {
    /// What becomes of the record. One that was made for nobody is kept alive by nobody: a use
    /// that names no customer cannot be told from none.
    #[must_use]
    pub fn fate(&self) -> Fate {
        let Some(record) = &self.expected else {
            return Fate::Gone;
        };
        if record.state == RecordState::Erased {
            return Fate::Gone;
        }
        let is_anothers = !self.is_own && !record.subject.is_empty();
        match (self.sharing.has_others || is_anothers, self.is_own) {
            (false, _) => Fate::Erased,
            (true, true) => Fate::Disowned,
            (true, false) => Fate::Kept,
        }
    }

    /// What takes the record's place, if anything does.
    #[must_use]
    pub fn successor(&self) -> Option<Record> {
        match self.fate() {
            Fate::Disowned => self.expected.as_ref().map(|record| Record {
                subject: Vec::new(),
                ..record.clone()
            }),
            Fate::Erased => {
                let record = self.expected.as_ref();
                record.map(|record| Record::tombstone(record.token_version))
            }
            Fate::Gone | Fate::Kept => None,
        }
    }

    /// The row of the value index that goes, if it still points at the record.
    #[must_use]
    pub fn value_key(&self) -> Option<ValueKey> {
        let index = self.expected.as_ref()?.value_index?;
        (self.fate() == Fate::Erased).then_some(ValueKey {
            namespace: self.key.namespace,
            fingerprint: index.fingerprint,
        })
    }
}

impl Record {
    /// What stands where a record was erased, so that its token is never drawn again: the same
    /// bytes for every one under a version of the token fingerprint key, which say nothing else of
    /// the record that was there.
    #[must_use]
    pub fn tombstone(token_version: KeyVersion) -> Self {
        Self {
            layout_version: 0,
            fidelity: Fidelity::Shape,
            outline_size: 0,
            state: RecordState::Erased,
            wrapping_version: KeyVersion::FIRST,
            token_version,
            value_index: None,
            created: Timestamp::default(),
            expires: None,
            wrapped: Vec::new(),
            subject: Vec::new(),
            residue: Vec::new(),
            token: Vec::new(),
            successor: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NamespaceId;
    use crate::store::RecordId;

    /// Goal: nothing of the customer stays, and nothing of another goes. Method: every combination
    /// of whose record it is and who else has it.
    #[test]
    fn record_goes_with_the_last_who_has_it() {
        for (subject, is_own, has_others, expected) in [
            (true, true, false, Fate::Erased),
            (true, true, true, Fate::Disowned),
            (true, false, false, Fate::Kept),
            (true, false, true, Fate::Kept),
            (false, false, false, Fate::Erased),
            (false, false, true, Fate::Kept),
        ] {
            let record = Record {
                state: RecordState::Live,
                wrapped: vec![1; 48],
                subject: if subject { vec![2; 30] } else { Vec::new() },
                ..Record::tombstone(KeyVersion::FIRST)
            };
            let erasure = Erasure {
                key: RecordKey {
                    namespace: NamespaceId(1),
                    id: RecordId([1; 16]),
                },
                subjects: Vec::new(),
                expected: Some(record),
                sharing: Sharing {
                    is_further: !is_own,
                    has_others,
                },
                is_own,
            };
            let case = (subject, is_own, has_others);
            assert_eq!(erasure.fate(), expected, "{case:?}");
            let successor = erasure.successor();
            assert_eq!(successor.is_some(), expected != Fate::Kept, "{case:?}");
            assert!(successor.is_none_or(|record| record.subject.is_empty()));
        }
    }

    #[test]
    fn tombstone_says_nothing() {
        let tombstone = Record::tombstone(KeyVersion::FIRST);
        let bytes = tombstone.encode().unwrap();
        assert_eq!(Record::decode(&bytes).unwrap(), tombstone);
        // The version of the bytes, a fidelity, the state, the versions of the key that wraps
        // nothing and of the key that made the id.
        let said: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        assert_eq!(said, [1, 1, 2, 1, 1]);
    }
}
