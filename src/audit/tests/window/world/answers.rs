//! What the witness is asked, and what it answers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::RngExt;
use tokio::task::JoinHandle;

use super::super::super::witnessing::cosigner;
use super::super::super::*;
use super::super::Fault;
use super::super::doubles::Asked;
use super::Flight;
use super::World;

impl World<'_> {
    pub(super) async fn ask_or_answer(&mut self) {
        if self.running().flight.is_none() {
            self.ask().await;
            // An answer that is late, or never comes.
            if self.random.random_range(0..3) == 0 {
                return;
            }
        } else {
            self.tally.late_count += 1;
        }
        if let Some(flight) = self.running().flight.take() {
            let witnessing = self.answer(flight).await;
            self.running().witnessing = Some(witnessing);
        }
    }

    async fn ask(&mut self) {
        let running = self.running.as_mut().unwrap();
        let latest = running.audit.latest_checkpoint();
        let latest = latest.map_or_else(|| self.head.latest(), |it| (*it).clone());
        let size = usize::try_from(latest.size()).unwrap();
        let mut witnessing = running.witnessing.take().unwrap();
        let task = tokio::spawn(async move {
            witnessing.begin(&latest).await.unwrap();
            witnessing
        });
        match self.next_submission(task).await {
            Ok((task, asked)) => self.running().flight = Some(Flight { task, asked, size }),
            Err(witnessing) => self.running().witnessing = Some(witnessing),
        }
    }

    /// What is submitted; or who has asked, if they have given up.
    async fn next_submission(
        &mut self,
        mut task: JoinHandle<Witnessing>,
    ) -> Result<(JoinHandle<Witnessing>, Asked), Witnessing> {
        tokio::select! {
            asked = self.witness.asked.recv() => Ok((task, asked.unwrap())),
            witnessing = &mut task => Err(witnessing.unwrap()),
        }
    }

    /// Answers a submission in one way or another, and returns who has asked.
    async fn answer(&mut self, flight: Flight) -> Witnessing {
        let Flight {
            mut task,
            mut asked,
            size,
        } = flight;
        // The witness has seen less, or says so: it is told from there on, once or over and over.
        for _ in 0..[0, 0, 0, 1, 1, 2][self.random.random_range(0..6)] {
            let old_size = asked.submission.old_size;
            if old_size > 0 {
                let older = self.random.random_range(0..old_size);
                let _given_up = asked.answer.send((409, format!("{older}\n")));
                (task, asked) = match self.next_submission(task).await {
                    Ok(next) => next,
                    Err(witnessing) => return witnessing,
                };
                self.tally.older_count += 1;
            }
        }
        let (answer, is_counted) = self.choose_answer(size, asked.submission.note.text());
        // A machine that is busy may have let the call's time pass, which is not the schedule's.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let is_waited_for = !task.is_finished() && asked.answer.send(answer.clone()).is_ok();
        let witnessing = task.await.unwrap();
        self.tally.answers_count += 1;
        if !(is_waited_for && is_counted) {
            self.tally.worthless_count += 1;
            return witnessing;
        }
        self.cosigned = Some((size, answer.1));
        self.oracle.witnessed(size);
        self.counted_ms = Some(self.clock.now_ms());
        if self.fault == Fault::AnswerIsOfNow {
            let window = self.running().audit.window.clone().unwrap();
            window.witnessed(self.oracle.size() as u64);
        }
        witnessing
    }

    /// An answer to a checkpoint of this size and text, and whether it counts.
    fn choose_answer(&mut self, size: usize, text: &str) -> ((u16, String), bool) {
        let now_seconds = self.clock.now_ms() / 1_000;
        let far = SKEW_SECONDS_MAX + self.random.random_range(1..1_000_000);
        let (time, is_counted) = match self.random.random_range(0..16) {
            0 => (now_seconds - far, false),
            1 => (now_seconds + far, false),
            2 => (now_seconds - SKEW_SECONDS_MAX - 1, false),
            3 => (now_seconds - SKEW_SECONDS_MAX, true),
            4 => (now_seconds + SKEW_SECONDS_MAX, true),
            5 | 6 => {
                // What it has cosigned of another size; or it does not know what to say.
                let other = self.cosigned.clone().filter(|(kept, _)| *kept != size);
                let answer = other.map_or((503, String::new()), |(_, line)| (200, line));
                return (answer, false);
            }
            _ => (now_seconds, true),
        };
        self.agreeing.0.store(time * 1_000, Ordering::SeqCst);
        let line = cosigner().cosign(text, time).unwrap();
        ((200, format!("{line}\n")), is_counted)
    }
}

/// How far the time of a cosignature may be from the vault's.
const SKEW_SECONDS_MAX: u64 = 300;
