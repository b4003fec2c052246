//! The rounds of a call that draws tokens: others may be faster with the same value or token.

use std::collections::HashSet;

use crate::store::Conflict;
use crate::vault::answer::Item;
use crate::vault::error::VaultError;
use crate::vault::tokenize_draw::SettledItem;

/// How often each item's token was taken, over the rounds of one call.
pub(super) struct Drawing {
    taken_counts: Vec<u32>,
    rounds: u32,
}

impl Drawing {
    pub(super) fn new(items_count: usize) -> Self {
        Self {
            taken_counts: vec![0; items_count],
            rounds: 0,
        }
    }

    /// How many rounds there were before this one.
    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// How often the item's token was taken.
    pub(super) fn taken_count(&self, index: usize) -> u32 {
        self.taken_counts.get(index).copied().unwrap_or(0)
    }

    /// Counts another round.
    ///
    /// # Errors
    ///
    /// If there were too many rounds.
    pub(super) fn once_more(&mut self) -> Result<(), VaultError> {
        self.rounds += 1;
        match self.rounds > ROUNDS_MAX {
            true => Err(VaultError::Overloaded),
            false => Ok(()),
        }
    }

    /// Prepares another round after conflicts.
    ///
    /// # Errors
    ///
    /// If there were too many rounds.
    pub(super) fn again(
        &mut self,
        items: &[Item<SettledItem>],
        conflicts: &[Conflict],
    ) -> Result<(), VaultError> {
        self.once_more()?;
        let taken: HashSet<usize> = conflicts
            .iter()
            .filter_map(|conflict| match conflict {
                Conflict::TokenTaken { item } => Some(*item),
                Conflict::EntryStays
                | Conflict::Erased
                | Conflict::LinkOutdated { .. }
                | Conflict::ListOutdated
                | Conflict::RecordChanged { .. }
                | Conflict::RecordOutdated { .. }
                | Conflict::RelocationOutdated { .. }
                | Conflict::RequestTaken
                | Conflict::RowChanged { .. }
                | Conflict::SuccessionOutdated { .. }
                | Conflict::ValueTaken { .. } => None,
            })
            .collect();
        for (item, count) in items.iter().zip(&mut self.taken_counts) {
            let record = item.as_ref().ok().and_then(|settled| settled.new_record);
            if record.is_some_and(|record| taken.contains(&record)) {
                *count += 1;
            }
        }
        Ok(())
    }
}

/// How many times a call may find that another was faster. Each time, at least one call got on.
const ROUNDS_MAX: u32 = 64;
