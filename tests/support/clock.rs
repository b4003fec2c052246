//! Time that only a test moves.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use counterfoil::domain::Clock;
use counterfoil::domain::Timestamp;

/// A clock that stands still until a test moves it.
pub(crate) struct TestClock {
    unix_ms: AtomicU64,
    /// How much of it was set, and has not passed.
    set_ms: AtomicU64,
}

impl TestClock {
    pub(crate) fn advance_seconds(&self, seconds: u64) {
        self.unix_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// Sets it forward, as somebody may set a machine's.
    pub(crate) fn set_forward_seconds(&self, seconds: u64) {
        self.set_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
        self.advance_seconds(seconds);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self {
            unix_ms: AtomicU64::new(1_800_000_000_000),
            set_ms: AtomicU64::new(0),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.unix_ms.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        let set_ms = self.set_ms.load(Ordering::SeqCst);
        Duration::from_millis(self.now().unix_ms() - set_ms)
    }
}
