//! Where each row is: the column families, and the bytes of their keys.
//!
//! | family | key | value |
//! |---|---|---|
//! | `default` | `schema` | [`SCHEMA_VERSION`], 4 bytes |
//! | `default` | `erasures`, `purged` | calls that erased; those whose bytes are gone; 8 bytes |
//! | `default` | `pruned` | index 8 of the first entry that was not taken out |
//! | `default` | `entry_erasures`, `entries_purged` | the same of entries of the log |
//! | `records` | namespace 4, record id 16 | a record |
//! | `values` | namespace 4, value fingerprint 16 | record id 16, key version 4 |
//! | `sharers` | namespace 4, record id 16, subject fingerprint 16 | key version 4 |
//! | `subjects` | namespace 4, subject fingerprint 16, record id 16 | key version 4 |
//! | `requests` | namespace 4, request fingerprint 16 | a request row |
//! | `audit` | index 8 | salt 16, entry; or `erased` |
//! | `tiles` | level 1, index 8 | hash 32 |
//! | `checkpoints` | `latest` | a signed note |
//! | `checkpoints` | `handover`, tree size 8 | index of an entry 8, a signed note |
//! | `checkpoints` | `cosigned` | the latest signed note that a witness has cosigned |
//! | `budgets`, `ceremonies`, `decoys`, `freezes` | as their owners say | as their owners say |
//! | `grants`, `guesses`, `keys`, `meta` | as their owners say | as their owners say |
//!
//! `sharers` has who joined a record that was there: whom it was made for, the record says itself.
//! Most records are one customer's, so most have no row there.
//!
//! Numbers are big endian, so that the order of the bytes is the order of the numbers. The
//! namespace is first in every key that has one: a namespace is a range, in every table.
//!
//! `tiles` has one row per hash, and only of the levels 0, 8, 16 and so on, which are the levels
//! of C2SP tlog-tiles. Storing every level would double the rows of an entry to save a proof at
//! most 255 hash computations per stored level, over rows that lie side by side. A hash is stored
//! once its subtree is complete, so no row is ever written again; a row per whole tile would be
//! rewritten 255 times.

use crate::domain::KeyVersion;
use crate::store::NamespaceId;
use crate::store::RecordKey;
use crate::store::RequestKey;
use crate::store::SubjectKey;
use crate::store::Table;
use crate::store::ValueKey;

/// The version of everything in this file and of the rows that it names.
pub(super) const SCHEMA_VERSION: u32 = 1;
pub(super) const SCHEMA_KEY: &[u8] = b"schema";
pub(super) const ERASURES_KEY: &[u8] = b"erasures";
pub(super) const PURGED_KEY: &[u8] = b"purged";
pub(super) const PRUNED_KEY: &[u8] = b"pruned";
pub(super) const ENTRY_ERASURES_KEY: &[u8] = b"entry_erasures";
pub(super) const ENTRIES_PURGED_KEY: &[u8] = b"entries_purged";
pub(super) const CHECKPOINT_KEY: &[u8] = b"latest";
pub(super) const COSIGNED_KEY: &[u8] = b"cosigned";

/// A column family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    Audit,
    Budgets,
    Ceremonies,
    Checkpoints,
    Decoys,
    Freezes,
    Grants,
    Guesses,
    Keys,
    Meta,
    Records,
    Requests,
    Schema,
    Sharers,
    Subjects,
    Tiles,
    Values,
}

impl Family {
    pub(super) const ALL: [Self; 17] = [
        Self::Audit,
        Self::Budgets,
        Self::Ceremonies,
        Self::Checkpoints,
        Self::Decoys,
        Self::Freezes,
        Self::Grants,
        Self::Guesses,
        Self::Keys,
        Self::Meta,
        Self::Records,
        Self::Requests,
        Self::Schema,
        Self::Sharers,
        Self::Subjects,
        Self::Tiles,
        Self::Values,
    ];

    /// The name on disk, and in errors.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Budgets => "budgets",
            Self::Ceremonies => "ceremonies",
            Self::Checkpoints => "checkpoints",
            Self::Decoys => "decoys",
            Self::Freezes => "freezes",
            Self::Grants => "grants",
            Self::Guesses => "guesses",
            Self::Keys => "keys",
            Self::Meta => "meta",
            Self::Records => "records",
            Self::Requests => "requests",
            // RocksDB has this family in every database.
            Self::Schema => "default",
            Self::Sharers => "sharers",
            Self::Subjects => "subjects",
            Self::Tiles => "tiles",
            Self::Values => "values",
        }
    }

    pub(super) const fn of(table: Table) -> Self {
        match table {
            Table::Budgets => Self::Budgets,
            Table::Ceremonies => Self::Ceremonies,
            Table::Checkpoints => Self::Checkpoints,
            Table::Decoys => Self::Decoys,
            Table::Freezes => Self::Freezes,
            Table::Grants => Self::Grants,
            Table::Guesses => Self::Guesses,
            Table::Keys => Self::Keys,
            Table::Meta => Self::Meta,
        }
    }
}

/// The families that have what must leave the disk when a customer is erased, or a key: the log of
/// entries is not among them, so that it is written anew only where one of its own was erased.
pub(super) const ERASED: [Family; 6] = [
    Family::Keys,
    Family::Records,
    Family::Requests,
    Family::Sharers,
    Family::Subjects,
    Family::Values,
];

/// The key of a row by namespace and fingerprint.
pub(super) type NamespacedKey = [u8; 20];

pub(super) fn record_key(key: &RecordKey) -> NamespacedKey {
    namespaced(key.namespace.0, key.id.0)
}

pub(super) fn value_key(key: &ValueKey) -> NamespacedKey {
    namespaced(key.namespace.0, key.fingerprint)
}

pub(super) fn request_key(key: &RequestKey) -> NamespacedKey {
    namespaced(key.namespace.0, key.fingerprint)
}

/// What the keys of a subject's rows begin with.
pub(super) fn subject_prefix(key: &SubjectKey) -> NamespacedKey {
    namespaced(key.namespace.0, key.fingerprint)
}

pub(super) fn subject_key(key: &SubjectKey, record: [u8; 16]) -> [u8; 36] {
    let mut bytes = [0; 36];
    let parts = subject_prefix(key).into_iter().chain(record);
    bytes
        .iter_mut()
        .zip(parts)
        .for_each(|(byte, part)| *byte = part);
    bytes
}

pub(super) fn sharer_key(record: &RecordKey, subject: &SubjectKey) -> [u8; 36] {
    let mut bytes = [0; 36];
    let parts = record_key(record).into_iter().chain(subject.fingerprint);
    bytes
        .iter_mut()
        .zip(parts)
        .for_each(|(byte, part)| *byte = part);
    bytes
}

/// What the row of a link holds: by which version of the fingerprint key it is found.
pub(super) fn link_value(list: &SubjectKey) -> [u8; 4] {
    list.key_version.number().to_be_bytes()
}

/// A list, from its fingerprint in a key and what its row holds.
pub(super) fn read_list(
    namespace: NamespaceId,
    fingerprint: &[u8],
    value: &[u8],
) -> Option<SubjectKey> {
    let number = value.try_into().ok().map(u32::from_be_bytes)?;
    Some(SubjectKey {
        namespace,
        fingerprint: fingerprint.try_into().ok()?,
        key_version: KeyVersion::new(number)?,
    })
}

pub(super) fn entry_key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

pub(super) fn hash_key(level: u8, index: u64) -> [u8; 9] {
    let [a, b, c, d, e, f, g, h] = index.to_be_bytes();
    [level, a, b, c, d, e, f, g, h]
}

fn namespaced(namespace: u32, fingerprint: [u8; 16]) -> NamespacedKey {
    let mut bytes = [0; 20];
    let parts = namespace.to_be_bytes().into_iter().chain(fingerprint);
    bytes
        .iter_mut()
        .zip(parts)
        .for_each(|(byte, part)| *byte = part);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RecordId;

    #[test]
    fn keys_order_by_namespace_then_fingerprint() {
        let key = |namespace, first| {
            let mut id = [0; 16];
            id[0] = first;
            record_key(&RecordKey {
                namespace: NamespaceId(namespace),
                id: RecordId(id),
            })
        };
        assert!(key(1, 255) < key(2, 0));
        assert!(key(256, 0) > key(255, 1));
        assert!(key(1, 1) < key(1, 2));
    }

    #[test]
    fn hashes_order_by_level_then_index() {
        assert_eq!(hash_key(8, 0x0102), [8, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert!(hash_key(0, u64::MAX) < hash_key(8, 0));
    }

    #[test]
    fn subject_row_begins_with_its_subject() {
        let subject = SubjectKey {
            namespace: NamespaceId(3),
            fingerprint: [5; 16],
            key_version: KeyVersion::FIRST,
        };
        let key = subject_key(&subject, [7; 16]);
        assert!(key.starts_with(&subject_prefix(&subject)));
        assert!(key.ends_with(&[7; 16]));
    }
}
