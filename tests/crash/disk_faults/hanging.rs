//! A disk that does not answer for a while, and then does: nothing is revealed meanwhile, calls end
//! at their deadline, health says that nothing serves, and afterwards everything goes on.

use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Of;
use super::Write;
use super::caller::Became;
use super::caller::CALL_TIME_MAX;
use super::caller::Caller;
use super::files;
use super::tracer::Tracer;
use crate::Plant;
use crate::configure;
use crate::create_with_people;
use crate::health::Health;
use crate::health::Serving;
use crate::inspection;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::number;
use crate::person::Provider;
use crate::questions;
use crate::server::Server;
use crate::standing::Officer;
use crate::testbed::Failure;

/// What waits: the sync of the database's log or of the head, in turn; and the write of either, as
/// where a file system is frozen.
const WAITING: [Write; 3] = [
    Write {
        call: "fdatasync",
        of: Of::Both,
    },
    Write {
        call: "write",
        of: Of::Database,
    },
    Write {
        call: "pwrite64",
        of: Of::Head,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn hanging_disk_stops_reveals_and_nothing_for_good() {
    let places_count = number("COUNTERFOIL_DISK_FAULTS").unwrap_or(1);
    if let Some(ledger) = campaign(Plant::None, places_count).await.unwrap() {
        assert_eq!(ledger.faults, Vec::<Fault>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn release_while_the_disk_hangs_is_noticed() {
    if let Some(ledger) = campaign(Plant::EarlyRelease, 1).await.unwrap() {
        let faults = &ledger.faults;
        assert!(faults.contains(&Fault::ServedOnAfterwards), "{faults:?}");
    }
}

/// Planted: calls whose deadline is longer than the disk hangs.
#[tokio::test(flavor = "multi_thread")]
async fn call_without_an_end_while_the_disk_hangs_is_noticed() {
    if let Some(ledger) = campaign(Plant::NoDeadline, 1).await.unwrap() {
        let faults = &ledger.faults;
        assert!(faults.contains(&Fault::DeadlineMissed), "{faults:?}");
    }
}

/// Lets each kind of write wait at its first places, or until there is a fault. Nothing if it
/// cannot be tried here.
async fn campaign(plant: Plant, places_count: u64) -> Result<Option<Ledger>, Failure> {
    if !Tracer::is_there() {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let provider = create_with_people(directory).await?;
    set_deadline(directory, plant)?;
    let mut ledger = Ledger::new(directory)?;
    for place in 1..=places_count {
        for write in WAITING {
            let people = plant.has_people().then_some(&provider);
            let hang = Hang { write, place };
            if !hang.go(directory, plant, people, &mut ledger).await? {
                return Ok(None);
            }
            if !ledger.faults.is_empty() {
                println!("hanging disk: {:?} at {write:?} {place}", ledger.faults);
                return Ok(Some(ledger));
            }
        }
    }
    println!(
        "hanging disk: plant {plant:?}, {} times, {} tokens and {} reveals acknowledged, {} calls \
         ended without, {} log entries, faults {:?}",
        places_count * WAITING.len() as u64,
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.cut_off_count,
        ledger.tree_size,
        ledger.faults,
    );
    Ok(Some(ledger))
}

/// A write that waits, and at which place.
struct Hang {
    write: Write,
    place: u64,
}

impl Hang {
    /// Starts the vault, lets it meet a disk that hangs, and sees what becomes of it. Says whether
    /// it could be tried.
    async fn go(
        &self,
        directory: &Path,
        plant: Plant,
        people: Option<&Provider>,
        ledger: &mut Ledger,
    ) -> Result<bool, Failure> {
        let Some(server) = Server::start(directory, plant).await? else {
            ledger.fault(Fault::NotStarted);
            return Ok(true);
        };
        let mut caller = Caller::new(&server);
        for _ in 0..CALLS_BEFORE {
            if caller.call(ledger).await == Became::Failed {
                ledger.fault(Fault::CallFailed);
            }
        }
        let Self { write, place } = self;
        let hang_us = HANG.as_micros();
        let rules = [
            format!("trace={}", write.call),
            format!("inject={}:delay_enter={hang_us}:when={place}", write.call),
        ];
        let files = files(directory, write.of)?;
        let Some(tracer) = Tracer::attach(&server, directory, &files, &rules)? else {
            server.kill()?;
            return Ok(false);
        };
        let health = Health::of(&server);
        let watching = tokio::spawn(async move { health.comes_to_say(Serving::No).await });
        let mut waiting = wait_along(&server, people);
        let mut is_met = false;
        for _ in 0..CALLS_MAX {
            is_met = caller.tokenize(ledger).await == Became::Failed;
            if is_met || tracer.is_over()? {
                break;
            }
        }
        // By the order of both, and not by a clock: the call is over, and the disk hangs.
        if !is_met || tracer.is_over()? || !caller.is_told_of_the_disk() {
            ledger.fault(Fault::DeadlineMissed);
        }
        // The planted fault's listener knows nothing of health.
        if plant == Plant::None && !watching.await? {
            ledger.fault(Fault::StillServing);
        }
        while !tracer.is_over()? {
            let answered = caller.reveal(ledger).await == Became::Answered;
            // What the disk answers is traced before the vault hears of it.
            if answered && !tracer.is_over()? {
                ledger.fault(Fault::ServedOnAfterwards);
                break;
            }
        }
        while waiting.join_next().await.is_some() {}
        if plant == Plant::None && !Health::of(&server).comes_to_say(Serving::Yes).await {
            ledger.fault(Fault::NotServing);
        }
        tracer.finish()?;
        questions::ask(&server, ledger, usize::MAX).await?;
        server.kill()?;
        tokio::task::block_in_place(|| inspection::inspect_by_both(directory, ledger))?;
        Ok(true)
    }
}

/// Says in the configuration how long a call may take.
pub(super) fn set_deadline(directory: &Path, plant: Plant) -> Result<(), Failure> {
    let deadline = match plant {
        Plant::NoDeadline => HANG * 3,
        Plant::None
        | Plant::DroppedEntry
        | Plant::EarlyRelease
        | Plant::LostWrites
        | Plant::LostWritesBehindHead => DEADLINE,
    };
    let deadline_ms = deadline.as_millis();
    let table = format!("[limits]\nrequest_deadline_ms = {deadline_ms}\n");
    configure(directory, &table)
}

/// People who ask for grants while the disk hangs: each looks at grants, which waits for the disk.
fn wait_along(server: &Server, people: Option<&Provider>) -> JoinSet<()> {
    let mut waiting = JoinSet::new();
    for number in people.iter().flat_map(|_| 0..WAITING_COUNT) {
        let Some(provider) = people else { continue };
        let mut officer = Officer::new(&server.reveal, provider);
        waiting.spawn(async move {
            let asked = officer.decide(number, |_| {});
            // Whether it is answered, nobody knows beforehand.
            let _answered = tokio::time::timeout(CALL_TIME_MAX, asked).await;
        });
    }
    waiting
}

/// How long a call may take here.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// How long the disk does not answer: longer than a call may take, and than health waits.
pub(super) const HANG: Duration = Duration::from_secs(9);
const CALLS_BEFORE: u64 = 4;
/// The disk hangs within so many calls.
const CALLS_MAX: u64 = 200;
/// More than the vault has threads.
const WAITING_COUNT: u64 = 24;
