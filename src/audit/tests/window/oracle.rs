//! What the window allows, written from `docs/witness.md` alone.

/// Whether a value may leave.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Verdict {
    /// It may, and must not be held back.
    Leaves,
    /// The oldest entry that was not seen is as good as too old: the log keeps ages so exactly.
    Either,
    /// Nothing counts as seen since the start.
    Unanswered,
    /// There would be too many entries that were not seen.
    TooMany,
    /// The oldest of them is too old.
    TooOld,
}

/// What the world knows of a log: when its entries were made, and how many its witness has seen.
pub(super) struct Oracle {
    pub(super) entries_max: u64,
    pub(super) seconds_max: u64,
    /// When each entry got its place.
    times_ms: Vec<u64>,
    /// How many were seen, by answers since the start that count.
    seen: Option<usize>,
}

impl Oracle {
    pub(super) fn new(entries_max: u64, seconds_max: u64) -> Self {
        Self {
            entries_max,
            seconds_max,
            times_ms: Vec::new(),
            seen: None,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.times_ms.len()
    }

    pub(super) fn is_answered(&self) -> bool {
        self.seen.is_some()
    }

    pub(super) fn appended(&mut self, now_ms: u64) {
        self.times_ms.push(now_ms);
    }

    pub(super) fn witnessed(&mut self, size: usize) {
        self.seen = self.seen.max(Some(size));
    }

    pub(super) fn restarted(&mut self) {
        self.seen = None;
    }

    /// How many entries were not seen.
    pub(super) fn unseen_count(&self) -> u64 {
        (self.size() - self.seen.unwrap_or(0)) as u64
    }

    /// How old the oldest of them is; nothing if all were seen.
    pub(super) fn age_ms(&self, now_ms: u64) -> Option<u64> {
        let oldest = self.times_ms.get(self.seen.unwrap_or(0))?;
        Some(now_ms.saturating_sub(*oldest))
    }

    /// Whether a value may leave whose intent would be the next entry.
    pub(super) fn verdict(&self, now_ms: u64) -> Verdict {
        let age_max_ms = self.seconds_max * 1_000;
        match self.age_ms(now_ms) {
            _ if self.seen.is_none() => Verdict::Unanswered,
            _ if self.unseen_count() + 1 > self.entries_max => Verdict::TooMany,
            Some(age_ms) if age_ms > age_max_ms => Verdict::TooOld,
            Some(age_ms) if age_ms + EXACTNESS_MS > age_max_ms => Verdict::Either,
            Some(_) | None => Verdict::Leaves,
        }
    }
}

/// An entry counts as less than this much older than it is, and never as younger.
pub(super) const EXACTNESS_MS: u64 = 50;
