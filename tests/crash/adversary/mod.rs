//! The adversary: a stolen session that does everything at once, for a whole day and longer, while
//! the vault is killed under it, and never sees one customer more than its person may.
//!
//! Each burst has a time of its own: the vault's clock is a file that only this campaign moves, and
//! it stands while a burst goes on, so that what was seen when is known exactly. Between bursts it
//! jumps by minutes or an hour. What counts is what the client was answered; the log is asked too.

mod attack;
mod sightings;

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::crypto::SystemEntropy;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use counterfoil::protocol::tokenize_result;
use tokio::task::JoinHandle;

use self::attack::Attacker;
use self::attack::Shared;
use self::sightings::Sightings;
use crate::Plant;
use crate::configure;
use crate::disk::Synced;
use crate::load::tokenize_request;
use crate::number;
use crate::person::Provider;
use crate::server::FileClock;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;
use crate::testbed::PRINCIPAL;
use crate::values::Value;
use crate::values::letters;
use crate::values::scramble;

/// What came of a campaign.
#[derive(Default)]
struct Outcome {
    sightings: Sightings,
    /// Distinct customers in the log's own intents, likewise.
    recorded: Sightings,
    kills_count: u64,
    cut_off_count: u64,
    refused_count: u64,
    /// Answers that nobody should get.
    strange: Vec<String>,
}

impl Outcome {
    fn most_in_an_hour(&self) -> usize {
        self.sightings.most_in(HOUR_MS)
    }

    fn most_in_a_day(&self) -> usize {
        self.sightings.most_in(24 * HOUR_MS)
    }

    fn is_over(&self) -> bool {
        self.most_in_an_hour() > PER_HOUR || self.most_in_a_day() > PER_DAY
    }
}

/// Goal: never 6 in an hour, never 21 in a day. Method: 26 hours, or so many days, of bursts under
/// a clock that jumps; half of the bursts end with SIGKILL in the middle of them.
#[tokio::test(flavor = "multi_thread")]
async fn adversary_never_sees_one_customer_more_than_allowed() {
    let hours = match number("COUNTERFOIL_ADVERSARY_DAYS") {
        Some(days) => days * 24 + 2,
        None => 26,
    };
    let outcome = campaign(Plant::None, hours).await.unwrap();
    assert_eq!(outcome.strange, Vec::<String>::new());
    assert!(outcome.most_in_an_hour() <= PER_HOUR);
    assert!(outcome.most_in_a_day() <= PER_DAY);
    // The log has whatever was intended, answered or not.
    assert!(outcome.recorded.most_in(HOUR_MS) <= PER_HOUR);
    assert!(outcome.recorded.most_in(24 * HOUR_MS) <= PER_DAY);
    // And it was not for want of trying: an hour was filled, several in a day, whatever was cut
    // off on its way, and the rest refused.
    assert_eq!(outcome.most_in_an_hour(), PER_HOUR);
    assert!(outcome.most_in_a_day() > 2 * PER_HOUR);
    assert!(outcome.refused_count > 0 && outcome.kills_count > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn adversary_finds_a_budget_that_a_crash_forgets() {
    let outcome = campaign(Plant::LostWrites, PLANTED_HOURS).await.unwrap();
    assert!(outcome.is_over());
}

#[tokio::test(flavor = "multi_thread")]
async fn adversary_finds_a_release_that_is_recorded_too_late() {
    let outcome = campaign(Plant::EarlyRelease, PLANTED_HOURS).await.unwrap();
    assert!(outcome.is_over());
}

/// Attacks for so many hours of the vault's clock, or until it has seen too much.
async fn campaign(plant: Plant, hours: u64) -> Result<Outcome, Failure> {
    let seed = number("COUNTERFOIL_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    testbed::prepare(directory)?;
    let provider = Provider::new(directory)?;
    configure(directory, &provider.table(PRINCIPAL))?;
    configure(directory, RULES)?;
    let clock = FileClock::create(directory, STARTED_MS)?;
    let config = testbed::config(directory)?;
    let (vault_clock, entropy) = (Arc::new(clock.clone()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), vault_clock, entropy).await?;

    let mut outcome = Outcome::default();
    let mut server = start(directory, plant).await?;
    let attack = Attack {
        plant,
        directory,
        customers: Arc::new(customers(&server).await?),
        provider,
    };
    let mut random = scramble(seed);
    let mut now_ms = STARTED_MS;
    while now_ms < STARTED_MS + hours * HOUR_MS && !(plant != Plant::None && outcome.is_over()) {
        random = scramble(random);
        now_ms += jump(plant, random);
        clock.set(now_ms)?;
        server = attack.burst(server, now_ms, random, &mut outcome).await?;
    }
    server.kill()?;
    if plant == Plant::None {
        outcome.recorded = tokio::task::block_in_place(|| sightings::of_the_log(directory))?;
    }
    println!(
        "adversary: plant {plant:?}, seed {seed}, {} hours, {} kills, {} calls cut off, {} refused \
         for the budget, {} sightings, at most {} customers in an hour and {} in a day",
        (now_ms - STARTED_MS) / HOUR_MS,
        outcome.kills_count,
        outcome.cut_off_count,
        outcome.refused_count,
        outcome.sightings.count(),
        outcome.most_in_an_hour(),
        outcome.most_in_a_day(),
    );
    Ok(outcome)
}

/// What stays the same from burst to burst.
struct Attack<'a> {
    plant: Plant,
    directory: &'a Path,
    customers: Arc<Vec<Customer>>,
    provider: Provider,
}

impl Attack<'_> {
    /// Attacks once, perhaps until the vault is killed, and returns the vault that serves then.
    async fn burst(
        &self,
        server: Server,
        now_ms: u64,
        random: u64,
        outcome: &mut Outcome,
    ) -> Result<Server, Failure> {
        let shared = Arc::new(Shared {
            directory: self.directory.to_owned(),
            addresses: server.addresses,
            customers: Arc::clone(&self.customers),
            assertion: self.provider.assertion("mallory", now_ms)?,
            now_ms,
            has_streams: self.plant != Plant::EarlyRelease,
            is_killed: AtomicBool::new(false),
            cut_off_count: AtomicU64::new(0),
            refused_count: AtomicU64::new(0),
            found: Mutex::default(),
        });
        let attackers: Vec<_> = (0..ATTACKERS_COUNT)
            .map(|number| tokio::spawn(Attacker::new(&shared, &server, random ^ number).run()))
            .collect();
        let is_killed = match self.plant {
            Plant::None => scramble(random ^ 1).is_multiple_of(2),
            // What the fault remembers, it remembers until it dies.
            Plant::EarlyRelease | Plant::DroppedEntry | Plant::NoDeadline => false,
            Plant::LostWrites | Plant::LostWritesBehindHead => true,
        };
        let server = if is_killed {
            outcome.kills_count += 1;
            self.kill(server, random, &shared, attackers).await?
        } else {
            for attacker in attackers {
                attacker.await?;
            }
            server
        };
        let shared = Arc::into_inner(shared).ok_or("an attacker is still there")?;
        outcome.cut_off_count += shared.cut_off_count.into_inner();
        outcome.refused_count += shared.refused_count.into_inner();
        let found = shared.found.into_inner().unwrap_or_default();
        outcome.sightings.extend(now_ms, found.seen);
        outcome.strange.extend(found.strange);
        Ok(server)
    }

    /// Kills the vault in the middle of a burst, and starts it again.
    async fn kill(
        &self,
        server: Server,
        random: u64,
        shared: &Shared,
        attackers: Vec<JoinHandle<()>>,
    ) -> Result<Server, Failure> {
        let synced = Synced::now(self.directory)?;
        // Sometimes at once, mostly while it is answering.
        if self.plant == Plant::LostWrites || !scramble(random ^ 3).is_multiple_of(4) {
            shared.wait_for_an_answer().await;
        }
        tokio::time::sleep(Duration::from_millis(scramble(random ^ 2) % 60)).await;
        shared.is_killed.store(true, Ordering::SeqCst);
        server.kill()?;
        for attacker in attackers {
            attacker.await?;
        }
        if self.plant == Plant::LostWrites {
            synced.lose_database()?;
            synced.lose_head()?;
        }
        start(self.directory, self.plant).await
    }
}

async fn start(directory: &Path, plant: Plant) -> Result<Server, Failure> {
    let server = Server::start(directory, plant).await?;
    Ok(server.ok_or("the vault does not start")?)
}

/// By how much the clock jumps: often so little that the hour is the same.
fn jump(plant: Plant, random: u64) -> u64 {
    match (plant, random >> 60) {
        (Plant::None, 0..4) => 1 + random % MINUTE_MS,
        (Plant::None, 4..8) => 20 * MINUTE_MS,
        // Exactly an hour, and one millisecond less.
        (Plant::None, 8..11) => HOUR_MS,
        (Plant::None, 11..14) => HOUR_MS - 1,
        (Plant::None, _) => random % (3 * HOUR_MS),
        (Plant::EarlyRelease, 0..8) => 50 * MINUTE_MS,
        (_, _) => MINUTE_MS,
    }
}

/// A customer's value and its token.
pub(super) struct Customer {
    value: Value,
    token: String,
}

/// Tokenizes a value of each customer, as the program itself.
async fn customers(server: &Server) -> Result<Vec<Customer>, Failure> {
    let values: Vec<Value> = (0..CUSTOMERS_COUNT)
        .map(|number| Value {
            field: "email",
            text: format!("{}@example.org", letters(number)),
            subject: format!("cus_{number}"),
        })
        .collect();
    let mut client = TokenServiceClient::new(server.token.clone());
    let answer = client
        .tokenize(tokenize_request(&values, None))
        .await?
        .into_inner();
    let pairs = values.into_iter().zip(answer.results);
    pairs
        .map(|(value, result)| match result.result {
            Some(tokenize_result::Result::Token(token)) => Ok(Customer {
                value,
                token: token.token,
            }),
            Some(_) | None => Err("a customer has no token".into()),
        })
        .collect()
}

/// What the person may see, and alarms that do not end the story before the budget does.
const RULES: &str = r#"
[[budget]]
holder = "person"
subjects_per_hour = 5
subjects_per_day = 20
[alarms]
claims_per_token = 1_000_000
denials = 0
"#;
const PER_HOUR: usize = 5;
const PER_DAY: usize = 20;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// After every real time: the log never goes back.
const STARTED_MS: u64 = 4_000_000_000_000;
const CUSTOMERS_COUNT: u64 = 60;
const ATTACKERS_COUNT: u64 = 8;
/// A planted fault must show within so many hours.
const PLANTED_HOURS: u64 = 12;
