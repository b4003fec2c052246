//! Reads that the disk does not answer for a while, more of them at once than the vault has
//! threads: each ends its own call at its deadline, health answers and says that nothing serves,
//! and afterwards everything goes on.

use std::path::Path;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use tokio::task::JoinSet;
use tonic::Code;

use super::caller::Became;
use super::caller::CALL_TIME_MAX;
use super::caller::Caller;
use super::create;
use super::hanging::set_deadline;
use super::tracer::Tracer;
use crate::Plant;
use crate::health::Health;
use crate::health::Serving;
use crate::inspection;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::detokenize_request;
use crate::questions;
use crate::server::Server;
use crate::testbed::Failure;

/// Goal: see the head of this file. Method: a vault whose records are in tables that it has not
/// read yet; the first read of a table waits, of each thread.
#[tokio::test(flavor = "multi_thread")]
async fn hanging_reads_end_their_calls_and_nothing_for_good() {
    if let Some(ledger) = campaign(Plant::None).await.unwrap() {
        assert_eq!(ledger.faults, Vec::<Fault>::new());
    }
}

/// Planted: calls whose deadline is longer than the disk hangs, which then nobody gives up.
#[tokio::test(flavor = "multi_thread")]
async fn read_that_holds_its_caller_up_is_noticed() {
    if let Some(ledger) = campaign(Plant::NoDeadline).await.unwrap() {
        for fault in [Fault::DeadlineMissed, Fault::StillServing] {
            assert!(ledger.faults.contains(&fault), "{:?}", ledger.faults);
        }
    }
}

/// Nothing if it cannot be tried here.
async fn campaign(plant: Plant) -> Result<Option<Ledger>, Failure> {
    if !Tracer::is_there() {
        return Ok(None);
    }
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let mut ledger = create(directory).await?;
    set_deadline(directory, plant)?;
    let start = async || {
        let server = Server::start(directory, Plant::None).await?;
        server.ok_or_else(|| Failure::from("the vault does not start"))
    };
    let server = start().await?;
    let mut caller = Caller::new(&server);
    for _ in 0..CALLS_BEFORE {
        caller.call(&mut ledger).await;
    }
    server.kill()?;
    // What its log of writes had is in tables after a start.
    let server = start().await?;
    let rules = [
        "trace=pread64".to_owned(),
        format!("inject=pread64:delay_enter={}:when=1", HANG.as_micros()),
    ];
    let Some(tracer) = Tracer::attach(&server, directory, &tables(directory)?, &rules)? else {
        server.kill()?;
        return Ok(None);
    };
    let calls_count = meet(&server, &tracer, &mut ledger).await?;
    if !Health::of(&server).comes_to_say(Serving::Yes).await {
        ledger.fault(Fault::NotServing);
    }
    let trace = tracer.finish()?;
    assert!(trace.is_met(), "a call meets the disk that hangs");
    let waits_count = trace.0.matches("(DELAYED)").count();
    if Caller::new(&server).tokenize(&mut ledger).await == Became::Failed {
        ledger.fault(Fault::CallFailed);
    }
    questions::ask(&server, &mut ledger, usize::MAX).await?;
    server.kill()?;
    tokio::task::block_in_place(|| inspection::inspect_by_both(directory, &mut ledger))?;
    println!(
        "hanging reads: plant {plant:?}, {calls_count} calls at once, {waits_count} reads waited, \
         {} tokens and {} reveals acknowledged, {} calls ended without, faults {:?}",
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.cut_off_count,
        ledger.faults,
    );
    Ok(Some(ledger))
}

/// Reveals more tokens at once than there are threads, by calls and on streams. Returns how many.
async fn meet(server: &Server, tracer: &Tracer, ledger: &mut Ledger) -> Result<usize, Failure> {
    let health = Health::of(server);
    let stops = tokio::spawn(async move { health.comes_to_say(Serving::No).await });
    let threads_count = available_parallelism()?.get();
    let mut calls = JoinSet::new();
    for number in 0..threads_count * CALLS_PER_THREAD {
        let mut client = DetokenizationServiceClient::new(server.reveal.clone());
        let asked = ledger.tokens.first().ok_or("no token yet")?.clone();
        calls.spawn(async move {
            let request = detokenize_request(&[asked], &format!("hanging-{number}"));
            let answer = async {
                if number % 2 == 0 {
                    return client.detokenize(request).await.err();
                }
                // A call on a stream has a deadline of its own.
                let requests = tokio_stream::once(request);
                match client.detokenize_stream(requests).await {
                    Ok(answers) => answers.into_inner().message().await.err(),
                    Err(status) => Some(status),
                }
            };
            let answered = tokio::time::timeout(CALL_TIME_MAX, answer).await;
            answered.map(|failed| failed.map(|it| it.code()))
        });
    }
    let calls_count = calls.len();
    while let Some(ended) = calls.join_next().await {
        match ended? {
            Ok(Some(Code::DeadlineExceeded | Code::Unavailable)) => ledger.cut_off_count += 1,
            Ok(Some(_) | None) => ledger.fault(Fault::DeadlineMissed),
            Err(_) => ledger.fault(Fault::CallHung),
        }
    }
    // By the order of both, and not by a clock: all calls are over, and the disk hangs.
    if tracer.is_over()? {
        ledger.fault(Fault::DeadlineMissed);
    }
    while !stops.is_finished() && !tracer.is_over()? {
        tokio::time::sleep(super::LOOK_AGAIN).await;
    }
    if tracer.is_over()? {
        stops.abort();
        ledger.fault(Fault::StillServing);
    } else if !stops.await? {
        ledger.fault(Fault::StillServing);
    }
    while !tracer.is_over()? {
        tokio::time::sleep(super::LOOK_AGAIN).await;
    }
    Ok(calls_count)
}

/// The tables of the database.
fn tables(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut tables = Vec::new();
    for file in std::fs::read_dir(directory.join("vault/rocksdb"))? {
        let path = file?.path();
        if path.extension().is_some_and(|it| it == "sst") {
            tables.push(path);
        }
    }
    Ok(tables)
}

/// How long the disk does not answer: longer than a call may take, and than health waits after it.
const HANG: Duration = Duration::from_secs(15);
const CALLS_BEFORE: u64 = 4;
const CALLS_PER_THREAD: usize = 4;
