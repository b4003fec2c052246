//! The limit of the transport: the same messages through the same tonic, with nothing behind it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use counterfoil::protocol;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::detokenization_service_server::{
    DetokenizationService, DetokenizationServiceServer,
};
use counterfoil::protocol::token_service_client::TokenServiceClient;
use counterfoil::protocol::token_service_server::{TokenService, TokenServiceServer};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use crate::measure::{Measured, Shape, measure};
use crate::subject::{
    MESSAGE_BYTES_MAX, Work, connections, detokenize_request, lookup_request, tokenize_request,
};
use crate::testbed::{self, Failure};
use crate::values::Value;

/// A server that answers every item with what it was sent, which is as long as a token.
pub(crate) struct Echo {
    channels: Vec<Channel>,
}

impl Echo {
    pub(crate) async fn start(directory: &Path) -> Result<Self, Failure> {
        let token = TokenServiceServer::new(Endpoint)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let reveal = DetokenizationServiceServer::new(Endpoint)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let routes = Routes::new(token).add_service(reveal);
        let address: SocketAddr = testbed::serve_without_vault(directory, routes).await?;
        Ok(Self {
            channels: connections(directory, address).await?,
        })
    }

    /// Measures the messages of one case.
    pub(crate) async fn measure(
        &self,
        work: Work,
        shape: Shape,
        time: Duration,
        known: Vec<(Value, String)>,
    ) -> Result<Measured, Failure> {
        let channels = self.channels.clone();
        let (values, tokens): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let items = Arc::new((values, tokens));
        let call = move |caller: usize| {
            let channel = channels.get(caller % channels.len()).cloned();
            let items = Arc::clone(&items);
            async move {
                let channel = channel.ok_or("no channel")?;
                let (values, tokens) = &*items;
                let answered = match work {
                    Work::New | Work::Known => {
                        let mut client = TokenServiceClient::new(channel);
                        let answer = client.tokenize(tokenize_request(values)).await?;
                        answer.into_inner().results.len()
                    }
                    Work::Lookup => {
                        let mut client = TokenServiceClient::new(channel);
                        let answer = client.lookup(lookup_request(values)).await?;
                        answer.into_inner().results.len()
                    }
                    Work::Reveal => {
                        let mut client = DetokenizationServiceClient::new(channel);
                        let request = detokenize_request(values, tokens);
                        let answer = client.detokenize(request).await?;
                        answer.into_inner().results.len()
                    }
                };
                if answered == values.len() {
                    Ok(())
                } else {
                    Err("echo lost an item".into())
                }
            }
        };
        measure(shape, time, call).await
    }
}

struct Endpoint;

/// What was sent, as if it were a token.
fn echoed(value: String) -> protocol::TokenizedValue {
    protocol::TokenizedValue {
        token: value,
        fidelity: protocol::Fidelity::Shape.into(),
        reason: protocol::FidelityReason::Configured.into(),
        created: true,
        expires: None,
        ..protocol::TokenizedValue::default()
    }
}

#[tonic::async_trait]
impl TokenService for Endpoint {
    async fn tokenize(
        &self,
        request: Request<protocol::TokenizeRequest>,
    ) -> Result<Response<protocol::TokenizeResponse>, Status> {
        let result = |item: protocol::TokenizeItem| protocol::TokenizeResult {
            result: Some(protocol::tokenize_result::Result::Token(echoed(item.value))),
        };
        let results = request.into_inner().items.into_iter().map(result).collect();
        Ok(Response::new(protocol::TokenizeResponse { results }))
    }

    async fn import_tokens(
        &self,
        _: Request<protocol::ImportTokensRequest>,
    ) -> Result<Response<protocol::ImportTokensResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn redact(
        &self,
        _: Request<protocol::RedactRequest>,
    ) -> Result<Response<protocol::RedactResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    type TokenizeStreamStream = ReceiverStream<Result<protocol::TokenizeResponse, Status>>;

    async fn tokenize_stream(
        &self,
        _: Request<Streaming<protocol::TokenizeRequest>>,
    ) -> Result<Response<Self::TokenizeStreamStream>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn lookup(
        &self,
        request: Request<protocol::LookupRequest>,
    ) -> Result<Response<protocol::LookupResponse>, Status> {
        let result = |item: protocol::LookupItem| protocol::LookupResult {
            result: Some(protocol::lookup_result::Result::Token(echoed(item.value))),
        };
        let results = request.into_inner().items.into_iter().map(result).collect();
        Ok(Response::new(protocol::LookupResponse { results }))
    }

    async fn inspect(
        &self,
        _: Request<protocol::InspectRequest>,
    ) -> Result<Response<protocol::InspectResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn verify_match(
        &self,
        _: Request<protocol::VerifyMatchRequest>,
    ) -> Result<Response<protocol::VerifyMatchResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }
}

#[tonic::async_trait]
impl DetokenizationService for Endpoint {
    async fn detokenize(
        &self,
        request: Request<protocol::DetokenizeRequest>,
    ) -> Result<Response<protocol::DetokenizeResponse>, Status> {
        let result = |item: protocol::DetokenizeItem| protocol::DetokenizeResult {
            result: Some(protocol::detokenize_result::Result::Value(item.token)),
        };
        let results = request.into_inner().items.into_iter().map(result).collect();
        // As long as a receipt in a log of some 100,000 entries.
        let receipt = protocol::Receipt {
            leaf_index: 100_000,
            inclusion_proof: vec![vec![7; 32]; 17],
            checkpoint: "c".repeat(200),
            leaf_hash: vec![7; 32],
        };
        Ok(Response::new(protocol::DetokenizeResponse {
            results,
            receipt: Some(receipt),
            budget_remaining: None,
        }))
    }

    type DetokenizeStreamStream = ReceiverStream<Result<protocol::DetokenizeResponse, Status>>;

    async fn detokenize_stream(
        &self,
        _: Request<Streaming<protocol::DetokenizeRequest>>,
    ) -> Result<Response<Self::DetokenizeStreamStream>, Status> {
        Err(Status::unimplemented("not measured"))
    }
}
