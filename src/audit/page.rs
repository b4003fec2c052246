//! Entries of the log as they are handed out: each with its leaf, and all with what proves that
//! they are the log's.
//!
//! A page says which tree its entries follow on, and how the tree that they end belongs to a signed
//! checkpoint. So it is verified by itself, with public keys only: see [`crate::audit::Follower`].

use crate::audit::Entry;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::audit::export;
use crate::audit::tree::StoredTree;
use crate::crypto::merkle;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::ProofError;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

/// An entry as it is handed out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PageEntry {
    /// The place in the log, from 0.
    pub index: u64,
    /// The bytes whose hash is the leaf of the tree: the salt, then the entry. Empty for an entry
    /// that was erased.
    pub leaf: Vec<u8>,
    /// Of an entry that was erased: the hash of its leaf.
    pub erased: Option<Hash>,
    /// The entry, or what is left of it, as the line of an export, without its end: JSON.
    pub line: String,
}

/// Entries that follow each other, and what proves that they are those of a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryPage {
    /// The index of the first entry, whether there is one or not.
    pub first_index: u64,
    /// The hashes of the complete subtrees of the tree of as many leaves, the largest first.
    pub first_hashes: Vec<Hash>,
    /// The entries.
    pub entries: Vec<PageEntry>,
    /// That the tree with these entries, and no further ones, is a prefix of the checkpoint's.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, a note.
    pub checkpoint: String,
}

/// Which entries a page should have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PageRange {
    /// The index of the first entry, at most the size of the checkpoint.
    pub first_index: u64,
    /// The index after the last; less where the checkpoint, or a limit, ends earlier.
    pub end_index: u64,
    /// The most entries.
    pub entries_max: usize,
    /// The most bytes of leaves and lines. One entry is on the page however long it is.
    pub bytes_max: usize,
}

impl EntryPage {
    /// Reads a page of the log as of a checkpoint, which must be the log's.
    ///
    /// # Errors
    ///
    /// If the log does not have what the checkpoint says, or cannot be read.
    pub fn read(
        store: &dyn Store,
        checkpoint: &SignedCheckpoint,
        range: PageRange,
    ) -> Result<Self, VerifyError> {
        let tree = StoredTree(store);
        let first_index = range.first_index;
        let end_index = range.end_index.min(checkpoint.size());
        let mut entries = Vec::new();
        let (mut next, mut bytes_left) = (first_index, range.bytes_max);
        'page: while next < end_index && entries.len() < range.entries_max {
            let wanted = usize::try_from(end_index - next).unwrap_or(usize::MAX);
            let wanted = wanted.min(range.entries_max - entries.len());
            let read = store.entries(next, wanted.min(ENTRIES_AT_ONCE_MAX))?;
            if read.is_empty() {
                return Err(VerifyError::Index { index: next });
            }
            for stored in &read {
                let entry = PageEntry::new(stored)?;
                let bytes = entry.leaf.len() + entry.line.len();
                if bytes > bytes_left && !entries.is_empty() {
                    break 'page;
                }
                bytes_left = bytes_left.saturating_sub(bytes);
                entries.push(entry);
                next += 1;
            }
        }
        let proof = merkle::consistency_proof(&tree, next, checkpoint.size());
        let proof = proof.map_err(|error| match error {
            ProofError::OutsideTree => VerifyError::Index { index: next },
            ProofError::Reader(error) => error.into(),
        })?;
        Ok(Self {
            first_index,
            first_hashes: tree.frontier(first_index)?.hashes().to_vec(),
            entries,
            proof,
            checkpoint: checkpoint.note().to_owned(),
        })
    }

    /// The index after the last entry.
    #[must_use]
    pub fn end_index(&self) -> u64 {
        self.first_index.saturating_add(self.entries.len() as u64)
    }
}

impl PageEntry {
    fn new(stored: &StoredLeaf) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "audit" };
        let stored = match stored {
            StoredLeaf::Kept(stored) => stored,
            StoredLeaf::Erased { index, hash } => {
                let hash = Hash::from_bytes(*hash);
                return Ok(Self {
                    index: *index,
                    leaf: Vec::new(),
                    erased: Some(hash),
                    line: export::erased_line(*index, hash).map_err(|_| corrupt())?,
                });
            }
        };
        let entry = Entry::decode(&stored.entry).map_err(|_| corrupt())?;
        Ok(Self {
            index: stored.index,
            leaf: [&stored.salt, stored.entry.as_slice()].concat(),
            erased: None,
            line: export::line(&entry, stored).map_err(|_| corrupt())?,
        })
    }
}

/// How many entries are in memory before their bytes are counted.
const ENTRIES_AT_ONCE_MAX: usize = 128;
