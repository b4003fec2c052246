//! A key that a vault has drawn is nowhere in its memory afterwards: of tokens none, of its own
//! keys the one in the ring. Not in what a generator keeps, not on a stack, not in freed memory.
//!
//! A vault serves in a process of its own and writes down what it draws. It makes tokens, opens
//! them, rotates its wrapping key and opens them again. Planted: a generator that keeps what it
//! gave until it has given more.

use std::time::Duration;

use counterfoil::ceremony::Operation;
use counterfoil::protocol::token_service_client::TokenServiceClient;

use crate::ceremonies::story;
use crate::ceremonies::story::Step;
use crate::destroyed::hold;
use crate::destroyed::prepare;
use crate::destroyed::start;
use crate::entropy;
use crate::entropy::Generator;
use crate::inspection;
use crate::ledger::Ledger;
use crate::load::tokenize_request;
use crate::memory::Memory;
use crate::questions;
use crate::testbed::Failure;
use crate::untried::not_tried;
use crate::values::value;

/// Goal: see the head of this file.
#[tokio::test(flavor = "multi_thread")]
async fn drawn_key_is_nowhere() {
    let Some(found) = search(Generator::Forgetful).await.unwrap() else {
        not_tried("the memory of a process cannot be read here");
        return;
    };
    println!("{found:?}");
    assert!(found.keys_count > VALUES_COUNT);
    assert_eq!((found.once_count, found.more_count), (1, 0), "{found:?}");
}

/// Goal: the search finds keys where they are. Method: see the head of this file.
#[tokio::test(flavor = "multi_thread")]
async fn drawn_key_that_a_generator_keeps_is_found() {
    if let Some(found) = search(Generator::Keeping).await.unwrap() {
        assert!(found.once_count > 1, "{found:?}");
    }
}

/// How many of the keys that were drawn are in memory.
#[derive(Debug)]
struct Found {
    keys_count: usize,
    once_count: usize,
    more_count: usize,
}

async fn search(generator: Generator) -> Result<Option<Found>, Failure> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    prepare(directory).await?;
    entropy::note_keys(directory, generator)?;
    let server = start(directory).await?;
    let mut ledger = Ledger::new(directory)?;
    let values: Vec<_> = ledger.numbers(VALUES_COUNT as u64).map(value).collect();
    for values in values.chunks(VALUES_PER_CALL) {
        let mut client = TokenServiceClient::new(server.token.clone());
        let answer = client.tokenize(tokenize_request(values, None)).await?;
        ledger.tokenized(values, answer.into_inner());
    }
    questions::ask(&server, &mut ledger, usize::MAX).await?;
    let rotation = Operation::RotateKey(story::wrapping(1)?);
    hold(&server, rotation, &[Step::Propose(1)]).await?;
    questions::ask(&server, &mut ledger, usize::MAX).await?;

    let keys = entropy::noted_keys(directory)?;
    let mut found = None;
    for _ in 0..LOOKS_MAX {
        let memory = tokio::task::block_in_place(|| Memory::read(server.process()))?;
        let Some(memory) = memory else {
            return Ok(None);
        };
        let counts = tokio::task::block_in_place(|| memory.counts(&keys));
        let count = |is: fn(usize) -> bool| counts.iter().filter(|count| is(**count)).count();
        found = Some(Found {
            keys_count: keys.len(),
            once_count: count(|count| count == 1),
            more_count: count(|count| count > 1),
        });
        if count(|count| count > 0) <= 1 && count(|count| count > 1) == 0 {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    server.kill()?;
    tokio::task::block_in_place(|| inspection::inspect_by_both(directory, &mut ledger))?;
    assert_eq!(ledger.faults, []);
    Ok(found)
}

const VALUES_COUNT: usize = 300;
/// Several calls, so that several threads may draw.
const VALUES_PER_CALL: usize = 45;
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How often it is looked whether those who work with keys of before have let go of them.
const LOOKS_MAX: u32 = 20;
