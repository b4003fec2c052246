//! The tree against Certificate Transparency's vectors, and exhaustively for small sizes.

use std::collections::HashMap;
use std::convert::Infallible;

use super::*;

/// The eight leaves of Certificate Transparency's test tree (merkle_tree_test.cc, also in
/// transparency-dev/merkle).
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// A tree that keeps the hash of every complete subtree, and the root of every size.
#[derive(Default)]
struct Tree {
    frontier: Frontier,
    hashes: HashMap<(u8, u64), Hash>,
    roots: Vec<Hash>,
}

impl Tree {
    fn of(leaves: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut tree = Self {
            roots: vec![Hash::of_empty_tree()],
            ..Self::default()
        };
        for leaf in leaves {
            let hashes = &mut tree.hashes;
            let completed = |level, index, hash| {
                assert_eq!(hashes.insert((level, index), hash), None);
            };
            tree.frontier.append(leaf_hash(&leaf), completed).unwrap();
            tree.roots.push(tree.frontier.root());
        }
        tree
    }

    fn of_size(size: u64) -> Self {
        Self::of((0..size).map(|leaf| leaf.to_be_bytes().to_vec()))
    }
}

impl HashReader for Tree {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.hashes[&(level, index)])
    }
}

fn hex_of(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(Hash::to_string).collect()
}

#[test]
fn roots_are_those_of_certificate_transparency() {
    let tree = Tree::of(LEAVES.iter().map(|leaf| hex::decode(leaf).unwrap()));
    assert_eq!(hex_of(&tree.roots), ROOTS);
}

#[test]
fn proofs_are_those_of_certificate_transparency() {
    let tree = Tree::of(LEAVES.iter().map(|leaf| hex::decode(leaf).unwrap()));
    for (leaf, size, proof) in [
        (0, 1, vec![]),
        (
            0,
            8,
            vec![
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            vec![
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                ROOTS[4],
            ],
        ),
        (2, 3, vec![ROOTS[2]]),
    ] {
        assert_eq!(hex_of(&inclusion_proof(&tree, leaf, size).unwrap()), proof);
    }
    for (first, second, proof) in [
        (1, 1, vec![]),
        (
            1,
            8,
            vec![
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            vec![
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                ROOTS[4],
            ],
        ),
        (
            2,
            5,
            vec![
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ] {
        assert_eq!(
            hex_of(&consistency_proof(&tree, first, second).unwrap()),
            proof
        );
    }
}

#[test]
fn every_leaf_proves_its_inclusion_and_nothing_else() {
    let tree = Tree::of_size(SIZE_MAX);
    for size in 1..=SIZE_MAX {
        let root = tree.roots[usize::try_from(size).unwrap()];
        for index in 0..size {
            let leaf = tree.hashes[&(0, index)];
            let proof = inclusion_proof(&tree, index, size).unwrap();
            assert!(verify_inclusion(index, size, &leaf, &proof, &root).is_ok());
            // An inclusion proof alone does not bind the tree size everywhere: the checkpoint
            // signs size and root together. Index, leaf, root and path it does bind.
            for other in (0..size).filter(|other| *other != index) {
                assert!(verify_inclusion(other, size, &leaf, &proof, &root).is_err());
                let wrong = tree.hashes[&(0, other)];
                assert!(verify_inclusion(index, size, &wrong, &proof, &root).is_err());
            }
            assert!(verify_inclusion(size, size, &leaf, &proof, &root).is_err());
            assert!(verify_inclusion(index, size, &leaf, &proof, &leaf_hash(b"x")).is_err());
            for damaged in damages(&proof) {
                assert!(verify_inclusion(index, size, &leaf, &damaged, &root).is_err());
            }
        }
        assert!(matches!(
            inclusion_proof(&tree, size, size),
            Err(ProofError::OutsideTree)
        ));
    }
}

#[test]
fn every_tree_proves_its_growth_and_nothing_else() {
    let tree = Tree::of_size(SIZE_MAX);
    let root_of = |size: u64| tree.roots[usize::try_from(size).unwrap()];
    for second in 0..=SIZE_MAX {
        for first in 0..=second {
            let (one, two) = (root_of(first), root_of(second));
            let proof = consistency_proof(&tree, first, second).unwrap();
            assert!(verify_consistency(first, &one, second, &two, &proof).is_ok());
            let fork = leaf_hash(b"x");
            assert!(verify_consistency(first, &fork, second, &two, &proof).is_err());
            if first > 0 {
                assert!(verify_consistency(first, &one, second, &fork, &proof).is_err());
            }
            for damaged in damages(&proof) {
                assert!(verify_consistency(first, &one, second, &two, &damaged).is_err());
            }
        }
        assert!(matches!(
            consistency_proof(&tree, second + 1, second),
            Err(ProofError::OutsideTree)
        ));
        let root = root_of(second);
        assert!(verify_consistency(second + 1, &root, second, &root, &[]).is_err());
    }
}

#[test]
fn frontier_is_rebuilt_from_its_hashes() {
    let tree = Tree::of_size(SIZE_MAX);
    for size in 0..SIZE_MAX {
        let read = |(level, index)| tree.hash(level, index).unwrap();
        let hashes: Vec<_> = Frontier::places(size).map(read).collect();
        let mut frontier = Frontier::from_hashes(size, hashes.clone()).unwrap();
        assert_eq!(frontier.root(), tree.roots[usize::try_from(size).unwrap()]);
        frontier
            .append(tree.hashes[&(0, size)], |_, _, _| {})
            .unwrap();
        assert_eq!(
            frontier.root(),
            tree.roots[usize::try_from(size + 1).unwrap()]
        );
        assert_eq!(frontier.size(), size + 1);
        assert!(Frontier::from_hashes(size, [hashes, vec![leaf_hash(b"")]].concat()).is_err());
    }
}

#[test]
fn largest_tree_is_full() {
    let mut frontier = Frontier::from_hashes(u64::MAX, vec![leaf_hash(b""); 64]).unwrap();
    assert_eq!(
        frontier.append(leaf_hash(b""), |_, _, _| {}),
        Err(FrontierError::TreeFull)
    );
    let places: Vec<_> = Frontier::places(u64::MAX).collect();
    assert_eq!((places[0], places[63]), ((63, 0), (0, u64::MAX - 1)));
}

/// The proof with a hash changed, dropped or added, in each place.
fn damages(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for place in 0..=proof.len() {
        let mut added = proof.to_vec();
        added.insert(place, leaf_hash(b"x"));
        all.push(added);
        if place < proof.len() {
            let mut changed = proof.to_vec();
            changed[place] = leaf_hash(b"x");
            let mut dropped = proof.to_vec();
            dropped.remove(place);
            all.extend([changed, dropped]);
        }
    }
    all
}

const SIZE_MAX: u64 = 64;
