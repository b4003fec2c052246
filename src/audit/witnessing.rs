//! Asking the witness: every checkpoint goes to it, and what it cosigned is what may be built on.
//!
//! A witness that has seen more than this log has, or another one of the same size, is never argued
//! with: a start refuses, and a log that is open is closed for good. Somebody went back, or there
//! are two of this vault.

use std::fmt;
use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;

use crate::audit::AuditLog;
use crate::audit::LogState;
use crate::audit::SignedCheckpoint;
use crate::audit::StartError;
use crate::audit::Unwitnessed;
use crate::audit::tree::StoredTree;
use crate::audit::window::Window;
use crate::crypto::merkle;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::ProofError;
use crate::crypto::note::NoteError;
use crate::crypto::note::SignedNote;
use crate::crypto::note::Submission;
use crate::store::Store;
use crate::store::StoreError;
use crate::witness::Submitted;
use crate::witness::WitnessClient;
use crate::witness::WitnessError;

/// Submits the checkpoints of one log to its witness.
pub struct Witnessing {
    client: WitnessClient,
    window: Arc<Window>,
    latest: watch::Receiver<Option<Arc<SignedCheckpoint>>>,
    cosigned: watch::Sender<Option<Arc<SignedCheckpoint>>>,
    state: watch::Sender<LogState>,
    // The log closes when nobody writes to it any more, and the store with it.
    store: Weak<dyn Store>,
    /// The size that the witness is believed to have seen last.
    known_size: u64,
    /// The size that it has cosigned last since the start.
    done_size: u64,
}

/// How the witness disagrees with the log.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
enum Divergence {
    #[error("witness has seen {witness_size} entries, more than the log has")]
    Ahead { witness_size: u64 },
    #[error("witness has seen another log of {witness_size} entries")]
    Forked { witness_size: u64 },
}

/// Why it is not known what the witness says.
#[derive(Debug, Error)]
enum Trouble {
    #[error("log is closed")]
    Closed,
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("store cannot be read")]
    Store(#[from] StoreError),
    #[error("witness says another size each time")]
    Unsettled,
    #[error(transparent)]
    Witness(#[from] WitnessError),
}

impl AuditLog {
    /// The latest checkpoint with the witness's cosignature; it tells when there is a newer one.
    #[must_use]
    pub fn witnessed(&self) -> watch::Receiver<Option<Arc<SignedCheckpoint>>> {
        self.cosigned.subscribe()
    }

    /// What the witness has not seen; nothing for a log without a witness.
    #[must_use]
    pub fn unwitnessed(&self) -> Option<Unwitnessed> {
        self.window.as_ref().map(|window| window.unwitnessed())
    }

    /// What asks the witness, which has cosigned `known` before, if anything. Nothing for a log
    /// that was opened without a window.
    #[must_use]
    pub fn witnessing(
        &self,
        client: WitnessClient,
        known: Option<SignedCheckpoint>,
    ) -> Option<Witnessing> {
        let window = Arc::clone(self.window.as_ref()?);
        let known_size = known.as_ref().map_or(0, SignedCheckpoint::size);
        window.cosigned(known_size);
        // It was cosigned, so it may be shown. It opens no window: who has the disk can bring back
        // an old one with its cosignature.
        self.cosigned.send_replace(known.map(Arc::new));
        Some(Witnessing {
            client,
            window,
            latest: self.latest.clone(),
            cosigned: self.cosigned.clone(),
            state: self.state_sender.clone(),
            store: Arc::downgrade(&self.store),
            known_size,
            done_size: 0,
        })
    }
}

impl Witnessing {
    /// Asks the witness about the checkpoint that the log starts with. A witness that does not
    /// answer is no reason not to start: nothing is revealed until it does.
    ///
    /// # Errors
    ///
    /// If the witness has seen more than the log has, or another log.
    pub async fn begin(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), StartError> {
        match self.submit(checkpoint).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Divergence::Ahead { witness_size })) => Err(StartError::WitnessAhead {
                database_size: checkpoint.size(),
                witness_size,
            }),
            Ok(Err(Divergence::Forked { witness_size })) => {
                Err(StartError::WitnessForked { witness_size })
            }
            Err(trouble) => {
                tracing::warn!(
                    error = &trouble as &dyn std::error::Error,
                    "witness does not cosign; nothing is revealed until it does"
                );
                Ok(())
            }
        }
    }

    /// Submits whatever there is that the witness has not seen, until the log is closed: that as
    /// well, once.
    pub async fn run(mut self) {
        let mut failures_count = 0_u32;
        loop {
            let done_size = self.done_size;
            let is_newer = |it: &Option<Arc<SignedCheckpoint>>| {
                it.as_ref().is_some_and(|it| it.size() > done_size)
            };
            // An error means that the log is closed. There may be a last checkpoint all the same.
            let _closed = self.latest.wait_for(is_newer).await.is_err();
            let newest = self.latest.borrow_and_update().clone();
            let Some(checkpoint) = newest.filter(|it| it.size() > done_size) else {
                return;
            };
            match self.submit(&checkpoint).await {
                Ok(Ok(())) => {
                    if failures_count > 0 {
                        tracing::info!("witness cosigns again");
                    }
                    failures_count = 0;
                    self.pace().await;
                }
                Ok(Err(divergence)) => {
                    tracing::error!(error = %divergence, "audit log is closed");
                    self.window.diverged();
                    self.state.send_replace(LogState::Fatal);
                    return;
                }
                Err(Trouble::Closed) => return,
                Err(trouble) => {
                    // Said once, and not with every attempt.
                    if failures_count == 0 {
                        tracing::error!(
                            error = &trouble as &dyn std::error::Error,
                            "witness does not cosign; reveals stop at the end of the window"
                        );
                    }
                    if self.latest.has_changed().is_err() {
                        return;
                    }
                    tokio::time::sleep(RETRY_PAUSE_MIN * 2_u32.pow(failures_count.min(2))).await;
                    failures_count = failures_count.saturating_add(1);
                }
            }
        }
    }

    /// Waits a little, so that a busy log does not ask without end; less when the window is small
    /// for what is going on.
    async fn pace(&mut self) {
        let (window, latest) = (&self.window, &mut self.latest);
        let pressed = async { while !window.is_pressed() && latest.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(PACE, pressed).await;
    }

    /// Submits a checkpoint, as often as the witness names another size than the one that it was
    /// believed to have seen.
    async fn submit(
        &mut self,
        checkpoint: &SignedCheckpoint,
    ) -> Result<Result<(), Divergence>, Trouble> {
        let size = checkpoint.size();
        if self.known_size > size {
            self.known_size = 0;
        }
        let note: SignedNote = checkpoint.note().parse()?;
        for _ in 0..SIZES_MAX {
            let old_size = self.known_size;
            let submission = Submission {
                old_size,
                proof: self.proof(old_size, size).await?,
                note: note.clone(),
            };
            match self.client.submit(&submission).await? {
                Submitted::Cosigned(own) => {
                    self.known_size = size;
                    self.done_size = size;
                    self.publish(checkpoint, own).await;
                    return Ok(Ok(()));
                }
                Submitted::Conflict { latest_size } if latest_size > size => {
                    let witness_size = latest_size;
                    return Ok(Err(Divergence::Ahead { witness_size }));
                }
                // It had this very size, and the root is another.
                Submitted::Conflict { latest_size } if old_size == size && latest_size == size => {
                    let witness_size = latest_size;
                    return Ok(Err(Divergence::Forked { witness_size }));
                }
                Submitted::Conflict { latest_size } => self.known_size = latest_size,
                Submitted::Inconsistent => {
                    let witness_size = old_size;
                    return Ok(Err(Divergence::Forked { witness_size }));
                }
            }
        }
        Err(Trouble::Unsettled)
    }

    async fn proof(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, Trouble> {
        let store = self.store.upgrade().ok_or(Trouble::Closed)?;
        let proven = tokio::task::spawn_blocking(move || {
            merkle::consistency_proof(&StoredTree(store.as_ref()), old_size, size)
        });
        match proven.await {
            Ok(Ok(proof)) => Ok(proof),
            Ok(Err(ProofError::Reader(error))) => Err(error.into()),
            Ok(Err(ProofError::OutsideTree)) | Err(_) => Err(Trouble::Closed),
        }
    }

    /// Opens the window, tells who waits, and keeps the checkpoint. Should it be lost, the witness
    /// says at the next start what it has seen.
    async fn publish(&self, checkpoint: &SignedCheckpoint, own: SignedNote) {
        self.window.witnessed(checkpoint.size());
        let Some(cosigned) = checkpoint.cosigned(own) else {
            return;
        };
        let cosigned = Arc::new(cosigned);
        self.cosigned.send_replace(Some(Arc::clone(&cosigned)));
        let Some(store) = self.store.upgrade() else {
            return;
        };
        let kept = tokio::task::spawn_blocking(move || store.keep_cosigned(cosigned.note()));
        if let Ok(Err(error)) = kept.await {
            tracing::warn!(%error, "cosigned checkpoint was not kept");
        }
    }
}

impl fmt::Debug for Witnessing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Witnessing").finish_non_exhaustive()
    }
}

/// Between two submissions that the window leaves time for.
const PACE: Duration = Duration::from_millis(100);
/// After a submission that failed; up to four times as long after further ones.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(150);
/// How often a witness may name another size within one submission.
const SIZES_MAX: usize = 3;
