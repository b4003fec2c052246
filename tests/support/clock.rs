//! Time that only a test moves.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use counterfoil::domain::Clock;
use counterfoil::domain::Timestamp;

/// A clock that stands still until a test moves it.
pub(crate) struct TestClock {
    unix_ms: AtomicU64,
}

impl TestClock {
    pub(crate) fn advance_seconds(&self, seconds: u64) {
        self.unix_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self {
            unix_ms: AtomicU64::new(1_800_000_000_000),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.unix_ms.load(Ordering::SeqCst))
    }
}
