//! Officers at work while the vault is killed: at every step of each ceremony, in the jobs that
//! move records and rows, and while what is destroyed, erased or pruned is got off the disk.
//!
//! Each step is begun and the vault killed within a random time, so many times; then it is taken to
//! its end. What was acknowledged must be there after each restart, keys, charter and log must
//! agree with the ceremonies, and in the end every token opens, under the last key. Without a count
//! every second step is killed in: which, the seed says, and each ceremony has one.

mod plan;
pub(crate) mod story;
mod wish;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::ceremony::Operation;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::CeremonyId;
use counterfoil::protocol;
use counterfoil::protocol::KeyState;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use counterfoil::store::NamespaceId;
use counterfoil::store::Store;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use self::plan::Ceremony;
use self::story::Officers;
use self::story::Step;
use crate::Plant;
use crate::configure;
use crate::disk::Synced;
use crate::inspection;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::tokenize_request;
use crate::number;
use crate::questions;
use crate::server::FileClock;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;
use crate::values::scramble;
use crate::values::value;

#[tokio::test(flavor = "multi_thread")]
async fn killed_vault_takes_every_ceremony_to_its_end() {
    let kills = number("COUNTERFOIL_CEREMONY_KILLS").map_or(Kills::EveryOther, Kills::PerStep);
    let ledger = campaign(Plant::None, kills).await.unwrap();
    assert_eq!(ledger.faults, Vec::<Fault>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn ceremonies_that_a_crash_forgets_are_noticed() {
    let ledger = campaign(Plant::LostWrites, Kills::PerStep(1))
        .await
        .unwrap();
    assert!(
        ledger.faults.contains(&Fault::CeremonyLost),
        "{:?}",
        ledger.faults
    );
}

/// How often the vault is killed.
#[derive(Clone, Copy, Debug)]
enum Kills {
    /// Once in every second step.
    EveryOther,
    /// So often in each step.
    PerStep(u64),
}

/// A campaign under way.
struct Campaign<'a> {
    directory: &'a Path,
    plant: Plant,
    clock: FileClock,
    now_ms: u64,
    seed: u64,
    random: u64,
    kills: Kills,
    ledger: Ledger,
    kills_count: u64,
    cut_off_count: u64,
    /// Kills that fell between the first and the last batch of a job.
    within_job_count: u64,
    steps_count: u64,
}

/// A ceremony as its officers see it, and the last that the vault said of it.
struct Seen {
    operation: Operation,
    id: CeremonyId,
    text: String,
    charter: String,
    last: Option<protocol::Operation>,
}

/// Takes every ceremony to its end, with so many kills on the way.
async fn campaign(plant: Plant, kills: Kills) -> Result<Ledger, Failure> {
    let seed = number("COUNTERFOIL_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    testbed::prepare(directory)?;
    std::fs::create_dir(directory.join("policies"))?;
    std::fs::write(directory.join("policies/officers.cedar"), story::POLICY)?;
    configure(directory, "[policies]\ndir = \"policies\"\n")?;
    configure(directory, &story::table(story::DELAY_SECONDS)?)?;
    let clock = FileClock::create(directory, STARTED_MS)?;
    let config = testbed::config(directory)?;
    let (vault_clock, entropy) = (Arc::new(clock.clone()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), vault_clock, entropy).await?;
    let mut campaign = Campaign {
        directory,
        plant,
        clock,
        now_ms: STARTED_MS,
        seed,
        random: scramble(seed),
        kills,
        ledger: Ledger::new(directory)?,
        kills_count: 0,
        cut_off_count: 0,
        within_job_count: 0,
        steps_count: 0,
    };
    campaign.fill().await?;
    for ceremony in plan::plan()? {
        campaign.hold(&ceremony).await?;
        if plant != Plant::None && !campaign.ledger.faults.is_empty() {
            break;
        }
    }
    if plant == Plant::None {
        campaign.close().await?;
    }
    println!(
        "ceremonies: plant {plant:?}, seed {seed}, {} steps, {} kills, {} calls cut off, {} kills \
         within a job, faults {:?}",
        campaign.steps_count,
        campaign.kills_count,
        campaign.cut_off_count,
        campaign.within_job_count,
        campaign.ledger.faults,
    );
    Ok(campaign.ledger)
}

impl Campaign<'_> {
    /// Makes the tokens whose records the jobs move, and entries enough that some can be pruned.
    async fn fill(&mut self) -> Result<(), Failure> {
        let server = self.start().await?;
        for _ in 0..TOKENS_COUNT / 1_000 {
            let values: Vec<_> = self.ledger.numbers(1_000).map(value).collect();
            let mut client = TokenServiceClient::new(server.token.clone());
            let answer = client.tokenize(tokenize_request(&values, None)).await?;
            self.ledger.tokenized(&values, answer.into_inner());
        }
        for _ in 0..wish::PRUNED_SIZE {
            Officers::new(&server.reveal).list().await?;
        }
        server.kill()
    }

    /// How often the vault is killed in the step that has come.
    fn kills_now(&self) -> u64 {
        match self.kills {
            Kills::EveryOther => self.steps_count.wrapping_add(self.seed) % 2,
            Kills::PerStep(count) => count,
        }
    }

    /// Takes a ceremony through its steps.
    async fn hold(&mut self, ceremony: &Ceremony) -> Result<(), Failure> {
        let operation = ceremony.wish.operation(self.directory, self.now_ms)?;
        let mut server = self.start().await?;
        let made = Officers::new(&server.reveal)
            .statement(&operation, self.now_ms)
            .await?;
        let mut seen = Seen {
            operation,
            id: made.0,
            text: made.1,
            charter: ceremony.wish.charter()?,
            last: None,
        };
        for &step in ceremony.steps {
            self.steps_count += 1;
            if step == Step::End {
                self.now_ms += (story::DELAY_SECONDS + 1) * 1_000;
                self.clock.set(self.now_ms)?;
            }
            for _ in 0..self.kills_now() {
                self.kill_in(server, step, &mut seen).await?;
                server = self.start().await?;
                self.compare(&server, &seen).await?;
                if self.plant != Plant::None && !self.ledger.faults.is_empty() {
                    return server.kill();
                }
            }
            let mut officers = Officers::bringing(&server.reveal, &seen.charter);
            let taken = officers.take(step, &seen.id, &seen.text);
            let taken = tokio::time::timeout(STEP_TIME_MAX, taken).await?;
            match taken {
                Ok(operation) => seen.last = Some(operation),
                // Who repeats a step, for want of an answer, is answered as the first time.
                Err(_) => self.ledger.fault(Fault::CallFailed),
            }
        }
        let end = Officers::new(&server.reveal).ask(&seen.id).await?;
        if end.is_none_or(|end| end.state() != ceremony.end) {
            self.ledger.fault(Fault::CeremonyLost);
        }
        self.compare(&server, &seen).await?;
        server.kill()
    }

    /// Begins a step, and kills the vault within a random time.
    async fn kill_in(
        &mut self,
        server: Server,
        step: Step,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        self.random = scramble(self.random);
        let synced = match self.plant {
            Plant::None => None,
            Plant::LostWrites
            | Plant::LostWritesBehindHead
            | Plant::EarlyRelease
            | Plant::DroppedEntry
            | Plant::NoDeadline => Some(Synced::now(self.directory)?),
        };
        let mut officers = Officers::bringing(&server.reveal, &seen.charter);
        let (id, text) = (seen.id.clone(), seen.text.clone());
        let call = tokio::spawn(async move { officers.take(step, &id, &text).await });
        let longest = if step == Step::End { JOB_US } else { CALL_US };
        match synced {
            // What is lost must have been acknowledged.
            Some(_) => tokio::time::sleep(ACKNOWLEDGED).await,
            None => tokio::time::sleep(Duration::from_micros(self.random % longest)).await,
        }
        server.kill()?;
        self.kills_count += 1;
        match call.await? {
            Ok(operation) => seen.last = Some(operation),
            Err(_) => self.cut_off_count += 1,
        }
        if let Some(synced) = synced {
            synced.lose_database()?;
            synced.lose_head()?;
        }
        if self.plant == Plant::None {
            tokio::task::block_in_place(|| {
                inspection::inspect_one_of_many(self.directory, &mut self.ledger)
            })?;
        }
        Ok(())
    }

    /// After a restart: is everything there that was acknowledged, and does all agree with it?
    async fn compare(&mut self, server: &Server, seen: &Seen) -> Result<(), Failure> {
        let mut officers = Officers::new(&server.reveal);
        let now = officers.ask(&seen.id).await?;
        let progress = now.as_ref().and_then(|now| now.progress.as_ref());
        let is_between = progress
            .is_some_and(|it| it.records_looked_at > 0 && it.records_looked_at < TOKENS_COUNT);
        self.within_job_count += u64::from(is_between);
        let is_kept = match (&seen.last, &now) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(before), Some(now)) => {
                rank(now.state()) >= rank(before.state())
                    && now.approvals.len() >= before.approvals.len()
                    && now.cancellations.len() >= before.cancellations.len()
            }
        };
        if !is_kept || !now.as_ref().is_none_or(wish::is_whole) {
            self.ledger.fault(Fault::CeremonyLost);
        }
        let listed = officers.list().await?;
        let directory = self.directory;
        let look = || wish::effect(directory, &seen.operation, &listed);
        let effect = tokio::task::block_in_place(look)?;
        let before = wish::took_effect(now.as_ref());
        let after = officers.ask(&seen.id).await?;
        let after = wish::took_effect(after.as_ref());
        // What only lets others do something has no effect but its own row.
        let has_effect = !matches!(seen.operation, Operation::Retokenize(_));
        if has_effect && !wish::agrees(before, effect, after) {
            self.ledger.fault(Fault::KeysDisagree);
        }
        Ok(())
    }

    /// Everything once more: the log, the tokens, and under which key the records are.
    async fn close(&mut self) -> Result<(), Failure> {
        let server = self.start().await?;
        questions::ask(&server, &mut self.ledger, usize::MAX).await?;
        let listed = Officers::new(&server.reveal).list().await?;
        server.kill()?;
        let active = listed.keys.iter().filter(|key| is_wrapping(key));
        let active = active.filter(|key| key.state() == KeyState::Active);
        let names: Vec<&str> = active.map(|key| key.name.as_str()).collect();
        if names != ["wrapping/shop/4"] {
            self.ledger.fault(Fault::KeysDisagree);
        }
        let (directory, ledger) = (self.directory, &mut self.ledger);
        tokio::task::block_in_place(|| {
            inspection::inspect_by_both(directory, ledger)?;
            let config = testbed::config(directory)?;
            let store = RocksStore::open_read_only(&config.data_dir, &RocksOptions::default())?;
            let records = store.records_after(NamespaceId(1), None, usize::MAX)?;
            let versions: BTreeSet<u32> = records
                .iter()
                .map(|(_, record)| record.wrapping_version.number())
                .collect();
            let count = u64::try_from(records.len())?;
            if versions != BTreeSet::from([4]) || count != TOKENS_COUNT {
                ledger.fault(Fault::KeysDisagree);
            }
            Ok(())
        })
    }

    async fn start(&self) -> Result<Server, Failure> {
        let server = Server::start(self.directory, Plant::None).await?;
        server.ok_or_else(|| "the vault does not start".into())
    }
}

fn is_wrapping(key: &protocol::KeyVersion) -> bool {
    key.name.starts_with("wrapping/")
}

/// States in the order in which a ceremony comes to them.
fn rank(state: OperationState) -> u8 {
    match state {
        OperationState::Unspecified | OperationState::Proposed => 0,
        OperationState::Waiting => 1,
        OperationState::Running => 2,
        OperationState::Done
        | OperationState::Cancelled
        | OperationState::Expired
        | OperationState::Failed => 3,
    }
}

/// Records that a job moves: three batches of it.
const TOKENS_COUNT: u64 = 3_000;
const STARTED_MS: u64 = 1_800_000_000_000;
/// A call is killed within so many microseconds, a job within so many.
const CALL_US: u64 = 15_000;
const JOB_US: u64 = 1_000_000;
/// After this long a step was acknowledged, where its loss is planted.
const ACKNOWLEDGED: Duration = Duration::from_millis(400);
const STEP_TIME_MAX: Duration = Duration::from_secs(60);
