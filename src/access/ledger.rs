//! What one holder has seen, and when it was seen last.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::ops::Bound;

use crate::access::rules::Window;
use crate::access::seen::SeenKey;

/// What one holder has seen within the longest window, each value once, with its last time.
///
/// A window slides: it has the values whose last time is less than its length ago. Whatever
/// interval of that length one looks at, the values that were seen in it were all in the window at
/// the last of its sightings; so a bound on the window's count bounds every interval.
#[derive(Debug)]
pub(super) struct Ledger {
    times_ms: HashMap<SeenKey, u64>,
    order: BTreeSet<(u64, SeenKey)>,
    counts: [Count; Window::ALL.len()],
}

/// How many values have a last time at or after the start of a window.
#[derive(Debug)]
struct Count {
    window: Window,
    start_ms: u64,
    values_count: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            times_ms: HashMap::new(),
            order: BTreeSet::new(),
            counts: Window::ALL.map(|window| Count {
                window,
                start_ms: 0,
                values_count: 0,
            }),
        }
    }
}

impl Ledger {
    /// Moves the windows on to `now_ms`, which is not before any time that it was told.
    pub(super) fn advance(&mut self, now_ms: u64) {
        for count in &mut self.counts {
            let start_ms = start_ms(count.window, now_ms);
            if start_ms > count.start_ms {
                let left = self
                    .order
                    .range(first(count.start_ms)..first(start_ms))
                    .count();
                count.values_count = count.values_count.saturating_sub(left as u64);
                count.start_ms = start_ms;
            }
        }
    }

    /// Takes out at most `limit` values that have left the longest window.
    pub(super) fn prune(&mut self, now_ms: u64, limit: usize) -> Vec<SeenKey> {
        let end = first(start_ms(Window::Month, now_ms));
        let gone: Vec<_> = self.order.range(..end).take(limit).copied().collect();
        for entry in &gone {
            self.order.remove(entry);
            self.times_ms.remove(&entry.1);
        }
        gone.into_iter().map(|(_, key)| key).collect()
    }

    /// Sets the last time of a value, or forgets it, and returns what it was.
    pub(super) fn set(&mut self, key: SeenKey, time_ms: Option<u64>) -> Option<u64> {
        let before_ms = match time_ms {
            Some(time_ms) => self.times_ms.insert(key, time_ms),
            None => self.times_ms.remove(&key),
        };
        if let Some(before_ms) = before_ms {
            self.order.remove(&(before_ms, key));
        }
        if let Some(time_ms) = time_ms {
            self.order.insert((time_ms, key));
        }
        for count in &mut self.counts {
            let is_in = |time_ms: Option<u64>| {
                u64::from(time_ms.is_some_and(|time_ms| time_ms >= count.start_ms))
            };
            count.values_count = (count.values_count + is_in(time_ms)) - is_in(before_ms);
        }
        before_ms
    }

    /// How many values a window would have if these were seen now.
    pub(super) fn count_with(&self, window: Window, keys: &HashSet<SeenKey>) -> u64 {
        let start_ms = self.count(window).map_or(0, |count| count.start_ms);
        let is_new = |key: &&SeenKey| {
            self.times_ms
                .get(*key)
                .is_none_or(|time_ms| *time_ms < start_ms)
        };
        let new_count = keys.iter().filter(is_new).count() as u64;
        self.values_count(window) + new_count
    }

    /// How many values a window has.
    pub(super) fn values_count(&self, window: Window) -> u64 {
        self.count(window).map_or(0, |count| count.values_count)
    }

    /// When the window has at most `values_max` values, if nothing more is seen.
    pub(super) fn falls_to(&self, window: Window, values_max: u64) -> u64 {
        let Some(count) = self.count(window) else {
            return 0;
        };
        let excess = count.values_count.saturating_sub(values_max);
        let Some(nth) = usize::try_from(excess)
            .ok()
            .and_then(|nth| nth.checked_sub(1))
        else {
            return 0;
        };
        let inside = (Bound::Included(first(count.start_ms)), Bound::Unbounded);
        let last = self.order.range(inside).nth(nth);
        last.map_or(0, |(time_ms, _)| time_ms + window.span_ms())
    }

    fn count(&self, window: Window) -> Option<&Count> {
        self.counts.iter().find(|count| count.window == window)
    }
}

/// The first moment that a window has: what was seen exactly its length ago is out.
fn start_ms(window: Window, now_ms: u64) -> u64 {
    (now_ms + 1).saturating_sub(window.span_ms())
}

/// What sorts before every sighting at this time and later.
fn first(time_ms: u64) -> (u64, SeenKey) {
    (time_ms, SeenKey::FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Namespace;

    fn key(number: u8) -> SeenKey {
        SeenKey::value(&Namespace::new("shop").unwrap(), &[number; 16])
    }

    #[test]
    fn window_slides() {
        let mut ledger = Ledger::default();
        let hour = Window::Hour.span_ms();
        for (number, now_ms) in [(1, 10), (2, 20), (1, 30)] {
            ledger.advance(now_ms);
            ledger.set(key(number), Some(now_ms));
        }
        assert_eq!(ledger.values_count(Window::Hour), 2);
        assert_eq!(ledger.falls_to(Window::Hour, 1), 20 + hour);
        ledger.advance(19 + hour);
        assert_eq!(ledger.values_count(Window::Hour), 2);
        ledger.advance(20 + hour);
        // The second is out; the first was seen again since.
        assert_eq!(ledger.values_count(Window::Hour), 1);
        assert_eq!(ledger.values_count(Window::Day), 2);
        let both = HashSet::from([key(1), key(2)]);
        assert_eq!(ledger.count_with(Window::Hour, &both), 2);
        assert_eq!(ledger.count_with(Window::Day, &both), 2);
    }

    #[test]
    fn sighting_can_be_taken_back() {
        let mut ledger = Ledger::default();
        ledger.advance(5);
        ledger.set(key(1), Some(5));
        ledger.advance(9);
        let before = ledger.set(key(1), Some(9));
        let none = ledger.set(key(2), Some(9));
        ledger.set(key(2), none);
        ledger.set(key(1), before);
        assert_eq!(ledger.values_count(Window::Hour), 1);
        assert_eq!(ledger.order.first(), Some(&(5, key(1))));
    }

    #[test]
    fn what_left_the_longest_window_is_forgotten() {
        let mut ledger = Ledger::default();
        for number in 0..4 {
            ledger.advance(u64::from(number));
            ledger.set(key(number), Some(u64::from(number)));
        }
        let now_ms = Window::Month.span_ms() + 2;
        ledger.advance(now_ms);
        assert_eq!(ledger.values_count(Window::Month), 1);
        assert_eq!(ledger.prune(now_ms, 2), [key(0), key(1)]);
        assert_eq!(ledger.prune(now_ms, 2), [key(2)]);
        assert_eq!(ledger.values_count(Window::Month), 1);
        ledger.set(key(3), None);
        assert!(ledger.order.is_empty());
    }
}
