//! Which keys a call works with: those of now, or those of before a rotation.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Counts how often the keys that are in use have changed. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct EpochCounter(Arc<AtomicU64>);

/// The epoch that a call began in.
#[derive(Clone, Debug)]
pub struct Epoch {
    number: u64,
    counter: EpochCounter,
}

impl EpochCounter {
    /// The epoch of now.
    #[must_use]
    pub fn current(&self) -> Epoch {
        Epoch {
            number: self.0.load(Ordering::Acquire),
            counter: self.clone(),
        }
    }

    /// Ends the epoch of now: whatever was begun in it must begin anew.
    pub fn advance(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Epoch {
    /// Whether it has not ended yet.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.counter.0.load(Ordering::Acquire) == self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoch_ends_when_the_counter_advances() {
        let counter = EpochCounter::default();
        let (before, other) = (counter.current(), counter.clone());
        assert!(before.is_current());
        other.advance();
        assert!(!before.is_current());
        assert!(counter.current().is_current());
    }
}
