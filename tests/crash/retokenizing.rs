//! Tokens are replaced while the vault is killed: whatever pair of an old and a new token was
//! acknowledged holds after every restart, each token is replaced once, and what the officers
//! allow is counted to the token.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::Retokenization;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::CeremonyId;
use counterfoil::domain::Clock;
use counterfoil::domain::Namespace;
use counterfoil::domain::SystemClock;
use counterfoil::domain::Timestamp;
use counterfoil::protocol;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::detokenize_result;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use counterfoil::protocol::retokenize_result;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use counterfoil::protocol::tokenize_result;
use tonic::Status;
use tonic::transport::Channel;

use crate::Plant;
use crate::ceremonies::story;
use crate::ceremonies::story::Officers;
use crate::ceremonies::story::Step;
use crate::configure;
use crate::disk::Synced;
use crate::inspection;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::tokenize_request;
use crate::number;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;
use crate::testbed::NAMESPACE;
use crate::values::Value;
use crate::values::scramble;
use crate::values::value;

#[tokio::test(flavor = "multi_thread")]
async fn killed_vault_replaces_each_token_once() {
    let kills_count = number("COUNTERFOIL_CRASH_KILLS").unwrap_or(6);
    let ledger = campaign(Plant::None, kills_count).await.unwrap();
    assert_eq!(ledger.faults, Vec::<Fault>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn successor_that_a_crash_forgets_is_noticed() {
    let ledger = campaign(Plant::LostWrites, PLANTED_KILLS_COUNT)
        .await
        .unwrap();
    assert!(
        ledger.faults.contains(&Fault::RetryDiffers),
        "{:?}",
        ledger.faults
    );
}

/// What callers were told: the new token of each old one, by its number.
type Told = Arc<Mutex<HashMap<usize, String>>>;

/// The old tokens with their values, and the operation that lets them be replaced.
#[derive(Clone)]
struct Stock {
    tokens: Arc<Vec<(Value, String)>>,
    operation: String,
}

async fn campaign(plant: Plant, kills_count: u64) -> Result<Ledger, Failure> {
    let seed = number("COUNTERFOIL_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let mut ledger = prepare(directory).await?;
    let told = Told::default();
    let server = start(directory).await?;
    let stock = fill(&server).await?;
    server.kill()?;
    let mut kills_done = 0;
    while kills_done < kills_count && ledger.faults.is_empty() {
        let random = scramble(seed.wrapping_add(kills_done));
        kill_once(directory, plant, random, &stock, &told, &mut ledger).await?;
        kills_done += 1;
        if plant == Plant::None {
            tokio::task::block_in_place(|| {
                inspection::inspect_one_of_many(directory, &mut ledger)
            })?;
        }
    }
    let told_count = locked(&told).len();
    let server = start(directory).await?;
    if ledger.faults.is_empty() {
        let all: Vec<usize> = (0..stock.tokens.len()).collect();
        for part in all.chunks(BATCH) {
            replace(&server.reveal, &stock, part, &told, &mut ledger).await?;
        }
        close(&server, &stock, &told, &mut ledger).await?;
    } else {
        ask(&server, &stock, &told, &mut ledger).await?;
    }
    server.kill()?;
    if ledger.faults.is_empty() {
        tokio::task::block_in_place(|| inspection::inspect_by_both(directory, &mut ledger))?;
    }
    println!(
        "retokenizing: plant {plant:?}, seed {seed}, {kills_done} kills, {told_count} of {} pairs \
         acknowledged before the last start, faults {:?}",
        stock.tokens.len(),
        ledger.faults
    );
    Ok(ledger)
}

async fn prepare(directory: &Path) -> Result<Ledger, Failure> {
    testbed::prepare(directory)?;
    std::fs::create_dir(directory.join("policies"))?;
    let policies = [story::POLICY, POLICY].concat();
    std::fs::write(directory.join("policies/officers.cedar"), policies)?;
    configure(directory, "[policies]\ndir = \"policies\"\n")?;
    configure(directory, &story::table(story::DELAY_SECONDS)?)?;
    let config = testbed::config(directory)?;
    let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), clock, entropy).await?;
    Ledger::new(directory)
}

/// Makes the tokens, and has two officers allow that exactly these are replaced.
async fn fill(server: &Server) -> Result<Stock, Failure> {
    let values: Vec<Value> = (0..TOKENS_COUNT).map(value).collect();
    let mut client = TokenServiceClient::new(server.token.clone());
    let answer = client.tokenize(tokenize_request(&values, None)).await?;
    let results = answer.into_inner().results.into_iter();
    let token = |result: protocol::TokenizeResult| match result.result {
        Some(tokenize_result::Result::Token(value)) => Ok(value.token),
        Some(tokenize_result::Result::Error(_)) | None => Err("a value has no token"),
    };
    let tokens: Vec<String> = results.map(token).collect::<Result<_, _>>()?;
    // What is made in the millisecond in which it is allowed counts as made since.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now_ms = SystemClock::default().now().unix_ms() / 1_000 * 1_000;
    let operation = Operation::Retokenize(Retokenization {
        namespace: Namespace::new(NAMESPACE)?,
        tokens_max: TOKENS_COUNT,
        until: Timestamp::from_unix_ms(now_ms + 24 * 60 * 60 * 1_000),
    });
    let mut officers = Officers::new(&server.reveal);
    let (id, text) = officers.statement(&operation, now_ms).await?;
    officers.take(Step::Propose(1), &id, &text).await?;
    officers.take(Step::Approve(2), &id, &text).await?;
    Ok(Stock {
        tokens: Arc::new(values.into_iter().zip(tokens).collect()),
        operation: id.as_str().to_owned(),
    })
}

/// Asks about what was acknowledged, lets two callers replace tokens, and kills the vault.
async fn kill_once(
    directory: &Path,
    plant: Plant,
    random: u64,
    stock: &Stock,
    told: &Told,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    let server = start(directory).await?;
    ask(&server, stock, told, ledger).await?;
    if !ledger.faults.is_empty() {
        return server.kill();
    }
    let callers: Vec<_> = [random, scramble(random)]
        .map(|random| {
            let (channel, stock, told) = (server.reveal.clone(), stock.clone(), Arc::clone(told));
            tokio::spawn(async move { call(&channel, &stock, &told, random).await })
        })
        .into();
    tokio::time::sleep(Duration::from_millis(50 + random % 400)).await;
    let synced = match plant {
        Plant::LostWrites => {
            let synced = Synced::now(directory)?;
            tokio::time::sleep(UNSYNCED).await;
            Some(synced)
        }
        Plant::None
        | Plant::LostWritesBehindHead
        | Plant::EarlyRelease
        | Plant::DroppedEntry
        | Plant::NoDeadline => None,
    };
    server.kill()?;
    for caller in callers {
        for fault in caller.await? {
            ledger.fault(fault);
        }
    }
    if let Some(synced) = synced {
        synced.lose_database()?;
        synced.lose_head()?;
    }
    Ok(())
}

/// Replaces tokens, some again and again, until the vault is gone; says what went wrong.
async fn call(channel: &Channel, stock: &Stock, told: &Told, mut random: u64) -> Vec<Fault> {
    let count = stock.tokens.len();
    loop {
        random = scramble(random);
        let first = usize::try_from(random).unwrap_or(0) % count;
        let numbers: Vec<usize> = (first..first + BATCH).map(|it| it % count).collect();
        match send(channel, stock, &numbers).await {
            Ok(Ok(answers)) => {
                let faults = note(told, &numbers, answers);
                if !faults.is_empty() {
                    return faults;
                }
            }
            Ok(Err(fault)) => return vec![fault],
            // It was killed.
            Err(_) => return Vec::new(),
        }
    }
}

/// The tokens that old ones have now; or a fault, if one has none.
async fn send(
    channel: &Channel,
    stock: &Stock,
    numbers: &[usize],
) -> Result<Result<Vec<String>, Fault>, Status> {
    let tokens = numbers
        .iter()
        .filter_map(|number| stock.tokens.get(*number));
    let item = |(value, token): &(Value, String)| protocol::RetokenizeItem {
        field: value.field.to_owned(),
        token: token.clone(),
        ..protocol::RetokenizeItem::default()
    };
    let request = protocol::RetokenizeRequest {
        namespace: NAMESPACE.to_owned(),
        operation_id: stock.operation.clone(),
        items: tokens.map(item).collect(),
        ..protocol::RetokenizeRequest::default()
    };
    let mut service = KeyServiceClient::new(channel.clone());
    let stream = service.retokenize(tokio_stream::iter([request])).await?;
    let answer = stream.into_inner().message().await?;
    let answer = answer.ok_or_else(|| Status::unavailable("the stream ended"))?;
    let new = |result: protocol::RetokenizeResult| match result.result {
        Some(retokenize_result::Result::Token(token)) => token
            .value
            .map(|value| value.token)
            .ok_or(Fault::ItemFailed),
        Some(retokenize_result::Result::Error(_)) | None => Err(Fault::ItemFailed),
    };
    Ok(answer.results.into_iter().map(new).collect())
}

/// Notes what was answered. A token that has another successor than was told before is a fault.
fn note(told: &Told, numbers: &[usize], answers: Vec<String>) -> Vec<Fault> {
    let mut told = locked(told);
    let mut faults = Vec::new();
    for (number, answer) in numbers.iter().zip(answers) {
        let before = told.entry(*number).or_insert_with(|| answer.clone());
        if *before != answer {
            faults.push(Fault::RetryDiffers);
        }
    }
    faults
}

async fn replace(
    channel: &Channel,
    stock: &Stock,
    numbers: &[usize],
    told: &Told,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    match send(channel, stock, numbers).await {
        Ok(Ok(answers)) => {
            for fault in note(told, numbers, answers) {
                ledger.fault(fault);
            }
        }
        Ok(Err(fault)) => ledger.fault(fault),
        Err(_) => ledger.fault(Fault::CallFailed),
    }
    Ok(())
}

/// Asks for the successor of each token that one was acknowledged for.
async fn ask(
    server: &Server,
    stock: &Stock,
    told: &Told,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    let known: Vec<usize> = locked(told).keys().copied().collect();
    for part in known.chunks(1_000) {
        replace(&server.reveal, stock, part, told, ledger).await?;
    }
    Ok(())
}

/// Everything once more: both tokens of each value open, the value leads to the new one, and the
/// operation has counted each token once.
async fn close(
    server: &Server,
    stock: &Stock,
    told: &Told,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    let new = locked(told).clone();
    let mut reveal = DetokenizationServiceClient::new(server.reveal.clone());
    let mut tokens = TokenServiceClient::new(server.token.clone());
    let values: Vec<Value> = stock
        .tokens
        .iter()
        .map(|(value, _)| value.clone())
        .collect();
    let known = tokens.tokenize(tokenize_request(&values, None)).await?;
    for (number, result) in known.into_inner().results.into_iter().enumerate() {
        let token = match result.result {
            Some(tokenize_result::Result::Token(value)) => Some(value.token),
            Some(tokenize_result::Result::Error(_)) | None => None,
        };
        if token.as_ref() != new.get(&number) {
            ledger.fault(Fault::ValueForgotten);
        }
    }
    for is_new in [false, true] {
        let token = |(number, (_, old)): (usize, &(Value, String))| match is_new {
            true => new.get(&number).cloned().unwrap_or_default(),
            false => old.clone(),
        };
        let numbered = stock.tokens.iter().enumerate();
        let item = |(number, pair): (usize, &(Value, String))| protocol::DetokenizeItem {
            field: pair.0.field.to_owned(),
            token: token((number, pair)),
            ..protocol::DetokenizeItem::default()
        };
        let request = protocol::DetokenizeRequest {
            namespace: NAMESPACE.to_owned(),
            items: numbered.map(item).collect(),
            level: protocol::Level::Full.into(),
            purpose: "campaign".to_owned(),
            ..protocol::DetokenizeRequest::default()
        };
        let opened = reveal.detokenize(request).await?.into_inner().results;
        for (result, value) in opened.into_iter().zip(&values) {
            let is_its = matches!(
                result.result,
                Some(detokenize_result::Result::Value(text)) if text == value.text
            );
            if !is_its {
                ledger.fault(Fault::TokenLost);
            }
        }
    }
    let id = CeremonyId::new(&stock.operation)?;
    let operation = Officers::new(&server.reveal).ask(&id).await?;
    let progress = operation.and_then(|it| it.progress);
    if progress.is_none_or(|it| it.records_changed != TOKENS_COUNT) {
        ledger.fault(Fault::CeremonyLost);
    }
    Ok(())
}

async fn start(directory: &Path) -> Result<Server, Failure> {
    let server = Server::start(directory, Plant::None).await?;
    server.ok_or_else(|| "the vault does not start".into())
}

fn locked(told: &Told) -> std::sync::MutexGuard<'_, HashMap<usize, String>> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

const POLICY: &str = r#"
permit (
  principal == Service::"client.shop.example",
  action == Action::"retokenize",
  resource in Namespace::"shop"
);
"#;
/// Tokens, all of which are replaced in the end.
const TOKENS_COUNT: u64 = 600;
/// Tokens of one message.
const BATCH: usize = 15;
/// A planted fault must show within so many kills.
const PLANTED_KILLS_COUNT: u64 = 20;
/// How long the planted fault goes on without a sync.
const UNSYNCED: Duration = Duration::from_millis(300);
