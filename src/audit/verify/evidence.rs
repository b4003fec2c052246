//! What a log is held against, beside what it says of itself.

use thiserror::Error;

use super::VerifyError;
use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::TlogProof;
use crate::audit::TlogProofError;
use crate::audit::WitnessKeys;
use crate::crypto::merkle::Frontier;

/// What somebody who verifies a log knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The public keys that are believed.
    pub keys: &'a CheckpointKeys,
    /// The latest checkpoint, as the vault keeps it outside the database: the log has no fewer
    /// entries.
    pub head: Option<&'a SignedCheckpoint>,
    /// Checkpoints that somebody kept: each must be the log's beginning.
    pub kept: &'a [KeptCheckpoint],
    /// Witnesses, of which one must have cosigned a checkpoint of the log; nothing: it need not
    /// have been witnessed.
    pub witnesses: Option<&'a WitnessKeys>,
}

impl<'a> Evidence<'a> {
    /// Public keys alone.
    #[must_use]
    pub fn of(keys: &'a CheckpointKeys) -> Self {
        Self {
            keys,
            head: None,
            kept: &[],
            witnesses: None,
        }
    }

    /// The same with a head.
    #[must_use]
    pub fn with_head(self, head: Option<&'a SignedCheckpoint>) -> Self {
        Self { head, ..self }
    }
}

/// A checkpoint that somebody kept, by itself or in a receipt. Whose it is, is judged with the log,
/// which may have come under other keys since.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptCheckpoint(SignedCheckpoint);

/// Why a text is no kept checkpoint.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum KeptError {
    /// It is neither.
    #[error("it is neither a signed checkpoint nor a receipt")]
    Form,
    /// It is a receipt, and proves nothing.
    #[error(transparent)]
    Receipt(#[from] TlogProofError),
}

impl KeptCheckpoint {
    /// Reads a signed checkpoint, or a receipt, whose entry must be proven to be in its checkpoint.
    ///
    /// # Errors
    ///
    /// If it is neither, or the receipt proves nothing.
    pub fn read(text: &str) -> Result<Self, KeptError> {
        if !text.starts_with("c2sp.org/") {
            let claimed = SignedCheckpoint::claimed(text);
            return claimed.map(Self).ok_or(KeptError::Form);
        }
        let proof: TlogProof = text.parse()?;
        let claimed = SignedCheckpoint::claimed(proof.checkpoint());
        let proven = proof.lead_to(claimed.ok_or(KeptError::Form)?)?;
        Ok(Self(proven.checkpoint().clone()))
    }
}

/// Checkpoints that were kept, while the log is read that each should be the beginning of.
pub(super) struct Kept<'a> {
    /// Those that the log has not come to, the one with the most entries first.
    ahead: Vec<&'a SignedCheckpoint>,
    /// Those that the log has come to, or begins behind, and what came of it.
    met: Vec<(&'a SignedCheckpoint, Meeting)>,
}

enum Meeting {
    Archived,
    Other,
    Same,
}

impl<'a> Kept<'a> {
    pub(super) fn new(kept: &'a [KeptCheckpoint]) -> Self {
        let mut ahead: Vec<_> = kept.iter().map(|KeptCheckpoint(it)| it).collect();
        ahead.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.size()));
        let met = Vec::with_capacity(ahead.len());
        Self { ahead, met }
    }

    /// Compares the log as far as it was read.
    pub(super) fn meet(&mut self, frontier: &Frontier) {
        let size = frontier.size();
        while let Some(next) = self.ahead.pop_if(|next| next.size() <= size) {
            let meeting = match next {
                _ if next.size() < size => Meeting::Archived,
                _ if next.root() == frontier.root() => Meeting::Same,
                _ => Meeting::Other,
            };
            self.met.push((next, meeting));
        }
    }

    /// Judges all of them at the end of the log, which begins with this entry and whose keys are
    /// known by now: first whose they are, then whether the log has gone back, or is another.
    pub(super) fn finish(
        self,
        keys: &CheckpointKeys,
        begins: u64,
        tree_size: u64,
    ) -> Result<(), VerifyError> {
        let met = self.met.iter().map(|(checkpoint, _)| *checkpoint);
        for checkpoint in met.chain(self.ahead.iter().rev().copied()) {
            if keys.verify(checkpoint.note()).is_none() {
                let kept_size = checkpoint.size();
                return Err(VerifyError::KeptUnsigned { kept_size });
            }
        }
        for (checkpoint, meeting) in self.met {
            match meeting {
                Meeting::Same => {}
                Meeting::Archived => return Err(VerifyError::Archived { size: begins }),
                Meeting::Other => {
                    let kept_size = checkpoint.size();
                    return Err(VerifyError::KeptFork { kept_size });
                }
            }
        }
        match self.ahead.last() {
            None => Ok(()),
            Some(checkpoint) => Err(VerifyError::KeptBehind {
                tree_size,
                kept_size: checkpoint.size(),
            }),
        }
    }
}
