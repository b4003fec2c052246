//! The right edge of a tree: all that appending needs.

use thiserror::Error;

use super::Hash;
use super::node_hash;

/// The roots of the complete subtrees that a tree is made of, the largest first: one for each 1
/// in the binary number of its leaves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

/// Why stored hashes are not the frontier of a tree.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum FrontierError {
    /// There are more or fewer hashes than the tree has complete subtrees.
    #[error("a tree of {size} leaves has {expected} complete subtrees")]
    HashesCount {
        /// The number of leaves.
        size: u64,
        /// The number of hashes that it needs.
        expected: u32,
    },
    /// The tree has as many leaves as can be counted.
    #[error("tree is full")]
    TreeFull,
}

impl Frontier {
    /// The frontier of the tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: 0,
            hashes: Vec::new(),
        }
    }

    /// The frontier with these hashes, the largest subtree first.
    ///
    /// # Errors
    ///
    /// If a tree of this size has another number of complete subtrees.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, FrontierError> {
        let expected = size.count_ones();
        if u32::try_from(hashes.len()) != Ok(expected) {
            return Err(FrontierError::HashesCount { size, expected });
        }
        Ok(Self { size, hashes })
    }

    /// Where the hashes of a tree of this size are: `(level, index)`, the largest subtree first.
    pub fn places(size: u64) -> impl Iterator<Item = (u8, u64)> {
        (0..64_u8)
            .rev()
            .filter(move |level| (size >> level) & 1 == 1)
            .map(move |level| {
                let above = size.checked_shr(u32::from(level) + 1).unwrap_or(0);
                (level, above << 1)
            })
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes, the largest subtree first.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf's hash, and names every complete subtree that it completes, from the leaf
    /// upwards, by level, index and hash: what a [`super::HashReader`] must find later.
    ///
    /// # Errors
    ///
    /// If the tree has 2^64 - 1 leaves.
    pub fn append(
        &mut self,
        leaf: Hash,
        mut completed: impl FnMut(u8, u64, Hash),
    ) -> Result<(), FrontierError> {
        let size = self.size.checked_add(1).ok_or(FrontierError::TreeFull)?;
        let (mut hash, mut index) = (leaf, self.size);
        completed(0, index, hash);
        // Each 1 at the end of the old size is a complete subtree that this one completes.
        for level in 1..=64_u8 {
            if index & 1 == 0 {
                break;
            }
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(&left, &hash);
            index >>= 1;
            completed(level, index, hash);
        }
        self.hashes.push(hash);
        self.size = size;
        Ok(())
    }

    /// The root hash.
    #[must_use]
    pub fn root(&self) -> Hash {
        let joined = self
            .hashes
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right));
        joined.unwrap_or_else(Hash::of_empty_tree)
    }
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}
