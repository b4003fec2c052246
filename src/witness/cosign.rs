//! What a witness decides: whether a checkpoint extends all that it has cosigned before.
//!
//! The check of the old size, the write and the cosignature are one step under one lock of the
//! log: two requests can never both extend the same checkpoint.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::TryLockError;

use thiserror::Error;

use crate::crypto::merkle::verify_consistency;
use crate::crypto::note::Checkpoint;
use crate::crypto::note::CosignerKey;
use crate::crypto::note::NoteError;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::NoteSignature;
use crate::crypto::note::NoteVerifier;
use crate::crypto::note::SignedNote;
use crate::crypto::note::Submission;
use crate::domain::Clock;
use crate::witness::state::KeepState;
use crate::witness::state::Latest;
use crate::witness::state::unseen;

/// A log that is witnessed.
#[derive(Debug)]
pub struct WatchedLog {
    /// Its origin.
    pub origin: NoteKeyName,
    /// The keys whose checkpoints are its, each under the origin as its name.
    pub keys: Vec<NoteVerifier>,
    /// What was seen of it last; nothing if it never was.
    pub latest: Option<Latest>,
}

/// Cosigns checkpoints of some logs.
pub struct Witness {
    key: CosignerKey,
    logs: HashMap<NoteKeyName, Log>,
    keeper: Box<dyn KeepState>,
    clock: Arc<dyn Clock>,
    /// The latest time that it had given, of any log, when it was started.
    started_unix_seconds: u64,
}

struct Log {
    keys: Vec<NoteVerifier>,
    seen: Mutex<Seen>,
}

/// What is known of a log's latest checkpoint.
enum Seen {
    /// It is this one, in memory and on the disk, as is when it was cosigned last.
    Known {
        checkpoint: Checkpoint,
        cosigned_unix_seconds: u64,
    },
    /// A write failed: the disk may have either. Only a new start can tell.
    Unknown,
}

/// A checkpoint that was cosigned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cosigned {
    /// Whose checkpoint.
    pub origin: NoteKeyName,
    /// Of how many entries.
    pub tree_size: u64,
    /// The cosignature.
    pub signature: NoteSignature,
}

/// Why a checkpoint is not cosigned.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Refusal {
    /// It is not in the form of the protocol.
    #[error("submission is not in its form")]
    Malformed,
    /// None of the log's keys has signed it, or a signature in the name of one is not its own.
    #[error("checkpoint is not signed by a key of its log")]
    NotSigned,
    /// The old size is larger than the checkpoint's own.
    #[error("old size is larger than the checkpoint")]
    OldSize,
    /// The size is the one that was seen last, and the root is another: the log has two histories.
    #[error("another root was cosigned for this size")]
    OtherRoot {
        /// What was seen last.
        latest: Checkpoint,
        /// What came now.
        submitted: Checkpoint,
    },
    /// The proof does not show that the checkpoint extends the one that was seen last.
    #[error("consistency proof does not verify")]
    Proof {
        /// What was seen last.
        latest: Checkpoint,
        /// What came now.
        submitted: Checkpoint,
    },
    /// The old size is not that of the checkpoint that was seen last.
    #[error("latest checkpoint has {latest_size} entries")]
    Stale {
        /// How many entries that has.
        latest_size: u64,
    },
    /// What was seen last is not known any more.
    #[error("state cannot be written, so nothing is cosigned")]
    Unavailable,
    /// The log is none that is witnessed here.
    #[error("log is not known")]
    UnknownLog,
}

impl Witness {
    /// A witness of these logs.
    #[must_use]
    pub fn new(
        key: CosignerKey,
        logs: Vec<WatchedLog>,
        keeper: Box<dyn KeepState>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let latest = logs.iter().filter_map(|log| log.latest.as_ref());
        let started_unix_seconds = latest.map(Latest::cosigned_unix_seconds).max();
        let log = |log: WatchedLog| {
            let latest = log.latest.as_ref();
            let seen = Mutex::new(Seen::Known {
                checkpoint: latest
                    .map_or_else(|| unseen(&log.origin), |latest| latest.checkpoint().clone()),
                cosigned_unix_seconds: latest.map_or(0, Latest::cosigned_unix_seconds),
            });
            let keys = log.keys;
            (log.origin, Log { keys, seen })
        };
        Self {
            key,
            logs: logs.into_iter().map(log).collect(),
            keeper,
            clock,
            started_unix_seconds: started_unix_seconds.unwrap_or_default(),
        }
    }

    /// Cosigns a submitted checkpoint, once it is on the disk that it was. Blocks.
    ///
    /// # Errors
    ///
    /// Why it is not cosigned; nothing was written then, but for [`Refusal::Unavailable`].
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<Cosigned, Refusal> {
        let text = str::from_utf8(body).map_err(|_| Refusal::Malformed)?;
        let submission: Submission = text.parse().map_err(|_| Refusal::Malformed)?;
        let Submission {
            old_size,
            proof,
            note,
        } = submission;
        let submitted = Checkpoint::of_any_log(note.text()).map_err(|_| Refusal::Malformed)?;
        let log = self.logs.get(&submitted.origin);
        let log = log.ok_or(Refusal::UnknownLog)?;
        let note = log.signed(note).ok_or(Refusal::NotSigned)?;
        if old_size > submitted.tree_size {
            return Err(Refusal::OldSize);
        }

        // From here to the end nobody else looks at this log.
        let mut seen = log.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen::Known {
            checkpoint,
            cosigned_unix_seconds,
        } = &*seen
        else {
            return Err(Refusal::Unavailable);
        };
        let (latest, cosigned_before) = (checkpoint.clone(), *cosigned_unix_seconds);
        if old_size != latest.tree_size {
            let latest_size = latest.tree_size;
            return Err(Refusal::Stale { latest_size });
        }
        let is_same_size = submitted.tree_size == latest.tree_size;
        if is_same_size && submitted.root_hash != latest.root_hash {
            return Err(Refusal::OtherRoot { latest, submitted });
        }
        let proven = verify_consistency(
            latest.tree_size,
            &latest.root_hash,
            submitted.tree_size,
            &submitted.root_hash,
            &proof,
        );
        if proven.is_err() {
            return Err(Refusal::Proof { latest, submitted });
        }
        // tlog-cosignature: no time before one that was given, whatever became of the clock.
        let unix_seconds = (self.clock.now().unix_ms() / 1_000)
            .max(cosigned_before)
            .max(self.started_unix_seconds);
        if !is_same_size || unix_seconds > cosigned_before {
            let latest = Latest::signed(submitted.clone(), note.clone(), unix_seconds);
            self.keep(&mut seen, &latest)?;
        }
        // Only now, and still under the lock: what leaves is never newer than what is kept.
        let signature = self.key.cosign(note.text(), unix_seconds);
        Ok(Cosigned {
            signature: signature.map_err(|_| Refusal::Malformed)?,
            origin: submitted.origin,
            tree_size: submitted.tree_size,
        })
    }

    /// Writes what is to be cosigned. Until the write has returned, the disk may have either.
    fn keep(&self, seen: &mut Seen, latest: &Latest) -> Result<(), Refusal> {
        *seen = Seen::Unknown;
        if let Err(error) = self.keeper.write(latest) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                origin = latest.checkpoint().origin.as_str(),
                "state cannot be written; start anew when it can"
            );
            return Err(Refusal::Unavailable);
        }
        *seen = Seen::Known {
            checkpoint: latest.checkpoint().clone(),
            cosigned_unix_seconds: latest.cosigned_unix_seconds(),
        };
        Ok(())
    }

    /// Whether it knows the latest checkpoint of every log, as far as can be said without waiting
    /// for a write.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.logs.values().all(|log| match log.seen.try_lock() {
            Ok(seen) => matches!(&*seen, Seen::Known { .. }),
            Err(TryLockError::Poisoned(seen)) => matches!(&*seen.into_inner(), Seen::Known { .. }),
            Err(TryLockError::WouldBlock) => true,
        })
    }
}

impl Log {
    /// The note with the signatures of this log's keys alone, if there is one.
    ///
    /// A signature in the name of one of them that is not its own spoils the note, as it does for
    /// everybody else who has the keys.
    ///
    /// Source: C2SP signed-note, on the verifying of signatures.
    fn signed(&self, note: SignedNote) -> Option<SignedNote> {
        let mut signers = Vec::new();
        for key in &self.keys {
            match key.verify(&note) {
                Ok(_) => signers.push(key),
                Err(NoteError::NotSigned) => {}
                Err(_) => return None,
            }
        }
        note.with_signatures_where(|signature| {
            signers
                .iter()
                .any(|key| key.name() == signature.name() && key.key_id() == signature.key_id())
        })
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Witness").finish_non_exhaustive()
    }
}
