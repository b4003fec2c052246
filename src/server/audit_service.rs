//! AuditService on the wire.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::protocol;
use crate::protocol::audit_service_server::AuditService;
use crate::protocol::audit_service_server::AuditServiceServer;
use crate::server::convert::exposure as wire;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::metrics::Metrics;
use crate::server::status;
use crate::vault::Vault;

/// Answers AuditService.
#[derive(Clone)]
pub(super) struct AuditEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
    reports: Arc<Semaphore>,
}

impl AuditEndpoint {
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
    ) -> AuditServiceServer<Self> {
        let reports = Arc::new(Semaphore::new(REPORTS_AT_ONCE_MAX));
        let endpoint = Self {
            vault,
            metrics,
            reports,
        };
        AuditServiceServer::new(endpoint)
            .max_decoding_message_size(limits.message_bytes_max)
            .max_encoding_message_size(limits.message_bytes_max)
    }
}

#[tonic::async_trait]
impl AuditService for AuditEndpoint {
    type ReportExposureStream = ReceiverStream<Result<protocol::ReportExposureResponse, Status>>;

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
        self.metrics
            .count("report_exposure", 1, report.as_ref().err());
        let report = report.map_err(|error| status::of(&error))?;
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
}

/// Reports that are made at once.
const REPORTS_AT_ONCE_MAX: usize = 1;
/// Parts that may wait for a slow reader.
const PARTS_WAITING_MAX: usize = 4;
