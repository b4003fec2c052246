//! Signed checkpoints: what a log of some size must be.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::note::AuditSigningKey;
use crate::crypto::note::Checkpoint;
use crate::crypto::note::NoteError;
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
///
/// Keys that were replaced, and that nobody has reason to doubt, sign beside the one in use: who
/// knows the log by an older key, such as a witness, can go on until that is destroyed.
pub struct CheckpointSigner {
    origin: NoteKeyName,
    key: AuditSigningKey,
    former: Vec<AuditSigningKey>,
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

    /// What a note says that is a checkpoint, whoever signed it: nothing of it is verified.
    pub(super) fn claimed(note: &str) -> Option<Self> {
        let signed: SignedNote = note.parse().ok()?;
        let checkpoint: Checkpoint = signed.text().parse().ok()?;
        Some(Self {
            size: checkpoint.tree_size,
            root: checkpoint.root_hash,
            note: note.into(),
        })
    }

    /// The name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.note.lines().next().unwrap_or_default()
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
        let former = Vec::new();
        Self {
            origin,
            key,
            former,
        }
    }

    /// The same signer, with keys that sign beside its own, the newest first. The oldest of many do
    /// not: readers need not take a note with more signatures than a few, and a note with too many
    /// could not be written at all.
    #[must_use]
    pub fn beside(self, mut former: Vec<AuditSigningKey>) -> Self {
        former.truncate(FORMER_KEYS_MAX);
        Self { former, ..self }
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
        Some(self.sign_text(&text)?.to_string())
    }

    /// Signs what a backup is made of, by the SHA-256 of its list.
    ///
    /// Nothing comes out where the origin cannot stand in a note.
    #[must_use]
    pub fn sign_backup(&self, digest: &[u8; 32]) -> Option<String> {
        let text = backup_text(&self.origin, digest);
        Some(self.sign_text(&text)?.to_string())
    }

    /// Signs the record of what officers did.
    ///
    /// Nothing comes out where the text is no such record, or cannot stand in a note.
    #[must_use]
    pub fn sign_record(&self, text: &str) -> Option<SignedNote> {
        // No record passes for something else that these keys sign.
        self.sign_text(text)
            .filter(|_| text.starts_with(RECORD_HEAD))
    }

    pub(super) fn sign(&self, size: u64, root: Hash) -> Option<SignedCheckpoint> {
        let note = self.sign_text(&self.text(size, root))?.to_string().into();
        Some(SignedCheckpoint { size, root, note })
    }

    /// Signs the checkpoint from which on the log is another signer's: both sign it.
    pub(super) fn sign_handover(
        &self,
        successor: &Self,
        size: u64,
        root: Hash,
    ) -> Option<SignedCheckpoint> {
        let text = self.text(size, root);
        let note = successor.sign_text(&text)?;
        let own = self.key.verifier(self.origin.clone());
        let note = if own.verify(&note).is_ok() {
            note
        } else {
            let own = self.key.sign(self.origin.clone(), &text).ok()?;
            note.with_signatures_of(own).ok()?
        };
        let note = note.to_string().into();
        Some(SignedCheckpoint { size, root, note })
    }

    fn text(&self, size: u64, root: Hash) -> String {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            tree_size: size,
            root_hash: root,
        };
        checkpoint.to_string()
    }

    fn sign_text(&self, text: &str) -> Option<SignedNote> {
        let sign = |key: &AuditSigningKey| key.sign(self.origin.clone(), text).ok();
        self.former.iter().try_fold(sign(&self.key)?, |note, key| {
            note.with_signatures_of(sign(key)?).ok()
        })
    }
}

impl CheckpointKeys {
    /// Believes these keys, each for the log of its own name.
    #[must_use]
    pub fn new(keys: Vec<NoteVerifier>) -> Self {
        Self(keys)
    }

    /// These keys and those.
    #[must_use]
    pub fn joined(self, others: &Self) -> Self {
        others.0.iter().cloned().fold(self, Self::and)
    }

    /// These keys and one more.
    #[must_use]
    pub(super) fn and(mut self, key: NoteVerifier) -> Self {
        if !self.0.contains(&key) {
            self.0.push(key);
        }
        self
    }

    /// The keys.
    pub(super) fn verifiers(&self) -> impl Iterator<Item = &NoteVerifier> {
        self.0.iter()
    }

    /// Whether this is one of the keys.
    pub(super) fn has(&self, key: &NoteVerifier) -> bool {
        self.0.contains(key)
    }

    /// Those of the keys that have signed the note.
    ///
    /// All keys are looked at: a note is refused whole for one signature in the name of any of them
    /// that is not its own, so that what is believed depends neither on their order nor on who else
    /// has signed.
    ///
    /// Source: C2SP signed-note, on the verifying of signatures.
    ///
    /// # Errors
    ///
    /// If there is a signature in the name of one of them that is not its own.
    pub(super) fn signers(&self, note: &SignedNote) -> Result<Vec<&NoteVerifier>, NoteError> {
        let mut signers = Vec::new();
        for key in self.verifiers() {
            match key.verify(note) {
                Ok(_) => signers.push(key),
                Err(NoteError::NotSigned) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(signers)
    }

    /// Whether one of those that have signed the note is such a key.
    fn have_signed(&self, note: &SignedNote, is_such: impl Fn(&NoteVerifier) -> bool) -> bool {
        let signers = self.signers(note).unwrap_or_default();
        signers.into_iter().any(is_such)
    }

    /// Reads a signed note, if it is a checkpoint that one of the keys signed, and no signature in
    /// the name of one of them is forged.
    #[must_use]
    pub fn verify(&self, note: &str) -> Option<SignedCheckpoint> {
        let signed: SignedNote = note.parse().ok()?;
        let signers = self.signers(&signed).ok()?;
        let checkpoint: Checkpoint = signed.text().parse().ok()?;
        let is_signed = signers.iter().any(|key| *key.name() == checkpoint.origin);
        is_signed.then(|| SignedCheckpoint {
            size: checkpoint.tree_size,
            root: checkpoint.root_hash,
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
        let origin = checkpoint.note.lines().next();
        self.have_signed(&signed, |key| {
            let is_origin = origin == Some(key.name().as_str());
            is_origin && signed.text() == exposure_text(key.name(), digest)
        })
    }
}

impl CheckpointKeys {
    /// The record of what officers did, if one of the keys signed it.
    #[must_use]
    pub fn verify_record<'a>(&self, note: &'a SignedNote) -> Option<&'a str> {
        let is_signed = !self.signers(note).ok()?.is_empty();
        (is_signed && note.text().starts_with(RECORD_HEAD)).then(|| note.text())
    }

    /// Whether one of the keys signed what a backup is made of, with this digest.
    #[must_use]
    pub fn verify_backup(&self, note: &str, digest: &[u8; 32]) -> bool {
        let Ok(signed) = note.parse::<SignedNote>() else {
            return false;
        };
        self.have_signed(&signed, |key| {
            signed.text() == backup_text(key.name(), digest)
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

/// What records of officers' operations begin with.
const RECORD_HEAD: &str = "counterfoil.v1/record\n";
/// The most keys that sign beside the one in use. C2SP signed-note asks readers for 16 signatures;
/// a handover and a witness add one each.
const FORMER_KEYS_MAX: usize = 8;
