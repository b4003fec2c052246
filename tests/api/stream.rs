//! Streams: each message is a call of its own, answered in order.

use std::time::Duration;

use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::store::Store;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::support::Side;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item;
use crate::support::reveal;
use crate::support::token_of;
use crate::support::value_of;

fn request(n: usize) -> TokenizeRequest {
    TokenizeRequest {
        namespace: "shop".to_owned(),
        request_id: format!("s-{n}"),
        items: vec![
            item("name", &format!("Streaming Person {n}")),
            item("nickname", "Li"),
        ],
        allow_token_values: false,
        decoys: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_answered_in_order() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let requests = tokio_stream::iter((0..100).map(request));
    let mut answers = client
        .token
        .clone()
        .tokenize_stream(requests)
        .await
        .unwrap()
        .into_inner();
    let mut tokens = Vec::new();
    while let Some(answer) = answers.next().await {
        let first = answer.unwrap().results.into_iter().next().unwrap();
        tokens.push(token_of(first).unwrap().token);
    }
    assert_eq!(tokens.len(), 100);
    let reveals: Vec<_> = tokens
        .iter()
        .map(|token| detokenize_items(vec![reveal("name", token)]))
        .collect();
    let answers = client
        .reveal
        .clone()
        .detokenize_stream(tokio_stream::iter(reveals))
        .await;
    let mut answers = answers.unwrap().into_inner();
    let (mut n, mut last_index) = (0, 0);
    while let Some(answer) = answers.next().await {
        let answer = answer.unwrap();
        let index = answer.receipt.unwrap().leaf_index;
        assert!(index > last_index);
        last_index = index;
        let value = value_of(answer.results.into_iter().next().unwrap()).unwrap();
        assert_eq!(value, format!("Streaming Person {n}"));
        n += 1;
    }
    assert_eq!(n, 100);
    vault.wait_for(Event::DetokenizeOutcome, 100).await;
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Tokenize], 100);
    assert_eq!(report.counts[&Event::Detokenize], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_ends_with_the_first_call_that_fails() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let denied = TokenizeRequest {
        namespace: "other".to_owned(),
        ..request(1)
    };
    let requests = tokio_stream::iter(vec![request(0), denied, request(2)]);
    let mut answers = client
        .token
        .clone()
        .tokenize_stream(requests)
        .await
        .unwrap()
        .into_inner();
    assert!(answers.next().await.unwrap().is_ok());
    let error = answers.next().await.unwrap().err().unwrap();
    assert_eq!(error.code(), Code::PermissionDenied);
    assert!(answers.next().await.is_none());
    assert!(client.lookup("name", "Streaming Person 2").await.is_err());
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_vanishes_leaves_a_consistent_vault() {
    let vault = TestVault::start().await;
    for round in 0..5 {
        let client = vault.backend().await;
        let (sender, receiver) = mpsc::channel(4);
        let sending = tokio::spawn(async move {
            for n in 0..10_000 {
                if sender.send(request(n)).await.is_err() {
                    return;
                }
            }
        });
        let requests = ReceiverStream::new(receiver);
        let mut answers = client
            .token
            .clone()
            .tokenize_stream(requests)
            .await
            .unwrap()
            .into_inner();
        for _ in 0..=round {
            assert!(answers.next().await.unwrap().is_ok());
        }
        drop((answers, client));
        sending.abort();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    // What was done is whole: the same calls again find the same tokens, and they open.
    let client = vault.backend().await;
    for n in 0..10 {
        let results = client.tokenize_request(request(n)).await.unwrap();
        let mut tokens = results
            .into_iter()
            .map(|result| token_of(result).unwrap().token);
        let (name, nickname) = (tokens.next().unwrap(), tokens.next().unwrap());
        let value = client.value("name", &name).await.unwrap();
        assert_eq!(value, format!("Streaming Person {n}"));
        assert_eq!(client.value("nickname", &nickname).await.unwrap(), "Li");
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_lets_a_call_under_way_finish() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let (sender, receiver) = mpsc::channel(4);
    let requests = ReceiverStream::new(receiver);
    sender.send(request(0)).await.unwrap();
    let mut answers = client
        .token
        .clone()
        .tokenize_stream(requests)
        .await
        .unwrap()
        .into_inner();
    assert!(answers.next().await.unwrap().is_ok());
    let address = vault.address(Side::Token);
    let stopping = tokio::spawn(vault.begin_stop());
    let mut tries = 0;
    // The listener closes at once, the call that is under way goes on.
    while tokio::net::TcpStream::connect(address).await.is_ok() && tries < 100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        tries += 1;
    }
    assert!(tries < 100, "the listener still accepts");
    assert!(!stopping.is_finished());
    for n in 1..10 {
        sender.send(request(n)).await.unwrap();
        assert!(answers.next().await.unwrap().is_ok());
    }
    drop(sender);
    assert!(answers.next().await.is_none());
    stopping.await.unwrap();
    let error = client.tokenize_request(request(0)).await.err().unwrap();
    assert_eq!(error.code(), Code::Unavailable);
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Tokenize], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn call_that_outlasts_the_drain_is_cut_off() {
    let mut vault = TestVault::start_with("[limits]\ndrain_ms = 200").await;
    let client = vault.backend().await;
    let (sender, receiver) = mpsc::channel(4);
    let requests = ReceiverStream::new(receiver);
    sender.send(request(0)).await.unwrap();
    let mut answers = client
        .token
        .clone()
        .tokenize_stream(requests)
        .await
        .unwrap()
        .into_inner();
    assert!(answers.next().await.unwrap().is_ok());
    vault.begin_stop().await;
    // The log says that the vault stopped: nothing may come after it.
    let _ = sender.send(request(1)).await;
    let answer = answers.next().await;
    assert!(answer.is_none_or(|answer| answer.is_err()));
    let store = vault.read_only();
    let last = store.entries(store.tree_size().unwrap() - 1, 1).unwrap();
    let last = Entry::decode(&last[0].entry().unwrap().entry).unwrap();
    assert_eq!(last.draft.event, Event::Stopped);
    drop(store);
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Tokenize], 1);
}
