//! Names and addresses in parts: one value, one token, parts again.

use std::collections::HashMap;

use counterfoil::assembly::AssemblyError;
use counterfoil::protocol::DetokenizeItem;
use counterfoil::protocol::Fidelity;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::Recognition;
use counterfoil::protocol::TokenizeItem;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::TokenizedValue;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::detokenize_result;
use counterfoil::protocol::inspect_result;
use counterfoil::protocol::lookup_result;
use counterfoil::protocol::verify_match_result;
use tonic::Code;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::token_of;

pub(super) const FIELDS: &str = r#"
[namespaces.shop.fields.postal]
format = "address"
parts = ["line1", "line2", "city", "region", "postal_code", "country"]
keep = ["country"]
[namespaces.shop.fields.person]
format = "name"
parts = ["given", "middle", "family"]
length = "bucket"
"#;

pub(super) type Parts = HashMap<String, String>;

pub(super) const ADDRESS: [(&str, &str); 6] = [
    ("line1", "12 Example Street"),
    ("line2", ""),
    ("city", "San Francisco"),
    ("region", "CA"),
    ("postal_code", "94016"),
    ("country", "US"),
];

pub(super) fn parts(parts: &[(&str, &str)]) -> Parts {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    parts.iter().map(owned).collect()
}

fn item(field: &str, value: &[(&str, &str)]) -> TokenizeItem {
    TokenizeItem {
        field: field.to_owned(),
        value_parts: parts(value),
        ..TokenizeItem::default()
    }
}

pub(super) async fn tokenized(
    client: &Client,
    field: &str,
    value: &[(&str, &str)],
) -> TokenizedValue {
    client.tokenized(item(field, value)).await
}

pub(super) async fn revealed(client: &Client, field: &str, token: Parts) -> Result<Parts, i32> {
    let item = DetokenizeItem {
        field: field.to_owned(),
        token_parts: token,
        ..DetokenizeItem::default()
    };
    let response = client
        .detokenize(detokenize_items(vec![item]))
        .await
        .unwrap();
    match response.results.into_iter().next().unwrap().result.unwrap() {
        detokenize_result::Result::ValueParts(value) => Ok(value.parts),
        detokenize_result::Result::Error(status) => Err(status.code),
        detokenize_result::Result::Value(_) => panic!("the value is whole"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_one_value_with_one_token() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let first = tokenized(&client, "postal", &ADDRESS).await;
    assert!(first.created && first.token.is_empty());
    assert!(first.fidelity() == Fidelity::Shape);
    let token = first.token_parts.clone();
    assert_eq!(token.len(), 6);
    assert_eq!(
        (token["country"].as_str(), token["line2"].as_str()),
        ("US", "")
    );
    assert_eq!(token["line1"].len(), "12 Example Street".len());
    assert!(token["postal_code"].len() == 5 && token["postal_code"].parse::<u32>().is_ok());
    assert_ne!(token, parts(&ADDRESS));
    // The same value, with a part left out that is empty, and other spaces.
    let mut spelled = ADDRESS.to_vec();
    spelled.remove(1);
    spelled[1].1 = " San  Francisco ";
    let again = tokenized(&client, "postal", &spelled).await;
    assert!(!again.created && again.token_parts == token);
    let mut other = ADDRESS;
    other[4].1 = "94017";
    let other = tokenized(&client, "postal", &other).await;
    assert!(other.created && other.token_parts != token);
    assert_eq!(
        revealed(&client, "postal", token.clone()).await,
        Ok(parts(&ADDRESS))
    );
    // As an application has it: in capital letters, without the empty part.
    let mut changed: Parts = token
        .iter()
        .map(|(name, text)| (name.clone(), text.to_uppercase()))
        .collect();
    changed.remove("line2");
    assert_eq!(
        revealed(&client, "postal", changed).await,
        Ok(parts(&ADDRESS))
    );
    // Not with a part of another token.
    let mut mixed = token.clone();
    mixed.insert("city".to_owned(), other.token_parts["city"].clone());
    let denied = Err(i32::from(Code::PermissionDenied));
    assert_eq!(revealed(&client, "postal", mixed).await, denied);
    let city = parts(&[("city", &token["city"])]);
    assert_eq!(revealed(&client, "postal", city).await, denied);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_looked_up_inspected_and_compared() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let token = tokenized(&client, "postal", &ADDRESS).await.token_parts;
    let lookup = LookupItem {
        field: "postal".to_owned(),
        value_parts: parts(&ADDRESS),
        ..LookupItem::default()
    };
    let results = client.lookup_items(vec![lookup]).await.unwrap();
    match results.into_iter().next().unwrap().result.unwrap() {
        lookup_result::Result::Token(found) => assert_eq!(found.token_parts, token),
        lookup_result::Result::Error(_) => panic!("the value has a token"),
    }
    for field in ["postal", ""] {
        let inspect = InspectItem {
            field: field.to_owned(),
            token_parts: token.clone(),
            ..InspectItem::default()
        };
        let results = client.inspect_items(vec![inspect]).await.unwrap();
        match results.into_iter().next().unwrap().result.unwrap() {
            inspect_result::Result::Description(known) => {
                assert!(known.known && known.field == "postal");
                assert!(known.recognition() == Recognition::Unsure);
            }
            inspect_result::Result::Error(_) => panic!("the token is known"),
        }
    }
    let mut other = ADDRESS;
    other[0].1 = "14 Example Street";
    for (value, expected) in [(ADDRESS, true), (other, false)] {
        let claim = VerifyMatchItem {
            field: "postal".to_owned(),
            token_parts: token.clone(),
            value_parts: parts(&value),
            ..VerifyMatchItem::default()
        };
        let results = client.verify_match_items(vec![claim]).await.unwrap();
        match results.into_iter().next().unwrap().result.unwrap() {
            verify_match_result::Result::Equal(equal) => assert_eq!(equal, expected),
            verify_match_result::Result::Error(_) => panic!("the token is known"),
        }
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_values_get_an_outline_in_parts() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let bangkok = [
        ("line1", "ถนนสุขุมวิท 5"),
        ("city", "กรุงเทพ"),
        ("country", "TH"),
    ];
    let token = tokenized(&client, "postal", &bangkok).await;
    assert!(token.fidelity() == Fidelity::Outline);
    let token = token.token_parts;
    assert!(!token["line1"].is_empty() && !token["city"].is_empty());
    assert!(token["line2"].is_empty() && token["country"] == "TH");
    let value = revealed(&client, "postal", token).await.unwrap();
    assert_eq!(value["city"], "กรุงเทพ");
    let li = [("given", "Li"), ("family", "Wu")];
    let token = tokenized(&client, "person", &li).await;
    assert!(
        token.fidelity() == Fidelity::Shape,
        "buckets are large enough"
    );
    assert_eq!(token.token_parts["given"].len(), 6);
    let value = revealed(&client, "person", token.token_parts)
        .await
        .unwrap();
    assert_eq!(
        value,
        parts(&[("given", "Li"), ("middle", ""), ("family", "Wu")])
    );
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_parts_are_refused_with_what_is_wrong() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let both = TokenizeItem {
        value: "12 Example Street".to_owned(),
        ..item("postal", &ADDRESS)
    };
    let seventeen: Vec<String> = (0..17).map(|number| format!("part_{number}")).collect();
    let seventeen: Vec<(&str, &str)> = seventeen.iter().map(|it| (it.as_str(), "x")).collect();
    for (item, message) in [
        (both, "both given"),
        (
            crate::support::item("postal", "12 Example Street"),
            "this field takes parts",
        ),
        (item("address", &ADDRESS), "this field takes no parts"),
        (item("email", &ADDRESS), "this field takes no parts"),
        (item("postal", &[("given", "Ada")]), "does not have"),
        (
            item("postal", &[("Line 1", "12 Example Street")]),
            "a part's name",
        ),
        (item("postal", &seventeen), "more than 16 parts"),
        (item("postal", &[("city", "a\u{1f}b")]), "control character"),
        (
            item("postal", &[("city", "a\0b")]),
            "control character in part 3",
        ),
        (item("postal", &[("country", "US")]), "empty"),
        (
            crate::support::item("postal", "\u{1d}city\u{1f}Paris"),
            "control character",
        ),
        (
            crate::support::item("address", "\u{1d}city\u{1f}Paris"),
            "control character",
        ),
    ] {
        let results = client.tokenize(vec![item]).await.unwrap();
        let status = token_of(results.into_iter().next().unwrap()).err().unwrap();
        assert_eq!(status.code, i32::from(Code::InvalidArgument));
        assert!(
            status.message.contains(message),
            "{message}: {}",
            status.message
        );
    }
    vault.check().await;
}

/// Goal: a repeated call is the same whatever order its map arrives in. Method: ten times.
#[tokio::test(flavor = "multi_thread")]
async fn retry_of_parts_is_the_same_call() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let mut tokens = Vec::new();
    for _ in 0..10 {
        let request = TokenizeRequest {
            namespace: "shop".to_owned(),
            request_id: "once".to_owned(),
            items: vec![item("postal", &ADDRESS)],
            ..TokenizeRequest::default()
        };
        let results = client.tokenize_request(request).await.unwrap();
        tokens.push(
            token_of(results.into_iter().next().unwrap())
                .unwrap()
                .token_parts,
        );
    }
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_field_cannot_change() {
    let mut vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let token = tokenized(&client, "postal", &ADDRESS).await.token_parts;
    drop(client);
    vault.stop().await;
    for (own, other, setting) in [
        ("\"line2\", ", "", "parts"),
        ("keep = [\"country\"]", "keep = []", "keep"),
        (
            "keep = [\"country\"]",
            "keep = [\"country\"]\npostal_code = \"shape\"",
            "postal_code",
        ),
    ] {
        vault.config = vault.config_with(&FIELDS.replace(own, other));
        match vault.open().await.expect_err("it must stay closed") {
            AssemblyError::FieldChanged { setting: named, .. } => assert_eq!(named, setting),
            other => panic!("{setting}: {other}"),
        }
    }
    vault.config = vault.config_with(FIELDS);
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    assert_eq!(
        revealed(&client, "postal", token).await,
        Ok(parts(&ADDRESS))
    );
    vault.check().await;
}
