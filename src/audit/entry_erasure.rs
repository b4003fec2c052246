//! Which entries of the log may be erased: their content goes, their leaf's hash stays.
//!
//! An entry that says so is the only thing that erases: the sequencer takes what it erases from the
//! entry itself, so that there is neither without the other.

use std::ops::Range;

use thiserror::Error;

use crate::audit::Entry;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::VerifyError;
use crate::audit::tree::StoredTree;
use crate::audit::tree::entry_leaf_hash;
use crate::crypto::merkle::HashReader;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

/// Why an entry cannot be erased.
#[derive(Debug, Error)]
pub enum EntryErasureError {
    /// It is in an archive.
    #[error("the entry is in an archive")]
    Archived,
    /// It was erased before.
    #[error("the entry is erased already")]
    Erased,
    /// It is one that the log, or a start of the vault, is verified by.
    #[error("entries of this kind stay: who verifies the log, or starts the vault, needs them")]
    Kind,
    /// There is none.
    #[error("there is no such entry")]
    Missing,
    /// The store cannot be read, or the entry is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EntryDraft {
    /// The entry of an erasing.
    #[must_use]
    pub fn of_entry_erasure(index: u64) -> Self {
        let mut draft = Self::new(Event::EntryErased);
        draft.ceremony.erased_index = Some(index);
        draft
    }

    /// The index of the entry that this one erases, if that is what it does.
    pub(super) fn erases(&self) -> Option<u64> {
        let index = self.ceremony.erased_index;
        index.filter(|_| self.event == Event::EntryErased)
    }
}

/// Says whether an entry of the log may be erased now.
///
/// # Errors
///
/// If it may not be, or cannot be read.
pub fn check_entry_erasure(store: &dyn Store, index: u64) -> Result<(), EntryErasureError> {
    if index >= store.tree_size()? {
        return Err(EntryErasureError::Missing);
    }
    if index < store.pruned_size()? {
        return Err(EntryErasureError::Archived);
    }
    let corrupt = || StoreError::Corrupt { table: "audit" };
    let stored = match store.entries(index, 1)?.into_iter().next() {
        Some(StoredLeaf::Kept(stored)) => stored,
        Some(StoredLeaf::Erased { .. }) => return Err(EntryErasureError::Erased),
        None => return Err(corrupt().into()),
    };
    let entry = Entry::decode(&stored.entry).map_err(|_| corrupt())?;
    // What is damaged is looked into, and not erased: nobody could tell afterwards.
    if entry_leaf_hash(&stored) != StoredTree(store).hash(0, index)? {
        return Err(corrupt().into());
    }
    if may_be_erased(entry.draft.event) {
        Ok(())
    } else {
        Err(EntryErasureError::Kind)
    }
}

/// The indexes of the entries that these ones, by their own indexes, erase. One that cannot be read
/// erases nothing: a verifier finds it.
///
/// # Errors
///
/// If the store cannot be read, or does not have them.
pub fn erased_by(store: &dyn Store, entries: Range<u64>) -> Result<Vec<u64>, VerifyError> {
    let mut erased = Vec::new();
    let mut from = entries.start;
    while from < entries.end {
        let left = usize::try_from(entries.end - from).unwrap_or(usize::MAX);
        let page = store.entries(from, ENTRIES_PER_READ.min(left))?;
        if page.is_empty() {
            return Err(VerifyError::Index { index: from });
        }
        for stored in page.iter().filter_map(StoredLeaf::entry) {
            let entry = Entry::decode(&stored.entry).ok();
            erased.extend(entry.and_then(|entry| entry.draft.erases()));
        }
        from += page.len() as u64;
    }
    Ok(erased)
}

/// Whether entries of an event may be erased: those about what programs and people did with values
/// and customers may. Those of the vault itself, its keys, its officers and its log may not.
pub(super) const fn may_be_erased(event: Event) -> bool {
    match event {
        Event::AccessRead
        | Event::AuditRead
        | Event::DecoysCreated
        | Event::Detokenize
        | Event::DetokenizeOutcome
        | Event::ExposureReported
        | Event::Frozen
        | Event::GrantApproved
        | Event::GrantDenied
        | Event::GrantRequested
        | Event::GrantRevoked
        | Event::ImportTokens
        | Event::Inspect
        | Event::KeysRead
        | Event::Lookup
        | Event::PersonRefused
        | Event::Reindex
        | Event::ReindexOutcome
        | Event::Retokenize
        | Event::RetokenizeOutcome
        | Event::SubjectDescribed
        | Event::SubjectErased
        | Event::Tokenize
        | Event::Unfreeze
        | Event::VerifyMatch => true,
        Event::BackupCreated
        | Event::CharterChanged
        | Event::CharterFounded
        | Event::EntryErased
        | Event::KeyCreated
        | Event::KeyStateChanged
        | Event::LogPruned
        | Event::NamespaceCreated
        | Event::OperationApproved
        | Event::OperationCancelled
        | Event::OperationEnded
        | Event::OperationProposed
        | Event::PolicyLoaded
        | Event::RecordsRewrapped
        | Event::RollbackAccepted
        | Event::RootKeyReshared
        | Event::RootKeyRotated
        | Event::Started
        | Event::Stopped => false,
    }
}

const ENTRIES_PER_READ: usize = 1_024;
