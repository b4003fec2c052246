//! What a group added to the tree: with it, each of its entries is proven without the store.
//!
//! The proof of an entry has the hashes of the subtrees beside the way from its leaf to the root.
//! Those that have a leaf of the group were completed when the tree grew. One that was there
//! before ends where the group begins, or where a subtree begins that the group completed: so it
//! is one of those that the tree was made of before, its [`Frontier`]. No other hash is needed.

use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::crypto::merkle::ProofError;
use crate::crypto::merkle::inclusion_proof;

/// The complete subtrees that a group completed, and those that the tree was made of before.
#[derive(Debug)]
pub(super) struct Growth {
    /// From the leaves upwards, one for each height that a tree can have.
    levels: Vec<Level>,
}

/// Complete subtrees of one height, side by side.
#[derive(Debug)]
struct Level {
    first_index: u64,
    hashes: Vec<Hash>,
}

/// The subtree is neither of the group nor what the tree was made of before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Elsewhere;

impl Growth {
    /// No growth yet, of the tree with this right edge.
    pub(super) fn behind(frontier: &Frontier) -> Self {
        let size = frontier.size();
        let mut before = frontier.hashes().iter().rev();
        let level = |level: u8| {
            let next = size >> level;
            // The subtree before the next is of the frontier exactly where it is a left one.
            let last = if next & 1 == 1 { before.next() } else { None };
            Level {
                first_index: next - u64::from(last.is_some()),
                hashes: last.into_iter().copied().collect(),
            }
        };
        Self {
            levels: (0..LEVELS_COUNT).map(level).collect(),
        }
    }

    /// Learns of the next subtree that is completed at a level.
    pub(super) fn complete(&mut self, level: u8, hash: Hash) {
        if let Some(level) = self.levels.get_mut(usize::from(level)) {
            level.hashes.push(hash);
        }
    }

    /// The hash of an entry's leaf, and the proof that it is in the tree that the group made.
    ///
    /// # Errors
    ///
    /// If the entry is not of the group, or the tree is another.
    pub(super) fn prove(
        &self,
        index: u64,
        tree_size: u64,
    ) -> Result<(Hash, Vec<Hash>), ProofError<Elsewhere>> {
        let leaf = self.hash(0, index)?;
        Ok((leaf, inclusion_proof(self, index, tree_size)?))
    }
}

impl HashReader for Growth {
    type Error = Elsewhere;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Elsewhere> {
        let hash = || {
            let level = self.levels.get(usize::from(level))?;
            let place = index.checked_sub(level.first_index)?;
            level.hashes.get(usize::try_from(place).ok()?).copied()
        };
        hash().ok_or(Elsewhere)
    }
}

/// A tree has fewer than 2^64 leaves.
const LEVELS_COUNT: u8 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::merkle::leaf_hash;
    use crate::crypto::merkle::verify_inclusion;

    fn leaf(index: u64) -> Hash {
        leaf_hash(&index.to_be_bytes())
    }

    /// The growth of a tree from one size to another, and the tree's root then.
    fn grown(from: u64, to: u64) -> (Growth, Hash) {
        let mut frontier = Frontier::new();
        (0..from).for_each(|index| frontier.append(leaf(index), |_, _, _| ()).unwrap());
        let mut growth = Growth::behind(&frontier);
        for index in from..to {
            let complete = |level, _, hash| growth.complete(level, hash);
            frontier.append(leaf(index), complete).unwrap();
        }
        (growth, frontier.root())
    }

    /// Goal: every entry of every group is proven by what the group knows. Method: all sizes up to
    /// 70, which is beyond three edges of subtrees, and all groups up to there.
    #[test]
    fn every_entry_of_a_group_is_proven() {
        for from in 0..70 {
            for to in from + 1..=70 {
                let (growth, root) = grown(from, to);
                for index in from..to {
                    let (hash, proof) = growth.prove(index, to).unwrap();
                    assert_eq!(hash, leaf(index));
                    verify_inclusion(index, to, &hash, &proof, &root).unwrap();
                }
            }
        }
    }

    #[test]
    fn entry_of_another_group_is_not_proven() {
        let (growth, _) = grown(37, 52);
        assert_eq!(growth.prove(35, 52), Err(ProofError::Reader(Elsewhere)));
        assert_eq!(growth.prove(52, 52), Err(ProofError::Reader(Elsewhere)));
        assert_eq!(growth.prove(51, 51), Err(ProofError::OutsideTree));
    }

    /// Goal: it is the proof that the whole tree gives. Method: places all over groups that begin
    /// and end at the edges of subtrees.
    #[test]
    fn proof_is_that_of_the_whole_tree() {
        for (from, to) in [
            (1_023, 1_600),
            (1_024, 1_025),
            (4_095, 4_097),
            (3_000, 5_000),
        ] {
            let (whole, _) = grown(0, to);
            let (growth, _) = grown(from, to);
            for index in (from..to).step_by(7) {
                let (_, proof) = growth.prove(index, to).unwrap();
                assert_eq!(proof, inclusion_proof(&whole, index, to).unwrap());
            }
        }
    }
}
