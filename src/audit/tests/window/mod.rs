//! Goal: no value leaves while more entries were not seen by the witness than its window has, or
//! the oldest of them is older than its seconds; and none is held back otherwise. Method: random
//! schedules of reveals, other entries, writes that take their time, a clock that passes, is set
//! forward and back, restarts, and answers of the witness that come at once, late, never, from
//! another size, of an older checkpoint and of another time. What each reveal meets is compared
//! with what the documentation says, by an oracle that shares no code with the log. Planted: what
//! [`Fault`] has.
//!
//! `COUNTERFOIL_WINDOWS` says how many schedules there are, `COUNTERFOIL_SEED` which is the first.

mod doubles;
mod oracle;
mod world;

use std::collections::BTreeSet;

use super::*;
use doubles::TestWitness;
use oracle::Verdict;
use world::World;

/// A fault that the comparison must find.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    None,
    /// An answer that comes late counts for what the log has by then.
    AnswerIsOfNow,
    /// The log's clock goes back with the machine's.
    ClockGoesBack,
    EntriesNotCounted,
    /// What was cosigned before the start counts.
    KeptAnswerCounts,
    /// Callers look before their turn, and the log does not judge.
    LookedBefore,
    /// A cosignature counts whatever its time is.
    OldAnswerCounts,
    SecondsNotCounted,
    /// Seconds are those since the latest answer, and not since the oldest entry that was not seen.
    SecondsOfAnswer,
}

/// How a reveal met something else than what the window allows.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Difference {
    /// A value left that may not.
    Beyond(Verdict),
    /// A value did not leave that may.
    HeldBack,
}

impl Difference {
    fn of(verdict: Verdict, has_left: bool) -> Option<Self> {
        match verdict {
            Verdict::Either => None,
            Verdict::Leaves => (!has_left).then_some(Self::HeldBack),
            Verdict::TooMany | Verdict::TooOld | Verdict::Unanswered => {
                has_left.then_some(Self::Beyond(verdict))
            }
        }
    }
}

/// What was tried.
#[derive(Debug, Default)]
struct Tally {
    /// Values that left, and those that did not, by what the window says.
    left_count: u64,
    unanswered_count: u64,
    too_many_count: u64,
    too_old_count: u64,
    /// Reveals at the last moment, that left and that did not.
    either_counts: [u64; 2],
    answers_count: u64,
    /// Answers that came after something else.
    late_count: u64,
    /// Answers of a witness that has seen less.
    older_count: u64,
    /// Answers that do not count.
    worthless_count: u64,
    restarts_count: u64,
}

impl Tally {
    fn reveal(&mut self, verdict: Verdict, has_left: bool) {
        let count = match verdict {
            Verdict::Leaves => &mut self.left_count,
            Verdict::Either => &mut self.either_counts[usize::from(!has_left)],
            Verdict::Unanswered => &mut self.unanswered_count,
            Verdict::TooMany => &mut self.too_many_count,
            Verdict::TooOld => &mut self.too_old_count,
        };
        *count += 1;
    }

    /// Whether everything was tried that a schedule may come to.
    fn is_complete(&self) -> bool {
        let counts = [
            self.left_count,
            self.unanswered_count,
            self.too_many_count,
            self.too_old_count,
            self.late_count,
            self.older_count,
            self.worthless_count,
            self.restarts_count,
        ];
        counts.iter().all(|count| *count > 0)
    }
}

/// A store of a schedule's own: in memory, where the machine has a directory there.
fn store() -> (TempDir, Arc<dyn Store>) {
    let in_memory = Path::new("/dev/shm");
    let directory = if in_memory.is_dir() {
        tempfile::tempdir_in(in_memory)
    } else {
        tempfile::tempdir()
    };
    let directory = directory.unwrap();
    let store = RocksStore::create(directory.path().join("store").as_path(), &OPTIONS).unwrap();
    (directory, Arc::new(store))
}

/// Runs a schedule for each seed, until `is_enough` of the differences of one.
fn campaign(
    seeds: impl Iterator<Item = u64>,
    fault: Fault,
    mut is_enough: impl FnMut(u64, &[Difference]) -> bool,
) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut tally = Tally::default();
    runtime.block_on(async {
        let mut witness = TestWitness::serve().await;
        for seed in seeds {
            let (_directory, store) = store();
            let world = World::new(seed, fault, store, &mut witness, &mut tally);
            let differences = world.run(STEPS).await;
            if is_enough(seed, &differences) {
                break;
            }
        }
    });
    tally
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn value_leaves_if_and_only_if_the_window_allows_it() {
    let first = number("COUNTERFOIL_SEED").unwrap_or(0);
    let seeds = first..first + number("COUNTERFOIL_WINDOWS").unwrap_or(WINDOWS_USUAL);
    let tally = campaign(seeds.clone(), Fault::None, |seed, differences| {
        assert!(differences.is_empty(), "seed {seed}: {differences:?}");
        false
    });
    println!("windows: seeds {seeds:?}, {STEPS} steps each: {tally:?}");
    assert!(
        tally.is_complete() || seeds.end - seeds.start < WINDOWS_USUAL,
        "{tally:?}"
    );
}

#[test]
fn each_planted_fault_lets_a_value_leave_beyond_the_window() {
    let unanswered = Difference::Beyond(Verdict::Unanswered);
    let too_many = Difference::Beyond(Verdict::TooMany);
    let too_old = Difference::Beyond(Verdict::TooOld);
    // The search begins with a seed that is known to come to it: it takes a while elsewhere.
    for (fault, first, expected) in [
        (Fault::AnswerIsOfNow, 3, &[too_old][..]),
        (Fault::ClockGoesBack, 7, &[too_old]),
        (Fault::EntriesNotCounted, 2, &[too_many]),
        (Fault::KeptAnswerCounts, 0, &[unanswered]),
        (Fault::LookedBefore, 2, &[too_many]),
        (Fault::LookedBefore, 8, &[too_old]),
        (Fault::OldAnswerCounts, 0, &[too_old]),
        (Fault::SecondsNotCounted, 0, &[too_old]),
        (Fault::SecondsOfAnswer, 0, &[too_old, Difference::HeldBack]),
    ] {
        let is_found = |found: &BTreeSet<_>| expected.iter().all(|it| found.contains(it));
        let (mut found, mut seeds) = (BTreeSet::new(), first..first + PLANTED_MAX);
        campaign(seeds.by_ref(), fault, |_, differences| {
            found.extend(differences.iter().copied());
            is_found(&found)
        });
        println!("windows: {fault:?}: {found:?} before seed {}", seeds.start);
        assert!(is_found(&found), "{fault:?}");
    }
}

/// How many schedules a run in CI has, and how many things happen in each.
const WINDOWS_USUAL: u64 = 8;
const STEPS: usize = 60;
/// How many schedules may pass over a planted fault.
const PLANTED_MAX: u64 = 200;
