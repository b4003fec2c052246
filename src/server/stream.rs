//! Streams: each message is a call of its own, answered in order.

use std::future::Future;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// Answers the messages of a stream one after the other. The stream ends with the first call that
/// fails as a whole, or when the client goes away: what it was promised is durable by then.
pub(super) fn answer_in_order<Q, A, F>(
    mut requests: Streaming<Q>,
    answer: impl Fn(Q) -> F + Send + 'static,
) -> ReceiverStream<Result<A, Status>>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A, Status>> + Send,
{
    let (sender, receiver) = mpsc::channel(ANSWERS_WAITING_MAX);
    tokio::spawn(async move {
        loop {
            let request = tokio::select! {
                request = requests.message() => request,
                () = sender.closed() => return,
            };
            let answered = match request {
                Ok(Some(request)) => answer(request).await,
                Ok(None) => return,
                Err(status) => Err(status),
            };
            let is_last = answered.is_err();
            // The client's window is the brake: the next message is read when this one fits.
            if sender.send(answered).await.is_err() || is_last {
                return;
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// Answers that may wait for a slow client.
const ANSWERS_WAITING_MAX: usize = 2;
