//! Power cuts while a vault starts: what its log of writes had goes into tables, a new manifest
//! names them, and the log is removed.
//!
//! strace sees what is written, synced, renamed and removed. A power cut then takes what was not
//! synced: the ends of files, and names in directories. Each sync is counted as of what was written
//! before it began.

use std::collections::BTreeMap;
use std::fs;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;

use super::LOOK_AGAIN;
use super::LOOKS_MAX;
use super::create;
use super::files_of::Files;
use super::operations::Operation;
use super::operations::read;
use super::tracer::Trace;
use super::tracer::Tracer;
use crate::Plant;
use crate::inspection;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::number;
use crate::questions;
use crate::server::Server;
use crate::testbed::Failure;
use crate::values::scramble;

/// What the power cut takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cut {
    /// What was not synced.
    Unsynced,
    /// A planted fault: the bytes of no table were ever synced; their names were, and the removal
    /// of the log that had their rows.
    TablesToo,
}

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
        let mut operations = read(&trace.0, before.lengths())?;
        operations.retain(|operation| Files::is_within(directory, operation.path()));
        lost.cut(&before, &operations, cut, random)?;
        cuts_done += 1;
        // What does not open is not there.
        if tokio::task::block_in_place(|| inspection::inspect(directory, &mut ledger)).is_err() {
            ledger.fault(Fault::LogDamaged);
        }
    }
    match Server::start(directory, Plant::None).await? {
        Some(server) => {
            questions::ask(&server, &mut ledger, usize::MAX).await?;
            server.kill()?;
            tokio::task::block_in_place(|| inspection::inspect(directory, &mut ledger))?;
        }
        None => ledger.fault(Fault::NotStarted),
    }
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

/// What power cuts took.
#[derive(Debug, Default)]
struct Lost {
    bytes: u64,
    names_count: usize,
}

/// A file as it was written and synced.
#[derive(Clone, Copy, Default)]
struct Content {
    length: u64,
    synced: u64,
    /// Something in its middle was written, and not synced.
    is_dirty: bool,
}

impl Lost {
    fn cut(
        &mut self,
        before: &Files,
        operations: &[Operation],
        cut: Cut,
        random: u64,
    ) -> Result<(), Failure> {
        let lengths = before.lengths();
        let synced = |length| Content {
            length,
            synced: length,
            is_dirty: false,
        };
        let contents = lengths.into_iter().map(|(path, it)| (path, synced(it)));
        let mut contents: BTreeMap<PathBuf, Content> = contents.collect();
        let mut names = Vec::new();
        for operation in operations {
            note(operation, &mut contents, &mut names);
        }
        for (path, content) in &contents {
            self.cut_end(path, *content, before, cut, random)?;
        }
        let kept = match (cut, random / 7 % 3) {
            (Cut::TablesToo, _) | (Cut::Unsynced, 0) => names.len(),
            (Cut::Unsynced, 1) => names.len() / 2,
            (Cut::Unsynced, _) => 0,
        };
        for operation in names.drain(kept..).rev() {
            self.names_count += 1;
            undo(&operation, before)?;
        }
        Ok(())
    }

    /// Loses the end of a file, or all that was written to it.
    fn cut_end(
        &mut self,
        path: &Path,
        content: Content,
        before: &Files,
        cut: Cut,
        random: u64,
    ) -> Result<(), Failure> {
        let Ok(file) = OpenOptions::new().write(true).open(path) else {
            return Ok(());
        };
        let was = before.bytes(path);
        if content.is_dirty && was.is_some() {
            return Ok(fs::write(path, was.unwrap_or_default())?);
        }
        let is_table = path.extension().is_some_and(|it| it == "sst");
        let there = file.metadata()?.len();
        let synced = match cut {
            Cut::TablesToo if is_table && was.is_none() => 0,
            Cut::TablesToo => there,
            Cut::Unsynced => content.synced.min(there),
        };
        let kept = match random / 21 % 2 {
            0 if cut == Cut::Unsynced => synced + random % (there - synced + 1),
            _ => synced,
        };
        self.bytes += there - kept;
        Ok(file.set_len(kept)?)
    }
}

/// Follows an operation: what of files and names is on the disk for certain.
fn note(
    operation: &Operation,
    contents: &mut BTreeMap<PathBuf, Content>,
    names: &mut Vec<Operation>,
) {
    match operation {
        Operation::Created(path) => {
            // One that is there is opened.
            if !contents.contains_key(path) {
                contents.insert(path.clone(), Content::default());
                names.push(operation.clone());
            }
        }
        Operation::Appended { path, bytes } => {
            contents.entry(path.clone()).or_default().length += bytes;
        }
        Operation::Rewritten(path) => contents.entry(path.clone()).or_default().is_dirty = true,
        Operation::Truncated { path, length } => {
            let content = contents.entry(path.clone()).or_default();
            content.length = *length;
            content.synced = content.synced.min(*length);
        }
        Operation::Synced { path, began } => {
            if let Some(content) = contents.get_mut(path) {
                content.synced = content.length.min(*began);
                content.is_dirty = false;
            }
            // Of a directory, the names in it.
            names.retain(|name| name.directory() != Some(path.as_path()));
        }
        Operation::Renamed { from, to } => {
            let content = contents.remove(from).unwrap_or_default();
            contents.insert(to.clone(), content);
            names.push(operation.clone());
        }
        Operation::Removed(path) => {
            contents.remove(path);
            names.push(operation.clone());
        }
    }
}

/// Takes back what was done to a name.
fn undo(operation: &Operation, before: &Files) -> Result<(), Failure> {
    match operation {
        Operation::Created(path) => {
            // It may have gone since.
            let _gone = fs::remove_file(path);
        }
        Operation::Renamed { from, to } => {
            if to.exists() {
                fs::rename(to, from)?;
            }
            if let Some(bytes) = before.bytes(to) {
                fs::write(to, bytes)?;
            }
        }
        Operation::Removed(path) => {
            if let Some(bytes) = before.bytes(path) {
                fs::write(path, bytes)?;
            }
        }
        Operation::Appended { .. }
        | Operation::Rewritten(_)
        | Operation::Synced { .. }
        | Operation::Truncated { .. } => {}
    }
    Ok(())
}

/// Where the vault dies.
const DEADLY: [&str; 4] = ["fsync", "fdatasync", "rename", "unlink"];
/// At one of so many calls of a kind.
const PLACES: u64 = 6;
const OLD_TOKENS_ASKED: usize = 50;
