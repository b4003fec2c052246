//! Asks the witness of a vault's log, at the start and from then on.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::assembly::error::AssemblyError;
use crate::assembly::open::OpenLog;
use crate::audit::AuditLog;
use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::StartError;
use crate::audit::VerifyError;
use crate::audit::cosigned_checkpoint;
use crate::config::AuditWitness;
use crate::domain::Clock;
use crate::store::Store;
use crate::witness::WitnessClient;

/// What submits checkpoints; nothing for a log without a witness.
#[derive(Debug, Default)]
pub(super) struct WitnessTask(Option<JoinHandle<()>>);

/// Asks the witness whether it has seen more than the log has, and submits checkpoints from then
/// on. A log that it knows to be another is closed again.
///
/// # Errors
///
/// If it has seen more, or another log.
pub(super) async fn ask(
    config: Option<&AuditWitness>,
    open: OpenLog,
    store: &dyn Store,
    keys: &CheckpointKeys,
    clock: Arc<dyn Clock>,
) -> Result<(OpenLog, WitnessTask), AssemblyError> {
    let Some(config) = config else {
        return Ok((open, WitnessTask::default()));
    };
    match begin(config, &open.log, store, keys, clock).await {
        Ok(task) => Ok((open, task)),
        Err(error) => {
            // Nothing waits to be written: it ends at once.
            open.close();
            Err(error)
        }
    }
}

async fn begin(
    config: &AuditWitness,
    log: &AuditLog,
    store: &dyn Store,
    keys: &CheckpointKeys,
    clock: Arc<dyn Clock>,
) -> Result<WitnessTask, AssemblyError> {
    let client = WitnessClient::new(&config.client, clock).map_err(AssemblyError::Witness)?;
    // By both keys, and of this log: what is in the database may be an old copy, of another
    // witness, or of a log that is lost. None of these is believed, nor a reason not to start.
    let is_cosigned = |cosigned: &SignedCheckpoint| {
        let signed = cosigned.note().parse().ok();
        signed.is_some_and(|note| config.client.verifier.verify(&note).is_ok())
    };
    let known = match cosigned_checkpoint(store, keys) {
        Err(VerifyError::Store(error)) => return Err(error.into()),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cosignature is not of this log"
            );
            None
        }
        Ok(known) => known.filter(is_cosigned),
    };
    let note = store.checkpoint()?.ok_or(StartError::Checkpoint)?;
    // Opening the log has found it to be the checkpoint of the whole log.
    let checkpoint = keys.verify(&note).ok_or(StartError::Checkpoint)?;
    let Some(mut witnessing) = log.witnessing(client, known) else {
        return Ok(WitnessTask::default());
    };
    witnessing.begin(&checkpoint).await?;
    Ok(WitnessTask(Some(tokio::spawn(witnessing.run()))))
}

impl WitnessTask {
    /// Waits until the witness has seen the log that was just closed, for a moment at the most: it
    /// will at the next start.
    pub(super) async fn finish(self) {
        if let Some(task) = self.0 {
            let _ = tokio::time::timeout(FINISH_TIME_MAX, task).await;
        }
    }
}

/// How long closing waits for the witness.
const FINISH_TIME_MAX: Duration = Duration::from_secs(2);
