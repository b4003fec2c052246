//! Time, as an argument.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_ms(unix_ms: u64) -> Self {
        Self(unix_ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> u64 {
        self.0
    }

    /// The time `seconds` later, at the most the last that can be written.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000)))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The time now. It never goes back, whatever the machine's clock does.
    fn now(&self) -> Timestamp;

    /// Learns a time that has been: from now on, the clock is not before it. A start tells it the
    /// time of the last entry, so that nothing that had expired lives again.
    fn not_before(&self, past: Timestamp) {
        let _ = past;
    }
}

/// The machine's clock, held back from ever going back within one process.
#[derive(Default)]
pub struct SystemClock {
    latest_ms: AtomicU64,
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else takes"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now_ms = since_epoch.map_or(0, |elapsed| {
            u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
        });
        Timestamp(
            self.latest_ms
                .fetch_max(now_ms, Ordering::AcqRel)
                .max(now_ms),
        )
    }

    fn not_before(&self, past: Timestamp) {
        self.latest_ms.fetch_max(past.unix_ms(), Ordering::AcqRel);
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SystemClock")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_never_goes_back() {
        let clock = SystemClock {
            latest_ms: AtomicU64::new(u64::MAX - 1),
        };
        assert_eq!(clock.now(), Timestamp::from_unix_ms(u64::MAX - 1));
    }
}
