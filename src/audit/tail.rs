//! The end of the log, read backward: an erased entry, or a beginning that is gone, is believed by
//! the log's own word alone.
//!
//! Whoever writes to the disk of a vault that does not run can write a row that says `erased`, and
//! how many entries were taken out. Neither is signed; the entries that say so are. Each comes
//! after what it tells of, so that a reader who begins at the end has met it before.

use std::collections::HashSet;

use crate::audit::Entry;
use crate::audit::StartError;
use crate::audit::tree;
use crate::audit::tree::StoredTree;
use crate::audit::tree::stored_leaf_hash;
use crate::crypto::merkle::Frontier;
use crate::store::Hash;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

/// Reads a log backward, and believes nothing that is not in its tree.
pub(super) struct Tail<'a> {
    store: &'a dyn Store,
    /// How many entries were taken out, by the store.
    begins: u64,
    /// The tree before what was read. Each page leads from its own to this one, and the first to
    /// the tree of the log: so all of them are as sure as its root hash.
    before: Frontier,
    /// The entries that were erased, by those that were read.
    told: HashSet<u64>,
    /// How many entries were taken out, by the last entry that says so.
    pruned: Option<u64>,
}

impl<'a> Tail<'a> {
    /// Begins at the end of a log, whose tree this is.
    pub(super) fn new(store: &'a dyn Store, tree: Frontier) -> Result<Self, StartError> {
        Ok(Self {
            store,
            begins: store.pruned_size()?,
            before: tree,
            told: HashSet::new(),
            pruned: None,
        })
    }

    /// Whether there is nothing before what was read.
    pub(super) fn is_at_beginning(&self) -> bool {
        self.before.size() <= self.begins
    }

    /// Whether the log has said itself where it begins, or there is nothing that it would say.
    pub(super) fn is_sure(&self) -> bool {
        self.begins == 0 || self.pruned.is_some()
    }

    /// The entries, without erased ones, of the last `entries_max` leaves before those that were
    /// read, in the order of the log.
    ///
    /// # Errors
    ///
    /// If one is not what the tree has in its place, or is gone and no later one says so; or if the
    /// log begins there, and does not say so.
    pub(super) fn page(&mut self, entries_max: usize) -> Result<Vec<Entry>, StartError> {
        let end = self.before.size();
        let from = end.saturating_sub(entries_max as u64).max(self.begins);
        let count = usize::try_from(end.saturating_sub(from)).unwrap_or(entries_max);
        let leaves = self.store.entries(from, count)?;
        let hashes = self.store.hashes(0, from, count)?;
        if leaves.len() != count || hashes.len() != count {
            return Err(CORRUPT.into());
        }
        let before = StoredTree(self.store).frontier(from)?;
        let mut grown = before.clone();
        let mut entries = Vec::with_capacity(count);
        for (leaf, hash) in leaves.iter().zip(&hashes) {
            entries.extend(read(leaf, hash)?);
            tree::append(&mut grown, stored_leaf_hash(leaf), &mut Vec::new())
                .map_err(|_| CORRUPT)?;
        }
        if grown != self.before {
            return Err(CORRUPT.into());
        }
        self.before = before;
        self.hear(&leaves, &entries)?;
        Ok(entries)
    }

    /// Compares what is gone with what the log says is gone.
    fn hear(&mut self, leaves: &[StoredLeaf], entries: &[Entry]) -> Result<(), StartError> {
        let mut entries = entries.iter().rev();
        for leaf in leaves.iter().rev() {
            let index = leaf.index();
            let StoredLeaf::Kept(_) = leaf else {
                if self.told.contains(&index) {
                    continue;
                }
                return Err(StartError::Untold { index });
            };
            let draft = entries.next().map(|entry| &entry.draft);
            self.told.extend(draft.and_then(|draft| draft.erases()));
            let pruned = draft.and_then(|draft| draft.tells_archived());
            self.pruned = self.pruned.or(pruned);
        }
        let size = self.begins;
        let is_told = match self.pruned {
            Some(pruned) => pruned == size,
            // An earlier entry may say so yet.
            None => size == 0 || !self.is_at_beginning(),
        };
        if is_told {
            Ok(())
        } else {
            Err(StartError::Unarchived { size })
        }
    }
}

/// The entry of a leaf, which must be the one that has this hash; nothing if it was erased.
fn read(leaf: &StoredLeaf, hash: &Hash) -> Result<Option<Entry>, StartError> {
    let index = leaf.index();
    let damaged = StartError::Entry { index };
    if stored_leaf_hash(leaf).as_bytes() != hash {
        return Err(damaged);
    }
    match leaf.entry().map(|stored| Entry::decode(&stored.entry)) {
        Some(Ok(entry)) if entry.index == index => Ok(Some(entry)),
        Some(Ok(_) | Err(_)) => Err(damaged),
        None => Ok(None),
    }
}

const CORRUPT: StoreError = StoreError::Corrupt { table: "tiles" };
