//! Records that others keep changing while a call wants to move them.

use std::collections::HashMap;

use crate::store::Conflict;

/// Records that others changed each time that they should have moved.
#[derive(Default)]
pub(super) struct Busy(HashMap<[u8; 16], usize>);

impl Busy {
    /// Counts the conflicts of a round, by where the records that should have moved are.
    pub(super) fn note(&mut self, conflicts: &[Conflict], places: &[[u8; 16]]) {
        for conflict in conflicts {
            if let Conflict::RelocationOutdated { item } = conflict
                && let Some(place) = places.get(*item)
            {
                *self.0.entry(*place).or_default() += 1;
            }
        }
    }

    /// Whether the others of the call shall not wait for it any longer.
    pub(super) fn is_left_alone(&self, place: [u8; 16]) -> bool {
        self.0.get(&place).is_some_and(|tries| *tries >= TRIES_MAX)
    }
}

/// How many times a record may be changed by others before it is left for a later call.
const TRIES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_that_others_keep_changing_is_left_alone_and_no_other() {
        let (one, other) = ([1; 16], [2; 16]);
        let mut busy = Busy::default();
        for tries in 0..TRIES_MAX {
            assert!(!busy.is_left_alone(other), "after {tries}");
            let conflicts = [
                Conflict::RelocationOutdated { item: 1 },
                Conflict::ListOutdated,
            ];
            busy.note(&conflicts, &[one, other]);
        }
        assert!(busy.is_left_alone(other));
        assert!(!busy.is_left_alone(one));
    }
}
