//! Request ids: a call repeated has the same result, whatever its field's equality.

use counterfoil::audit::Event;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::TokenizeItem;
use counterfoil::protocol::TokenizeRequest;
use tonic::Code;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item;
use crate::support::reveal;
use crate::support::token_of;
use crate::support::value_of;

fn request(id: &str, items: Vec<TokenizeItem>) -> TokenizeRequest {
    TokenizeRequest {
        namespace: "shop".to_owned(),
        request_id: id.to_owned(),
        items,
        allow_token_values: false,
        decoys: false,
    }
}

async fn tokens(client: &Client, request: TokenizeRequest) -> Vec<String> {
    let results = client.tokenize_request(request).await.unwrap();
    results
        .into_iter()
        .map(|result| token_of(result).unwrap().token)
        .collect()
}

fn mixed() -> Vec<TokenizeItem> {
    vec![
        item("nickname", "Ada Lovelace"),
        item("name", "Ada Lovelace"),
        item("nickname", "Ada Lovelace"),
        item("nickname", "Li"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_call_has_the_same_tokens() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let first = tokens(&client, request("r-1", mixed())).await;
    assert_ne!(first[0], first[2]);
    assert_eq!(tokens(&client, request("r-1", mixed())).await, first);
    let other = tokens(&client, request("r-2", mixed())).await;
    assert_eq!(other[1], first[1]);
    assert!(other[0] != first[0] && other[2] != first[2]);
    vault.restart().await;
    let client = vault.backend().await;
    assert_eq!(tokens(&client, request("r-1", mixed())).await, first);
    // Another caller's ids are its own.
    let writer = vault.client("writer").await;
    let item = vec![item("name", "Grace Hopper")];
    assert_eq!(tokens(&writer, request("r-1", item)).await.len(), 1);
    // After a day the id is forgotten.
    vault.clock.advance_seconds(24 * 60 * 60);
    let later = tokens(&client, request("r-1", mixed())).await;
    assert!(later[0] != first[0] && later[1] == first[1]);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn id_with_other_contents_is_refused() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    tokens(&client, request("r-1", mixed())).await;
    let mut fewer = mixed();
    fewer.pop();
    let mut other_ttl = mixed();
    other_ttl[0].ttl = 5;
    let mut other_subject = mixed();
    other_subject[0].subject = "cus_1".to_owned();
    let mut swapped = mixed();
    swapped.swap(0, 1);
    for items in [fewer, other_ttl, other_subject, swapped] {
        let error = client
            .tokenize_request(request("r-1", items))
            .await
            .err()
            .unwrap();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(!error.message().contains("Ada"));
    }
    // What was refused is in the log all the same.
    assert_eq!(vault.counts()[&Event::Tokenize], 5);
    let token = client.token("name", "Ada Lovelace").await;
    let reveal_with = |id: &str, items| DetokenizeRequest {
        request_id: id.to_owned(),
        ..detokenize_items(items)
    };
    let one = || vec![reveal("name", &token)];
    for _ in 0..2 {
        // Every repetition of a reveal is a reveal, with an entry of its own.
        let response = client.detokenize(reveal_with("d-1", one())).await.unwrap();
        assert_eq!(
            value_of(response.results.into_iter().next().unwrap()).unwrap(),
            "Ada Lovelace"
        );
    }
    let two = vec![reveal("name", &token), reveal("name", &token)];
    let error = client
        .detokenize(reveal_with("d-1", two))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), Code::InvalidArgument);
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Detokenize], 3);
    assert_eq!(report.counts[&Event::DetokenizeOutcome], 2);
    assert_eq!(report.open_intents_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_repetitions_have_the_same_tokens() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    for round in 0..5 {
        let id = format!("r-{round}");
        let calls = (0..16).map(|_| {
            let (client, request) = (client.clone(), request(&id, mixed()));
            tokio::spawn(async move { tokens(&client, request).await })
        });
        let mut answers = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            answers.push(call.await.unwrap());
        }
        assert!(answers.iter().all(|tokens| *tokens == answers[0]));
    }
    vault.check().await;
}
