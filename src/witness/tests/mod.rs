//! The witness: what it answers, what it never forgets, and that each test would notice if it did.

mod answering;
mod forgetting;
mod racing;
mod timing;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use super::*;
use crate::crypto::KeyBytes;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::crypto::merkle::consistency_proof;
use crate::crypto::merkle::leaf_hash;
use crate::crypto::note::AuditSigningKey;
use crate::crypto::note::Checkpoint;
use crate::crypto::note::CosignerKey;
use crate::crypto::note::CosignerVerifier;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::SignedNote;
use crate::crypto::note::Submission;
use crate::domain::Clock;
use crate::domain::Timestamp;

const NOW: u64 = 1_800_000_000;

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(NOW * 1_000)
    }
}

/// The same, so many seconds later.
struct Later(u64);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        Still.now().plus_seconds(self.0)
    }
}

/// A log that signs whatever it is asked to.
struct TestLog {
    key: AuditSigningKey,
    origin: NoteKeyName,
    hashes: HashMap<(u8, u64), Hash>,
    roots: Vec<Hash>,
}

impl HashReader for TestLog {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.hashes[&(level, index)])
    }
}

impl TestLog {
    /// A log of `size` entries, which has another history from `fork` on where `branch` differs.
    fn new(size: u64, fork: u64, branch: u8) -> Self {
        let mut log = Self {
            key: AuditSigningKey::new(&KeyBytes::from_array(&[3; 32])),
            origin: origin(),
            hashes: HashMap::new(),
            roots: vec![Hash::of_empty_tree()],
        };
        let mut frontier = Frontier::new();
        for index in 0..size {
            let branch = if index < fork { 0 } else { branch };
            let leaf = leaf_hash(&[&[branch], index.to_be_bytes().as_slice()].concat());
            let hashes = &mut log.hashes;
            frontier
                .append(leaf, |level, index, hash| {
                    hashes.insert((level, index), hash);
                })
                .unwrap();
            log.roots.push(frontier.root());
        }
        log
    }

    fn checkpoint(&self, size: u64) -> Checkpoint {
        Checkpoint {
            origin: self.origin.clone(),
            tree_size: size,
            root_hash: self.roots[usize::try_from(size).unwrap()],
        }
    }

    fn note(&self, size: u64) -> SignedNote {
        self.checkpoint(size).sign(&self.key).unwrap()
    }

    fn proof(&self, old_size: u64, size: u64) -> Vec<Hash> {
        consistency_proof(self, old_size, size).unwrap()
    }

    fn submission(&self, old_size: u64, size: u64) -> Submission {
        Submission {
            old_size,
            proof: self.proof(old_size.min(size), size),
            note: self.note(size),
        }
    }

    fn watched(&self, latest: Option<Latest>) -> WatchedLog {
        WatchedLog {
            origin: self.origin.clone(),
            keys: vec![self.key.verifier(self.origin.clone())],
            latest,
        }
    }

    /// A witness of this log that keeps its state there.
    fn witness(&self, directory: StateDirectory) -> Witness {
        let latest = directory.read(&self.origin).unwrap();
        self.witness_with(latest, Box::new(directory))
    }

    fn witness_with(&self, latest: Option<Latest>, keeper: Box<dyn KeepState>) -> Witness {
        let logs = vec![self.watched(latest)];
        Witness::new(cosigner(), logs, keeper, Arc::new(Still))
    }
}

fn origin() -> NoteKeyName {
    NoteKeyName::new("vault.example/audit").unwrap()
}

fn cosigner() -> CosignerKey {
    let name = NoteKeyName::new("witness.example/w1").unwrap();
    CosignerKey::new(name, &KeyBytes::from_array(&[5; 32]))
}

fn verifier() -> CosignerVerifier {
    cosigner().verifier()
}

fn add(witness: &Witness, submission: &Submission) -> Result<Cosigned, Refusal> {
    witness.add_checkpoint(submission.to_string().as_bytes())
}

/// A number below `end`, the next of a sequence that a seed begins.
fn next(state: &mut u64, end: u64) -> u64 {
    // Knuth's MMIX generator: tests repeat.
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % end
}
