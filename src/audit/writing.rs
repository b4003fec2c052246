//! How long the sequencer has been at the group that it writes: a disk may not answer at all.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::domain::Clock;

/// Since when a group is being written.
pub(super) struct Writing {
    clock: Arc<dyn Clock>,
    /// In milliseconds since 1970; 0 for none.
    since: AtomicU64,
}

impl Writing {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            since: AtomicU64::new(0),
        }
    }

    /// A group is begun.
    pub(super) fn begin(&self) {
        let now = self.clock.now().unix_ms().max(1);
        self.since.store(now, Ordering::Release);
    }

    /// The group is written, or never will be.
    pub(super) fn end(&self) {
        self.since.store(0, Ordering::Release);
    }

    /// For how long the group is being written, in milliseconds; 0 for none.
    pub(super) fn age_ms(&self) -> u64 {
        match self.since.load(Ordering::Acquire) {
            0 => 0,
            since => self.clock.now().unix_ms().saturating_sub(since),
        }
    }
}
