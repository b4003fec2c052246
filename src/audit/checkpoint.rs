//! Signed checkpoints: what a log of some size must be.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::note::AuditSigningKey;
use crate::crypto::note::Checkpoint;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::NoteVerifier;
use crate::crypto::note::SignedNote;

/// A checkpoint with its signed note: made by the signer, or verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedCheckpoint {
    size: u64,
    root: Hash,
    note: Box<str>,
}

/// Signs the checkpoints of one log.
pub struct CheckpointSigner {
    origin: NoteKeyName,
    key: AuditSigningKey,
}

/// The public keys whose checkpoints are believed: the current one, and those before it.
#[derive(Clone, Debug)]
pub struct CheckpointKeys(Vec<NoteVerifier>);

impl SignedCheckpoint {
    /// How many entries the log has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root hash of its tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The signed note.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The same checkpoint, whose note has a witness's signature too.
    pub(super) fn cosigned(&self, cosignature: SignedNote) -> Option<Self> {
        let note: SignedNote = self.note.parse().ok()?;
        let note = note.with_signatures_of(cosignature).ok()?;
        Some(Self {
            note: note.to_string().into(),
            ..*self
        })
    }
}

impl CheckpointSigner {
    /// Signs for the log with this name.
    #[must_use]
    pub fn new(origin: NoteKeyName, key: AuditSigningKey) -> Self {
        Self { origin, key }
    }

    /// The checkpoint of the log without entries: what its head is made with.
    ///
    /// Nothing comes out where the origin cannot stand in a note.
    #[must_use]
    pub fn sign_empty(&self) -> Option<SignedCheckpoint> {
        let frontier = Frontier::new();
        self.sign(frontier.size(), frontier.root())
    }

    /// Signs a report of who was seen, by the SHA-256 of its document.
    ///
    /// Nothing comes out where the origin cannot stand in a note.
    #[must_use]
    pub fn sign_exposure(&self, digest: &[u8; 32]) -> Option<String> {
        let text = exposure_text(&self.origin, digest);
        let note = self.key.sign(self.origin.clone(), &text).ok()?;
        Some(note.to_string())
    }

    /// Signs what a backup is made of, by the SHA-256 of its list.
    ///
    /// Nothing comes out where the origin cannot stand in a note.
    #[must_use]
    pub fn sign_backup(&self, digest: &[u8; 32]) -> Option<String> {
        let text = backup_text(&self.origin, digest);
        let note = self.key.sign(self.origin.clone(), &text).ok()?;
        Some(note.to_string())
    }

    pub(super) fn sign(&self, size: u64, root: Hash) -> Option<SignedCheckpoint> {
        let origin = self.origin.clone();
        let checkpoint = Checkpoint {
            origin,
            tree_size: size,
            root_hash: root,
        };
        let note = checkpoint.sign(&self.key).ok()?.to_string().into();
        Some(SignedCheckpoint { size, root, note })
    }
}

impl CheckpointKeys {
    /// Believes these keys, each for the log of its own name.
    #[must_use]
    pub fn new(keys: Vec<NoteVerifier>) -> Self {
        Self(keys)
    }

    /// Reads a signed note, if it is a checkpoint that one of the keys signed.
    #[must_use]
    pub fn verify(&self, note: &str) -> Option<SignedCheckpoint> {
        let signed: SignedNote = note.parse().ok()?;
        let verified = self
            .0
            .iter()
            .find_map(|key| Checkpoint::verify(&signed, key).ok())?;
        let Checkpoint {
            tree_size: size,
            root_hash: root,
            ..
        } = verified;
        Some(SignedCheckpoint {
            size,
            root,
            note: note.into(),
        })
    }
}

impl CheckpointKeys {
    /// Whether the key that signed the checkpoint, or another of the same log, signed a report of
    /// who was seen with this digest.
    #[must_use]
    pub fn verify_exposure(
        &self,
        note: &str,
        digest: &[u8; 32],
        checkpoint: &SignedCheckpoint,
    ) -> bool {
        let Ok(signed) = note.parse::<SignedNote>() else {
            return false;
        };
        self.0.iter().any(|key| {
            let text = exposure_text(key.name(), digest);
            let is_origin = checkpoint.note.lines().next() == Some(key.name().as_str());
            is_origin && key.verify(&signed) == Ok(text.as_str())
        })
    }
}

impl CheckpointKeys {
    /// Whether one of the keys signed what a backup is made of, with this digest.
    #[must_use]
    pub fn verify_backup(&self, note: &str, digest: &[u8; 32]) -> bool {
        let Ok(signed) = note.parse::<SignedNote>() else {
            return false;
        };
        self.0.iter().any(|key| {
            let text = backup_text(key.name(), digest);
            key.verify(&signed) == Ok(text.as_str())
        })
    }

    /// The keys, each as a C2SP verifier key.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(NoteVerifier::to_string).collect()
    }
}

/// What is signed of a backup: which log it is of, and which list it is. Two lines, so that it can
/// never be taken for a checkpoint, which has three, and another first one than a report's.
fn backup_text(origin: &NoteKeyName, digest: &[u8; 32]) -> String {
    let digest = STANDARD.encode(digest);
    format!("{}/backup\n{digest}\n", origin.as_str())
}

/// What is signed of a report: which log it is about, and which document it is. Two lines, so that
/// it can never be taken for a checkpoint, which has three.
fn exposure_text(origin: &NoteKeyName, digest: &[u8; 32]) -> String {
    let digest = STANDARD.encode(digest);
    format!("{}/exposure\n{digest}\n", origin.as_str())
}

impl fmt::Debug for CheckpointSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CheckpointSigner")
            .finish_non_exhaustive()
    }
}
