//! KeyService on the wire.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;
use tonic::Streaming;
use zeroize::Zeroizing;

use crate::ceremony::Ceremony;
use crate::protocol;
use crate::protocol::key_service_server::KeyService;
use crate::protocol::key_service_server::KeyServiceServer;
use crate::server::convert::key as wire;
use crate::server::convert::protected as listed;
use crate::server::convert::reindex as convert;
use crate::server::convert::retokenize;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::metrics::Metrics;
use crate::server::overdue::Overdue;
use crate::server::protected;
use crate::server::status;
use crate::server::stream;
use crate::server::stream::Turns;
use crate::vault::Caller;
use crate::vault::Standing;
use crate::vault::Vault;
use crate::vault::VaultError;

/// Answers KeyService.
#[derive(Clone)]
pub(super) struct KeyEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
    items_max: usize,
    turns: Turns,
}

impl KeyEndpoint {
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
        overdue: &Overdue,
    ) -> KeyServiceServer<Self> {
        let endpoint = Self {
            vault,
            metrics,
            items_max: limits.items_per_request_max,
            turns: Turns::new(limits, overdue),
        };
        KeyServiceServer::new(endpoint)
            .max_decoding_message_size(limits.message_bytes_max)
            .max_encoding_message_size(limits.message_bytes_max)
    }

    fn answer<T>(&self, call: &'static str, answer: Result<T, VaultError>) -> Result<T, Status> {
        self.metrics.count(call, 1, answer.as_ref().err());
        answer.map_err(|error| status::of(&error))
    }

    async fn retokenize_one(
        &self,
        caller: Caller,
        mut request: protocol::RetokenizeRequest,
    ) -> Result<(protocol::RetokenizeResponse, Standing), Status> {
        // Who has it can call as this person until it ends.
        let assertion = Zeroizing::new(mem::take(&mut request.acting_principal));
        let request = retokenize::retokenize(request, self.items_max)?;
        let items_count = request.items.len();
        let answer = match self.vault.on_behalf_of(caller, &assertion).await {
            Ok(caller) => {
                let standing = Standing::opening(&caller, &request.namespace);
                let answer = self.vault.retokenize(&caller, request).await;
                answer.map(|answer| (answer, standing))
            }
            Err(error) => Err(error),
        };
        self.metrics
            .count("retokenize", items_count, answer.as_ref().err());
        answer
            .map(|(items, standing)| (retokenize::retokenized(items), standing))
            .map_err(|error| status::of(&error))
    }

    fn operation(
        &self,
        call: &'static str,
        answer: Result<Ceremony, VaultError>,
    ) -> Result<Response<protocol::Operation>, Status> {
        let ceremony = self.answer(call, answer)?;
        Ok(Response::new(wire::operation(&ceremony)))
    }
}

#[tonic::async_trait]
impl KeyService for KeyEndpoint {
    async fn list_keys(
        &self,
        request: Request<protocol::ListKeysRequest>,
    ) -> Result<Response<protocol::ListKeysResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let briefing = self.vault.brief_officer(&caller, message.count_usage).await;
        let briefing = self.answer("list_keys", briefing)?;
        Ok(Response::new(wire::briefing(&briefing)))
    }

    async fn propose_operation(
        &self,
        request: Request<protocol::ProposeOperationRequest>,
    ) -> Result<Response<protocol::Operation>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let proposal = wire::proposal(message)?;
        let vault = Arc::clone(&self.vault);
        let turn = async move { vault.propose_operation(&caller, proposal).await };
        let proposed = to_its_end(turn).await?;
        self.operation("propose_operation", proposed)
    }

    async fn approve_operation(
        &self,
        request: Request<protocol::ApproveOperationRequest>,
    ) -> Result<Response<protocol::Operation>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let (id, note) = (
            wire::operation_id(&message.operation_id)?,
            wire::note(&message.note)?,
        );
        let vault = Arc::clone(&self.vault);
        let turn = async move { vault.approve_operation(&caller, &id, note).await };
        let approved = to_its_end(turn).await?;
        self.operation("approve_operation", approved)
    }

    async fn cancel_operation(
        &self,
        request: Request<protocol::CancelOperationRequest>,
    ) -> Result<Response<protocol::Operation>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let (id, note) = (
            wire::operation_id(&message.operation_id)?,
            wire::note(&message.note)?,
        );
        let vault = Arc::clone(&self.vault);
        let turn = async move { vault.cancel_operation(&caller, &id, note).await };
        let cancelled = to_its_end(turn).await?;
        self.operation("cancel_operation", cancelled)
    }

    async fn get_operation(
        &self,
        request: Request<protocol::GetOperationRequest>,
    ) -> Result<Response<protocol::Operation>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let id = wire::operation_id(&message.operation_id)?;
        let read = self.vault.read_operation(&caller, &id).await;
        let ceremony = self.answer("get_operation", read)?;
        let mut operation = wire::operation(&ceremony);
        if ceremony.state.is_final() {
            let record = self.vault.record_ceremony(&ceremony);
            operation.record = record.map_err(|error| status::of(&error))?.to_string();
        }
        Ok(Response::new(operation))
    }

    type WatchOperationStream = ReceiverStream<Result<protocol::Operation, Status>>;

    async fn watch_operation(
        &self,
        request: Request<protocol::WatchOperationRequest>,
    ) -> Result<Response<Self::WatchOperationStream>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let id = wire::operation_id(&message.operation_id)?;
        let read = self.vault.read_operation(&caller, &id).await;
        let first = self.answer("watch_operation", read)?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(watch(Arc::clone(&self.vault), caller, first, sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    type ListProtectedStream = protected::Pages;

    async fn list_protected(
        &self,
        request: Request<protocol::ListProtectedRequest>,
    ) -> Result<Response<Self::ListProtectedStream>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let key = listed::key(&message)?;
        let listed = self.vault.list_protected(&caller, key).await;
        let list = self.answer("list_protected", listed)?;
        let vault = Arc::clone(&self.vault);
        Ok(Response::new(protected::send(vault, caller, list)))
    }

    async fn reindex(
        &self,
        request: Request<protocol::ReindexRequest>,
    ) -> Result<Response<protocol::ReindexResponse>, Status> {
        let (caller, message) =
            identity::acting(&self.vault, request, |it| &mut it.acting_principal).await?;
        let request = convert::reindex(message, self.items_max)?;
        let items_count = request.items.len();
        let answer = self.vault.reindex(&caller, request).await;
        self.metrics
            .count("reindex", items_count, answer.as_ref().err());
        let items = answer.map_err(|error| status::of(&error))?.into_iter();
        let results = items.enumerate().map(convert::reindexed).collect();
        Ok(Response::new(protocol::ReindexResponse { results }))
    }

    type RetokenizeStream = ReceiverStream<Result<protocol::RetokenizeResponse, Status>>;

    async fn retokenize(
        &self,
        request: Request<Streaming<protocol::RetokenizeRequest>>,
    ) -> Result<Response<Self::RetokenizeStream>, Status> {
        let caller = identity::of(&request)?;
        let endpoint = self.clone();
        let (freezes, standing) = (self.vault.watch_freezes(), Standing::to_reveal(&caller));
        let answer = move |request| {
            let (endpoint, caller) = (endpoint.clone(), caller.clone());
            async move { endpoint.retokenize_one(caller, request).await }
        };
        Ok(Response::new(stream::answer_in_order(
            request.into_inner(),
            self.turns.clone(),
            freezes,
            standing,
            answer,
        )))
    }
}

/// Takes a turn to its end, though its caller goes away: keys that have changed on the disk must
/// come in use, too.
async fn to_its_end(
    turn: impl Future<Output = Result<Ceremony, VaultError>> + Send + 'static,
) -> Result<Result<Ceremony, VaultError>, Status> {
    let taken = tokio::spawn(turn).await;
    taken.map_err(|_| Status::internal("internal error"))
}

/// Says where an operation is each time that it has changed, until it is over, or the watcher
/// leaves or is frozen.
async fn watch(
    vault: Arc<Vault>,
    caller: Caller,
    first: Ceremony,
    sender: mpsc::Sender<Result<protocol::Operation, Status>>,
) {
    let mut seen = first;
    loop {
        let is_over = seen.state.is_final();
        if sender.send(Ok(wire::operation(&seen))).await.is_err() || is_over {
            return;
        }
        loop {
            tokio::select! {
                () = tokio::time::sleep(WATCH_PERIOD) => {}
                () = sender.closed() => return,
            }
            let told = if vault.is_frozen(&caller).await {
                Err(Status::permission_denied(status::DENIED))
            } else {
                let read = vault.peek_operation(&seen.id());
                read.map_err(|error| status::of(&error))
            };
            match told {
                Ok(now) if now == seen => {}
                Ok(now) => {
                    seen = now;
                    break;
                }
                Err(status) => {
                    let _gone = sender.send(Err(status)).await;
                    return;
                }
            }
        }
    }
}

/// How often a watched operation is looked at.
const WATCH_PERIOD: Duration = Duration::from_millis(250);
