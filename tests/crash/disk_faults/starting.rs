//! Faults while a vault starts: at each of its durable writes, before anybody is answered.

use std::fs;
use std::path::Path;

use super::ask;
use super::caller::Caller;
use super::create;
use super::files_of::Files;
use super::tracer::Trace;
use super::tracer::Tracer;
use crate::Plant;
use crate::inspection;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::number;
use crate::server::Server;
use crate::testbed::Failure;

/// Goal: a start that meets a fault of the disk loses nothing, whether it goes on or not. Method:
/// each kind of write × each fault × the n-th, up to the last there is.
#[tokio::test(flavor = "multi_thread")]
async fn failing_start_loses_nothing() {
    if Tracer::is_there() {
        let ledger = campaign(Plant::None).await.unwrap();
        assert_eq!(ledger.faults, Vec::<Fault>::new());
    }
}

/// Planted: a start that meets a fault, and puts back what was there before the last calls.
#[tokio::test(flavor = "multi_thread")]
async fn failing_start_that_loses_writes_is_noticed() {
    if Tracer::is_there() {
        let ledger = campaign(Plant::LostWrites).await.unwrap();
        let faults = &ledger.faults;
        assert!(faults.contains(&Fault::TokenLost), "{faults:?}");
    }
}

/// Tries each fault at the first places of each kind of write, or until the planted one is found.
async fn campaign(plant: Plant) -> Result<Ledger, Failure> {
    let places_max = number("COUNTERFOIL_DISK_FAULTS").unwrap_or(1);
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let mut ledger = create(directory).await?;
    let (mut met_count, mut refused_count) = (0, 0);
    for call in CALLS {
        for fault in FAULTS {
            for place in 1..=places_max {
                let before = load(directory, &mut ledger).await?;
                let injection = format!("inject={call}:{fault}:when={place}");
                let (is_met, has_started) = start_once(directory, call, &injection).await?;
                if let (Plant::LostWrites, Some(before)) = (plant, before) {
                    before.put_back(directory)?;
                }
                tokio::task::block_in_place(|| inspection::inspect(directory, &mut ledger))?;
                ask(directory, &mut ledger).await?;
                if !ledger.faults.is_empty() {
                    println!("start: {:?} after {injection}", ledger.faults);
                    return Ok(ledger);
                }
                met_count += u64::from(is_met);
                refused_count += u64::from(!has_started);
                if !is_met {
                    break;
                }
            }
        }
    }
    tokio::task::block_in_place(|| inspection::inspect_by_both(directory, &mut ledger))?;
    println!(
        "disk faults of a start: {met_count} met, {refused_count} starts refused, {} tokens and {} \
         reveals acknowledged, {} log entries, faults {:?}",
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.tree_size,
        ledger.faults,
    );
    assert!(refused_count > 0, "faults are felt");
    Ok(ledger)
}

/// So that the next start has something to recover. Returns what was there before.
async fn load(directory: &Path, ledger: &mut Ledger) -> Result<Option<Files>, Failure> {
    let before = Files::of(directory)?;
    let Some(server) = Server::start(directory, Plant::None).await? else {
        ledger.fault(Fault::NotStarted);
        return Ok(None);
    };
    let mut caller = Caller::new(&server);
    for _ in 0..CALLS_BEFORE {
        caller.call(ledger).await;
    }
    server.kill()?;
    Ok(Some(before))
}

/// Starts under a fault. Says whether it was met, and whether the vault serves.
async fn start_once(
    directory: &Path,
    call: &str,
    injection: &str,
) -> Result<(bool, bool), Failure> {
    let log = directory.join("trace");
    let log_name = log.to_str().ok_or("a path is text")?;
    let trace = format!("trace={call}");
    // The vault keeps the process id that it was started under.
    let program = [
        "strace",
        "-D",
        "-f",
        "-e",
        "signal=none",
        "-o",
        log_name,
        "-e",
        &trace,
        "-e",
        injection,
    ];
    let server = Server::start_by(directory, Plant::None, &program.map(str::to_owned)).await?;
    let has_started = server.is_some();
    if let Some(server) = server {
        server.kill()?;
    }
    Ok((Trace(fs::read_to_string(log)?).is_met(), has_started))
}

/// What a start writes with.
const CALLS: [&str; 5] = ["fsync", "fdatasync", "rename", "pwrite64", "fallocate"];
const FAULTS: [&str; 2] = ["error=EIO", "error=ENOSPC"];
const CALLS_BEFORE: u64 = 4;
