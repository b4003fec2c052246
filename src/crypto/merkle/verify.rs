//! Verification of proofs. It trusts nothing but the root hashes that it is given.

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::Hash;
use super::node_hash;

/// A proof does not prove what it should.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("proof does not verify")]
pub struct VerificationError;

/// Verifies that a leaf is in the tree with this root.
///
/// Source: RFC 9162, section 2.1.3.2.
///
/// # Errors
///
/// If it is not, or the proof has a hash too many or too few.
pub fn verify_inclusion(
    leaf_index: u64,
    tree_size: u64,
    leaf: &Hash,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), VerificationError> {
    // 1. If leaf_index is greater than or equal to tree_size, fail.
    if leaf_index >= tree_size {
        return Err(VerificationError);
    }
    // 2. Set fn to leaf_index and sn to tree_size - 1.
    let mut path = Path {
        node: leaf_index,
        last: tree_size - 1,
    };
    // 3. Set r to hash.
    let mut computed = *leaf;
    // 4. For each value p in the inclusion_path array:
    for sibling in proof {
        computed = match path.step()? {
            Side::Left => node_hash(sibling, &computed),
            Side::Right => node_hash(&computed, sibling),
        };
    }
    // 5. Compare sn to 0. Compare r against the root_hash.
    path.end()?;
    same(&computed, root)
}

/// Verifies that the second tree is the first with leaves appended.
///
/// Source: RFC 9162, section 2.1.4.2, and for equal sizes and the empty tree that the proof is
/// empty and the root the right one.
///
/// # Errors
///
/// If it is not, or the proof has a hash too many or too few.
pub fn verify_consistency(
    first_size: u64,
    first_root: &Hash,
    second_size: u64,
    second_root: &Hash,
    proof: &[Hash],
) -> Result<(), VerificationError> {
    if first_size > second_size {
        return Err(VerificationError);
    }
    if first_size == 0 || first_size == second_size {
        let expected = if first_size == 0 {
            Hash::of_empty_tree()
        } else {
            *second_root
        };
        same(first_root, &expected)?;
        return if proof.is_empty() {
            Ok(())
        } else {
            Err(VerificationError)
        };
    }
    // 2. If first is an exact power of 2, then prepend first_hash to the consistency_path array.
    let (start, rest) = if first_size.is_power_of_two() {
        (first_root, proof)
    } else {
        proof.split_first().ok_or(VerificationError)?
    };
    // 3. Set fn to first - 1 and sn to second - 1.
    let mut path = Path {
        node: first_size - 1,
        last: second_size - 1,
    };
    // 4. If LSB(fn) is set, then right-shift both fn and sn equally until LSB(fn) is not set.
    let shift = path.node.trailing_ones();
    path = Path {
        node: path.node.checked_shr(shift).unwrap_or(0),
        last: path.last.checked_shr(shift).unwrap_or(0),
    };
    // 5. Set both fr and sr to the first value in the consistency_path array.
    let (mut first_computed, mut second_computed) = (*start, *start);
    // 6. For each subsequent value c in the consistency_path array:
    for sibling in rest {
        match path.step()? {
            Side::Left => {
                first_computed = node_hash(sibling, &first_computed);
                second_computed = node_hash(sibling, &second_computed);
            }
            Side::Right => second_computed = node_hash(&second_computed, sibling),
        }
    }
    // 7. Verify that fr is first_hash, sr is second_hash, and sn is 0.
    path.end()?;
    same(&first_computed, first_root)?;
    same(&second_computed, second_root)
}

/// The way from a node up to the root: `fn` and `sn` of the RFC.
struct Path {
    node: u64,
    last: u64,
}

/// On which side of the node its sibling is.
enum Side {
    Left,
    Right,
}

impl Path {
    /// Goes up by one hash of the proof.
    fn step(&mut self) -> Result<Side, VerificationError> {
        // a. If sn is 0, then stop the iteration and fail the proof verification.
        if self.last == 0 {
            return Err(VerificationError);
        }
        // b. If LSB(fn) is set, or if fn is equal to sn, then:
        let side = if self.node & 1 == 1 || self.node == self.last {
            // ii. If LSB(fn) is not set, right-shift both until it is set or fn is 0.
            while self.node & 1 == 0 && self.node != 0 {
                self.up();
            }
            Side::Left
        } else {
            Side::Right
        };
        // c. Finally, right-shift both fn and sn one time.
        self.up();
        Ok(side)
    }

    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }

    fn end(&self) -> Result<(), VerificationError> {
        if self.last == 0 {
            Ok(())
        } else {
            Err(VerificationError)
        }
    }
}

fn same(one: &Hash, other: &Hash) -> Result<(), VerificationError> {
    if one.as_bytes().ct_eq(other.as_bytes()).into() {
        Ok(())
    } else {
        Err(VerificationError)
    }
}
