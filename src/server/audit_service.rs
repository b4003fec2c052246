//! AuditService on the wire.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::audit::EntryPage;
use crate::protocol;
use crate::protocol::audit_service_server::AuditService;
use crate::protocol::audit_service_server::AuditServiceServer;
use crate::server::convert::exposure as wire;
use crate::server::convert::log;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::metrics::Metrics;
use crate::server::status;
use crate::vault::Checkpoints;
use crate::vault::EntryWatch;
use crate::vault::FreezeWatch;
use crate::vault::Standing;
use crate::vault::Vault;
use crate::vault::VaultError;

/// Answers AuditService.
#[derive(Clone)]
pub(super) struct AuditEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
    reports: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
    /// How long a watcher may stay before it must ask anew.
    watch_age: Duration,
    page_bytes_max: usize,
    stopping: watch::Receiver<bool>,
}

impl AuditEndpoint {
    /// `stopping` tells when the server stops: watchers end then, and hold nobody up.
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
        stopping: watch::Receiver<bool>,
    ) -> AuditServiceServer<Self> {
        let endpoint = Self {
            vault,
            metrics,
            reports: Arc::new(Semaphore::new(REPORTS_AT_ONCE_MAX)),
            watchers: Arc::new(Semaphore::new(WATCHERS_AT_ONCE_MAX)),
            watch_age: limits.connection_age,
            page_bytes_max: PAGE_BYTES_MAX.min(limits.message_bytes_max / 2),
            stopping,
        };
        AuditServiceServer::new(endpoint)
            .max_decoding_message_size(limits.message_bytes_max)
            .max_encoding_message_size(limits.message_bytes_max)
    }

    fn answer<T>(&self, call: &'static str, answer: Result<T, VaultError>) -> Result<T, Status> {
        self.metrics.count(call, 1, answer.as_ref().err());
        answer.map_err(|error| status::of(&error))
    }
}

#[tonic::async_trait]
impl AuditService for AuditEndpoint {
    type ReportExposureStream = ReceiverStream<Result<protocol::ReportExposureResponse, Status>>;
    type WatchEntriesStream = ReceiverStream<Result<protocol::EntryPage, Status>>;

    async fn report_exposure(
        &self,
        request: Request<protocol::ReportExposureRequest>,
    ) -> Result<Response<Self::ReportExposureStream>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let query = wire::query(&message)?;
        // A report reads much of the log and may hold a million rows.
        let Ok(seat) = Arc::clone(&self.reports).try_acquire_owned() else {
            return Err(Status::resource_exhausted("another report is being made"));
        };
        let report = self.vault.report_exposure(&caller, query).await;
        let report = self.answer("report_exposure", report)?;
        let (sender, receiver) = mpsc::channel(PARTS_WAITING_MAX);
        tokio::spawn(async move {
            for part in wire::parts(report) {
                // Who is gone wants no more of it.
                if sender.send(Ok(part)).await.is_err() {
                    break;
                }
            }
            drop(seat);
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn list_entries(
        &self,
        request: Request<protocol::ListEntriesRequest>,
    ) -> Result<Response<protocol::EntryPage>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let range = log::range(&message, self.page_bytes_max);
        let page = self.vault.list_entries(&caller, range).await;
        let page = self.answer("list_entries", page)?;
        Ok(Response::new(log::page(page)))
    }

    async fn watch_entries(
        &self,
        request: Request<protocol::WatchEntriesRequest>,
    ) -> Result<Response<Self::WatchEntriesStream>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let Ok(seat) = Arc::clone(&self.watchers).try_acquire_owned() else {
            let problem = "as many watch as may: wait for one to end";
            return Err(Status::resource_exhausted(problem));
        };
        // Before the call gets its place in the log, so that no freeze falls in between.
        let freezes = self.vault.watch_freezes();
        let entries = self.vault.watch_entries(&caller, message.first_index).await;
        let watching = Watching {
            entries: self.answer("watch_entries", entries)?,
            freezes,
            standing: Standing::at_work(&caller),
            age: self.watch_age,
            stopping: self.stopping.clone(),
            bytes_max: self.page_bytes_max,
            _seat: seat,
        };
        let (sender, receiver) = mpsc::channel(PARTS_WAITING_MAX);
        tokio::spawn(watching.run(sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn get_checkpoint(
        &self,
        request: Request<protocol::GetCheckpointRequest>,
    ) -> Result<Response<protocol::GetCheckpointResponse>, Status> {
        let (caller, _) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let checkpoints = self.vault.checkpoint(&caller).await;
        let Checkpoints { latest, cosigned } = self.answer("get_checkpoint", checkpoints)?;
        Ok(Response::new(protocol::GetCheckpointResponse {
            checkpoint: latest.note().to_owned(),
            cosigned_checkpoint: cosigned.map_or_else(String::new, |it| it.note().to_owned()),
        }))
    }

    async fn prove_inclusion(
        &self,
        request: Request<protocol::ProveInclusionRequest>,
    ) -> Result<Response<protocol::ProveInclusionResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let tree = log::tree("tree_size", message.tree_size, message.cosigned)?;
        let proof = self
            .vault
            .prove_inclusion(&caller, message.leaf_index, tree)
            .await;
        let proof = self.answer("prove_inclusion", proof)?;
        Ok(Response::new(log::inclusion(&proof)))
    }

    async fn prove_consistency(
        &self,
        request: Request<protocol::ProveConsistencyRequest>,
    ) -> Result<Response<protocol::ProveConsistencyResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let second = log::tree("second_size", message.second_size, message.cosigned)?;
        let proof = self
            .vault
            .prove_consistency(&caller, message.first_size, second)
            .await;
        let (second_size, proof, checkpoint) = self.answer("prove_consistency", proof)?;
        Ok(Response::new(protocol::ProveConsistencyResponse {
            second_size,
            consistency_proof: log::hashes(&proof),
            checkpoint: checkpoint.note().to_owned(),
        }))
    }
}

/// Somebody who follows the log.
struct Watching {
    entries: EntryWatch,
    freezes: FreezeWatch,
    standing: Standing,
    age: Duration,
    stopping: watch::Receiver<bool>,
    bytes_max: usize,
    _seat: OwnedSemaphorePermit,
}

impl Watching {
    /// Passes pages on until the watcher leaves or is frozen, has stayed its time, or the vault
    /// stops.
    async fn run(mut self, sender: mpsc::Sender<Result<protocol::EntryPage, Status>>) {
        let over = tokio::time::sleep(self.age);
        tokio::pin!(over);
        loop {
            let told = tokio::select! {
                biased;
                () = self.freezes.stopped(&self.standing) => {
                    Err(Status::permission_denied(status::DENIED))
                }
                () = sender.closed() => return,
                () = &mut over => return,
                // An error means that the server is gone, which is a stop too.
                _ = self.stopping.wait_for(|stop| *stop) => return,
                page = Self::page(&mut self.entries, self.bytes_max, &sender) => match page {
                    Ok(Some(page)) => Ok(log::page(page)),
                    Ok(None) => return,
                    Err(error) => Err(status::of(&error)),
                },
            };
            let is_last = told.is_err();
            // Pages have room already; what ends the stream may have to wait for it.
            tokio::select! {
                sent = sender.send(told) => if sent.is_err() || is_last { return },
                () = &mut over => return,
                _ = self.stopping.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// The next page, once there is room for it: the reader's window is the brake.
    async fn page(
        entries: &mut EntryWatch,
        bytes_max: usize,
        sender: &mpsc::Sender<Result<protocol::EntryPage, Status>>,
    ) -> Result<Option<EntryPage>, VaultError> {
        match sender.reserve().await {
            Ok(_room) => entries.next(log::PAGE_ENTRIES_MAX, bytes_max).await,
            Err(_) => Ok(None),
        }
    }
}

/// Reports that are made at once.
const REPORTS_AT_ONCE_MAX: usize = 1;
/// Callers who follow the log at once.
const WATCHERS_AT_ONCE_MAX: usize = 16;
/// Parts that may wait for a slow reader.
const PARTS_WAITING_MAX: usize = 4;
/// The most bytes of a page, but for one long entry.
const PAGE_BYTES_MAX: usize = 1 << 20;
