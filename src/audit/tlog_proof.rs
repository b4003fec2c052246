//! Receipts as text: that an entry is in the log, for whoever has the log's public key.
//!
//! Source: C2SP tlog-proof (<https://c2sp.org/tlog-proof>). The extra data is the hash of the
//! entry's leaf, which nobody can compute without the entry; or the leaf itself, where whoever is
//! to read the proof must know what the entry says. With either the text needs nothing else. It is
//! no more trusted than the rest: with another hash the proof does not come out at the root that
//! was signed. The parser is strict: what it accepts, it writes back byte for byte.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::crypto::merkle;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::verify_inclusion;
use crate::crypto::note::NOTE_BYTES_MAX;
use crate::store::SALT_BYTES;

/// The proof that an entry is in the log, as text. Nothing of it is verified yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: String,
}

/// An entry that is in the log: its proof was verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProvenEntry {
    index: u64,
    leaf_hash: Hash,
    entry: Option<Vec<u8>>,
    checkpoint: SignedCheckpoint,
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum TlogProofError {
    /// The checkpoint is not one that the given keys signed.
    #[error("its checkpoint is not signed by the given keys")]
    Checkpoint,
    /// The text is not in the form of C2SP tlog-proof.
    #[error("it is not in the form of C2SP tlog-proof")]
    Form,
    /// The proof does not lead from the leaf to the root that was signed.
    #[error("its hashes do not lead to the root that was signed")]
    Inclusion,
    /// The extra data is neither a leaf nor the hash of one.
    #[error("it has neither its leaf nor the hash of it as extra data")]
    LeafHash,
}

impl TlogProof {
    /// The proof of an entry with this leaf in the tree of the checkpoint, a signed note.
    #[must_use]
    pub fn new(index: u64, leaf_hash: Hash, hashes: Vec<Hash>, checkpoint: String) -> Self {
        Self {
            extra: Some(leaf_hash.as_bytes().to_vec()),
            index,
            hashes,
            checkpoint,
        }
    }

    /// The same proof with the leaf itself, a salt and an entry, in the place of its hash.
    #[must_use]
    pub fn with_leaf(mut self, salt: &[u8; SALT_BYTES], entry: &[u8]) -> Self {
        self.extra = Some([salt, entry].concat());
        self
    }

    /// Its checkpoint, a signed note, of which nothing is verified.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// Verifies that the entry is in the log of one of these keys.
    ///
    /// # Errors
    ///
    /// If it is not, or this does not prove it.
    pub fn verify(&self, keys: &CheckpointKeys) -> Result<ProvenEntry, TlogProofError> {
        let checkpoint = keys.verify(&self.checkpoint);
        self.lead_to(checkpoint.ok_or(TlogProofError::Checkpoint)?)
    }

    /// Verifies that the leaf is in the tree of its checkpoint, whose signature was verified.
    pub(super) fn lead_to(
        &self,
        checkpoint: SignedCheckpoint,
    ) -> Result<ProvenEntry, TlogProofError> {
        let extra = self.extra.as_deref().ok_or(TlogProofError::LeafHash)?;
        let (leaf_hash, entry) = read_extra(extra).ok_or(TlogProofError::LeafHash)?;
        let (size, root) = (checkpoint.size(), checkpoint.root());
        verify_inclusion(self.index, size, &leaf_hash, &self.hashes, &root)
            .map_err(|_| TlogProofError::Inclusion)?;
        Ok(ProvenEntry {
            index: self.index,
            leaf_hash,
            entry: entry.map(<[u8]>::to_vec),
            checkpoint,
        })
    }
}

/// The hash of the leaf, and the bytes of the entry where the leaf itself is there. No entry is so
/// short that its leaf had the length of a hash.
fn read_extra(extra: &[u8]) -> Option<(Hash, Option<&[u8]>)> {
    if let Ok(hash) = extra.try_into() {
        return Some((Hash::from_bytes(hash), None));
    }
    let (_, entry) = extra.split_first_chunk::<SALT_BYTES>()?;
    (extra.len() > Hash::LENGTH).then(|| (merkle::leaf_hash(extra), Some(entry)))
}

impl ProvenEntry {
    /// The index of the entry.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The hash of its leaf.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        self.leaf_hash
    }

    /// The bytes of the entry itself, where the proof has them.
    #[must_use]
    pub fn entry(&self) -> Option<&[u8]> {
        self.entry.as_deref()
    }

    /// The checkpoint of the tree that it is in.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(formatter, "{EXTRA}{}", STANDARD.encode(extra))?;
        }
        writeln!(formatter, "{INDEX}{}", self.index)?;
        for hash in &self.hashes {
            writeln!(formatter, "{}", STANDARD.encode(hash.as_bytes()))?;
        }
        write!(formatter, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = TlogProofError;

    fn from_str(text: &str) -> Result<Self, TlogProofError> {
        let read = || {
            if text.len() > PROOF_BYTES_MAX {
                return None;
            }
            let (proof, checkpoint) = text.split_once("\n\n")?;
            let mut lines = proof.split('\n');
            lines.next().filter(|line| *line == FIRST_LINE)?;
            let mut line = lines.next()?;
            let mut extra = None;
            if let Some(encoded) = line.strip_prefix(EXTRA) {
                extra = Some(STANDARD.decode(encoded).ok()?);
                line = lines.next()?;
            }
            let index = line.strip_prefix(INDEX)?.parse().ok()?;
            let hash = |line: &str| {
                let bytes = STANDARD.decode(line).ok()?;
                Some(Hash::from_bytes(bytes.try_into().ok()?))
            };
            let hashes = lines.map(hash).collect::<Option<Vec<_>>>()?;
            let proof = Self {
                extra,
                index,
                hashes,
                checkpoint: checkpoint.to_owned(),
            };
            // Refuses a plus sign and zeros before the index, and whatever else has two spellings.
            let is_same = proof.hashes.len() <= HASHES_MAX && proof.to_string() == text;
            is_same.then_some(proof)
        };
        read().ok_or(TlogProofError::Form)
    }
}

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";
/// A tree has fewer than 2^64 leaves.
const HASHES_MAX: usize = 64;
/// The longest proof that is read: a note, 64 hashes of 45 bytes, and room for extra data.
const PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + 8 * 1_024;
