//! DetokenizationService on the wire.

use std::mem;
use std::sync::Arc;

use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;
use tonic::Streaming;
use zeroize::Zeroizing;

use crate::protocol;
use crate::protocol::detokenization_service_server::DetokenizationService;
use crate::protocol::detokenization_service_server::DetokenizationServiceServer;
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

/// Answers DetokenizationService.
#[derive(Clone)]
pub(super) struct DetokenizationEndpoint {
    vault: Arc<Vault>,
    metrics: Arc<Metrics>,
    items_max: usize,
    turns: Turns,
}

impl DetokenizationEndpoint {
    pub(super) fn service(
        vault: Arc<Vault>,
        limits: &ServerLimits,
        metrics: Arc<Metrics>,
        overdue: &Overdue,
    ) -> DetokenizationServiceServer<Self> {
        let items_max = limits.items_per_request_max;
        DetokenizationServiceServer::new(Self {
            vault,
            metrics,
            items_max,
            turns: Turns::new(limits, overdue),
        })
        .max_decoding_message_size(limits.message_bytes_max)
        .max_encoding_message_size(limits.message_bytes_max)
    }

    async fn detokenize_one(
        &self,
        caller: Caller,
        mut request: protocol::DetokenizeRequest,
    ) -> Result<(protocol::DetokenizeResponse, Standing), Status> {
        // Who has it can call as this person until it ends.
        let assertion = Zeroizing::new(mem::take(&mut request.acting_principal));
        let request = convert::detokenize(request, self.items_max)?;
        let items_count = request.items.len();
        let answer = match self.vault.on_behalf_of(caller, &assertion).await {
            Ok(caller) => {
                let standing = Standing::revealing(&caller, &request);
                let answer = self.vault.detokenize(&caller, request).await;
                answer.map(|answer| (answer, standing))
            }
            Err(error) => Err(error),
        };
        self.metrics
            .count("detokenize", items_count, answer.as_ref().err());
        answer
            .map(|(answer, standing)| (convert::detokenized(answer), standing))
            .map_err(|error| status::of(&error))
    }
}

#[tonic::async_trait]
impl DetokenizationService for DetokenizationEndpoint {
    async fn detokenize(
        &self,
        request: Request<protocol::DetokenizeRequest>,
    ) -> Result<Response<protocol::DetokenizeResponse>, Status> {
        let caller = identity::of(&request)?;
        let answered = self.detokenize_one(caller, request.into_inner()).await;
        answered.map(|(answer, _)| Response::new(answer))
    }

    type DetokenizeStreamStream = ReceiverStream<Result<protocol::DetokenizeResponse, Status>>;

    async fn detokenize_stream(
        &self,
        request: Request<Streaming<protocol::DetokenizeRequest>>,
    ) -> Result<Response<Self::DetokenizeStreamStream>, Status> {
        let caller = identity::of(&request)?;
        let endpoint = self.clone();
        let (freezes, standing) = (self.vault.watch_freezes(), Standing::to_reveal(&caller));
        let answer = move |request| {
            let (endpoint, caller) = (endpoint.clone(), caller.clone());
            async move { endpoint.detokenize_one(caller, request).await }
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
