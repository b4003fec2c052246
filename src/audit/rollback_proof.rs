//! The proof that officers have accepted a rollback, for whoever has seen what is lost: a receipt
//! of the entry that says so, with the entry itself.

use thiserror::Error;

use crate::audit::AcceptedRollback;
use crate::audit::CheckpointKeys;
use crate::audit::Entry;
use crate::audit::Event;
use crate::audit::SignedCheckpoint;
use crate::audit::TlogProof;
use crate::audit::TlogProofError;

/// A rollback that the log says was accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProvenRollback {
    /// What was given up, and where.
    pub accepted: AcceptedRollback,
    /// SHA-256 of the statement that they signed.
    pub statement_digest: [u8; 32],
    /// How many officers have signed; none in a vault that has none.
    pub officers_count: usize,
    /// A checkpoint of the log with this entry.
    pub checkpoint: SignedCheckpoint,
}

/// Why a proof is none of an accepted rollback.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum RollbackProofError {
    /// The proof has no entry.
    #[error("it does not have the entry itself: make it by `audit prove-inclusion --with-entry`")]
    NoEntry,
    /// The entry says something else.
    #[error("its entry is not about an accepted rollback")]
    OtherEntry,
    /// The proof proves nothing.
    #[error(transparent)]
    Proof(#[from] TlogProofError),
}

/// Reads a proof that officers have accepted a rollback, for whoever has seen what is lost.
///
/// # Errors
///
/// If it is not in the log of these keys, or is of something else.
pub fn read_rollback_proof(
    proof: &TlogProof,
    keys: &CheckpointKeys,
) -> Result<ProvenRollback, RollbackProofError> {
    let proven = proof.verify(keys)?;
    let entry = proven.entry().ok_or(RollbackProofError::NoEntry)?;
    let entry = Entry::decode(entry).map_err(|_| RollbackProofError::OtherEntry)?;
    let is_it = entry.draft.event == Event::RollbackAccepted && entry.index == proven.index();
    let digest = entry.draft.ceremony.statement_digest;
    let lost = entry.draft.ceremony.lost_head.filter(|_| is_it);
    Ok(ProvenRollback {
        accepted: AcceptedRollback {
            index: proven.index(),
            lost: lost.ok_or(RollbackProofError::OtherEntry)?,
        },
        statement_digest: digest.ok_or(RollbackProofError::OtherEntry)?,
        officers_count: entry.draft.ceremony.officers.len(),
        checkpoint: proven.checkpoint().clone(),
    })
}
