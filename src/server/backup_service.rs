//! BackupService on the wire.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::backup::Created;
use crate::backup::Progress;
use crate::domain::Timestamp;
use crate::protocol;
use crate::protocol::backup_service_server::BackupService;
use crate::protocol::backup_service_server::BackupServiceServer;
use crate::protocol::create_backup_response::Part;
use crate::server::convert::timestamp;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::metrics::Metrics;
use crate::server::status;
use crate::vault::CreateBackup;
use crate::vault::Vault;

/// Answers BackupService.
#[derive(Clone)]
pub(super) struct BackupEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
    backups: Arc<Semaphore>,
}

impl BackupEndpoint {
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
    ) -> BackupServiceServer<Self> {
        let backups = Arc::new(Semaphore::new(BACKUPS_AT_ONCE_MAX));
        let endpoint = Self {
            vault,
            metrics,
            backups,
        };
        BackupServiceServer::new(endpoint)
            .max_decoding_message_size(limits.message_bytes_max)
            .max_encoding_message_size(limits.message_bytes_max)
    }
}

#[tonic::async_trait]
impl BackupService for BackupEndpoint {
    type CreateBackupStream = ReceiverStream<Result<protocol::CreateBackupResponse, Status>>;

    async fn create_backup(
        &self,
        request: Request<protocol::CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let directory = directory(&message.directory)?;
        let Ok(seat) = Arc::clone(&self.backups).try_acquire_owned() else {
            return Err(Status::resource_exhausted("another backup is being made"));
        };
        let (vault, metrics) = (Arc::clone(&self.vault), Arc::clone(&self.metrics));
        let (sender, receiver) = mpsc::channel(PARTS_WAITING_MAX);
        // It takes as long as it takes, whoever waits for it.
        tokio::spawn(async move {
            let progress = sender.clone();
            let told = move |step: Progress| {
                // Who is slow, or gone, misses a step.
                let _missed = progress.try_send(Ok(part(Part::Progress(steps(step)))));
            };
            let request = CreateBackup { directory };
            let made = vault.create_backup(&caller, request, told).await;
            metrics.count("create_backup", 1, made.as_ref().err());
            let last = match made {
                Ok(created) => Ok(part(Part::Created(wire(created)))),
                Err(error) => Err(status::of(&error)),
            };
            let _gone = sender.send(last).await;
            drop(seat);
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

fn directory(text: &str) -> Result<Option<PathBuf>, Status> {
    if text.len() > DIRECTORY_BYTES_MAX {
        return Err(status::invalid("directory", "is longer than 4096 bytes"));
    }
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}

fn part(part: Part) -> protocol::CreateBackupResponse {
    protocol::CreateBackupResponse { part: Some(part) }
}

fn steps(progress: Progress) -> protocol::BackupProgress {
    protocol::BackupProgress {
        done_bytes: progress.done_bytes,
        total_bytes: progress.total_bytes,
    }
}

fn wire(created: Created) -> protocol::BackupCreated {
    let Created {
        manifest,
        new_bytes,
    } = created;
    protocol::BackupCreated {
        id: manifest.id.0,
        created: Some(timestamp(Timestamp::from_unix_ms(manifest.created_unix_ms))),
        tree_size: manifest.tree_size,
        total_bytes: manifest.bytes(),
        new_bytes,
        checkpoint: manifest.checkpoint,
    }
}

/// Backups that are made at once.
const BACKUPS_AT_ONCE_MAX: usize = 1;
/// Steps that may wait for a slow reader.
const PARTS_WAITING_MAX: usize = 4;
/// The longest path of the system.
const DIRECTORY_BYTES_MAX: usize = 4096;
