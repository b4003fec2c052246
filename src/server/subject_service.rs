//! SubjectService on the wire.

use std::sync::Arc;

use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::protocol;
use crate::protocol::subject_service_server::SubjectService;
use crate::protocol::subject_service_server::SubjectServiceServer;
use crate::server::convert::subject as wire;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::metrics::Metrics;
use crate::server::status;
use crate::vault::Vault;
use crate::vault::VaultError;

/// Answers SubjectService.
#[derive(Clone)]
pub(super) struct SubjectEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
}

impl SubjectEndpoint {
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
    ) -> SubjectServiceServer<Self> {
        SubjectServiceServer::new(Self { vault, metrics })
            .max_decoding_message_size(limits.message_bytes_max)
            .max_encoding_message_size(limits.message_bytes_max)
    }

    fn answer<T>(&self, call: &'static str, answer: Result<T, VaultError>) -> Result<T, Status> {
        self.metrics.count(call, 1, answer.as_ref().err());
        answer.map_err(|error| status::of(&error))
    }
}

#[tonic::async_trait]
impl SubjectService for SubjectEndpoint {
    async fn describe_subject(
        &self,
        request: Request<protocol::DescribeSubjectRequest>,
    ) -> Result<Response<protocol::DescribeSubjectResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let described = self
            .vault
            .describe_subject(&caller, wire::describe(&message)?)
            .await;
        let description = self.answer("describe_subject", described)?;
        Ok(Response::new(wire::description(description)))
    }

    async fn erase_subject(
        &self,
        request: Request<protocol::EraseSubjectRequest>,
    ) -> Result<Response<protocol::EraseSubjectResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let erased = self
            .vault
            .erase_subject(&caller, wire::erase(&message)?)
            .await;
        let erased = self.answer("erase_subject", erased)?;
        Ok(Response::new(wire::erased(&erased)))
    }
}
