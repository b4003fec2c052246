//! Erased entries, while a log is read from its beginning: each has an entry behind it that says
//! so, and no other entry says so of one that is there. But an archive has what the log had when it
//! was written: of that, more may be erased since.

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
    /// Those that an entry has told of.
    told: HashSet<u64>,
    count: u64,
    /// Entries before this one were archived before the next one that is judged was read.
    archived_size: u64,
    /// Those that an archive has in clear.
    still_archived_count: u64,
}

impl Erasures {
    /// Notes that an entry is erased.
    pub(super) fn erased(&mut self, index: u64) {
        self.untold.insert(index);
        self.perhaps_intents.insert(index);
        self.count += 1;
    }

    /// Notes that entries were read from an archive, and that those that follow are from later.
    pub(super) fn archived(&mut self, size: u64) {
        self.archived_size = size;
    }

    /// Judges what an entry says of erased ones.
    /// Entries before `begins` are not there.
    pub(super) fn entry(&mut self, entry: &Entry, begins: u64) -> Result<(), VerifyError> {
        let told = entry.draft.ceremony.erased_index;
        let is_erasing = entry.draft.event == Event::EntryErased;
        let is_so = told.is_some_and(|index| self.is_erased(index, begins));
        if is_erasing != told.is_some() || is_erasing != is_so {
            let index = entry.index;
            return Err(VerifyError::Erasure { index });
        }
        Ok(())
    }

    /// Whether what an entry says was erased is, or may have been once it was archived: that once.
    fn is_erased(&mut self, index: u64, begins: u64) -> bool {
        let is_first = self.told.insert(index);
        if self.untold.remove(&index) || index < begins {
            return true;
        }
        let is_archived = is_first && index < self.archived_size;
        self.still_archived_count += u64::from(is_archived);
        is_archived
    }

    /// Whether the intent of an outcome may have been this erased entry: once.
    pub(super) fn was_perhaps_intent(&mut self, index: u64) -> bool {
        self.perhaps_intents.remove(&index)
    }

    /// How many entries are erased.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many of them no entry has told of.
    pub(super) fn untold_count(&self) -> u64 {
        self.untold.len() as u64
    }

    /// How many were erased since, and are in an archive.
    pub(super) fn still_archived_count(&self) -> u64 {
        self.still_archived_count
    }

    /// How many entries are erased, if the log says so of each.
    pub(super) fn finish(&self) -> Result<u64, VerifyError> {
        match self.untold.first() {
            Some(index) => Err(VerifyError::Untold { index: *index }),
            None => Ok(self.count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_of_an_archive_is_erased_once_and_only_by_what_was_not_archived_with_it() {
        let mut erasures = Erasures::default();
        assert!(
            !erasures.is_erased(17, 0),
            "it is there, in the same segment"
        );
        let mut erasures = Erasures::default();
        erasures.archived(256);
        erasures.erased(18);
        assert!(erasures.is_erased(17, 0));
        assert!(!erasures.is_erased(17, 0), "twice");
        assert!(erasures.is_erased(18, 0));
        assert!(!erasures.is_erased(18, 0), "twice, and it was told of");
        assert!(!erasures.is_erased(256, 0), "it is there");
        assert_eq!(erasures.still_archived_count(), 1);
        assert_eq!((erasures.count(), erasures.untold_count()), (1, 0));
    }
}
