//! The window: how much of the log its witness has not seen, and whether a value may still leave.
//!
//! The sequencer asks, when it gives an intent its place: nobody can look before their turn. What
//! was revealed is thus never further than the window's entries behind what the witness has seen.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::domain::Clock;
use crate::domain::Timestamp;

/// How much may be revealed that the witness has not seen. Beyond it, reveals stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WitnessWindow {
    /// The most entries that the witness has not seen, the reveal's own among them.
    pub entries_max: u64,
    /// The longest that the witness may not have seen the oldest of them.
    pub seconds_max: u64,
}

/// What the witness has not seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unwitnessed {
    /// How many entries; all of them before the witness has answered for the first time.
    pub entries_count: u64,
    /// How old the oldest of them is, at the most, in milliseconds; 0 where there are none. Before
    /// the witness has answered for the first time: how long ago the log was opened.
    pub age_ms: u64,
    /// Whether a reveal would be let through now.
    pub may_reveal: bool,
}

/// The window of one log.
pub(super) struct Window {
    rules: WitnessWindow,
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    tree_size: u64,
    /// Nothing before the witness has answered.
    witnessed_size: Option<u64>,
    /// The largest size that the witness has cosigned, before the start or since.
    cosigned_size: u64,
    /// Since when entries from some index on are there, in the order of both.
    marks: VecDeque<Mark>,
    /// The witness has seen what this log is not.
    has_diverged: bool,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    first_index: u64,
    time_ms: u64,
}

/// When a group is judged, and what it is appended to.
pub(super) struct Turn<'a> {
    /// How many entries the log has before the group.
    pub(super) tree_size: u64,
    /// The time of all its entries.
    pub(super) now: Timestamp,
    /// The window, where there is a witness.
    pub(super) window: Option<&'a Window>,
}

impl Turn<'_> {
    /// Whether a value may leave whose intent comes after so many entries of the group. What was
    /// cosigned is looked at now, in the one thread that gives places: nobody is between the look
    /// and the place.
    pub(super) fn admits(&self, placed_count: usize) -> bool {
        let index = self.tree_size.saturating_add(placed_count as u64);
        self.window
            .is_none_or(|window| window.admits(index, self.now))
    }
}

impl Default for WitnessWindow {
    fn default() -> Self {
        Self {
            entries_max: 1_000,
            seconds_max: 5,
        }
    }
}

impl Window {
    /// The window of a log that was opened with so many entries, none of which counts as seen.
    pub(super) fn new(rules: WitnessWindow, clock: Arc<dyn Clock>, tree_size: u64) -> Self {
        let opened = Mark {
            first_index: 0,
            time_ms: clock.now().unix_ms(),
        };
        let seen = Mutex::new(Seen {
            tree_size,
            witnessed_size: None,
            cosigned_size: 0,
            marks: VecDeque::from([opened]),
            has_diverged: false,
        });
        Self { rules, clock, seen }
    }

    /// Whether a value may leave whose intent gets this index now.
    pub(super) fn admits(&self, index: u64, now: Timestamp) -> bool {
        self.seen().admits(&self.rules, index, now.unix_ms())
    }

    /// Learns that the log has grown.
    pub(super) fn appended(&self, first_index: u64, tree_size: u64, now: Timestamp) {
        let mut seen = self.seen();
        seen.tree_size = tree_size;
        seen.mark(first_index, now.unix_ms());
    }

    /// Learns that the witness has cosigned a checkpoint of this size.
    pub(super) fn witnessed(&self, size: u64) {
        let mut seen = self.seen();
        seen.witnessed_size = seen.witnessed_size.max(Some(size));
        seen.cosigned_size = seen.cosigned_size.max(size);
        seen.forget();
    }

    /// Learns that the witness had cosigned a checkpoint of this size before the start. No value
    /// leaves for it: whoever has the disk can bring an old one back.
    pub(super) fn cosigned(&self, size: u64) {
        let mut seen = self.seen();
        seen.cosigned_size = seen.cosigned_size.max(size);
    }

    /// The largest size that the witness has cosigned, before the start or since; 0 if none.
    pub(super) fn cosigned_size(&self) -> u64 {
        self.seen().cosigned_size
    }

    /// Learns that the witness has seen another log under this name: nothing more is written.
    pub(super) fn diverged(&self) {
        self.seen().has_diverged = true;
    }

    pub(super) fn has_diverged(&self) -> bool {
        self.seen().has_diverged
    }

    /// What the witness has not seen.
    pub(super) fn unwitnessed(&self) -> Unwitnessed {
        let now_ms = self.clock.now().unix_ms();
        let seen = self.seen();
        Unwitnessed {
            entries_count: seen.entries_count(),
            age_ms: seen.age_ms(now_ms),
            may_reveal: seen.admits(&self.rules, seen.tree_size, now_ms),
        }
    }

    /// Whether so much of the window is used that the next submission should not wait.
    pub(super) fn is_pressed(&self) -> bool {
        self.seen().entries_count() >= self.rules.entries_max / PRESSED_SHARE
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // No step in here panics half way.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn admits(&self, rules: &WitnessWindow, index: u64, now_ms: u64) -> bool {
        let Some(witnessed_size) = self.witnessed_size.filter(|_| !self.has_diverged) else {
            return false;
        };
        let entries_count = index.saturating_add(1).saturating_sub(witnessed_size);
        let age_max_ms = rules.seconds_max.saturating_mul(1_000);
        entries_count <= rules.entries_max && self.age_ms(now_ms) <= age_max_ms
    }

    fn entries_count(&self) -> u64 {
        self.tree_size - self.witnessed_size.unwrap_or(0).min(self.tree_size)
    }

    fn age_ms(&self, now_ms: u64) -> u64 {
        // The first mark is of the oldest entry that was not seen, or of an older one.
        let oldest = self.marks.front().filter(|_| self.entries_count() > 0);
        oldest.map_or(0, |mark| now_ms.saturating_sub(mark.time_ms))
    }

    /// Notes since when there are entries from this index on. The times of several marks may become
    /// one, the oldest: an entry then counts as older than it is, and never as younger.
    fn mark(&mut self, first_index: u64, time_ms: u64) {
        if let Some(last) = self.marks.back()
            && time_ms.saturating_sub(last.time_ms) < MARK_MS
            && last.first_index >= self.witnessed_size.unwrap_or(0)
        {
            return;
        }
        let mark = Mark {
            first_index,
            time_ms,
        };
        self.marks.push_back(mark);
        self.forget();
        if self.marks.len() > MARKS_MAX {
            let mut position = 0_usize;
            self.marks.retain(|_| {
                position += 1;
                position % 2 == 1
            });
        }
    }

    /// Forgets marks of entries that were all seen.
    fn forget(&mut self) {
        let witnessed_size = self.witnessed_size.unwrap_or(0);
        while self
            .marks
            .get(1)
            .is_some_and(|second| second.first_index <= witnessed_size)
        {
            self.marks.pop_front();
        }
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Window").finish_non_exhaustive()
    }
}

/// How exactly the age of entries is kept.
const MARK_MS: u64 = 50;
/// How many marks are kept: those of hours without a witness, at the usual exactness.
const MARKS_MAX: usize = 65_536;
/// Where a submission no longer waits for its time: at one in so many parts of the window.
const PRESSED_SHARE: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_ms(0)
        }
    }

    fn window(entries_max: u64, tree_size: u64) -> Window {
        let rules = WitnessWindow {
            entries_max,
            seconds_max: 5,
        };
        Window::new(rules, Arc::new(Still), tree_size)
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    #[test]
    fn nothing_is_revealed_before_the_witness_has_answered() {
        let window = window(10, 3);
        assert!(!window.admits(3, at(0)));
        window.witnessed(3);
        assert!(window.admits(3, at(0)));
        window.diverged();
        assert!(!window.admits(3, at(0)));
    }

    #[test]
    fn entries_are_bounded_to_the_last() {
        let window = window(10, 3);
        window.witnessed(3);
        // The reveal's own entry is one of the ten.
        assert!(window.admits(12, at(0)));
        assert!(!window.admits(13, at(0)));
        window.witnessed(4);
        assert!(window.admits(13, at(0)));
        // A smaller size that comes late changes nothing.
        window.witnessed(2);
        assert!(window.admits(13, at(0)));
    }

    #[test]
    fn age_is_that_of_the_oldest_entry_that_was_not_seen() {
        let window = window(1_000, 3);
        window.witnessed(3);
        // A log that was seen as a whole has no age.
        assert!(window.admits(3, at(1_000_000)));
        window.appended(3, 5, at(1_000_000));
        window.appended(5, 6, at(1_003_000));
        assert!(window.admits(6, at(1_005_000)));
        assert!(!window.admits(6, at(1_005_001)));
        window.witnessed(4);
        assert!(!window.admits(6, at(1_005_001)), "entry 4 is as old");
        window.witnessed(5);
        assert!(window.admits(6, at(1_008_000)));
        assert!(!window.admits(6, at(1_008_001)));
        window.witnessed(6);
        assert!(window.admits(6, at(1_020_000)));
    }

    #[test]
    fn entries_never_count_as_younger_than_they_are() {
        let window = window(u64::MAX, 0);
        window.witnessed(0);
        let times: Vec<u64> = (0..300_000).map(|index| index * 17).collect();
        for (index, time) in (0_u64..).zip(&times) {
            window.appended(index, index + 1, at(*time));
        }
        assert!(window.seen().marks.len() <= MARKS_MAX);
        for witnessed in [0, 1, 77, 100_000, 250_000, 299_999] {
            window.witnessed(witnessed as u64);
            let age_ms = window.seen().age_ms(10_000_000);
            assert!(age_ms >= 10_000_000 - times[witnessed]);
        }
        window.witnessed(300_000);
        assert_eq!(window.seen().age_ms(10_000_000), 0);
    }

    #[test]
    fn entry_after_what_was_seen_begins_a_mark_of_its_own() {
        let window = window(1_000, 3);
        window.witnessed(3);
        window.appended(3, 4, at(100));
        window.witnessed(4);
        // Soon after an older mark, all of which was seen: its time is not this entry's.
        window.appended(4, 5, at(120));
        assert!(window.admits(5, at(5_120)));
        assert!(!window.admits(5, at(5_121)));
    }
}
