//! ImportTokens of fields whose values have parts: value and token both come in parts.

use counterfoil::protocol::Fidelity;
use counterfoil::protocol::ImportItem;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::inspect_result;
use counterfoil::protocol::lookup_result;
use counterfoil::protocol::verify_match_result;
use tonic::Code;

use crate::structured::ADDRESS;
use crate::structured::FIELDS;
use crate::structured::Parts;
use crate::structured::parts;
use crate::structured::revealed;
use crate::structured::tokenized;
use crate::support::Client;
use crate::support::TestVault;
use crate::support::import_of;
use crate::support::imported_of;

/// Tokens of another vault that had one for each column, in no order, and none for the region.
const TOKEN: [(&str, &str); 4] = [
    ("postal_code", "zip_77"),
    ("line1", "Adr 0Af3"),
    ("city", "city_№5"),
    ("country", "US"),
];

/// The same as the vault gives it out.
const WHOLE: [(&str, &str); 6] = [
    ("line1", "Adr 0Af3"),
    ("line2", ""),
    ("city", "city_№5"),
    ("region", ""),
    ("postal_code", "zip_77"),
    ("country", "US"),
];

fn pair(value: &[(&str, &str)], token: &[(&str, &str)]) -> ImportItem {
    ImportItem {
        field: "postal".to_owned(),
        value_parts: parts(value),
        token_parts: parts(token),
        ..ImportItem::default()
    }
}

/// The code of a pair, what is said of it, and whether its record was made.
async fn outcome(client: &Client, item: ImportItem) -> (Code, String, bool) {
    let results = client.import(vec![item]).await.unwrap();
    match imported_of(results.into_iter().next().unwrap()) {
        Ok(token) => (Code::Ok, String::new(), token.created),
        Err(status) => (Code::from(status.code), status.message, false),
    }
}

async fn assert_stands(client: &Client, token: Parts) {
    let again = tokenized(client, "postal", &ADDRESS).await;
    assert!(!again.created && again.token.is_empty());
    assert!(again.fidelity() == Fidelity::Imported);
    assert_eq!(again.token_parts, parts(&WHOLE));
    let value = revealed(client, "postal", token.clone()).await;
    assert_eq!(value, Ok(parts(&ADDRESS)));
    let lookup = LookupItem {
        field: "postal".to_owned(),
        value_parts: parts(&ADDRESS),
        ..LookupItem::default()
    };
    let results = client.lookup_items(vec![lookup]).await.unwrap();
    match results.into_iter().next().unwrap().result.unwrap() {
        lookup_result::Result::Token(found) => assert_eq!(found.token_parts, parts(&WHOLE)),
        lookup_result::Result::Error(_) => panic!("the value has a token"),
    }
    let inspect = InspectItem {
        token_parts: token.clone(),
        ..InspectItem::default()
    };
    let results = client.inspect_items(vec![inspect]).await.unwrap();
    match results.into_iter().next().unwrap().result.unwrap() {
        inspect_result::Result::Description(known) => {
            assert!(known.known && known.field == "postal");
        }
        inspect_result::Result::Error(_) => panic!("the token is known"),
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
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_parts_stand_for_their_value_in_every_call() {
    let mut vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let made = outcome(&client, pair(&ADDRESS, &TOKEN)).await;
    assert_eq!(made, (Code::Ok, String::new(), true));
    for _ in 0..2 {
        let client = vault.backend().await;
        for token in [&TOKEN[..], &WHOLE] {
            assert_stands(&client, parts(token)).await;
        }
        // As an application has it.
        let spelled = [
            ("line1", " ADR  0af3"),
            ("city", "CITY_№5"),
            ("postal_code", "ZIP_77"),
            ("country", "us"),
        ];
        assert_stands(&client, parts(&spelled)).await;
        vault.restart().await;
    }
    // Not with a part of it, nor with its parts in other places.
    let client = vault.backend().await;
    let denied = Err(i32::from(Code::PermissionDenied));
    let exchanged = [("line1", "city_№5"), ("city", "Adr 0Af3")];
    for token in [&TOKEN[1..2], &TOKEN[..3], &exchanged] {
        assert_eq!(revealed(&client, "postal", parts(token)).await, denied);
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pair_in_parts_is_known_or_free_or_refused() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let mut other = ADDRESS;
    other[0].1 = "14 Example Street";
    let (long, longer) = ("x".repeat(500), "x".repeat(501));
    let whole_token = ImportItem {
        token: "tok_1".to_owned(),
        ..pair(&other, &[])
    };
    let both_tokens = ImportItem {
        token: "tok_1".to_owned(),
        ..pair(&other, &TOKEN)
    };
    let parts_of_none = ImportItem {
        field: "address".to_owned(),
        value: "14 Example Street".to_owned(),
        value_parts: Parts::new(),
        ..pair(&other, &[("line1", "tok_1")])
    };
    let ok = (Code::Ok, "");
    for (item, (code, message), created) in [
        (pair(&ADDRESS, &TOKEN), ok, true),
        (pair(&ADDRESS, &WHOLE), ok, false),
        (
            pair(&ADDRESS, &[("line1", "tok_2")]),
            (Code::FailedPrecondition, "another token"),
            false,
        ),
        (
            pair(&other, &TOKEN),
            (Code::AlreadyExists, "another value"),
            false,
        ),
        (
            pair(&other, &[("line1", &long), ("city", "012345678901")]),
            ok,
            true,
        ),
        (
            pair(&other, &[("line1", &longer), ("city", "012345678901")]),
            FORM,
            false,
        ),
        (
            pair(&other, &[("line1", " "), ("city", "\u{a0}")]),
            FORM,
            false,
        ),
        (pair(&other, &[("line1", "a\tb")]), FORM, false),
        (pair(&other, &[("line1", "u\u{308}")]), FORM, false),
        (
            pair(&other, &other),
            (Code::InvalidArgument, "the value itself"),
            false,
        ),
        (
            pair(&other, &[("given", "tok")]),
            (Code::InvalidArgument, "token: there is a part"),
            false,
        ),
        (
            whole_token,
            (Code::InvalidArgument, "token: parts are missing"),
            false,
        ),
        (
            both_tokens,
            (Code::InvalidArgument, "token_parts: parts and a whole"),
            false,
        ),
        (
            parts_of_none,
            (Code::InvalidArgument, "token: parts are given"),
            false,
        ),
        (
            import_of("postal", "14 Example Street", "tok_1", ""),
            (Code::InvalidArgument, "parts are missing"),
            false,
        ),
        // The columns are mixed up.
        (
            pair(&TOKEN, &other),
            (Code::FailedPrecondition, "already a token"),
            false,
        ),
    ] {
        let (found, said, made) = outcome(&client, item).await;
        assert_eq!((found, made), (code, created), "{message}: {said}");
        assert!(said.contains(message), "{message}: {said}");
        for text in ["14 Example", "tok_1", "Adr 0Af3"] {
            assert!(!said.contains(text), "{said}");
        }
    }
    vault.check().await;
}

const FORM: (Code, &str) = (Code::InvalidArgument, "token must have");
