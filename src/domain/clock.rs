//! Time, as an argument.

use std::fmt;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
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

    /// How long it is since some moment of this process, by a clock that nobody sets: what waits in
    /// one process can be measured by it.
    fn steady(&self) -> Duration {
        Duration::from_millis(self.now().unix_ms())
    }

    /// Learns a time that has been: from now on, the clock is not before it. A start tells it the
    /// time of the last entry, so that nothing that had expired lives again.
    fn not_before(&self, past: Timestamp) {
        let _ = past;
    }
}

/// The machine's clock, which goes on at its own pace when somebody sets it back, so that nothing
/// that ends by itself lasts longer for it. Set forward, it follows: things end early then.
pub struct SystemClock {
    anchor: Mutex<Anchor>,
    started: Instant,
}

/// A time that has been, and how long ago in a time that nobody sets.
struct Anchor {
    time_ms: u64,
    instant: Instant,
}

impl Anchor {
    fn now_ms(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.instant);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.time_ms.saturating_add(elapsed_ms)
    }

    /// The time now, and from now on not before it.
    fn read(&mut self, wall_ms: u64, instant: Instant) -> u64 {
        let now_ms = self.now_ms(instant);
        if wall_ms > now_ms {
            *self = Self {
                time_ms: wall_ms,
                instant,
            };
        }
        now_ms.max(wall_ms)
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        let started = instant();
        let anchor = Anchor {
            time_ms: wall_ms(),
            instant: started,
        };
        Self {
            anchor: Mutex::new(anchor),
            started,
        }
    }
}

impl SystemClock {
    fn anchor(&self) -> MutexGuard<'_, Anchor> {
        // A panic cannot leave an anchor half changed.
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Read under the lock, so that a slower thread cannot bring an older time.
        let mut anchor = self.anchor();
        Timestamp(anchor.read(wall_ms(), instant()))
    }

    fn steady(&self) -> Duration {
        instant().saturating_duration_since(self.started)
    }

    fn not_before(&self, past: Timestamp) {
        self.anchor().read(past.unix_ms(), instant());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else takes"
)]
fn wall_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since_epoch.map_or(0, |elapsed| {
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everything else takes"
)]
fn instant() -> Instant {
    Instant::now()
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
        let clock = SystemClock::default();
        let past = Timestamp::from_unix_ms(u64::MAX / 2);
        clock.not_before(past);
        assert!(clock.now() >= past);
        let long = Duration::from_secs(3_600);
        assert!(clock.steady() < long, "that nobody told it");
    }

    #[test]
    fn clock_that_is_set_back_goes_on() {
        let start = instant();
        let after = |ms| start + Duration::from_millis(ms);
        let mut anchor = Anchor {
            time_ms: 1_000,
            instant: start,
        };
        assert_eq!(anchor.read(1_010, after(10)), 1_010);
        // Set forward: it follows. Set back: it goes on from where it was.
        assert_eq!(anchor.read(9_000, after(20)), 9_000);
        assert_eq!(anchor.read(1_030, after(30)), 9_010);
        assert_eq!(anchor.read(0, after(1_020)), 10_000);
        // It agrees with the machine again once that has caught up.
        assert_eq!(anchor.read(12_000, after(2_000)), 12_000);
    }
}
