//! The crash campaign: a vault is killed again and again under load, and whatever it had
//! acknowledged must still be true.
//!
//! The server is this very program in a child process, killed with SIGKILL at a random moment.
//! Clients keep a ledger of what they were told. After each kill the log is verified from the
//! files; after each restart the vault is asked. Each campaign prints its seed and its count, and
//! planted faults show that the harness would notice.
//!
//! `COUNTERFOIL_CRASH_KILLS` sets how often (10 without it), `COUNTERFOIL_CRASH_SEED` the seed, and
//! `COUNTERFOIL_CEREMONY_KILLS` how often in each step of officers (once without it).

#![expect(clippy::print_stdout, reason = "a campaign prints what it did")]

mod adversary;
#[expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]
#[expect(dead_code, reason = "no vault of a campaign has a witness")]
#[path = "../support/both_verifiers.rs"]
mod both_verifiers;
mod ceremonies;
mod destroyed;
mod disk;
mod disk_faults;
mod drawn;
mod entropy;
mod full_disk;
mod health;
mod inspection;
mod ledger;
mod load;
mod memory;
mod person;
mod pruning;
mod questions;
mod retokenizing;
#[expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]
#[path = "../support/second_verifier.rs"]
mod second_verifier;
mod server;
mod standing;
#[path = "../testbed/mod.rs"]
mod testbed;
#[path = "../support/untried.rs"]
mod untried;
#[path = "../testbed/values.rs"]
mod values;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::SystemClock;

use crate::disk::Synced;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::person::Provider;
use crate::server::Server;
use crate::testbed::Failure;
use crate::values::scramble;

/// What is wrong with the vault on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plant {
    /// Nothing.
    None,
    /// Syncs are left out: what was written lately is lost at the kill, in the database and the
    /// head alike.
    LostWrites,
    /// The same, but the head is synced.
    LostWritesBehindHead,
    /// Values are released before the intent is recorded.
    EarlyRelease,
    /// One entry is dropped: of many reveals that are recorded, one is not.
    DroppedEntry,
    /// Calls have no end while the disk hangs: their deadline is longer than that.
    NoDeadline,
}

impl Plant {
    /// Whether grants and freezes are part of the load: the early release knows of none.
    fn has_people(self) -> bool {
        !matches!(self, Self::EarlyRelease | Self::DroppedEntry)
    }

    /// Whether the campaign has seen what it looks for: any fault, or the planted one.
    fn is_found(self, faults: &[Fault]) -> bool {
        match self {
            Self::None => !faults.is_empty(),
            Self::LostWrites => [Fault::TokenLost, Fault::GrantLost, Fault::FreezeLost]
                .iter()
                .all(|fault| faults.contains(fault)),
            Self::LostWritesBehindHead => faults.contains(&Fault::NotStarted),
            Self::EarlyRelease | Self::DroppedEntry => faults.contains(&Fault::IntentMissing),
            Self::NoDeadline => faults.contains(&Fault::DeadlineMissed),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_vault_keeps_what_it_acknowledged() {
    let kills_count = number("COUNTERFOIL_CRASH_KILLS").unwrap_or(10);
    let ledger = campaign(Plant::None, kills_count).await.unwrap();
    assert_eq!(ledger.faults, Vec::<Fault>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_writes_are_noticed() {
    let ledger = campaign(Plant::LostWrites, PLANTED_KILLS_COUNT)
        .await
        .unwrap();
    for fault in [Fault::TokenLost, Fault::GrantLost, Fault::FreezeLost] {
        assert!(ledger.faults.contains(&fault), "{:?}", ledger.faults);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_behind_its_head_refuses_to_start() {
    let plant = Plant::LostWritesBehindHead;
    let ledger = campaign(plant, PLANTED_KILLS_COUNT).await.unwrap();
    assert!(
        ledger.faults.contains(&Fault::LogBehindHead),
        "{:?}",
        ledger.faults
    );
    assert!(
        ledger.faults.contains(&Fault::NotStarted),
        "{:?}",
        ledger.faults
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn release_before_the_intent_is_noticed() {
    let ledger = campaign(Plant::EarlyRelease, PLANTED_KILLS_COUNT)
        .await
        .unwrap();
    assert!(
        ledger.faults.contains(&Fault::IntentMissing),
        "{:?}",
        ledger.faults
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dropped_entry_is_noticed() {
    let ledger = campaign(Plant::DroppedEntry, PLANTED_KILLS_COUNT)
        .await
        .unwrap();
    for fault in [Fault::IntentMissing, Fault::ReceiptWrong] {
        assert!(ledger.faults.contains(&fault), "{:?}", ledger.faults);
    }
    assert!(ledger.reveals.len() > 1, "others were recorded");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the server that the campaign starts and kills"]
async fn child() {
    if server::is_child() {
        server::serve().await.unwrap();
    }
}

/// Kills a vault so many times, or until it has a fault.
async fn campaign(plant: Plant, kills_count: u64) -> Result<Ledger, Failure> {
    let seed = number("COUNTERFOIL_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let provider = create_with_people(directory).await?;
    let mut ledger = Ledger::new(directory)?;
    let mut kills_done = 0;
    while kills_done < kills_count && !plant.is_found(&ledger.faults) {
        let random = scramble(seed.wrapping_add(kills_done));
        ledger = kill_once(directory, plant, random, &provider, ledger).await?;
        kills_done += 1;
        tokio::task::block_in_place(|| inspection::inspect_one_of_many(directory, &mut ledger))?;
    }
    // Once more, everything there ever was.
    match Server::start(directory, plant).await? {
        Some(server) => {
            questions::ask(&server, &mut ledger, usize::MAX).await?;
            if plant.has_people() {
                standing::ask(&server, &provider, &mut ledger).await?;
            }
            server.kill()?;
            tokio::task::block_in_place(|| inspection::inspect_by_both(directory, &mut ledger))?;
        }
        None => ledger.fault(Fault::NotStarted),
    }
    let (grants_count, freezes_count) = ledger.standing.counts();
    println!(
        "crash campaign: plant {plant:?}, seed {seed}, {kills_done} kills, {} tokens, {} reveals, \
         {grants_count} grants and {freezes_count} freezes acknowledged, {} calls cut off, {} log \
         entries, faults {:?}",
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.cut_off_count,
        ledger.tree_size,
        ledger.faults,
    );
    Ok(ledger)
}

/// Makes a vault that has people, and what vouches for them.
pub(crate) async fn create_with_people(directory: &Path) -> Result<Provider, Failure> {
    testbed::prepare(directory)?;
    let provider = Provider::new(directory)?;
    fs::create_dir(directory.join("policies"))?;
    fs::write(directory.join("policies/people.cedar"), standing::POLICIES)?;
    configure(directory, &provider.table(testbed::PRINCIPAL))?;
    configure(directory, "[policies]\ndir = \"policies\"\n")?;
    let config = testbed::config(directory)?;
    let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), clock, entropy).await?;
    Ok(provider)
}

/// Starts the vault, asks it what it still knows, loads it, and kills it.
async fn kill_once(
    directory: &Path,
    plant: Plant,
    random: u64,
    provider: &Provider,
    mut ledger: Ledger,
) -> Result<Ledger, Failure> {
    let Some(server) = Server::start(directory, plant).await? else {
        ledger.fault(Fault::NotStarted);
        return Ok(ledger);
    };
    questions::ask(&server, &mut ledger, OLD_TOKENS_ASKED).await?;
    let people = plant.has_people().then_some(provider);
    if let Some(provider) = people {
        standing::ask(&server, provider, &mut ledger).await?;
    }
    if plant.is_found(&ledger.faults) {
        server.kill()?;
        return Ok(ledger);
    }
    let load = Load::start(&server, ledger, random, people);
    tokio::time::sleep(Duration::from_millis(20 + random % 180)).await;
    let synced = match plant {
        Plant::LostWrites | Plant::LostWritesBehindHead => {
            tokio::time::sleep(UNSYNCED).await;
            let synced = Synced::now(directory)?;
            tokio::time::sleep(UNSYNCED).await;
            Some(synced)
        }
        Plant::None | Plant::EarlyRelease | Plant::DroppedEntry | Plant::NoDeadline => None,
    };
    load.about_to_kill();
    server.kill()?;
    let ledger = load.finish().await?;
    match (synced, plant) {
        (Some(synced), Plant::LostWritesBehindHead) => synced.lose_database()?,
        (Some(synced), _) => {
            synced.lose_database()?;
            synced.lose_head()?;
        }
        (None, _) => {}
    }
    Ok(ledger)
}

/// Adds tables to the configuration in a prepared directory.
pub(crate) fn configure(directory: &Path, tables: &str) -> Result<(), Failure> {
    let file = directory.join("counterfoil.toml");
    let text = fs::read_to_string(&file)?;
    Ok(fs::write(file, format!("{text}\n{tables}\n"))?)
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A planted fault must show within so many kills.
const PLANTED_KILLS_COUNT: u64 = 60;
/// Tokens from before the last kill that are asked about after it, beside all later ones.
const OLD_TOKENS_ASKED: usize = 200;
/// How long the planted fault goes on without a sync.
const UNSYNCED: Duration = Duration::from_millis(100);
