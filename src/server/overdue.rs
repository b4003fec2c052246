//! Calls that nobody waits for any more, and that are not over.
//!
//! A call ends at its deadline whatever it is doing: it is carried out by a task of its own, and
//! who waits for it waits no longer than that. A task that is given up is dropped at once, wherever
//! it waits for something of ours. What it cannot be dropped out of is a computation, or a system
//! call, such as a read of a disk that does not answer. Health looks whether a call that is still
//! there a while after it was given up stands beside a read that takes as long.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The calls of a server that were given up and are not over.
#[derive(Clone, Debug, Default)]
pub(super) struct Overdue(Arc<Calls>);

#[derive(Debug, Default)]
struct Calls {
    next_id: AtomicU64,
    /// Since when, in the order of their ids.
    given_up: Mutex<BTreeMap<u64, Instant>>,
}

/// A call that is waited for.
pub(super) struct Waited<T> {
    task: JoinHandle<T>,
    call: Arc<Call>,
}

/// What who waits and who works say to each other.
struct Call {
    id: u64,
    calls: Arc<Calls>,
    phase: AtomicU8,
}

/// Says that a call is over, when the task that carries it out is dropped.
struct Working(Arc<Call>);

impl Overdue {
    /// Carries a call out in a task of its own, which ends with who waits for it.
    pub(super) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Waited<T> {
        let call = Arc::new(Call {
            id: self.0.next_id.fetch_add(1, Ordering::Relaxed),
            calls: Arc::clone(&self.0),
            phase: AtomicU8::new(AWAITED),
        });
        let working = Working(Arc::clone(&call));
        let task = tokio::spawn(async move {
            let done = work.await;
            drop(working);
            done
        });
        Waited { task, call }
    }

    /// Whether there is a call that is not over so long after it was given up.
    pub(super) fn is_any_older_than(&self, age: Duration) -> bool {
        let given_up = self.0.given_up();
        given_up.values().any(|since| since.elapsed() > age)
    }
}

impl Calls {
    fn given_up(&self) -> MutexGuard<'_, BTreeMap<u64, Instant>> {
        // No step under the lock panics half way.
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Future for Waited<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match Pin::new(&mut self.task).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(done)) => Poll::Ready(done),
            // As if it had been polled here. A call is aborted only by who waits no more.
            Poll::Ready(Err(error)) => match error.try_into_panic() {
                Ok(panicked) => panic::resume_unwind(panicked),
                Err(_) => Poll::Pending,
            },
        }
    }
}

impl<T> Drop for Waited<T> {
    fn drop(&mut self) {
        if self.task.is_finished() {
            return;
        }
        self.task.abort();
        // Under the lock: a call that ends now finds itself among those that were given up, or is
        // never put there.
        let mut given_up = self.call.calls.given_up();
        let phase = &self.call.phase;
        let given = phase.compare_exchange(AWAITED, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire);
        if given.is_ok() {
            given_up.insert(self.call.id, Instant::now());
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let Self(call) = self;
        if call.phase.swap(OVER, Ordering::AcqRel) == GIVEN_UP {
            call.calls.given_up().remove(&call.id);
        }
    }
}

/// Somebody waits for the call.
const AWAITED: u8 = 0;
/// Nobody does, and it is not over.
const GIVEN_UP: u8 = 1;
const OVER: u8 = 2;

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const NOW: Duration = Duration::ZERO;

    async fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn call_that_is_waited_for_is_never_overdue() {
        let overdue = Overdue::default();
        assert_eq!(overdue.start(async { 7 }).await, 7);
        let slow = overdue.start(tokio::time::sleep(Duration::from_millis(20)));
        assert!(!overdue.is_any_older_than(NOW));
        slow.await;
        assert!(!overdue.is_any_older_than(NOW));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn call_that_waits_for_something_of_ours_ends_when_it_is_given_up() {
        let overdue = Overdue::default();
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        drop(overdue.start(async move {
            std::future::pending::<()>().await;
            drop(held);
        }));
        until(|| Arc::strong_count(&alive) == 1).await;
        until(|| !overdue.is_any_older_than(NOW)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn call_that_a_system_call_holds_is_overdue_until_it_is_over() {
        let overdue = Overdue::default();
        let (answer, disk) = mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let call = overdue.start(async move {
            let _begun = begin.send(());
            tokio::task::block_in_place(|| disk.recv())
        });
        begun.await.unwrap();
        let waited = tokio::time::timeout(Duration::from_millis(5), call).await;
        assert!(waited.is_err());
        until(|| overdue.is_any_older_than(NOW)).await;
        assert!(!overdue.is_any_older_than(Duration::from_secs(3_600)));
        answer.send(()).unwrap();
        until(|| !overdue.is_any_older_than(NOW)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn calls_that_end_while_they_are_given_up_leave_nothing() {
        let overdue = Overdue::default();
        for number in 0..5_000_u32 {
            let call = overdue.start(async move {
                if number % 2 == 0 {
                    tokio::task::yield_now().await;
                }
            });
            if number % 3 == 0 {
                tokio::task::yield_now().await;
            }
            drop(call);
        }
        until(|| !overdue.is_any_older_than(NOW)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn panic_of_a_call_is_its_callers() {
        let overdue = Overdue::default();
        let call = overdue.start(async { panic!("planted") });
        let waited = tokio::spawn(async move {
            let () = call.await;
        });
        assert!(waited.await.unwrap_err().is_panic());
        assert!(!overdue.is_any_older_than(NOW));
    }
}
