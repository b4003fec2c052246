//! Calls: what is revealed and written, and what the window allows of it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use rand::RngExt;

use super::super::super::witnessing::reveal;
use super::super::super::*;
use super::super::Difference;
use super::super::Fault;
use super::World;

type Answered = Result<Receipt, CommitError>;

/// A call, from the moment that its caller has made it.
struct Waiting {
    is_reveal: bool,
    /// How many entries follow right behind its own.
    further_count: usize,
    call: Pin<Box<dyn Future<Output = Answered>>>,
    answer: Option<Answered>,
}

impl World<'_> {
    /// Makes calls, in this order, none of which waits for the one before.
    async fn make(&mut self, count: usize) -> Vec<Waiting> {
        let mut waiting = Vec::new();
        for position in 0..count {
            let is_reveal = self.random.random_range(0..3) > 0;
            let mut call = if is_reveal {
                reveal()
            } else {
                commit(position)
            };
            let further_count = match self.random.random_range(0..8) {
                0 => self.random.random_range(1..4),
                _ => 0,
            };
            call.further = (0..further_count).map(draft).collect();
            let is_held_back = is_reveal && self.caller_looks_and_stops();
            let audit = self.running().audit.clone();
            waiting.push(Waiting {
                is_reveal,
                further_count,
                call: Box::pin(async move { audit.commit(call).await }),
                answer: is_held_back.then_some(Err(CommitError::Unwitnessed)),
            });
        }
        poll_fn(|context| {
            for waiting in &mut waiting {
                if waiting.answer.is_none()
                    && let Poll::Ready(answer) = waiting.call.as_mut().poll(context)
                {
                    waiting.answer = Some(answer);
                }
            }
            Poll::Ready(())
        })
        .await;
        waiting
    }

    /// Planted: callers who look themselves, before they have their turn.
    fn caller_looks_and_stops(&mut self) -> bool {
        let now_ms = self.clock.now_ms();
        let age_max_ms = self.oracle.seconds_max * 1_000;
        if self.fault == Fault::LookedBefore {
            let entries_max = self.oracle.entries_max;
            let unseen = self.running().audit.unwitnessed().unwrap();
            return unseen.entries_count + 1 > entries_max || unseen.age_ms > age_max_ms;
        }
        let is_old = |counted_ms: u64| now_ms - counted_ms > age_max_ms;
        self.fault == Fault::SecondsOfAnswer && self.counted_ms.is_some_and(is_old)
    }

    pub(super) async fn calls(&mut self) {
        let count = self.random.random_range(1..5);
        let waiting = self.make(count).await;
        self.judge(waiting).await;
    }

    /// Calls that wait while the disk does not answer, and time passes: they are one group.
    pub(super) async fn calls_behind_a_slow_write(&mut self) {
        self.head.shut();
        let audit = self.running().audit.clone();
        let mut slow = Box::pin(audit.commit(commit(0)));
        let begun = poll_fn(|context| Poll::Ready(slow.as_mut().poll(context))).await;
        assert!(begun.is_pending());
        self.head.until_besieged();
        self.oracle.appended(self.clock.now_ms());
        let count = self.random.random_range(1..8);
        let waiting = self.make(count).await;
        self.move_clock();
        if self.random.random_range(0..3) == 0 {
            self.ask_or_answer().await;
        }
        self.head.open();
        assert_eq!(slow.await.unwrap().index + 1, self.oracle.size() as u64);
        self.judge(waiting).await;
    }

    /// Compares what became of calls with what the window allows, in the order of their places.
    async fn judge(&mut self, waiting: Vec<Waiting>) {
        for waiting in waiting {
            let answer = match waiting.answer {
                Some(answer) => answer,
                None => waiting.call.await,
            };
            let now_ms = self.clock.now_ms();
            let verdict = self.oracle.verdict(now_ms);
            let has_left = match answer {
                Ok(receipt) => {
                    assert_eq!(receipt.index, self.oracle.size() as u64);
                    for _ in 0..=waiting.further_count {
                        self.oracle.appended(now_ms);
                    }
                    true
                }
                Err(error) => {
                    assert_eq!(error, CommitError::Unwitnessed);
                    assert!(waiting.is_reveal);
                    false
                }
            };
            if waiting.is_reveal {
                self.tally.reveal(verdict, has_left);
                self.differences.extend(Difference::of(verdict, has_left));
            }
        }
    }
}
