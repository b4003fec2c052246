//! How a log comes under another signing key, and how those who know the old one follow.
//!
//! An entry announces the new public key. The checkpoint of the group that has this entry is signed
//! by both keys, and kept: the old key vouches for the announcement, the new one shows that
//! somebody has it. Later checkpoints are the new key's. So whoever has any one public key of the
//! log, and the log, has every later one.

use crate::audit::CheckpointKeys;
use crate::audit::Entry;
use crate::audit::SignedCheckpoint;
use crate::audit::Successor;
use crate::audit::VerifyError;
use crate::audit::tree::StoredTree;
use crate::audit::tree::entry_leaf_hash;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::inclusion_proof;
use crate::crypto::merkle::verify_inclusion;
use crate::crypto::note::Checkpoint;
use crate::crypto::note::NoteVerifier;
use crate::crypto::note::SignedNote;
use crate::store::RowPut;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;
use crate::store::Table;

/// The checkpoint at which a log came under another key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Handover {
    /// The index of the entry that announces the key.
    pub(super) index: u64,
    /// The size of the tree that the checkpoint is of.
    pub(super) size: u64,
    /// The signed note.
    pub(super) note: String,
}

impl Handover {
    /// The row that keeps it.
    pub(super) fn put(&self) -> RowPut {
        RowPut {
            table: Table::Checkpoints,
            key: [ROW_PREFIX, &self.size.to_be_bytes()].concat(),
            value: Some([&self.index.to_be_bytes(), self.note.as_bytes()].concat()),
        }
    }

    fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let size = key.strip_prefix(ROW_PREFIX)?.try_into().ok()?;
        let (index, note) = value.split_first_chunk()?;
        Some(Self {
            index: u64::from_be_bytes(*index),
            size: u64::from_be_bytes(size),
            note: str::from_utf8(note).ok()?.to_owned(),
        })
    }

    /// Those of a store, in the order of their sizes.
    pub(super) fn read_all(store: &dyn Store) -> Result<Vec<Self>, StoreError> {
        let mut all = Vec::new();
        let mut after = ROW_PREFIX.to_vec();
        loop {
            let page = store.rows(Table::Checkpoints, Some(&after), ROWS_PER_READ)?;
            for (key, value) in &page {
                if !key.starts_with(ROW_PREFIX) {
                    return Ok(all);
                }
                let corrupt = StoreError::Corrupt {
                    table: "checkpoints",
                };
                all.push(Self::read(key, value).ok_or(corrupt)?);
            }
            match page.last() {
                Some((last, _)) => after = last.clone(),
                None => return Ok(all),
            }
        }
    }
}

/// The public keys of a log that follow from those that are given, by what the log itself has:
/// these, and every later one. It reads the announcements only, and proves that each is in the tree
/// that a key which is believed has signed.
///
/// # Errors
///
/// If the store cannot be read, or a row is damaged.
pub fn following_keys(
    store: &dyn Store,
    given: &CheckpointKeys,
) -> Result<CheckpointKeys, StoreError> {
    let mut keys = given.clone();
    for handover in Handover::read_all(store)? {
        if let Some(successor) = follow(store, &keys, &handover)? {
            keys = keys.and(successor);
        }
    }
    Ok(keys)
}

/// The key that a handover brings, if a key that is believed vouches for it.
fn follow(
    store: &dyn Store,
    keys: &CheckpointKeys,
    handover: &Handover,
) -> Result<Option<NoteVerifier>, StoreError> {
    let Some(checkpoint) = keys.verify(&handover.note) else {
        return Ok(None);
    };
    // What announced it is in the archive: whoever has only keys from before needs that.
    if handover.index < store.pruned_size()? {
        return Ok(None);
    }
    let page = store.entries(handover.index, 1)?;
    let Some(stored) = page.first().and_then(StoredLeaf::entry) else {
        return Ok(None);
    };
    let Ok(proof) = inclusion_proof(&StoredTree(store), handover.index, checkpoint.size()) else {
        return Ok(None);
    };
    let (leaf, root) = (entry_leaf_hash(stored), checkpoint.root());
    let (index, size) = (handover.index, checkpoint.size());
    if verify_inclusion(index, size, &leaf, &proof, &root).is_err() {
        return Ok(None);
    }
    let entry = Entry::decode(&stored.entry).ok();
    let announced = entry.and_then(|entry| entry.draft.ceremony.public_key);
    Ok(announced.and_then(|key| successor(&handover.note, &key)))
}

/// The announced key under the name of the log, if it has signed the note.
fn successor(note: &str, public_key: &[u8; 32]) -> Option<NoteVerifier> {
    let note: SignedNote = note.parse().ok()?;
    let checkpoint: Checkpoint = note.text().parse().ok()?;
    let verifier = NoteVerifier::new(checkpoint.origin, public_key).ok()?;
    verifier.verify(&note).ok()?;
    Some(verifier)
}

/// Whose checkpoints count, while a log is read from its beginning.
#[derive(Debug)]
pub(super) struct Succession<'a> {
    given: &'a CheckpointKeys,
    /// The entry that announces a key, and the key, until it is handed over to.
    announced: Option<(u64, [u8; 32])>,
    /// The key that was handed over to last.
    current: Option<Current>,
    /// Whether a given key handed over to the first successor.
    is_first_given: bool,
    successors: Vec<Successor>,
}

#[derive(Debug)]
struct Current {
    key: NoteVerifier,
    /// Whether it follows from the given keys. One that does not may still be followed by one that
    /// is given.
    is_believed: bool,
}

impl<'a> Succession<'a> {
    pub(super) fn new(given: &'a CheckpointKeys) -> Self {
        Self {
            given,
            announced: None,
            current: None,
            is_first_given: false,
            successors: Vec::new(),
        }
    }

    /// Notes what an entry announces.
    pub(super) fn entry(&mut self, entry: &Entry) -> Result<(), VerifyError> {
        let Some(key) = entry.draft.ceremony.public_key else {
            return Ok(());
        };
        let index = entry.index;
        match self.announced.replace((index, key)) {
            None => Ok(()),
            // The one before was never handed over to.
            Some((index, _)) => Err(VerifyError::Handover { index }),
        }
    }

    /// Comes under the announced key, at the tree of this size and root.
    pub(super) fn hand_over(
        &mut self,
        note: &str,
        size: u64,
        root: Hash,
    ) -> Result<(), VerifyError> {
        let (index, key) = self.announced.take().ok_or(VerifyError::Checkpoint)?;
        let wrong = || VerifyError::Handover { index };
        let key = successor(note, &key).ok_or_else(wrong)?;
        let note: SignedNote = note.parse().map_err(|_| wrong())?;
        let checkpoint = Checkpoint::verify(&note, &key).map_err(|_| wrong())?;
        if checkpoint.tree_size != size {
            return Err(wrong());
        }
        if checkpoint.root_hash != root {
            return Err(VerifyError::Root { tree_size: size });
        }
        // A signature in the name of a given key that is not its own is wrong, whoever vouches.
        let signers = self.given.signers(&note).map_err(|_| wrong())?;
        let vouched = match &self.current {
            Some(current) => {
                current.key.verify(&note).map_err(|_| wrong())?;
                current.is_believed
            }
            None => {
                self.is_first_given = signers.iter().any(|signer| **signer != key);
                !signers.is_empty()
            }
        };
        let is_believed = vouched || self.given.has(&key);
        self.successors.push(Successor {
            index,
            key: key.clone(),
        });
        self.current = Some(Current { key, is_believed });
        Ok(())
    }

    /// The last checkpoint of the log, of which this many entries with this root were read.
    pub(super) fn finish(
        &mut self,
        note: &str,
        size: u64,
        root: Hash,
    ) -> Result<SignedCheckpoint, VerifyError> {
        if let Some((index, _)) = self.announced {
            // The log ends with the handover, or the handover is not there.
            let is_behind = claimed_size(note) != Some(size);
            if is_behind {
                return Err(VerifyError::Handover { index });
            }
            self.hand_over(note, size, root)?;
        }
        let checkpoint = self.verify(note).ok_or(VerifyError::Checkpoint)?;
        // Under another key, it is that key which must have signed.
        let is_signed = self.current.as_ref().is_none_or(|current| {
            let keys = CheckpointKeys::new(vec![current.key.clone()]);
            current.is_believed && keys.verify(note).is_some()
        });
        is_signed
            .then_some(checkpoint)
            .ok_or(VerifyError::Checkpoint)
    }

    /// A checkpoint of a log that goes on: signed by a key that is given, or by the latest.
    pub(super) fn verify(&self, note: &str) -> Option<SignedCheckpoint> {
        let current = self.current.as_ref().filter(|current| current.is_believed);
        let keys = self.given.clone();
        let keys = match current {
            Some(current) => keys.and(current.key.clone()),
            None => keys,
        };
        keys.verify(note)
    }

    /// The index of the entry that announces a key, until that is handed over to.
    pub(super) fn announced_index(&self) -> Option<u64> {
        self.announced.map(|(index, _)| index)
    }

    /// The given keys, and all that the log came under so far.
    pub(super) fn known_keys(&self) -> CheckpointKeys {
        let successors = self.successors.iter();
        successors.fold(self.given.clone(), |keys, it| keys.and(it.key.clone()))
    }

    /// Whether the log has come under another key.
    pub(super) fn has_successors(&self) -> bool {
        !self.successors.is_empty()
    }

    /// Whether the log has come under another key, and the one before its first is not known.
    pub(super) fn is_first_unknown(&self) -> bool {
        self.has_successors() && !self.is_first_given
    }

    /// The keys that the log came under.
    pub(super) fn into_successors(self) -> Vec<Successor> {
        self.successors
    }
}

/// The size that a checkpoint says it is of, whoever signed it.
pub(super) fn claimed_size(note: &str) -> Option<u64> {
    let note: SignedNote = note.parse().ok()?;
    let checkpoint: Checkpoint = note.text().parse().ok()?;
    Some(checkpoint.tree_size)
}

const ROW_PREFIX: &[u8] = b"handover";
const ROWS_PER_READ: usize = 100;
