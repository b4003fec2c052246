//! What a witness has cosigned of a log, for whoever reads the log elsewhere.
//!
//! Source: C2SP tlog-cosignature (<https://c2sp.org/tlog-cosignature>). A cosigned checkpoint has
//! the log's signatures and the witness's. Whoever has the witness's public key knows that
//! everybody else who asks for it is shown the same log up to there.

use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::audit::tree::StoredTree;
use crate::crypto::note::CosignerVerifier;
use crate::crypto::note::NoteError;
use crate::crypto::note::SignedNote;
use crate::store::Store;

/// The public keys of witnesses that are believed. One cosignature is enough: a log has one
/// witness at a time, and a checkpoint of before has that of its time.
#[derive(Clone, Debug)]
pub struct WitnessKeys(Vec<CosignerVerifier>);

/// How much of a log a witness has seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Witnessed {
    /// How many entries the checkpoint has that it cosigned.
    pub size: u64,
    /// When it did, by its own word, in seconds since 1970-01-01T00:00:00Z.
    pub unix_seconds: u64,
}

impl WitnessKeys {
    /// Believes these witnesses.
    #[must_use]
    pub fn new(keys: Vec<CosignerVerifier>) -> Self {
        Self(keys)
    }

    /// When one of the witnesses cosigned the note, in seconds since 1970-01-01T00:00:00Z; the
    /// latest time, if several did. As with the log's keys, all of them are looked at.
    ///
    /// # Errors
    ///
    /// [`NoteError::NotSigned`] if none of them has; another error if the text is no note, or a
    /// cosignature in the name of one of them is not its own.
    pub fn verify(&self, note: &str) -> Result<u64, NoteError> {
        let note: SignedNote = note.parse()?;
        let mut latest = None;
        for key in &self.0 {
            match key.verify(&note) {
                Ok(unix_seconds) => latest = latest.max(Some(unix_seconds)),
                Err(NoteError::NotSigned) => {}
                Err(error) => return Err(error),
            }
        }
        latest.ok_or(NoteError::NotSigned)
    }
}

/// Which checkpoint of a log is published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PublishedCheckpoint {
    /// The latest that a witness has cosigned; of a log without one, the latest.
    Cosigned,
    /// The latest, whether a witness has seen it or not.
    Latest,
}

impl PublishedCheckpoint {
    /// The checkpoint that is published of the log in a store, whose head was read before.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or the log is not the one of its cosigned checkpoint.
    pub fn of(
        self,
        store: &dyn Store,
        head: &SignedCheckpoint,
        keys: &CheckpointKeys,
    ) -> Result<SignedCheckpoint, VerifyError> {
        let cosigned = cosigned_checkpoint(store, keys)?;
        // One of the same size says more.
        let published = cosigned.filter(|cosigned| match self {
            Self::Cosigned => true,
            Self::Latest => cosigned.size() >= head.size(),
        });
        Ok(published.unwrap_or_else(|| head.clone()))
    }
}

/// The latest checkpoint of the log in a store that a witness has cosigned, as far as it was kept
/// and these keys have signed it. Nothing where the log begins behind it.
///
/// # Errors
///
/// If the store cannot be read, or the log is not the one of the checkpoint.
pub fn cosigned_checkpoint(
    store: &dyn Store,
    keys: &CheckpointKeys,
) -> Result<Option<SignedCheckpoint>, VerifyError> {
    let note = store.cosigned_checkpoint()?;
    let Some(cosigned) = note.and_then(|note| keys.verify(&note)) else {
        return Ok(None);
    };
    let size = cosigned.size();
    if size < store.pruned_size()? {
        return Ok(None);
    }
    if size > store.tree_size()? || StoredTree(store).frontier(size)?.root() != cosigned.root() {
        return Err(VerifyError::Cosigned);
    }
    Ok(Some(cosigned))
}
