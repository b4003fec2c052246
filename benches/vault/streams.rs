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
}

impl Streams {
    /// Opens as many streams, spread over the connections, and sends the first batches on each.
    pub(crate) async fn open(
        channels: &[Channel],
        count: usize,
        request: impl Fn() -> TokenizeRequest,
    ) -> Result<Self, Failure> {
        let mut streams = Vec::with_capacity(count);
        for channel in channels.iter().cycle().take(count) {
            let (requests, receiver) = mpsc::channel(AHEAD_COUNT + 1);
            for _ in 0..AHEAD_COUNT {
                requests.send(request()).await?;
            }
            let answers = TokenServiceClient::new(channel.clone())
                .tokenize_stream(ReceiverStream::new(receiver))
                .await?
                .into_inner();
            streams.push(Arc::new(Mutex::new(Open { requests, answers })));
        }
        Ok(Self(streams))
    }

    /// Sends a batch, and waits for the answer to the earliest that has none.
    pub(crate) async fn call(
        &self,
        caller: usize,
        request: TokenizeRequest,
    ) -> Result<TokenizeResponse, Failure> {
        let stream = self.0.get(caller).ok_or("no stream")?;
        let mut stream = stream.lock().await;
        stream.requests.send(request).await?;
        let answer = stream.answers.message().await?;
        Ok(answer.ok_or("stream ended")?)
    }

    /// Waits for the answers that nobody has waited for: nothing of this case is left to the next.
    pub(crate) async fn finish(&self) -> Result<(), Failure> {
        for stream in &self.0 {
            let mut stream = stream.lock().await;
            for _ in 0..AHEAD_COUNT {
                stream.answers.message().await?.ok_or("stream ended")?;
            }
        }
        Ok(())
    }
}

/// How many batches are sent ahead of the one whose answer is waited for.
const AHEAD_COUNT: usize = 2;
