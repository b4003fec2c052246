//! Proofs, made of the hashes of complete subtrees.

use thiserror::Error;

use super::Frontier;
use super::Hash;
use super::node_hash;

/// Reads the hashes of complete subtrees.
pub trait HashReader {
    /// Why a hash could not be read.
    type Error;

    /// The hash of the complete subtree of 2^level leaves that starts at leaf index × 2^level.
    ///
    /// # Errors
    ///
    /// If it could not be read.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Why there is no proof.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ProofError<E> {
    /// The leaf or the older tree is not in the tree.
    #[error("leaf or older tree is not in the tree")]
    OutsideTree,
    /// A hash could not be read.
    #[error(transparent)]
    Reader(#[from] E),
}

/// The proof that a leaf is in the tree of this size: the hashes beside the leaf's path, from the
/// leaf upwards.
///
/// Source: RFC 6962, section 2.1.1.
///
/// # Errors
///
/// If the leaf is not in the tree, or a hash could not be read.
pub fn inclusion_proof<R: HashReader>(
    reader: &R,
    leaf_index: u64,
    tree_size: u64,
) -> Result<Vec<Hash>, ProofError<R::Error>> {
    if leaf_index >= tree_size {
        return Err(ProofError::OutsideTree);
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, tree_size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if leaf_index < middle {
            proof.push(range_hash(reader, middle, end)?);
            end = middle;
        } else {
            proof.push(range_hash(reader, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of the second size is the tree of the first with leaves appended.
///
/// Source: RFC 6962, section 2.1.2. For equal sizes, and for the empty tree, the proof is empty.
///
/// # Errors
///
/// If the first tree is the larger one, or a hash could not be read.
pub fn consistency_proof<R: HashReader>(
    reader: &R,
    first_size: u64,
    second_size: u64,
) -> Result<Vec<Hash>, ProofError<R::Error>> {
    if first_size > second_size {
        return Err(ProofError::OutsideTree);
    }
    if first_size == 0 || first_size == second_size {
        return Ok(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, second_size);
    // The first tree ends at a node of the second when `end` comes down to its size.
    while end != first_size {
        let middle = start + split(end - start);
        if first_size <= middle {
            proof.push(range_hash(reader, middle, end)?);
            end = middle;
        } else {
            proof.push(range_hash(reader, start, middle)?);
            start = middle;
        }
    }
    // Where nothing was split off on the left, that node is the whole first tree, whose root the
    // verifier has.
    if start > 0 {
        proof.push(range_hash(reader, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The largest power of two that is smaller than the number of leaves, which is at least 2.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The hash of the leaves from `start` to `end`, where `start` is a multiple of the largest
/// complete subtree in between, as it always is on the way down from the root.
fn range_hash<R: HashReader>(
    reader: &R,
    start: u64,
    end: u64,
) -> Result<Hash, ProofError<R::Error>> {
    let hashes = Frontier::places(end - start)
        .map(|(level, index)| reader.hash(level, (start >> level) + index))
        .collect::<Result<Vec<_>, _>>()?;
    hashes
        .into_iter()
        .rev()
        .reduce(|right, left| node_hash(&left, &right))
        .ok_or(ProofError::OutsideTree)
}
