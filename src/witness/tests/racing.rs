//! Goal: of two histories of a log, one at most is ever cosigned, and sizes only grow, whoever
//! submits what at the same time. Method: 16 threads submit both histories of one log to one
//! witness, which has a disk that takes its time.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use super::*;
use crate::crypto::merkle::verify_consistency;

const CLIENTS_COUNT: u64 = 16;
const SUBMISSIONS_COUNT: u64 = 40;
const SIZE: u64 = 200;
const FORK: u64 = 20;

/// Remembers everything that was written, in its order.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<Checkpoint>>>);

impl KeepState for Ledger {
    fn write(&self, latest: &Latest) -> io::Result<()> {
        thread::sleep(Duration::from_micros(300));
        self.0.lock().unwrap().push(latest.checkpoint().clone());
        Ok(())
    }
}

/// What cosigns: the witness, or one with a fault.
trait Cosigns: Sync {
    fn add(&self, submission: &Submission) -> Result<Checkpoint, u64>;
}

impl Cosigns for Witness {
    fn add(&self, submission: &Submission) -> Result<Checkpoint, u64> {
        match add(self, submission) {
            Ok(_) => Ok(Checkpoint::of_any_log(submission.note.text()).unwrap()),
            Err(Refusal::Stale { latest_size }) => Err(latest_size),
            Err(Refusal::OtherRoot { latest, .. } | Refusal::Proof { latest, .. }) => {
                Err(latest.tree_size)
            }
            Err(refusal) => panic!("{refusal}"),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// The check is one step, the write another.
    ChecksThenWrites,
    /// Any old size is as good as the latest.
    SkipsTheSizeCheck,
}

/// A witness with a planted fault.
struct Faulty {
    fault: Fault,
    latest: Mutex<Checkpoint>,
    ledger: Ledger,
}

impl Cosigns for Faulty {
    fn add(&self, submission: &Submission) -> Result<Checkpoint, u64> {
        let submitted = Checkpoint::of_any_log(submission.note.text()).unwrap();
        let latest = self.latest.lock().unwrap().clone();
        let is_stale = submission.old_size != latest.tree_size;
        let proven = verify_consistency(
            latest.tree_size,
            &latest.root_hash,
            submitted.tree_size,
            &submitted.root_hash,
            &submission.proof,
        );
        let is_wrong = match self.fault {
            Fault::ChecksThenWrites => is_stale || proven.is_err(),
            Fault::SkipsTheSizeCheck => !is_stale && proven.is_err(),
        };
        if is_wrong {
            return Err(latest.tree_size);
        }
        let state = Latest::signed(submitted.clone(), submission.note.clone(), NOW);
        self.ledger.write(&state).unwrap();
        *self.latest.lock().unwrap() = submitted.clone();
        Ok(submitted)
    }
}

/// Lets all clients race, and returns what was cosigned.
fn race(witness: &dyn Cosigns) -> Vec<Checkpoint> {
    let histories = [TestLog::new(SIZE, FORK, 1), TestLog::new(SIZE, FORK, 2)];
    let cosigned = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for client in 0..CLIENTS_COUNT {
            let (log, cosigned) = (&histories[usize::from(client % 2 == 1)], &cosigned);
            scope.spawn(move || {
                let mut state = client;
                let mut known_size = 0;
                for _ in 0..SUBMISSIONS_COUNT {
                    let size = (known_size + next(&mut state, 4)).min(SIZE);
                    match witness.add(&log.submission(known_size, size)) {
                        Ok(checkpoint) => {
                            known_size = checkpoint.tree_size;
                            cosigned.lock().unwrap().push(checkpoint);
                        }
                        Err(latest_size) => known_size = latest_size,
                    }
                }
            });
        }
    });
    cosigned.into_inner().unwrap()
}

/// Whether something was cosigned that should not have been.
fn is_at_fault(cosigned: &[Checkpoint], written: &[Checkpoint]) -> bool {
    let mut roots = BTreeMap::new();
    let two_roots = cosigned.iter().any(|checkpoint| {
        let root = checkpoint.root_hash;
        *roots.entry(checkpoint.tree_size).or_insert(root) != root
    });
    let histories = [TestLog::new(SIZE, FORK, 1), TestLog::new(SIZE, FORK, 2)];
    let is_of = |log: &TestLog| {
        let mut all = roots.iter();
        all.all(|(size, root)| log.checkpoint(*size).root_hash == *root)
    };
    let only_grows = written.is_sorted_by(|one, next| one.tree_size < next.tree_size);
    two_roots || !histories.iter().any(is_of) || !only_grows
}

#[test]
fn one_history_is_cosigned_at_most() {
    for _ in 0..2 {
        let ledger = Ledger::default();
        let log = TestLog::new(1, 1, 0);
        let witness = log.witness_with(None, Box::new(ledger.clone()));
        let cosigned = race(&witness);
        let written = ledger.0.lock().unwrap();
        let largest = cosigned.iter().map(|it| it.tree_size).max();
        assert!(largest > Some(FORK), "the campaign got somewhere");
        assert!(!is_at_fault(&cosigned, &written));
    }
}

#[test]
fn witness_with_a_fault_is_caught() {
    for fault in [Fault::ChecksThenWrites, Fault::SkipsTheSizeCheck] {
        let ledger = Ledger::default();
        let witness = Faulty {
            fault,
            latest: Mutex::new(TestLog::new(0, 0, 0).checkpoint(0)),
            ledger: ledger.clone(),
        };
        let cosigned = race(&witness);
        let written = ledger.0.lock().unwrap();
        assert!(is_at_fault(&cosigned, &written), "{fault:?}");
    }
}
