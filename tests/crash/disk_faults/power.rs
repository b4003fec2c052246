//! Power cuts: what was written since the last sync is lost, or a part of it, or it is there torn.
//!
//! A vault dies under load between a write and its sync. What strace saw of its files says how long
//! each of them was at its last sync; behind that, a disk may have anything, and gets it here.

use std::collections::BTreeMap;
use std::fs;
use std::fs::OpenOptions;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use counterfoil::audit::Head;

use super::create;
use super::held::Held;
use super::logs;
use super::look_at_all;
use super::look_at_cut;
use super::tracer::Trace;
use super::tracer::Tracer;
use crate::Plant;
use crate::disk::Synced;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::number;
use crate::questions;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;
use crate::values::scramble;

/// What is cut off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cut {
    /// What was not synced.
    Unsynced,
    /// A planted fault: the last sync has not happened either.
    LastSyncToo,
    /// The same, and the head was never written: its writes are said to be done, and are not.
    LastSyncAndHead,
    /// A planted fault: the head is written and never synced, and goes back to what it was.
    Head,
}

/// Where a file was at its syncs, in bytes that were written to it since strace looked.
#[derive(Default)]
struct Written {
    bytes: u64,
    /// Of the last sync, and of the one before.
    synced: [u64; 2],
    /// A write has begun since the last sync.
    is_dirty: bool,
}

/// Goal: what was acknowledged outlives a power cut. Method: the vault dies at its n-th sync under
/// twelve clients; what was not synced is cut off, cut in the middle, or overwritten.
#[tokio::test(flavor = "multi_thread")]
async fn power_cut_loses_nothing_acknowledged() {
    let cuts_count = number("COUNTERFOIL_POWER_CUTS").unwrap_or(4);
    let campaign = campaign(Plant::None, Cut::Unsynced, cuts_count);
    if let Some(ledger) = campaign.await.unwrap() {
        assert_eq!(ledger.faults, Vec::<Fault>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_that_did_not_happen_is_noticed() {
    let campaign = campaign(Plant::None, Cut::LastSyncToo, PLANTED_CUTS);
    if let Some(ledger) = campaign.await.unwrap() {
        let is_noticed = [Fault::NotStarted, Fault::LogBehindHead, Fault::LogDamaged]
            .iter()
            .any(|fault| ledger.faults.contains(fault));
        assert!(is_noticed, "{:?}", ledger.faults);
    }
}

/// Planted: a head that is not written. A database that lost what was acknowledged is then the
/// log as far as anybody but its clients knows: the vault starts, and only the ledger tells.
#[tokio::test(flavor = "multi_thread")]
async fn head_that_was_not_written_is_noticed() {
    let campaign = campaign(Plant::None, Cut::LastSyncAndHead, PLANTED_CUTS);
    if let Some(ledger) = campaign.await.unwrap() {
        let faults = &ledger.faults;
        for refused in [Fault::NotStarted, Fault::LogBehindHead] {
            assert!(!faults.contains(&refused), "nothing refuses: {faults:?}");
        }
        let is_lost = [
            Fault::TokenLost,
            Fault::IntentMissing,
            Fault::CheckpointForked,
        ]
        .iter()
        .any(|fault| faults.contains(fault));
        assert!(is_lost, "{faults:?}");
    }
}

/// Planted: a head that is not synced. Nothing is lost then that the database has, and nothing
/// refuses to start; but the database may be put back by as much, and nobody would know.
#[tokio::test(flavor = "multi_thread")]
async fn head_that_was_not_synced_is_noticed() {
    let campaign = campaign(Plant::None, Cut::Head, PLANTED_CUTS);
    if let Some(ledger) = campaign.await.unwrap() {
        assert_eq!(ledger.faults, [Fault::HeadBehind]);
    }
}

/// Planted: values that leave before their intent is on the disk.
#[tokio::test(flavor = "multi_thread")]
async fn release_before_a_power_cut_is_noticed() {
    let campaign = campaign(Plant::EarlyRelease, Cut::Unsynced, PLANTED_CUTS);
    if let Some(ledger) = campaign.await.unwrap() {
        let faults = &ledger.faults;
        assert!(faults.contains(&Fault::IntentMissing), "{faults:?}");
    }
}

/// Cuts so many times, or until the campaign has seen what it looks for. Nothing if it cannot be
/// tried here.
async fn campaign(plant: Plant, cut: Cut, cuts_count: u64) -> Result<Option<Ledger>, Failure> {
    if !Tracer::is_there() {
        return Ok(None);
    }
    let seed = number("COUNTERFOIL_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let mut ledger = create(directory).await?;
    let (mut cuts_done, mut lost_bytes, mut torn_count) = (0, 0, 0);
    while cuts_done < cuts_count && !plant.is_found(&ledger.faults) {
        let random = scramble(seed.wrapping_add(cuts_done));
        let Some(server) = Server::start(directory, plant).await? else {
            ledger.fault(Fault::NotStarted);
            break;
        };
        questions::ask(&server, &mut ledger, OLD_TOKENS_ASKED).await?;
        let Some(died) = die_at_sync(directory, server, ledger, cut, random).await? else {
            return Ok(None);
        };
        let (before, trace);
        (ledger, before, trace) = died;
        let files = read(&trace)?;
        lost_bytes += cut_logs(&before.lengths, &files, cut, random)?;
        match cut {
            Cut::Unsynced | Cut::LastSyncToo => torn_count += tear_head(directory, &files, random)?,
            Cut::Head => before.synced.lose_head()?,
            // What was never written is not torn.
            Cut::LastSyncAndHead => {}
        }
        cuts_done += 1;
        // Of the head that is never written it is asked what clients alone can tell.
        if cut != Cut::LastSyncAndHead {
            look_at_head(directory, &mut ledger)?;
        }
        look_at_cut(directory, &mut ledger);
    }
    look_at_all(directory, &mut ledger).await?;
    println!(
        "power cuts: plant {plant:?}, {cut:?}, seed {seed}, {cuts_done} cuts, {lost_bytes} bytes \
         lost, {torn_count} slots of the head torn, {} tokens and {} reveals acknowledged, {} \
         calls cut off, {} log entries, faults {:?}",
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.cut_off_count,
        ledger.tree_size,
        ledger.faults,
    );
    Ok(Some(ledger))
}

/// The files as they were when strace was attached.
struct Before {
    /// How long the database's logs were.
    lengths: BTreeMap<PathBuf, u64>,
    synced: Synced,
}

/// Sees that the head has what clients have: a log that is put back behind a checkpoint that was
/// given away must not start.
fn look_at_head(directory: &Path, ledger: &mut Ledger) -> Result<(), Failure> {
    let config = testbed::config(directory)?;
    let head = Head::read(&config.audit.head_dir, &ledger.keys)?;
    let given_away = ledger.checkpoints.last_key_value();
    if given_away.is_some_and(|(size, _)| *size > head.size()) {
        ledger.fault(Fault::HeadBehind);
    }
    Ok(())
}

/// Loads the vault until it dies right at one of its syncs.
async fn die_at_sync(
    directory: &Path,
    server: Server,
    ledger: Ledger,
    cut: Cut,
    random: u64,
) -> Result<Option<(Ledger, Before, Trace)>, Failure> {
    // Entries of outcomes follow their answers: none may be written unseen.
    let held = Held::hold(&server)?;
    let mut files = logs(directory)?;
    let length = |path: &PathBuf| Ok((path.clone(), fs::metadata(path)?.len()));
    let lengths = files.iter().map(length).collect::<Result<_, Failure>>()?;
    let synced = Synced::now(directory)?;
    files.extend(head(directory));
    let place = 1 + random % PLACES;
    let mut rules = vec![
        "trace=write,pwrite64,fdatasync".to_owned(),
        format!("inject=fdatasync:signal=KILL:when={place}"),
    ];
    if cut == Cut::LastSyncAndHead {
        // A slot is written as a whole. The database's log is written by another call.
        rules.push("inject=pwrite64:retval=4096".to_owned());
    }
    let tracer = Tracer::attach(&server, directory, &files, &rules)?;
    drop(held);
    let Some(tracer) = tracer else {
        server.kill()?;
        return Ok(None);
    };
    let load = Load::start(&server, ledger, random, None);
    load.about_to_fail();
    // Each client ends with the first call that fails.
    let ledger = load.finish().await?;
    let trace = tracer.finish()?;
    server.kill()?;
    Ok(Some((ledger, Before { lengths, synced }, trace)))
}

/// Reads what strace saw, in its order: a sync holds what was written before it began.
fn read(trace: &Trace) -> Result<BTreeMap<PathBuf, Written>, Failure> {
    let mut files: BTreeMap<PathBuf, Written> = BTreeMap::new();
    // By thread, what it is in the middle of.
    let mut begun: BTreeMap<&str, (&str, PathBuf, u64)> = BTreeMap::new();
    for line in trace.0.lines() {
        let (thread, words) = line.split_once(' ').ok_or("a line names its thread")?;
        let words = words.trim_start();
        if let Some((call, rest)) = words.split_once('(')
            && CALLS.contains(&call)
        {
            let path = rest.split_once('<').and_then(|(_, it)| it.split_once('>'));
            let path = PathBuf::from(path.ok_or("a call names its file")?.0);
            let file = files.entry(path.clone()).or_default();
            file.is_dirty |= call != "fdatasync";
            begun.insert(thread, (call, path, file.bytes));
        }
        // The result comes at the end of its line, or in a line of its own.
        let result = words.rsplit_once(" = ").map(|(_, it)| it);
        let result = result.and_then(|it| it.split(' ').next()?.parse::<u64>().ok());
        let Some(result) = result else {
            continue;
        };
        let Some((call, path, bytes)) = begun.remove(thread) else {
            continue;
        };
        let file = files.entry(path).or_default();
        if call == "fdatasync" {
            file.synced = [bytes, file.synced[0]];
            file.is_dirty = false;
        } else {
            file.bytes += result;
        }
    }
    Ok(files)
}

/// Loses what was written to the database's logs and not synced, or some of it. Returns how much.
fn cut_logs(
    lengths: &BTreeMap<PathBuf, u64>,
    files: &BTreeMap<PathBuf, Written>,
    cut: Cut,
    random: u64,
) -> Result<u64, Failure> {
    let mut lost_bytes = 0;
    for (path, length) in lengths {
        let Some(written) = files.get(path) else {
            continue;
        };
        let there = fs::metadata(path)?.len();
        let [last, before] = written.synced;
        let synced = match cut {
            Cut::Unsynced | Cut::Head => length + last,
            Cut::LastSyncToo | Cut::LastSyncAndHead => length + before,
        };
        if there < length + last {
            return Err("more was synced than is there".into());
        }
        let unsynced = there - synced;
        lost_bytes += unsynced;
        let mut file = OpenOptions::new().write(true).open(path)?;
        let kind = match cut {
            // A clean end, of which the database itself can tell nothing.
            Cut::LastSyncAndHead => 0,
            Cut::Head | Cut::LastSyncToo | Cut::Unsynced => random / PLACES % 4,
        };
        match kind {
            // A part of it is there after all.
            1 if cut == Cut::Unsynced => file.set_len(synced + random % (unsynced + 1))?,
            // The file has its length, and nothing was written into it.
            2 => {
                file.set_len(synced)?;
                file.set_len(there)?;
            }
            // Or what was in those blocks before.
            3 => {
                file.seek(SeekFrom::Start(synced))?;
                let bytes = (0..unsynced).map(|place| scramble(random ^ place).to_le_bytes()[0]);
                file.write_all(&bytes.collect::<Vec<u8>>())?;
            }
            _ => file.set_len(synced)?,
        }
    }
    Ok(lost_bytes)
}

/// Tears the slot of the head whose write was not synced. Returns whether there was one.
fn tear_head(
    directory: &Path,
    files: &BTreeMap<PathBuf, Written>,
    random: u64,
) -> Result<u64, Failure> {
    let mut torn_count = 0;
    for path in head(directory) {
        if files.get(&path).is_some_and(|it| it.is_dirty) {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.seek(SeekFrom::Start(random % TORN_WITHIN))?;
            file.write_all(&[0; TORN_BYTES])?;
            torn_count += 1;
        }
    }
    Ok(torn_count)
}

fn head(directory: &Path) -> [PathBuf; 2] {
    ["a", "b"].map(|slot| directory.join("vault/head").join(slot))
}

const CALLS: [&str; 3] = ["write", "pwrite64", "fdatasync"];
/// The vault dies at one of so many syncs: an odd one is the database's, an even one the head's.
const PLACES: u64 = 60;
/// Within the text of a checkpoint.
const TORN_WITHIN: u64 = 128;
/// Up to the end of the slot, from wherever the tear begins.
const TORN_BYTES: usize = 4_096 - 128;
/// The planted fault must show within so many cuts.
const PLANTED_CUTS: u64 = 20;
const OLD_TOKENS_ASKED: usize = 100;
