//! The Merkle tree in the store: appending to it, and reading any hash of it.

use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::FrontierError;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::crypto::merkle::leaf_hash;
use crate::crypto::merkle::node_hash;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredEntry;
use crate::store::StoredHash;
use crate::store::StoredLeaf;

/// Every hash of the tree, from those that the store has.
pub(super) struct StoredTree<'a>(pub(super) &'a dyn Store);

impl StoredTree<'_> {
    /// The right edge of the tree when it had this size.
    pub(super) fn frontier(&self, size: u64) -> Result<Frontier, StoreError> {
        let hashes = Frontier::places(size).map(|(level, index)| self.hash(level, index));
        let hashes = hashes.collect::<Result<_, _>>()?;
        Frontier::from_hashes(size, hashes).map_err(|_| CORRUPT)
    }
}

impl HashReader for StoredTree<'_> {
    type Error = StoreError;

    /// Levels between two stored ones are computed, from at most 128 rows that lie side by side.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, StoreError> {
        let above = level % LEVELS_PER_TILE;
        let span = 1_usize << above;
        let first = index.checked_mul(span as u64).ok_or(CORRUPT)?;
        let stored = self.0.hashes(level - above, first, span)?;
        if stored.len() != span {
            return Err(CORRUPT);
        }
        let mut hashes: Vec<_> = stored.into_iter().map(Hash::from_bytes).collect();
        for _ in 0..above {
            hashes = hashes
                .as_chunks()
                .0
                .iter()
                .map(|[l, r]| node_hash(l, r))
                .collect();
        }
        hashes.into_iter().next().ok_or(CORRUPT)
    }
}

/// The hash of a stored entry's leaf: the salt, then the entry.
pub(super) fn entry_leaf_hash(stored: &StoredEntry) -> Hash {
    leaf_hash(&[&stored.salt, stored.entry.as_slice()].concat())
}

/// The hash of a stored leaf: computed, where its entry is there.
pub(super) fn stored_leaf_hash(stored: &StoredLeaf) -> Hash {
    match stored {
        StoredLeaf::Kept(stored) => entry_leaf_hash(stored),
        StoredLeaf::Erased { hash, .. } => Hash::from_bytes(*hash),
    }
}

/// Appends a leaf, and names the hashes that the store keeps of what it completes.
pub(super) fn append(
    frontier: &mut Frontier,
    leaf: Hash,
    stored: &mut Vec<StoredHash>,
) -> Result<(), FrontierError> {
    frontier.append(leaf, |level, index, hash| {
        stored.extend(kept(level, index, hash));
    })
}

/// What the store keeps of a complete subtree, if anything: the levels that tiles begin at.
pub(super) fn kept(level: u8, index: u64, hash: Hash) -> Option<StoredHash> {
    level.is_multiple_of(LEVELS_PER_TILE).then(|| StoredHash {
        level,
        index,
        hash: *hash.as_bytes(),
    })
}

/// Source: C2SP tlog-tiles: tiles are 8 levels high.
const LEVELS_PER_TILE: u8 = 8;
const CORRUPT: StoreError = StoreError::Corrupt { table: "tiles" };
