//! Erased entries, while a log is read from its beginning: each has an entry behind it that says
//! so, and no other entry says so of one that is there.

use std::collections::BTreeSet;
use std::collections::HashSet;

use super::VerifyError;
use crate::audit::Entry;
use crate::audit::Event;

/// The erased entries so far.
#[derive(Default)]
pub(super) struct Erasures {
    /// Those that no entry has told of yet.
    untold: BTreeSet<u64>,
    /// Those that may have been an intent whose outcome has not come.
    perhaps_intents: HashSet<u64>,
    count: u64,
}

impl Erasures {
    /// Notes that an entry is erased.
    pub(super) fn erased(&mut self, index: u64) {
        self.untold.insert(index);
        self.perhaps_intents.insert(index);
        self.count += 1;
    }

    /// Judges what an entry says of erased ones.
    /// Entries before `begins` are not there.
    pub(super) fn entry(&mut self, entry: &Entry, begins: u64) -> Result<(), VerifyError> {
        let told = entry.draft.ceremony.erased_index;
        let is_erasing = entry.draft.event == Event::EntryErased;
        let is_so = told.is_some_and(|index| self.untold.remove(&index) || index < begins);
        if is_erasing != told.is_some() || is_erasing != is_so {
            let index = entry.index;
            return Err(VerifyError::Erasure { index });
        }
        Ok(())
    }

    /// Whether the intent of an outcome may have been this erased entry: once.
    pub(super) fn was_perhaps_intent(&mut self, index: u64) -> bool {
        self.perhaps_intents.remove(&index)
    }

    /// How many entries are erased.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many entries are erased, if the log says so of each.
    pub(super) fn finish(&self) -> Result<u64, VerifyError> {
        match self.untold.first() {
            Some(index) => Err(VerifyError::Untold { index: *index }),
            None => Ok(self.count),
        }
    }
}
