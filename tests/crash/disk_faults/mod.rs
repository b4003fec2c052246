//! Faults of the disk from outside the process: calls of the system that fail, that are the last of
//! the process, or that wait, at the n-th of each kind of write.
//!
//! A fault may come before anything was written (`write`, `pwrite64`) or after it (`fdatasync`,
//! whose bytes are in the files already). In either case nobody can tell what is on the disk: the
//! vault must not answer, must not reveal again, and must find everything when it starts anew.
//!
//! `COUNTERFOIL_DISK_FAULTS` says at how many places each fault is tried (2 without it).

mod caller;
mod files_of;
mod hanging;
mod hanging_reads;
mod held;
mod lost;
mod operations;
mod power;
mod power_start;
mod power_tables;
mod starting;
mod tracer;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::SystemClock;

use self::caller::Became;
use self::caller::Caller;
use self::hanging::DEADLINE;
use self::hanging::set_deadline;
use self::tracer::Tracer;
use crate::Plant;
use crate::health::stops_serving;
use crate::inspection;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::number;
use crate::questions;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;

/// A kind of durable write.
#[derive(Clone, Copy, Debug)]
struct Write {
    /// The call of the system.
    call: &'static str,
    of: Of,
}

/// Which files are written.
#[derive(Clone, Copy, Debug)]
enum Of {
    Database,
    Head,
    /// The database's log and the head in turn.
    Both,
}

const WRITES: [Write; 3] = [
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

/// What the disk says, or that the process is killed right there.
const FAULTS: [&str; 4] = ["error=EIO", "error=ENOSPC", "error=EROFS", "signal=KILL"];

/// What came of a campaign.
struct Outcome {
    ledger: Ledger,
    met_count: u64,
}

/// Goal: after a write that failed nothing is revealed, and nothing that was acknowledged is lost.
/// Method: each kind of write × each fault × the n-th, under one client with a ledger.
#[tokio::test(flavor = "multi_thread")]
async fn failing_disk_loses_and_reveals_nothing() {
    if !Tracer::is_there() {
        return;
    }
    let places_count = number("COUNTERFOIL_DISK_FAULTS").unwrap_or(2);
    let tried = places_count * (WRITES.len() * FAULTS.len()) as u64;
    let Some(outcome) = campaign(Plant::None, places_count).await.unwrap() else {
        return;
    };
    assert_eq!(outcome.ledger.faults, Vec::<Fault>::new());
    assert_eq!(outcome.met_count, tried, "every fault is met");
}

#[tokio::test(flavor = "multi_thread")]
async fn release_without_a_disk_is_noticed() {
    if !Tracer::is_there() {
        return;
    }
    let Some(outcome) = campaign(Plant::EarlyRelease, 1).await.unwrap() else {
        return;
    };
    for fault in [Fault::IntentMissing, Fault::ServedOnAfterwards] {
        let faults = &outcome.ledger.faults;
        assert!(faults.contains(&fault), "{faults:?}");
    }
}

/// Tries each fault at the first places of each kind of write, or until the planted one is found.
/// Nothing if it cannot be tried here.
async fn campaign(plant: Plant, places_count: u64) -> Result<Option<Outcome>, Failure> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let ledger = create(directory).await?;
    set_deadline(directory, plant)?;
    let mut outcome = Outcome {
        ledger,
        met_count: 0,
    };
    for place in 1..=places_count {
        for write in WRITES {
            for fault in FAULTS {
                let injection = format!("inject={}:{fault}:when={place}", write.call);
                if !fail_once(directory, plant, write, &injection, &mut outcome).await? {
                    return Ok(None);
                }
                let faults = &outcome.ledger.faults;
                if !faults.is_empty() {
                    println!(
                        "disk faults: {faults:?} after {injection} of {:?}",
                        write.of
                    );
                    return Ok(Some(outcome));
                }
            }
        }
    }
    let ledger = &outcome.ledger;
    println!(
        "disk faults: plant {plant:?}, {} faults met, {} tokens and {} reveals acknowledged, {} \
         calls failed, {} log entries, faults {:?}",
        outcome.met_count,
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.cut_off_count,
        ledger.tree_size,
        ledger.faults,
    );
    Ok(Some(outcome))
}

/// Looks at what a power cut has left of a vault: what does not open is not there.
fn look_at_cut(directory: &Path, ledger: &mut Ledger) {
    if tokio::task::block_in_place(|| inspection::inspect(directory, ledger)).is_err() {
        ledger.fault(Fault::LogDamaged);
    }
}

/// Starts a vault once more, asks it for everything, and looks at what it leaves.
async fn look_at_all(directory: &Path, ledger: &mut Ledger) -> Result<(), Failure> {
    let Some(server) = Server::start(directory, Plant::None).await? else {
        ledger.fault(Fault::NotStarted);
        return Ok(());
    };
    questions::ask(&server, ledger, usize::MAX).await?;
    server.kill()?;
    tokio::task::block_in_place(|| inspection::inspect_by_both(directory, ledger))
}

/// Makes a vault.
async fn create(directory: &Path) -> Result<Ledger, Failure> {
    testbed::prepare(directory)?;
    let config = testbed::config(directory)?;
    let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), clock, entropy).await?;
    Ledger::new(directory)
}

/// Starts the vault, lets it meet the fault, and sees what became of it. Says whether it could be
/// tried.
async fn fail_once(
    directory: &Path,
    plant: Plant,
    write: Write,
    injection: &str,
    outcome: &mut Outcome,
) -> Result<bool, Failure> {
    let ledger = &mut outcome.ledger;
    let Some(mut server) = Server::start(directory, plant).await? else {
        ledger.fault(Fault::NotStarted);
        return Ok(true);
    };
    let mut caller = Caller::within(&server, DEADLINE);
    for _ in 0..CALLS_BEFORE {
        if caller.call(ledger).await == Became::Failed {
            ledger.fault(Fault::CallFailed);
        }
    }
    let rules = [format!("trace={}", write.call), injection.to_owned()];
    let files = files(directory, write.of)?;
    let Some(tracer) = Tracer::attach(&server, directory, &files, &rules)? else {
        server.kill()?;
        return Ok(false);
    };
    let mut is_met = false;
    for _ in 0..CALLS_MAX {
        is_met = caller.call(ledger).await == Became::Failed;
        if is_met {
            break;
        }
    }
    if is_met {
        // However often somebody asks again.
        for _ in 0..CALLS_AFTER {
            if caller.reveal(ledger).await == Became::Answered {
                ledger.fault(Fault::ServedOnAfterwards);
            }
        }
        if !stops_serving(&mut server).await? {
            ledger.fault(Fault::StillServing);
        }
    }
    let trace = tracer.finish()?;
    let is_met = is_met && (trace.is_met() || is_killed(&mut server, injection).await?);
    outcome.met_count += u64::from(is_met);
    server.kill()?;
    tokio::task::block_in_place(|| inspection::inspect(directory, ledger))?;
    if plant == Plant::None {
        ask(directory, ledger).await?;
    }
    Ok(true)
}

/// Whether the process is gone by the signal that was to come: strace may not live to tell.
async fn is_killed(server: &mut Server, injection: &str) -> Result<bool, Failure> {
    let mut has_ended = false;
    for _ in 0..LOOKS_MAX {
        has_ended = injection.contains("signal=KILL") && server.has_ended()?;
        if has_ended {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(has_ended)
}

/// Starts the vault anew, without faults, and asks it for everything since the last time.
async fn ask(directory: &Path, ledger: &mut Ledger) -> Result<(), Failure> {
    let Some(server) = Server::start(directory, Plant::None).await? else {
        ledger.fault(Fault::NotStarted);
        return Ok(());
    };
    questions::ask(&server, ledger, OLD_TOKENS_ASKED).await?;
    server.kill()?;
    tokio::task::block_in_place(|| inspection::inspect(directory, ledger))
}

/// The files of a kind of write: none for all.
fn files(directory: &Path, of: Of) -> Result<Vec<PathBuf>, Failure> {
    let head = ["a", "b"].map(|slot| directory.join("vault/head").join(slot));
    match of {
        Of::Both => Ok(Vec::new()),
        Of::Head => Ok(head.to_vec()),
        Of::Database => logs(directory),
    }
}

/// The logs that the database writes ahead.
fn logs(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut logs = Vec::new();
    for file in fs::read_dir(directory.join("vault/rocksdb"))? {
        let path = file?.path();
        if path.extension().is_some_and(|it| it == "log") {
            logs.push(path);
        }
    }
    Ok(logs)
}

/// So that there is something to lose.
const CALLS_BEFORE: u64 = 4;
/// A fault comes within so many calls.
const CALLS_MAX: u64 = 200;
const CALLS_AFTER: u64 = 3;
/// Tokens from before the last fault that are asked about after it, beside all later ones.
const OLD_TOKENS_ASKED: usize = 50;
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const LOOKS_MAX: u32 = 100;
