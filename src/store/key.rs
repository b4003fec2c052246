//! What rows are found by: fingerprints and ids, the namespace first.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;

use foldhash::fast::RandomState;

use crate::crypto::Fingerprint;
use crate::domain::KeyVersion;

/// What is known of keys. They are outputs of pseudo-random functions, so nobody chooses some that
/// fall together, and a short hash serves.
pub type KeyMap<K, V> = HashMap<K, V, RandomState>;

/// A set of keys, hashed as those of [`KeyMap`] are.
pub type KeySet<K> = HashSet<K, RandomState>;

/// The number of a namespace in stored keys.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NamespaceId(pub u32);

/// The id of a record: the fingerprint of its token.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecordId(pub [u8; 16]);

impl From<Fingerprint> for RecordId {
    fn from(token: Fingerprint) -> Self {
        Self(*token.as_bytes())
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RecordId({:032x})", u128::from_be_bytes(self.0))
    }
}

macro_rules! namespaced_key {
    ($(#[$documentation:meta])* $name:ident, $id:ident: $type:ty, $meaning:literal) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name {
            /// The namespace.
            pub namespace: NamespaceId,
            #[doc = $meaning]
            pub $id: $type,
        }
    };
}

namespaced_key!(
    /// Where a record is.
    RecordKey, id: RecordId, "The fingerprint of the token."
);
namespaced_key!(
    /// Where the row of a value is: the blind index.
    ValueKey, fingerprint: [u8; 16], "The fingerprint of field, scope and equality form."
);
namespaced_key!(
    /// Where the row of a request id is.
    RequestKey, fingerprint: [u8; 16], "The fingerprint of principal and request id."
);

/// Where the records of a subject are listed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SubjectKey {
    /// The namespace.
    pub namespace: NamespaceId,
    /// The fingerprint of the subject.
    pub fingerprint: [u8; 16],
    /// The version of the value fingerprint key that made it.
    pub key_version: KeyVersion,
}
