//! What was written lately, so that a call need not read twice what nobody wrote in between.
//!
//! A call reads rows, decides, and asks to be written. Whether what it read is still so is judged
//! by the one writer, who would have to read every such row again: of a new value, its row and the
//! place of its token. Instead the writer remembers the keys of the latest commits. Who says at
//! which [`Moment`] it began to read is believed about a row, if no commit since has written it.
//!
//! The memory is bounded: of older commits nothing is known, and who read before them is asked to
//! read again, or is checked in the store.

use std::hash::Hash;

use crate::store::Changes;
use crate::store::KeyMap;
use crate::store::KeySet;
use crate::store::RecordKey;
use crate::store::Relocation;
use crate::store::ValueKey;

/// How many commits there were since the store was opened.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(pub u64);

/// What a call has read before it asks to be written, and when.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reads {
    /// [`crate::store::Store::moment`] before anything was read.
    pub moment: Moment,
    /// Records whose tokens are handed out: none may have been erased, moved or succeeded since.
    pub records: KeySet<RecordKey>,
    /// Whether more was read that an ending changes, such as who was erased: then nothing at all
    /// may have ended since.
    pub any_ending: bool,
    /// Whether the places and rows of the new records were read, under every version of the keys,
    /// and found to be free, or to point at the record that is replaced.
    pub has_read_places: bool,
}

/// Which keys the latest commits have written.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// The commits so far.
    moment: Moment,
    /// Since when a record, or a row of the value index, may be where there was none.
    filled_records: Latest<RecordKey>,
    filled_values: Latest<ValueKey>,
    /// When a record was erased, moved away or given a successor.
    ended: Latest<RecordKey>,
    /// When anything ended for the last time.
    last_ending: Moment,
}

impl Recent {
    /// The commits so far.
    pub(super) fn moment(&self) -> Moment {
        self.moment
    }

    /// Remembers a commit, which must be in the store already: who reads after the new moment must
    /// find what was written before it.
    pub(super) fn remember(&mut self, group: &[&Changes]) {
        self.moment.0 += 1;
        let moment = self.moment;
        for changes in group {
            for new in &changes.records {
                self.filled_records.set(new.key, moment);
                self.filled_values.extend(new.value_key, moment);
            }
            for relocation in &changes.relocations {
                self.filled_records.set(relocation.to, moment);
                let row = Relocation::value_key_after(relocation);
                self.filled_values.extend(row, moment);
            }
            for key in ended(changes) {
                self.ended.set(key, moment);
                self.last_ending = moment;
            }
        }
    }

    /// Whether the place of a record, found free by who began to read then, is free still; nothing
    /// if that is not known.
    pub(super) fn is_record_unwritten(&self, key: &RecordKey, since: Moment) -> bool {
        self.filled_records.is_older(key, since)
    }

    /// The same of a row of the value index.
    pub(super) fn is_value_unwritten(&self, key: &ValueKey, since: Moment) -> bool {
        self.filled_values.is_older(key, since)
    }

    /// Whether what the call relies on may have ended since it began to read.
    pub(super) fn may_have_ended(&self, reads: &Reads) -> bool {
        if self.last_ending <= reads.moment {
            return false;
        }
        let is_older = |key| self.ended.is_older(key, reads.moment);
        reads.any_ending || !reads.records.iter().all(is_older)
    }
}

/// The records that are not where they were, or not what they were, after a call.
pub(super) fn ended(changes: &Changes) -> impl Iterator<Item = RecordKey> {
    let erased = changes.erasures.iter().map(|erasure| erasure.key);
    let succeeded = changes.successions.iter().map(|succession| succession.key);
    let moved = changes.relocations.iter();
    let moved = moved.filter(|moved| moved.from != moved.to);
    erased.chain(succeeded).chain(moved.map(|moved| moved.from))
}

/// When each key was written for the last time, of the latest writes.
///
/// Two generations: once the younger is full, the older is forgotten.
#[derive(Debug)]
struct Latest<K> {
    younger: KeyMap<K, Moment>,
    older: KeyMap<K, Moment>,
    /// The last moment of which writes may be forgotten.
    forgotten: Moment,
    /// The last moment of the older generation.
    turned: Moment,
}

impl<K: Eq + Hash> Latest<K> {
    fn set(&mut self, key: K, moment: Moment) {
        // Once in a commit, however many keys it has: else it would forget its own.
        if self.younger.len() >= GENERATION_KEYS_COUNT && self.turned < moment {
            self.forgotten = self.turned;
            self.turned = moment;
            // What is forgotten has the memory that the next generation needs: as much as the
            // largest commit took.
            std::mem::swap(&mut self.older, &mut self.younger);
            self.younger.clear();
        }
        self.younger.insert(key, moment);
    }

    fn extend(&mut self, key: Option<K>, moment: Moment) {
        if let Some(key) = key {
            self.set(key, moment);
        }
    }

    /// Whether the key was written at that moment or before it, if ever. No, if that is not known.
    fn is_older(&self, key: &K, moment: Moment) -> bool {
        if moment < self.forgotten {
            return false;
        }
        let latest = self.younger.get(key).or_else(|| self.older.get(key));
        latest.is_none_or(|latest| *latest <= moment)
    }
}

impl<K> Default for Latest<K> {
    fn default() -> Self {
        Self {
            younger: KeyMap::default(),
            older: KeyMap::default(),
            forgotten: Moment::default(),
            turned: Moment::default(),
        }
    }
}

/// How many keys a generation has: those of some thirty batches of a thousand records.
const GENERATION_KEYS_COUNT: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: nothing that was written since is taken for older. Method: a long history of writes of
    /// few and of many keys, beside one that remembers everything; how often the answer is "not
    /// known" is counted, so that the memory is seen to remember at all.
    #[test]
    fn latest_agrees_with_who_remembers_everything() {
        let mut latest = Latest::default();
        let mut everything: KeyMap<u64, Moment> = KeyMap::default();
        let mut state = 1_u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state >> 33
        };
        let (mut known, mut unknown) = (0_u32, 0_u32);
        for commit in 1..2_000 {
            let moment = Moment(commit);
            for _ in 0..random() % 200 {
                let key = random() % 100_000;
                latest.set(key, moment);
                everything.insert(key, moment);
            }
            for _ in 0..50 {
                let key = random() % 100_000;
                let since = Moment(commit.saturating_sub(random() % 1_000));
                let is_older = everything.get(&key).is_none_or(|at| *at <= since);
                match latest.is_older(&key, since) {
                    true => assert!(is_older, "{key} since {since:?}"),
                    false if is_older => unknown += 1,
                    false => known += 1,
                }
            }
        }
        assert!(latest.younger.len() + latest.older.len() <= 2 * GENERATION_KEYS_COUNT + 200);
        assert!(
            known > 1_000 && (1_000..60_000).contains(&unknown),
            "{known}, {unknown}"
        );
    }
}
