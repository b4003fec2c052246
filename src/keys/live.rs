//! The ring that is in use, and how another takes its place while calls are under way.
//!
//! Each call takes the ring of its beginning and keeps it to its end. Where it writes what it has
//! sealed, the log checks that the ring is still the one in use, and turns it away to begin anew if
//! not. A ring that is out of use is wiped when the last call lets go of it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::Weak;

use crate::domain::Epoch;
use crate::domain::EpochCounter;
use crate::keys::Keyring;

/// The ring that is in use. Clones are the same.
#[derive(Clone)]
pub struct LiveKeyring {
    current: Arc<RwLock<Arc<Keyring>>>,
    epochs: EpochCounter,
}

/// The ring that a call works with, from its beginning to its end.
#[derive(Clone)]
pub struct Ring {
    keyring: Arc<Keyring>,
    epoch: Epoch,
}

/// A ring that is out of use, and whether anybody still works with it.
#[derive(Clone, Debug)]
pub struct Bygone(Weak<Keyring>);

impl LiveKeyring {
    /// Puts the first ring in use.
    #[must_use]
    pub fn new(keyring: Keyring) -> Self {
        Self {
            current: Arc::new(RwLock::new(Arc::new(keyring))),
            epochs: EpochCounter::default(),
        }
    }

    /// The ring that is in use now.
    #[must_use]
    pub fn current(&self) -> Ring {
        // The epoch first: should the ring be replaced in between, the call is turned away once
        // too often and not once too rarely.
        let epoch = self.epochs.current();
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Ring {
            keyring: Arc::clone(&current),
            epoch,
        }
    }

    /// Puts another ring in use, after the log has the entries that say so.
    #[must_use]
    pub fn replace(&self, keyring: Keyring) -> Bygone {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, Arc::new(keyring));
        self.epochs.advance();
        Bygone(Arc::downgrade(&before))
    }
}

impl Ring {
    /// The epoch in which the ring is in use.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }
}

impl Bygone {
    /// Whether nobody works with it any more: it is wiped from memory then.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl Deref for Ring {
    type Target = Keyring;

    fn deref(&self) -> &Keyring {
        &self.keyring
    }
}

impl fmt::Debug for LiveKeyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LiveKeyring")
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ring").finish_non_exhaustive()
    }
}
