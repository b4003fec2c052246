//! Streams: each message is a call of its own, answered in order.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::Streaming;

use crate::server::limits::ServerLimits;
use crate::server::overdue::Overdue;
use crate::server::status;
use crate::vault::FreezeWatch;
use crate::vault::Standing;

/// The turns of calls that come on streams. The transport's limits end where a stream begins: they
/// count requests until their headers are answered, and a stream is one request.
#[derive(Clone)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    deadline: Duration,
    overdue: Overdue,
}

impl Turns {
    /// As many turns at once as requests, each with a request's deadline.
    pub(super) fn new(limits: &ServerLimits, overdue: &Overdue) -> Self {
        let free = Arc::new(Semaphore::new(limits.concurrent_requests));
        Self {
            free,
            deadline: limits.request_deadline,
            overdue: overdue.clone(),
        }
    }

    /// Waits for a turn, and carries the call out within its deadline.
    async fn take<A: Send + 'static>(
        &self,
        call: impl Future<Output = Result<A, Status>> + Send + 'static,
    ) -> Result<A, Status> {
        let free = Arc::clone(&self.free);
        let turn = self.overdue.start(async move {
            match free.acquire_owned().await {
                Ok(_turn) => call.await,
                Err(_) => Err(status::busy()),
            }
        });
        let answered = tokio::time::timeout(self.deadline, turn).await;
        answered.unwrap_or_else(|_| Err(status::late()))
    }
}

/// Answers the messages of a stream one after the other. The stream ends with the first call that
/// fails as a whole, with a freeze that stops what its latest call has shown that it lives by, or
/// when the client goes away: what it was promised is durable by then.
pub(super) fn answer_in_order<Q, A, F>(
    mut requests: Streaming<Q>,
    turns: Turns,
    mut freezes: FreezeWatch,
    mut standing: Standing,
    answer: impl Fn(Q) -> F + Send + 'static,
) -> ReceiverStream<Result<A, Status>>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<(A, Standing), Status>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ANSWERS_WAITING_MAX);
    tokio::spawn(async move {
        loop {
            let request = tokio::select! {
                biased;
                () = freezes.stopped(&standing) => Err(frozen()),
                request = requests.message() => request,
                () = sender.closed() => return,
            };
            let mut answered = match request {
                Ok(Some(request)) => turns.take(answer(request)).await,
                Ok(None) => return,
                Err(status) => Err(status),
            };
            if let Ok((_, latest)) = &answered {
                standing = latest.clone();
                // The client's window is the brake: the next message is read when this one fits.
                tokio::select! {
                    biased;
                    () = freezes.stopped(&standing) => answered = Err(frozen()),
                    free = sender.reserve() => if free.is_err() { return },
                }
            }
            let is_last = answered.is_err();
            let answered = answered.map(|(answer, _)| answer);
            if sender.send(answered).await.is_err() || is_last {
                return;
            }
        }
    });
    ReceiverStream::new(receiver)
}

/// What everybody is told who is denied.
fn frozen() -> Status {
    Status::permission_denied(status::DENIED)
}

/// Answers that may wait for a slow client.
const ANSWERS_WAITING_MAX: usize = 2;
