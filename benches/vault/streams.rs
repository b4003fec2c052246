//! Callers that keep a stream of batches open, and send the next one before the last is answered.

use std::sync::Arc;

use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::TokenizeResponse;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use tokio::sync::Mutex;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::testbed::Failure;

/// The stream of each caller.
#[derive(Clone)]
pub(crate) struct Streams(Vec<Arc<Mutex<Open>>>);

struct Open {
    requests: mpsc::Sender<TokenizeRequest>,
    answers: Streaming<TokenizeResponse>,
    /// Sent, and not answered.
    waiting_count: usize,
}

impl Streams {
    /// Opens as many streams, spread over the connections.
    pub(crate) async fn open(channels: &[Channel], count: usize) -> Result<Self, Failure> {
        let mut streams = Vec::with_capacity(count);
        for channel in channels.iter().cycle().take(count) {
            let (requests, receiver) = mpsc::channel(AHEAD_COUNT);
            let answers = TokenServiceClient::new(channel.clone())
                .tokenize_stream(ReceiverStream::new(receiver))
                .await?
                .into_inner();
            streams.push(Arc::new(Mutex::new(Open {
                requests,
                answers,
                waiting_count: 0,
            })));
        }
        Ok(Self(streams))
    }

    /// Sends a batch, and waits for an answer once enough batches are on their way.
    pub(crate) async fn call(
        &self,
        caller: usize,
        request: TokenizeRequest,
    ) -> Result<Option<TokenizeResponse>, Failure> {
        let stream = self.0.get(caller).ok_or("no stream")?;
        let mut stream = stream.lock().await;
        stream.requests.send(request).await?;
        stream.waiting_count += 1;
        if stream.waiting_count <= AHEAD_COUNT {
            return Ok(None);
        }
        stream.waiting_count -= 1;
        let answer = stream.answers.message().await?;
        Ok(Some(answer.ok_or("stream ended")?))
    }
}

/// How many batches are sent ahead of the one whose answer is waited for.
const AHEAD_COUNT: usize = 2;
