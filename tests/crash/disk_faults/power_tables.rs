//! Power cuts while a vault that serves writes tables: a backup makes it write out what is in
//! memory, and remove the log that had it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use counterfoil::assembly;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::SystemClock;

use super::LOOK_AGAIN;
use super::files_of::Files;
use super::held::Held;
use super::look_at_all;
use super::look_at_cut;
use super::lost::Cut;
use super::lost::Lost;
use super::operations::Operation;
use super::tracer::Trace;
use super::tracer::Tracer;
use crate::Plant;
use crate::configure;
use crate::destroyed::BACKUPS;
use crate::destroyed::back_up;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::number;
use crate::questions;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;
use crate::values::scramble;

/// Goal: what was acknowledged outlives a power cut while tables are written. Method: the vault
/// dies at the n-th call of a kind; what was not synced is lost, or a part of it.
#[tokio::test(flavor = "multi_thread")]
async fn power_cut_while_tables_are_written_loses_nothing() {
    let cuts_count = number("COUNTERFOIL_POWER_CUTS").unwrap_or(4);
    if let Some(ledger) = campaign(Cut::Unsynced, cuts_count).await.unwrap() {
        assert_eq!(ledger.faults, Vec::<Fault>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_serving_vault_that_were_not_synced_are_noticed() {
    if let Some(ledger) = campaign(Cut::TablesToo, 1).await.unwrap() {
        let is_noticed = [Fault::NotStarted, Fault::LogBehindHead, Fault::LogDamaged]
            .iter()
            .any(|fault| ledger.faults.contains(fault));
        assert!(is_noticed, "{:?}", ledger.faults);
    }
}

/// Cuts so many times, or until there is a fault. Nothing if it cannot be tried here.
async fn campaign(cut: Cut, cuts_count: u64) -> Result<Option<Ledger>, Failure> {
    if !Tracer::is_there() {
        return Ok(None);
    }
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
        ledger = load.finish().await?;

        let Some(died) = die_in_backup(directory, server, cut, random).await? else {
            return Ok(None);
        };
        deaths_count += u64::from(died.is_early);
        lost.cut(&died.before, directory, &died.trace.0, cut, random)?;
        cuts_done += 1;
        look_at_cut(directory, &mut ledger);
    }
    look_at_all(directory, &mut ledger).await?;
    println!(
        "power cuts while tables are written: {cut:?}, seed {seed}, {cuts_done} cuts, \
         {deaths_count} of them before all were, {lost:?}, {} tokens and {} reveals acknowledged, \
         {} log entries, faults {:?}",
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.tree_size,
        ledger.faults,
    );
    Ok(Some(ledger))
}

/// Makes a vault that may make backups.
async fn create(directory: &Path) -> Result<Ledger, Failure> {
    testbed::prepare(directory)?;
    fs::create_dir(directory.join("policies"))?;
    fs::create_dir(directory.join("backups"))?;
    fs::write(directory.join("policies/backups.cedar"), BACKUPS)?;
    configure(directory, "[policies]\ndir = \"policies\"\n")?;
    configure(directory, "[backup]\ndir = \"backups\"\n")?;
    let config = testbed::config(directory)?;
    let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), clock, entropy).await?;
    Ledger::new(directory)
}

/// A vault that was killed.
struct Died {
    /// Its files as they were when strace was attached.
    before: Files,
    trace: Trace,
    /// It died before the backup was made.
    is_early: bool,
}

/// Makes a backup until the vault dies at one of its calls, or it is made.
async fn die_in_backup(
    directory: &Path,
    server: Server,
    cut: Cut,
    random: u64,
) -> Result<Option<Died>, Failure> {
    let mut rules = vec![format!("trace={}", Operation::CALLS)];
    if cut == Cut::Unsynced {
        let kinds = DEADLY.len() as u64;
        let call = DEADLY.get(usize::try_from(random % kinds)?);
        let call = call.ok_or("one of the kinds")?;
        let place = 1 + random / kinds % PLACES;
        rules.push(format!("inject={call}:signal=KILL:when={place}"));
    }
    // Entries of outcomes follow their answers: none may be written unseen.
    let held = Held::hold(&server)?;
    let before = Files::of(directory)?;
    let tracer = Tracer::attach(&server, directory, &[], &rules)?;
    drop(held);
    let Some(tracer) = tracer else {
        server.kill()?;
        return Ok(None);
    };
    let is_early = back_up(&server, &directory.join("backups")).await.is_err();
    server.kill()?;
    Ok(Some(Died {
        before,
        trace: tracer.finish()?,
        is_early,
    }))
}

/// Where the vault dies.
const DEADLY: [&str; 4] = ["fsync", "fdatasync", "rename", "unlink"];
/// At one of so many calls of a kind, of one thread.
const PLACES: u64 = 12;
const OLD_TOKENS_ASKED: usize = 50;
