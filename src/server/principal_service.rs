//! PrincipalService on the wire.

use std::sync::Arc;

use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::access::Effect;
use crate::protocol;
use crate::protocol::principal_service_server::PrincipalService;
use crate::protocol::principal_service_server::PrincipalServiceServer;
use crate::server::convert::grant as wire;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::metrics::Metrics;
use crate::server::status;
use crate::vault::Vault;
use crate::vault::VaultError;

/// Answers PrincipalService.
#[derive(Clone)]
pub(super) struct PrincipalEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
}

impl PrincipalEndpoint {
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
    ) -> PrincipalServiceServer<Self> {
        PrincipalServiceServer::new(Self { vault, metrics })
            .max_decoding_message_size(limits.message_bytes_max)
            .max_encoding_message_size(limits.message_bytes_max)
    }

    fn answer<T>(&self, call: &'static str, answer: Result<T, VaultError>) -> Result<T, Status> {
        self.metrics.count(call, 1, answer.as_ref().err());
        answer.map_err(|error| status::of(&error))
    }
}

#[tonic::async_trait]
impl PrincipalService for PrincipalEndpoint {
    async fn freeze(
        &self,
        request: Request<protocol::FreezeRequest>,
    ) -> Result<Response<protocol::FreezeResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let frozen = self
            .vault
            .freeze(&caller, wire::target(&message.target)?)
            .await;
        let leaf_index = self.answer("freeze", frozen)?;
        Ok(Response::new(protocol::FreezeResponse { leaf_index }))
    }

    async fn unfreeze(
        &self,
        request: Request<protocol::UnfreezeRequest>,
    ) -> Result<Response<protocol::UnfreezeResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let asked = self
            .vault
            .unfreeze(&caller, wire::target(&message.target)?)
            .await;
        let (leaf_index, effect) = self.answer("unfreeze", asked)?;
        Ok(Response::new(protocol::UnfreezeResponse {
            leaf_index,
            is_unfrozen: effect == Effect::Effective,
        }))
    }

    async fn get_principal(
        &self,
        request: Request<protocol::GetPrincipalRequest>,
    ) -> Result<Response<protocol::GetPrincipalResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let read = self
            .vault
            .read_principal(&caller, wire::read_principal(&message)?)
            .await;
        let view = self.answer("get_principal", read)?;
        Ok(Response::new(wire::principal(&view)))
    }

    async fn list_freezes(
        &self,
        request: Request<protocol::ListFreezesRequest>,
    ) -> Result<Response<protocol::ListFreezesResponse>, Status> {
        let (caller, _) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let read = self.vault.read_freezes(&caller).await;
        let freezes = self.answer("list_freezes", read)?;
        Ok(Response::new(protocol::ListFreezesResponse {
            frozen: freezes.iter().map(wire::frozen).collect(),
        }))
    }
}
