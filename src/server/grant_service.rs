//! GrantService on the wire.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::access::AccessEvent;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::protocol;
use crate::protocol::grant_service_server::GrantService;
use crate::protocol::grant_service_server::GrantServiceServer;
use crate::server::convert;
use crate::server::convert::grant as wire;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::metrics::Metrics;
use crate::server::status;
use crate::vault::Caller;
use crate::vault::GrantDecision;
use crate::vault::Vault;
use crate::vault::VaultError;

/// Answers GrantService.
#[derive(Clone)]
pub(super) struct GrantEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
}

impl GrantEndpoint {
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
    ) -> GrantServiceServer<Self> {
        GrantServiceServer::new(Self { vault, metrics })
            .max_decoding_message_size(limits.message_bytes_max)
            .max_encoding_message_size(limits.message_bytes_max)
    }

    fn answer<T>(&self, call: &'static str, answer: Result<T, VaultError>) -> Result<T, Status> {
        self.metrics.count(call, 1, answer.as_ref().err());
        answer.map_err(|error| status::of(&error))
    }

    async fn grant(&self, grant: crate::access::Grant) -> Response<protocol::Grant> {
        let view = self.vault.view(grant).await;
        Response::new(wire::grant(&view, self.vault.now()))
    }
}

#[tonic::async_trait]
impl GrantService for GrantEndpoint {
    async fn request_grant(
        &self,
        request: Request<protocol::RequestGrantRequest>,
    ) -> Result<Response<protocol::Grant>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let request_id = convert::optional_part("request_id", &message.request_id, RequestId::new)?;
        let wanted = wire::wanted(message.scope)?;
        let granted = self
            .vault
            .request_grant(&caller, request_id.as_ref(), wanted)
            .await;
        Ok(self.grant(self.answer("request_grant", granted)?).await)
    }

    async fn approve_grant(
        &self,
        request: Request<protocol::ApproveGrantRequest>,
    ) -> Result<Response<protocol::Grant>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let decided = self
            .vault
            .decide_grant(&caller, wire::approval(&message)?)
            .await;
        Ok(self.grant(self.answer("approve_grant", decided)?).await)
    }

    async fn deny_grant(
        &self,
        request: Request<protocol::DecideGrantRequest>,
    ) -> Result<Response<protocol::Grant>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let decision = wire::decision(&message, GrantDecision::Deny)?;
        let decided = self.vault.decide_grant(&caller, decision).await;
        Ok(self.grant(self.answer("deny_grant", decided)?).await)
    }

    async fn revoke_grant(
        &self,
        request: Request<protocol::DecideGrantRequest>,
    ) -> Result<Response<protocol::Grant>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let decision = wire::decision(&message, GrantDecision::Revoke)?;
        let decided = self.vault.decide_grant(&caller, decision).await;
        Ok(self.grant(self.answer("revoke_grant", decided)?).await)
    }

    async fn get_grant(
        &self,
        request: Request<protocol::GetGrantRequest>,
    ) -> Result<Response<protocol::Grant>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let read = self
            .vault
            .read_grant(&caller, wire::read_grant(&message)?)
            .await;
        let view = self.answer("get_grant", read)?;
        Ok(Response::new(wire::grant(&view, self.vault.now())))
    }

    async fn list_grants(
        &self,
        request: Request<protocol::ListGrantsRequest>,
    ) -> Result<Response<protocol::ListGrantsResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let asked = wire::list_grants(&message)?;
        let limit = asked.limit;
        let listed = self.vault.list_grants(&caller, asked).await;
        let listed = self.answer("list_grants", listed)?;
        let is_full = listed.len() == limit;
        let last = listed.last().filter(|_| is_full);
        let next = last.map_or_else(String::new, |view| view.grant.id.as_str().to_owned());
        let now = self.vault.now();
        let is_wanted =
            |grant: &protocol::Grant| message.state == 0 || grant.state == message.state;
        let grants = listed
            .iter()
            .map(|view| wire::grant(view, now))
            .filter(is_wanted);
        Ok(Response::new(protocol::ListGrantsResponse {
            grants: grants.collect(),
            next,
        }))
    }

    type WatchGrantsStream = ReceiverStream<Result<protocol::Grant, Status>>;

    async fn watch_grants(
        &self,
        request: Request<protocol::WatchGrantsRequest>,
    ) -> Result<Response<Self::WatchGrantsStream>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let namespace = convert::part("namespace", &message.namespace, Namespace::new)?;
        let events = self.vault.watch_grants(&caller, namespace.clone()).await;
        let events = self.answer("watch_grants", events)?;
        let (sender, receiver) = mpsc::channel(GRANTS_WAITING_MAX);
        tokio::spawn(watch(
            Arc::clone(&self.vault),
            caller,
            namespace,
            events,
            sender,
        ));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// Passes the grants of a namespace on, until the watcher leaves, falls behind, or is frozen.
async fn watch(
    vault: Arc<Vault>,
    caller: Caller,
    namespace: Namespace,
    mut events: broadcast::Receiver<AccessEvent>,
    sender: mpsc::Sender<Result<protocol::Grant, Status>>,
) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = sender.closed() => return,
        };
        let told = match event {
            Ok(AccessEvent::Grant(grant)) if grant.scope.namespace == namespace => {
                Ok(wire::grant(&vault.view(*grant).await, vault.now()))
            }
            Ok(AccessEvent::Frozen(_)) => {
                if !vault.is_frozen(&caller).await {
                    continue;
                }
                Err(Status::permission_denied(status::DENIED))
            }
            Ok(AccessEvent::Grant(_) | AccessEvent::Unfrozen(_)) => continue,
            Err(RecvError::Lagged(_)) => Err(Status::data_loss("watcher fell behind")),
            Err(RecvError::Closed) => return,
        };
        let is_last = told.is_err();
        if sender.send(told).await.is_err() || is_last {
            return;
        }
    }
}

/// Grants that may wait for a slow watcher.
const GRANTS_WAITING_MAX: usize = 64;
