//! The opened versions of one key.

use std::fmt;

use crate::domain::KeyVersion;

/// The opened versions of one key: the active one, and those that still process.
///
/// Each has a place of its own on the heap from its making on: moving a ring moves pointers, so
/// that no copy of a key stays behind on the stack.
pub struct Versions<K> {
    active: (KeyVersion, Box<K>),
    others: Vec<(KeyVersion, Box<K>)>,
}

impl<K> Versions<K> {
    /// The others need not be sorted.
    pub(super) fn new(active: (KeyVersion, Box<K>), mut others: Vec<(KeyVersion, Box<K>)>) -> Self {
        others.sort_by(|(one, _), (other, _)| other.cmp(one));
        Self { active, others }
    }

    /// The key that protects what is new.
    #[must_use]
    pub fn active(&self) -> &K {
        &self.active.1
    }

    /// The version of the key that protects what is new.
    #[must_use]
    pub fn active_version(&self) -> KeyVersion {
        self.active.0
    }

    /// The key of a version, if that still processes.
    #[must_use]
    pub fn version(&self, version: KeyVersion) -> Option<&K> {
        self.iter()
            .find(|(other, _)| *other == version)
            .map(|(_, key)| key)
    }

    /// Every key that processes: the active one first, then the others, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = (KeyVersion, &K)> {
        [&self.active]
            .into_iter()
            .chain(&self.others)
            .map(|(version, key)| (*version, &**key))
    }
}

impl<K> fmt::Debug for Versions<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Versions")
            .field("active", &self.active.0)
            .finish_non_exhaustive()
    }
}
