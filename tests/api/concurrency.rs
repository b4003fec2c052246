//! Many at once: one token for one value, and never one token for two.

use std::collections::HashSet;

use counterfoil::audit::Event;

use crate::support::TestVault;
use crate::support::item;
use crate::support::token_of;

#[tokio::test(flavor = "multi_thread")]
async fn one_value_at_once_gets_one_token() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let calls = (0..64).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.tokenized(item("name", "Margaret Hamilton")).await })
    });
    let (mut tokens, mut created_count) = (HashSet::new(), 0);
    for call in calls.collect::<Vec<_>>() {
        let value = call.await.unwrap();
        created_count += usize::from(value.created);
        tokens.insert(value.token);
    }
    assert_eq!((tokens.len(), created_count), (1, 1));
    assert_eq!(vault.counts()[&Event::Tokenize], 64);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_values_at_once_get_distinct_tokens_that_open() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let calls = (0..64).map(|task| {
        let client = client.clone();
        tokio::spawn(async move {
            let value = |n: usize| format!("Person {task:02} Of {n:02}");
            let items = (0..20).map(|n| item("name", &value(n))).collect();
            let results = client.tokenize(items).await.unwrap();
            let mut tokens = Vec::new();
            for (n, result) in results.into_iter().enumerate() {
                let token = token_of(result).unwrap().token;
                if n % 7 == 0 {
                    assert_eq!(client.value("name", &token).await.unwrap(), value(n));
                }
                tokens.push(token);
            }
            tokens
        })
    });
    let mut tokens = HashSet::new();
    for call in calls.collect::<Vec<_>>() {
        tokens.extend(call.await.unwrap());
    }
    assert_eq!(tokens.len(), 64 * 20);
    vault.wait_for(Event::DetokenizeOutcome, 64 * 3).await;
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Detokenize], 64 * 3);
    assert_eq!(report.open_intents_count, 0);
}

/// Batches that share values in different orders conflict with each other, and all get through.
#[tokio::test(flavor = "multi_thread")]
async fn overlapping_batches_agree() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let calls = (0..16).map(|task| {
        let client = client.clone();
        tokio::spawn(async move {
            let order = (0..50).map(|n| (n * 7 + task * 3) % 50);
            let items = order
                .clone()
                .map(|n| item("name", &format!("Shared Person {n:02}")));
            let results = client.tokenize(items.collect()).await.unwrap();
            let tokens = results
                .into_iter()
                .map(|result| token_of(result).unwrap().token);
            let mut pairs: Vec<_> = order.zip(tokens).collect();
            pairs.sort();
            pairs
        })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    vault.check().await;
}
