//! Signed notes: how checkpoints of the audit log are signed.
//!
//! Source: C2SP signed-note (<https://c2sp.org/signed-note>) and tlog-checkpoint
//! (<https://c2sp.org/tlog-checkpoint>). Every parser is strict: what it accepts, it writes back
//! byte for byte.

mod checkpoint;
mod cosigner;
mod key;
mod signed_note;
#[cfg(test)]
pub(crate) mod small_order;
mod submission;

use thiserror::Error;

pub use checkpoint::Checkpoint;
pub use cosigner::CosignerKey;
pub use cosigner::CosignerVerifier;
pub use key::AuditSigningKey;
pub use key::NoteKeyName;
pub use key::NoteVerifier;
pub use key::OfficerKey;
pub use signed_note::NOTE_BYTES_MAX;
pub use signed_note::NoteSignature;
pub use signed_note::SIGNATURES_COUNT_MAX;
pub use signed_note::SignedNote;
pub use submission::PROOF_HASHES_MAX;
pub use submission::SUBMISSION_BYTES_MAX;
pub use submission::Submission;

/// Why a note, a checkpoint or a verifier key is not accepted.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NoteError {
    /// The text is not a checkpoint.
    #[error("checkpoint is not in its form")]
    Checkpoint,
    /// The file is not a witness's key, or the passphrase is another one.
    #[error("witness's key does not open")]
    CosignerKey,
    /// The text is not a key name.
    #[error("key name is empty, too long, or has a space, a plus sign or a control character")]
    KeyName,
    /// The text is not a signed note.
    #[error("signed note is not in its form")]
    Note,
    /// The note has no signature of the key.
    #[error("note is not signed by the key")]
    NotSigned,
    /// The file is not an officer's key, or the passphrase is another one.
    #[error("officer's key does not open")]
    OfficerKey,
    /// A signature of the key does not verify.
    #[error("signature does not verify")]
    Signature,
    /// The text is not what is submitted to a witness.
    #[error("submission is not in its form")]
    Submission,
    /// The text is not a verifier key.
    #[error("verifier key is not in its form")]
    VerifierKey,
}

#[cfg(test)]
mod tests;
