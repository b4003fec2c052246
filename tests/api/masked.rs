//! The masked level: a lesser reveal, with a permit of its own and the same entries.

use counterfoil::audit::Decision;
use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::audit::write_export;
use counterfoil::domain::Level as Revealed;
use counterfoil::protocol::DetokenizeItem;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::Level;
use tonic::Code;
use tonic::Status;
use tonic_types::pb;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item_of;
use crate::support::reveal;
use crate::support::reveal_of;
use crate::support::value_of;

/// Fields of which less than everything is revealed, and somebody who may see masks of two fields
/// and nothing else.
const LINES: &str = r#"
[namespaces.shop.fields.card]
format = "card"
level = "masked"
[namespaces.shop.fields.phone]
format = "phone"
[namespaces.shop.fields.secret]
format = "text"
level = "none"
[[permit]]
principals = ["spiffe://shop.example/agent"]
actions = ["detokenize_masked"]
namespace = "shop"
fields = ["name", "card"]
"#;

fn masked(items: Vec<DetokenizeItem>) -> DetokenizeRequest {
    DetokenizeRequest {
        level: Level::Masked.into(),
        ..detokenize_items(items)
    }
}

async fn results(
    client: &Client,
    request: DetokenizeRequest,
) -> Result<Vec<Result<String, pb::Status>>, Status> {
    let response = client.detokenize(request).await?;
    Ok(response.results.into_iter().map(value_of).collect())
}

/// The result of one token at this level.
async fn one(client: &Client, level: Level, field: &str, token: &str) -> Result<String, Code> {
    let request = DetokenizeRequest {
        level: level.into(),
        ..detokenize_items(vec![reveal(field, token)])
    };
    let results = results(client, request).await.unwrap();
    let result = results.into_iter().next().unwrap();
    result.map_err(|status| Code::from(status.code))
}

fn of_event(vault: &TestVault, event: Event) -> Vec<Entry> {
    let mut entries = vault.entries();
    entries.retain(|entry| entry.draft.event == event);
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn mask_is_all_that_a_masked_answer_has() {
    let vault = TestVault::start_with(LINES).await;
    let client = vault.backend().await;
    for (field, value, expected) in [
        ("name", "John Smith", "J•••• S••••"),
        ("name", "Li", "••••"),
        ("alias", "John Smith", "J•••• S••••"),
        (
            "address",
            "221B Baker Street,\nLondon NW1 6XE",
            "•••• B•••• S••••,\nL•••• N•••• ••••",
        ),
        ("email", "John.Doe@gmail.com", "J••••@g••••.com"),
        ("contact", "no address", "••••"),
        ("card", "4111 1111 1111 1111", "•••• 1111"),
        ("phone", "+442079460958", "+44 ••••58"),
    ] {
        let token = client.token(field, value).await;
        let mask = one(&client, Level::Masked, field, &token).await;
        assert_eq!(mask.as_deref(), Ok(expected), "{field}");
        assert_ne!(mask.as_deref(), Ok(value));
        // However an application spells the token.
        let upper = one(&client, Level::Masked, field, &token.to_uppercase()).await;
        assert_eq!(upper, mask);
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn intent_and_outcome_say_the_level() {
    let vault = TestVault::start_with(LINES).await;
    let client = vault.backend().await;
    let token = client
        .tokenized(item_of("name", "Ada Lovelace", "cus_1"))
        .await
        .token;
    let items = || {
        vec![
            reveal_of("name", &token, "cus_1"),
            reveal("name", "Nobody Atall"),
        ]
    };
    let response = client.detokenize(masked(items())).await.unwrap();
    client.detokenize(detokenize_items(items())).await.unwrap();
    vault.wait_for(Event::DetokenizeOutcome, 2).await;
    let intents = of_event(&vault, Event::Detokenize);
    assert_eq!(response.receipt.unwrap().leaf_index, intents[0].index);
    let levels = |entries: &[Entry]| -> Vec<_> {
        let mut levels: Vec<_> = entries.iter().map(|entry| entry.draft.level).collect();
        levels.sort();
        levels
    };
    let both = [Some(Revealed::Masked), Some(Revealed::Full)];
    assert_eq!(intents[0].draft.level, Some(Revealed::Masked));
    assert_eq!(levels(&intents), both);
    let outcomes = of_event(&vault, Event::DetokenizeOutcome);
    assert_eq!(levels(&outcomes), both);
    // But for the level the two reveals are recorded alike.
    let rest = |entry: &Entry| {
        let mut draft = entry.draft.clone();
        draft.level = None;
        draft
    };
    assert_eq!(rest(&intents[0]), rest(&intents[1]));
    let items = &intents[0].draft.items;
    assert_eq!(items[0].outcome, ItemOutcome::Intended);
    assert_eq!(items[0].subject.as_ref().unwrap().as_str(), "cus_1");
    assert_eq!(items[1].outcome, ItemOutcome::NotFound);
    for entry in vault.entries() {
        let is_reveal = matches!(
            entry.draft.event,
            Event::Detokenize | Event::DetokenizeOutcome
        );
        assert_eq!(entry.draft.level.is_some(), is_reveal);
    }
    let mut exported = Vec::new();
    let keys = vault.public_keys();
    vault.with_store(|store| write_export(&mut exported, store, &keys).unwrap());
    let exported = String::from_utf8(exported).unwrap();
    assert_eq!(exported.matches(r#""level":"masked""#).count(), 2);
    assert_eq!(exported.matches(r#""level":"full""#).count(), 2);
    assert_eq!(vault.check().await.open_intents_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn permit_for_one_level_does_not_imply_the_other() {
    let vault = TestVault::start_with(LINES).await;
    let backend = vault.backend().await;
    let token = backend.token("name", "Ada Lovelace").await;
    let agent = vault.client("agent").await;
    let full = detokenize_items(vec![reveal("name", &token)]);
    let mask = one(&agent, Level::Masked, "name", &token).await;
    assert_eq!(mask.as_deref(), Ok("A•••• L••••"));
    let error = results(&agent, full.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::PermissionDenied);
    // The other way round.
    let approver = vault.client("approver").await;
    let with_case = |request: DetokenizeRequest| DetokenizeRequest {
        case_id: "T-1".to_owned(),
        ..request
    };
    assert!(results(&approver, with_case(full)).await.is_ok());
    let request = with_case(masked(vec![reveal("name", &token)]));
    let error = results(&approver, request).await.unwrap_err();
    assert_eq!(error.code(), Code::PermissionDenied);
    // Fields that the permit does not cover.
    let email = backend.token("email", "ada@example.com").await;
    let denied = one(&agent, Level::Masked, "email", &email).await;
    assert_eq!(denied, Err(Code::PermissionDenied));
    // Who was turned away, and what they wanted.
    let entries = of_event(&vault, Event::Detokenize);
    let refused: Vec<_> = entries
        .iter()
        .filter(|entry| entry.draft.decision == Some(Decision::Deny))
        .map(|entry| entry.draft.level)
        .collect();
    assert_eq!(refused, [Some(Revealed::Full), Some(Revealed::Masked)]);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn field_is_never_revealed_beyond_its_level() {
    let vault = TestVault::start_with(LINES).await;
    let client = vault.backend().await;
    let card = client.token("card", "4111 1111 1111 1111").await;
    let secret = client.token("secret", "behind the third brick").await;
    let denied = Err(Code::PermissionDenied);
    let full = one(&client, Level::Full, "card", &card).await;
    assert_eq!(full, denied);
    let mask = one(&client, Level::Masked, "card", &card).await;
    assert_eq!(mask.as_deref(), Ok("•••• 1111"));
    assert_eq!(one(&client, Level::Full, "secret", &secret).await, denied);
    assert_eq!(one(&client, Level::Masked, "secret", &secret).await, denied);
    vault.wait_for(Event::DetokenizeOutcome, 4).await;
    let outcomes: Vec<_> = of_event(&vault, Event::Detokenize)
        .iter()
        .map(|entry| entry.draft.items[0].outcome)
        .collect();
    let expected = [
        ItemOutcome::Denied,
        ItemOutcome::Intended,
        ItemOutcome::Denied,
        ItemOutcome::Denied,
    ];
    assert_eq!(outcomes, expected);
    // Whether there is such a token is not told either.
    let unknown = results(&client, detokenize_items(vec![reveal("card", "1234")])).await;
    let known = results(&client, detokenize_items(vec![reveal("card", &card)])).await;
    assert_eq!(unknown.unwrap(), known.unwrap());
    // What does not reveal is not affected.
    assert!(client.inspect("secret", &secret, "").await.unwrap().known);
    let is_it = client.verify_match("secret", &secret, "behind the third brick");
    assert!(is_it.await.unwrap());
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn level_may_change_for_a_field_with_tokens() {
    let mut vault = TestVault::start_with(LINES).await;
    let client = vault.backend().await;
    let card = client.token("card", "4111 1111 1111 1111").await;
    vault.config = vault.config_with(&LINES.replacen("level = \"masked\"", "", 1));
    vault.restart().await;
    let client = vault.backend().await;
    let full = one(&client, Level::Full, "card", &card).await;
    assert_eq!(full.as_deref(), Ok("4111111111111111"));
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_id_binds_the_level() {
    let vault = TestVault::start_with(LINES).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let bound = |request: DetokenizeRequest| DetokenizeRequest {
        request_id: "call-1".to_owned(),
        ..request
    };
    let mask = || bound(masked(vec![reveal("name", &token)]));
    let full = bound(detokenize_items(vec![reveal("name", &token)]));
    let first = results(&client, mask()).await.unwrap();
    assert_eq!(first, [Ok("A•••• L••••".to_owned())]);
    let error = results(&client, full).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(results(&client, mask()).await.unwrap(), first);
    vault.check().await;
}
