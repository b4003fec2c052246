//! One schedule: a log with a window, everything that may happen around it, and what is wrong then.

mod answers;
mod calls;

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinHandle;

use super::super::*;
use super::Difference;
use super::Fault;
use super::Tally;
use super::doubles::Agreeing;
use super::doubles::Asked;
use super::doubles::GoesBack;
use super::doubles::MemoryHead;
use super::doubles::MovedClock;
use super::doubles::TestWitness;
use super::oracle::EXACTNESS_MS;
use super::oracle::Oracle;
use crate::domain::Clock;
use crate::witness::WitnessClient;

/// A submission that is under way.
struct Flight {
    task: JoinHandle<Witnessing>,
    asked: Asked,
    size: usize,
}

/// A log that is open.
struct Running {
    audit: AuditLog,
    thread: SequencerThread,
    /// Who asks the witness; nothing while an answer is waited for.
    witnessing: Option<Witnessing>,
    flight: Option<Flight>,
}

pub(super) struct World<'a> {
    random: StdRng,
    fault: Fault,
    oracle: Oracle,
    clock: Arc<MovedClock>,
    /// By which the log's client looks how old a cosignature is.
    agreeing: Arc<Agreeing>,
    store: Arc<dyn Store>,
    head: MemoryHead,
    witness: &'a mut TestWitness,
    /// What the witness has cosigned last: the size, and the lines of its answer.
    cosigned: Option<(usize, String)>,
    /// When an answer last counted, since the start.
    counted_ms: Option<u64>,
    running: Option<Running>,
    tally: &'a mut Tally,
    differences: Vec<Difference>,
}

impl<'a> World<'a> {
    pub(super) fn new(
        seed: u64,
        fault: Fault,
        store: Arc<dyn Store>,
        witness: &'a mut TestWitness,
        tally: &'a mut Tally,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        // Where one of the two is wide, the other is what stops reveals.
        let entries_max = [1, 2, 5, 10, 20, 100_000, 100_000][random.random_range(0..7)];
        let seconds_max = [1, 2, 5, 5, 60, 3_600][random.random_range(0..6)];
        let mut world = Self {
            random,
            fault,
            oracle: Oracle::new(entries_max, seconds_max),
            clock: Arc::new(MovedClock::new()),
            agreeing: Arc::default(),
            store,
            head: MemoryHead::new(signer().sign_empty().unwrap()),
            witness,
            cosigned: None,
            counted_ms: None,
            running: None,
            tally,
            differences: Vec::new(),
        };
        world.start();
        world
    }

    /// Lets so many things happen, and says what was wrong.
    pub(super) async fn run(mut self, steps_count: usize) -> Vec<Difference> {
        for _ in 0..steps_count {
            match self.random.random_range(0..100) {
                0..32 => self.calls().await,
                32..44 => self.calls_behind_a_slow_write().await,
                44..66 => self.move_clock(),
                66..95 => self.ask_or_answer().await,
                _ => self.restart(),
            }
            self.check_what_is_said();
        }
        self.stop();
        self.differences
    }

    fn running(&mut self) -> &mut Running {
        self.running.as_mut().unwrap()
    }

    /// Opens the log, as a vault does that has no answer of its witness yet.
    fn start(&mut self) {
        let (entries_max, seconds_max) = (self.oracle.entries_max, self.oracle.seconds_max);
        let clock: Arc<dyn Clock> = if self.fault == Fault::ClockGoesBack {
            Arc::new(GoesBack(Arc::clone(&self.clock)))
        } else {
            self.clock.clone()
        };
        let counts_seconds = !matches!(
            self.fault,
            Fault::LookedBefore | Fault::SecondsNotCounted | Fault::SecondsOfAnswer
        );
        let counts_entries = !matches!(self.fault, Fault::EntriesNotCounted | Fault::LookedBefore);
        let window = WitnessWindow {
            entries_max: if counts_entries {
                entries_max
            } else {
                u64::MAX
            },
            seconds_max: if counts_seconds {
                seconds_max
            } else {
                u64::MAX
            },
        };
        let parts = LogParts {
            access: empty_access(),
            store: Arc::clone(&self.store),
            head: Box::new(self.head.clone()),
            head_checkpoint: self.head.latest(),
            signer: signer(),
            keys: keys(),
            clock,
            entropy: Arc::new(SystemEntropy),
            witness: Some(window),
        };
        let (audit, thread) = AuditLog::open(parts).unwrap();
        let clock: Arc<dyn Clock> = if self.fault == Fault::OldAnswerCounts {
            self.agreeing.clone()
        } else {
            self.clock.clone()
        };
        let client = WitnessClient::new(&self.witness.settings, clock).unwrap();
        let known = self.store.cosigned_checkpoint().unwrap();
        let known = known.and_then(|note| keys().verify(&note));
        if let (Fault::KeptAnswerCounts, Some(known)) = (self.fault, &known) {
            audit.window.as_ref().unwrap().witnessed(known.size());
        }
        let witnessing = audit.witnessing(client, known);
        self.running = Some(Running {
            audit,
            thread,
            witnessing,
            flight: None,
        });
    }

    fn stop(&mut self) {
        let running = self.running.take().unwrap();
        if let Some(flight) = running.flight {
            flight.task.abort();
        }
        drop(running.audit);
        running.thread.join();
    }

    fn restart(&mut self) {
        self.stop();
        self.clock.restart();
        self.oracle.restarted();
        self.counted_ms = None;
        self.tally.restarts_count += 1;
        self.start();
    }

    fn move_clock(&mut self) {
        let ms = match self.random.random_range(0..8) {
            0 => self.random.random_range(0..60),
            1 | 2 => self.random.random_range(0..2_000),
            3 => self.random.random_range(0..10_000_000),
            _ => self.until_too_old(),
        };
        match self.random.random_range(0..12) {
            0 => self.clock.set_back(ms),
            1 => self.clock.set_forward(ms),
            _ => self.clock.pass(ms),
        }
    }

    /// How long it is until the oldest entry that was not seen is too old, or nearly so.
    fn until_too_old(&mut self) -> u64 {
        let age_ms = self.oracle.age_ms(self.clock.now_ms()).unwrap_or(0);
        let left_ms = (self.oracle.seconds_max * 1_000).saturating_sub(age_ms);
        let near = [-(EXACTNESS_MS.cast_signed()), -1, 0, 0, 1][self.random.random_range(0..5)];
        left_ms.saturating_add_signed(near)
    }

    /// What health and metrics are told is what the next reveal would meet.
    fn check_what_is_said(&mut self) {
        if self.fault != Fault::None || !self.oracle.is_answered() {
            return;
        }
        let now_ms = self.clock.now_ms();
        let unseen = self.running().audit.unwitnessed().unwrap();
        assert_eq!(unseen.entries_count, self.oracle.unseen_count());
        let age_ms = self.oracle.age_ms(now_ms);
        let more_ms = unseen.age_ms.checked_sub(age_ms.unwrap_or(0)).unwrap();
        assert!(more_ms < if age_ms.is_some() { EXACTNESS_MS } else { 1 });
        let verdict = self.oracle.verdict(now_ms);
        assert_eq!(Difference::of(verdict, unseen.may_reveal), None);
    }
}
