//! What a vault has of its witness: one call, bounded in time and length.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::crypto::note::CosignerVerifier;
use crate::crypto::note::NOTE_BYTES_MAX;
use crate::crypto::note::SignedNote;
use crate::crypto::note::Submission;
use crate::domain::Clock;
use crate::outbound::Answer;
use crate::outbound::Client;
use crate::outbound::OutboundError;
use crate::outbound::ServiceUrl;
use crate::witness::serve::SIZE_CONTENT_TYPE;

/// Which witness.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientSettings {
    /// Where checkpoints are posted to: the submission prefix and `/add-checkpoint`.
    pub url: ServiceUrl,
    /// The authorities of its certificate, PEM; nothing: those that the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Its public key.
    pub verifier: CosignerVerifier,
}

/// Calls a witness.
pub struct WitnessClient {
    client: Client,
    verifier: CosignerVerifier,
    clock: Arc<dyn Clock>,
}

/// What a witness answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Submitted {
    /// The checkpoint, with the witness's cosignature alone, which verifies.
    Cosigned(SignedNote),
    /// It has seen a checkpoint of this size last, and not the old one that was named; or that one,
    /// with another root.
    Conflict {
        /// The size.
        latest_size: u64,
    },
    /// The proof does not show that the checkpoint extends the one that it has seen last.
    Inconsistent,
}

/// Why there is no answer that counts.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// The answer is not one of the protocol, or has no cosignature of the configured key that
    /// verifies.
    #[error("witness gave no cosignature of its configured key")]
    Answer,
    /// The witness could not be asked.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The witness does not take this log's checkpoints, or cannot now.
    #[error("witness answered with status {0}")]
    Status(u16),
    /// The cosignature is of another time than now.
    #[error(
        "witness gave a cosignature of another time: its clock and the vault's differ by more than \
         {SKEW_SECONDS_MAX} seconds, or it is an old one"
    )]
    Time,
}

impl WitnessClient {
    /// A client of a witness; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// If the file of authorities cannot be used.
    pub fn new(settings: &ClientSettings, clock: Arc<dyn Clock>) -> Result<Self, OutboundError> {
        let ca_file = settings.ca_file.as_deref();
        Ok(Self {
            client: Client::new(&settings.url, ca_file, CALL_TIME_MAX)?,
            verifier: settings.verifier.clone(),
            clock,
        })
    }

    /// Submits a checkpoint. A cosignature must be of now: an older one of the same text says
    /// nothing of what the witness has seen since, and whoever answers in its place may have kept
    /// it.
    ///
    /// # Errors
    ///
    /// If there is no answer, or none that counts.
    pub async fn submit(&self, submission: &Submission) -> Result<Submitted, WitnessError> {
        let document = submission.to_string().into_bytes();
        let answer = self
            .client
            .exchange(document, "text/plain; charset=utf-8", ANSWER_BYTES_MAX)
            .await?;
        self.read(submission.note.text(), &answer)
    }

    fn read(&self, text: &str, answer: &Answer) -> Result<Submitted, WitnessError> {
        let body = || str::from_utf8(&answer.body).map_err(|_| WitnessError::Answer);
        match answer.status {
            200 => {
                let lines = body()?;
                let note: SignedNote = format!("{text}\n{lines}")
                    .parse()
                    .map_err(|_| WitnessError::Answer)?;
                // A line in front of the signatures would have become part of the text.
                if note.text() != text {
                    return Err(WitnessError::Answer);
                }
                let verified = self.verifier.verify(&note);
                let unix_seconds = verified.map_err(|_| WitnessError::Answer)?;
                let now_seconds = self.clock.now().unix_ms() / 1_000;
                if now_seconds.abs_diff(unix_seconds) > SKEW_SECONDS_MAX {
                    return Err(WitnessError::Time);
                }
                let own = note.with_signatures_where(|line| self.verifier.is_own(line));
                own.map(Submitted::Cosigned).ok_or(WitnessError::Answer)
            }
            409 => {
                let is_size = answer.content_type.as_deref() == Some(SIZE_CONTENT_TYPE);
                let size = body()?.strip_suffix('\n').filter(|_| is_size);
                let latest_size = size.and_then(|size| size.parse().ok());
                let latest_size = latest_size.ok_or(WitnessError::Answer)?;
                Ok(Submitted::Conflict { latest_size })
            }
            422 => Ok(Submitted::Inconsistent),
            status => Err(WitnessError::Status(status)),
        }
    }
}

impl fmt::Debug for WitnessClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WitnessClient")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

/// The longest that one call may take: less than half of the usual window.
const CALL_TIME_MAX: Duration = Duration::from_secs(2);
/// How far the clock of a witness may be from the vault's.
const SKEW_SECONDS_MAX: u64 = 300;
/// The most bytes of an answer.
const ANSWER_BYTES_MAX: usize = NOTE_BYTES_MAX;
