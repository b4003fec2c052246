//! Taking the beginning of a log out of the vault, once an archive has it.
//!
//! As with an erasing, the entry that says so is what prunes: the sequencer takes what goes from
//! the entry itself. Hashes of level 8 and above stay, so that roots, and proofs about what is
//! there, are what they were.

use thiserror::Error;

use crate::audit::AuditLog;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::archive::end_of_segment;
use crate::audit::handover::Handover;
use crate::audit::tree::StoredTree;
use crate::audit::window::Window;
use crate::ceremony::LogPoint;
use crate::store::Store;
use crate::store::StoreError;

/// Why a log cannot be pruned.
#[derive(Debug, Error)]
pub enum PruningError {
    /// It begins there already, or later.
    #[error("the log begins there already, or later")]
    Before,
    /// No archive ends there.
    #[error("no segment of an archive ends there")]
    Place,
    /// The log has another root hash there.
    #[error("the log is not the one of the archive, or not that long")]
    Root,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The witness has not seen the log up to there, so that it could not be shown that it goes on.
    #[error("the witness has not seen the log up to there")]
    Unwitnessed,
}

impl EntryDraft {
    /// The entry of a pruning.
    #[must_use]
    pub fn of_pruning(archived: LogPoint) -> Self {
        let mut draft = Self::new(Event::LogPruned);
        draft.ceremony.archived = Some(archived);
        draft
    }

    /// The log that this entry takes out of the vault, if that is what it does.
    pub(super) fn prunes(&self) -> Option<LogPoint> {
        let archived = self.ceremony.archived;
        archived.filter(|_| self.event == Event::LogPruned)
    }

    /// Whether this entry says how many entries an archive has, as starts and stops do.
    pub(super) fn counts_archived(&self) -> bool {
        matches!(self.event, Event::Started | Event::Stopped)
    }

    /// How many entries an archive has by this entry, if it says so.
    pub(super) fn tells_archived(&self) -> Option<u64> {
        let counted = self.ceremony.archived_size;
        let pruned = self.prunes().map(|archived| archived.size);
        pruned.or(counted.filter(|_| self.counts_archived()))
    }
}

impl AuditLog {
    /// Says whether the entries of the log up to a point may be taken out of the vault now. Reads
    /// the store, and blocks.
    ///
    /// # Errors
    ///
    /// If they may not be, or the store cannot be read.
    pub fn check_pruning(&self, archived: &LogPoint) -> Result<(), PruningError> {
        check_pruning(self.store.as_ref(), self.window.as_deref(), archived)
    }
}

/// Says whether the entries of the log up to a point may be taken out of the vault now.
pub(super) fn check_pruning(
    store: &dyn Store,
    window: Option<&Window>,
    archived: &LogPoint,
) -> Result<(), PruningError> {
    let LogPoint { size, root } = *archived;
    if size > store.tree_size()? {
        return Err(PruningError::Root);
    }
    if size <= store.pruned_size()? {
        return Err(PruningError::Before);
    }
    if end_of_segment(size, &Handover::read_all(store)?) != size {
        return Err(PruningError::Place);
    }
    if *StoredTree(store).frontier(size)?.root().as_bytes() != root {
        return Err(PruningError::Root);
    }
    // What the store keeps of a witness that is configured no more says nothing.
    match window {
        Some(window) if window.cosigned_size() < size => Err(PruningError::Unwitnessed),
        Some(_) | None => Ok(()),
    }
}
