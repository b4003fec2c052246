//! Power cuts while a vault starts: what its log of writes had goes into tables, a new manifest
//! names them, and the log is removed.
//!
//! strace sees what is written, synced, renamed and removed. A power cut then takes what was not
//! synced: the ends of files, and names in directories. Each sync is counted as of what was written
//! before it began.

use std::fs;
use std::path::Path;

use super::LOOK_AGAIN;
use super::LOOKS_MAX;
use super::create;
use super::files_of::Files;
use super::look_at_all;
use super::look_at_cut;
use super::lost::Cut;
use super::lost::Lost;
use super::operations::Operation;
use super::tracer::Trace;
use super::tracer::Tracer;
use crate::Plant;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::number;
use crate::questions;
use crate::server::Server;
use crate::testbed::Failure;
use crate::values::scramble;

/// Goal: what was acknowledged outlives a power cut at any moment of a start. Method: the vault
/// dies at the n-th call of a kind; what was not synced is lost, or a part of it.
#[tokio::test(flavor = "multi_thread")]
async fn power_cut_in_a_start_loses_nothing() {
    if Tracer::is_there() {
        let cuts_count = number("COUNTERFOIL_POWER_CUTS").unwrap_or(6);
        let ledger = campaign(Cut::Unsynced, cuts_count).await.unwrap();
        assert_eq!(ledger.faults, Vec::<Fault>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_were_not_synced_are_noticed() {
    if Tracer::is_there() {
        let ledger = campaign(Cut::TablesToo, 1).await.unwrap();
        let is_noticed = [Fault::NotStarted, Fault::LogBehindHead, Fault::LogDamaged]
            .iter()
            .any(|fault| ledger.faults.contains(fault));
        assert!(is_noticed, "{:?}", ledger.faults);
    }
}

/// Cuts so many times, or until there is a fault.
async fn campaign(cut: Cut, cuts_count: u64) -> Result<Ledger, Failure> {
    let seed = number("COUNTERFOIL_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let mut ledger = create(directory).await?;
    let (mut cuts_done, mut deaths_count, mut lost) = (0, 0, Lost::default());
    while cuts_done < cuts_count && ledger.faults.is_empty() {
        let random = scramble(seed.wrapping_add(cuts_done));
        let Some(server) = Server::start(directory, Plant::None).await? else {
            ledger.fault(Fault::NotStarted);
            break;
        };
        questions::ask(&server, &mut ledger, OLD_TOKENS_ASKED).await?;
        let load = Load::start(&server, ledger, random, None);
        tokio::time::sleep(LOOK_AGAIN * 10).await;
        load.about_to_kill();
        server.kill()?;
        ledger = load.finish().await?;

        // What a killed process leaves is all there; the power is cut in the next start.
        let before = Files::of(directory)?;
        let (trace, has_started) = die_in_start(directory, cut, random).await?;
        deaths_count += u64::from(!has_started);
        lost.cut(&before, directory, &trace.0, cut, random)?;
        cuts_done += 1;
        look_at_cut(directory, &mut ledger);
    }
    look_at_all(directory, &mut ledger).await?;
    println!(
        "power cuts in a start: {cut:?}, seed {seed}, {cuts_done} cuts, {deaths_count} of them \
         before it was over, {lost:?}, {} tokens and {} reveals acknowledged, {} log entries, \
         faults {:?}",
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.tree_size,
        ledger.faults,
    );
    Ok(ledger)
}

/// Starts the vault until it dies at one of its calls, or has started. Says whether it has.
async fn die_in_start(directory: &Path, cut: Cut, random: u64) -> Result<(Trace, bool), Failure> {
    let log = directory.join("trace");
    let mut program = [
        "strace",
        "-D",
        "-f",
        "-y",
        "-s",
        "0",
        "-e",
        "signal=none",
        "-o",
    ]
    .map(str::to_owned)
    .to_vec();
    program.push(log.to_str().ok_or("a path is text")?.to_owned());
    program.extend(["-e".to_owned(), format!("trace={}", Operation::CALLS)]);
    if cut == Cut::Unsynced {
        let kinds = DEADLY.len() as u64;
        let call = DEADLY.get(usize::try_from(random % kinds)?);
        let call = call.ok_or("one of the kinds")?;
        let place = 1 + random / kinds % PLACES;
        let rule = format!("inject={call}:signal=KILL:when={place}");
        program.extend(["-e".to_owned(), rule]);
    }
    let server = Server::start_by(directory, Plant::None, &program).await?;
    let has_started = server.is_some();
    if let Some(server) = server {
        server.kill()?;
    }
    // strace goes on by itself until it has told of the end.
    let mut text = String::new();
    for _ in 0..LOOKS_MAX {
        text = fs::read_to_string(&log)?;
        if text.trim_end().ends_with("+++") {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok((Trace(text), has_started))
}

/// Where the vault dies.
const DEADLY: [&str; 4] = ["fsync", "fdatasync", "rename", "unlink"];
/// At one of so many calls of a kind.
const PLACES: u64 = 6;
const OLD_TOKENS_ASKED: usize = 50;
