//! TokenService on the wire.

use std::sync::Arc;

use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;
use tonic::Streaming;

use crate::protocol;
use crate::protocol::token_service_server::TokenService;
use crate::protocol::token_service_server::TokenServiceServer;
use crate::server::convert;
use crate::server::identity;
use crate::server::limits::ServerLimits;
use crate::server::metrics::Metrics;
use crate::server::overdue::Overdue;
use crate::server::status;
use crate::server::stream;
use crate::server::stream::Turns;
use crate::vault::Caller;
use crate::vault::Standing;
use crate::vault::Vault;
use crate::vault::VaultError;

/// Answers TokenService.
#[derive(Clone)]
pub(super) struct TokenEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
    items_max: usize,
    turns: Turns,
}

impl TokenEndpoint {
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
        overdue: &Overdue,
    ) -> TokenServiceServer<Self> {
        let items_max = limits.items_per_request_max;
        TokenServiceServer::new(Self {
            vault,
            metrics,
            items_max,
            turns: Turns::new(limits, overdue),
        })
        .max_decoding_message_size(limits.message_bytes_max)
        .max_encoding_message_size(limits.message_bytes_max)
    }

    /// Who calls, and on behalf of whom; who is not believed is counted.
    async fn acting<T>(
        &self,
        call: &'static str,
        request: Request<T>,
        assertion: impl FnOnce(&mut T) -> &mut String,
    ) -> Result<(Caller, T), Status> {
        let count = |error: &VaultError| self.metrics.count(call, 0, Some(error));
        identity::acting_noted(&self.vault, request, assertion, count).await
    }

    async fn tokenize_one(
        &self,
        caller: &Caller,
        request: protocol::TokenizeRequest,
    ) -> Result<protocol::TokenizeResponse, Status> {
        let request = convert::tokenize(request, self.items_max)?;
        let items_count = request.items.len();
        let answer = self.vault.tokenize(caller, request).await;
        self.metrics
            .count("tokenize", items_count, answer.as_ref().err());
        let items = answer.map_err(|error| status::of(&error))?;
        let results = items
            .into_iter()
            .enumerate()
            .map(convert::tokenized)
            .collect();
        Ok(protocol::TokenizeResponse { results })
    }
}

#[tonic::async_trait]
impl TokenService for TokenEndpoint {
    async fn tokenize(
        &self,
        request: Request<protocol::TokenizeRequest>,
    ) -> Result<Response<protocol::TokenizeResponse>, Status> {
        let caller = identity::of(&request)?;
        self.tokenize_one(&caller, request.into_inner())
            .await
            .map(Response::new)
    }

    type TokenizeStreamStream = ReceiverStream<Result<protocol::TokenizeResponse, Status>>;

    async fn tokenize_stream(
        &self,
        request: Request<Streaming<protocol::TokenizeRequest>>,
    ) -> Result<Response<Self::TokenizeStreamStream>, Status> {
        let caller = identity::of(&request)?;
        let endpoint = self.clone();
        let (freezes, standing) = (self.vault.watch_freezes(), Standing::at_work(&caller));
        let unchanged = standing.clone();
        let answer = move |request| {
            let (endpoint, caller) = (endpoint.clone(), caller.clone());
            let standing = unchanged.clone();
            async move {
                let answer = endpoint.tokenize_one(&caller, request).await?;
                Ok((answer, standing))
            }
        };
        Ok(Response::new(stream::answer_in_order(
            request.into_inner(),
            self.turns.clone(),
            freezes,
            standing,
            answer,
        )))
    }

    async fn lookup(
        &self,
        request: Request<protocol::LookupRequest>,
    ) -> Result<Response<protocol::LookupResponse>, Status> {
        let (caller, message) = self
            .acting("lookup", request, |it| &mut it.acting_principal)
            .await?;
        let request = convert::lookup(message, self.items_max)?;
        let items_count = request.items.len();
        let answer = self.vault.lookup(&caller, request).await;
        self.metrics
            .count("lookup", items_count, answer.as_ref().err());
        let items = answer.map_err(|error| status::of(&error))?;
        let results = items
            .into_iter()
            .enumerate()
            .map(convert::looked_up)
            .collect();
        Ok(Response::new(protocol::LookupResponse { results }))
    }

    async fn inspect(
        &self,
        request: Request<protocol::InspectRequest>,
    ) -> Result<Response<protocol::InspectResponse>, Status> {
        let (caller, message) = self
            .acting("inspect", request, |it| &mut it.acting_principal)
            .await?;
        let request = convert::inspect(message, self.items_max)?;
        let items_count = request.items.len();
        let answer = self.vault.inspect(&caller, request).await;
        self.metrics
            .count("inspect", items_count, answer.as_ref().err());
        let items = answer.map_err(|error| status::of(&error))?;
        let results = items
            .into_iter()
            .enumerate()
            .map(convert::inspected)
            .collect();
        Ok(Response::new(protocol::InspectResponse { results }))
    }

    async fn verify_match(
        &self,
        request: Request<protocol::VerifyMatchRequest>,
    ) -> Result<Response<protocol::VerifyMatchResponse>, Status> {
        let (caller, message) = self
            .acting("verify_match", request, |it| &mut it.acting_principal)
            .await?;
        let request = convert::verify_match(message, self.items_max)?;
        let items_count = request.items.len();
        let answer = self.vault.verify_match(&caller, request).await;
        self.metrics
            .count("verify_match", items_count, answer.as_ref().err());
        let items = answer.map_err(|error| status::of(&error))?;
        let results = items
            .into_iter()
            .enumerate()
            .map(convert::verified)
            .collect();
        Ok(Response::new(protocol::VerifyMatchResponse { results }))
    }

    async fn import_tokens(
        &self,
        request: Request<protocol::ImportTokensRequest>,
    ) -> Result<Response<protocol::ImportTokensResponse>, Status> {
        let caller = identity::of(&request)?;
        let request = convert::import_tokens(request.into_inner(), self.items_max)?;
        let items_count = request.items.len();
        let answer = self.vault.import_tokens(&caller, request).await;
        self.metrics
            .count("import_tokens", items_count, answer.as_ref().err());
        let items = answer.map_err(|error| status::of(&error))?;
        let results = items
            .into_iter()
            .enumerate()
            .map(convert::imported)
            .collect();
        Ok(Response::new(protocol::ImportTokensResponse { results }))
    }

    async fn redact(
        &self,
        request: Request<protocol::RedactRequest>,
    ) -> Result<Response<protocol::RedactResponse>, Status> {
        let (caller, message) = self
            .acting("redact", request, |it| &mut it.acting_principal)
            .await?;
        let request = convert::redact(message, self.items_max)?;
        let items_count = request.items.len();
        let answer = self.vault.redact(&caller, request).await;
        self.metrics
            .count("redact", items_count, answer.as_ref().err());
        let items = answer.map_err(|error| status::of(&error))?;
        let results = items
            .into_iter()
            .enumerate()
            .map(convert::redacted)
            .collect();
        Ok(Response::new(protocol::RedactResponse { results }))
    }
}
