//! ImportTokens: tokens of another vault stand for their values, in every call and for good.

use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::protocol::Fidelity;
use counterfoil::protocol::FidelityReason;
use counterfoil::protocol::ImportItem;
use counterfoil::protocol::ImportTokensRequest;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::InspectRequest;
use counterfoil::protocol::KnownValue;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::Recognition;
use counterfoil::protocol::RedactItem;
use counterfoil::protocol::RedactRequest;
use counterfoil::protocol::inspect_result;
use counterfoil::protocol::lookup_result;
use counterfoil::protocol::redact_result::Result as Redacted;
use tonic::Code;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::import_of;
use crate::support::imported_of;
use crate::support::item;
use crate::support::item_of;
use crate::support::token_of;

/// What each item came to: the code, and whether its record was made.
async fn outcomes(client: &Client, items: Vec<ImportItem>) -> Vec<(Code, bool)> {
    let results = client.import(items).await.unwrap().into_iter();
    let outcome = |result| match imported_of(result) {
        Ok(token) => (Code::Ok, token.created),
        Err(status) => (Code::from(status.code), false),
    };
    results.map(outcome).collect()
}

async fn outcome(client: &Client, item: ImportItem) -> (Code, bool) {
    outcomes(client, vec![item]).await[0]
}

const MADE: (Code, bool) = (Code::Ok, true);
const KNOWN: (Code, bool) = (Code::Ok, false);
const OTHER_TOKEN: (Code, bool) = (Code::FailedPrecondition, false);
const TAKEN: (Code, bool) = (Code::AlreadyExists, false);
const INVALID: (Code, bool) = (Code::InvalidArgument, false);

fn pair(field: &str, value: &str, token: &str) -> ImportItem {
    import_of(field, value, token, "")
}

/// Field, value, what it is given back as, its token, and a spelling of the token.
const PAIRS: [(&str, &str, &str, &str, &str); 6] = [
    (
        "name",
        "Ada  Lovelace",
        "Ada Lovelace",
        "tok_9fA2-0001",
        "TOK_9FA2-0001 ",
    ),
    ("name", "Li", "Li", "Quinn O’Neill", "quinn o'neill"),
    (
        "address",
        "12 Main St\nParis",
        "12 Main St\nParis",
        "{\"v\":1,\"t\":\"x\"}",
        "{\"V\":1,\"T\":\"X\"}",
    ),
    (
        "email",
        "John.Doe@Example.COM",
        "John.Doe@example.com",
        "u-77@old-vault.example",
        "U-77@OLD-VAULT.example",
    ),
    ("alias", "Grace Hopper", "Grace Hopper", "7", " 7"),
    ("contact", "a@b@c", "a@b@c", "токен №5", "ТОКЕН №5"),
];

async fn assert_stands(client: &Client, pair: (&str, &str, &str, &str, &str)) {
    let (field, value, original, token, spelling) = pair;
    let again = client.tokenized(item(field, value)).await;
    assert!(!again.created && again.token == token, "{token}");
    assert!(again.fidelity() == Fidelity::Imported);
    assert!(again.reason() == FidelityReason::Imported);
    assert_eq!(client.lookup(field, value).await.unwrap().token, token);
    for text in [token, spelling] {
        assert_eq!(client.value(field, text).await.unwrap(), original);
        assert!(client.verify_match(field, text, value).await.unwrap());
        assert!(
            !client
                .verify_match(field, text, "Somebody@else.example")
                .await
                .unwrap()
        );
        let known = client.inspect(field, text, "").await.unwrap();
        assert!(known.known && known.field == field);
        assert!(known.fidelity() == Fidelity::Imported);
        assert!(known.recognition() != Recognition::NotToken, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_token_stands_for_its_value_in_every_call() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    for (field, value, _, token, _) in PAIRS {
        assert_eq!(outcome(&client, pair(field, value, token)).await, MADE);
    }
    for _ in 0..2 {
        let client = vault.backend().await;
        for known in PAIRS {
            assert_stands(&client, known).await;
        }
        vault.restart().await;
    }
    let client = vault.backend().await;
    let request = RedactRequest {
        namespace: "shop".to_owned(),
        items: vec![RedactItem {
            text: "Li wrote to john.doe@example.com".to_owned(),
            known: vec![KnownValue {
                field: "name".to_owned(),
                value: "Li".to_owned(),
            }],
            ..RedactItem::default()
        }],
        fields: vec!["email".to_owned()],
        ..RedactRequest::default()
    };
    let answer = client.token.clone().redact(request).await.unwrap();
    let result = answer.into_inner().results.remove(0).result.unwrap();
    let Redacted::Redacted(redacted) = result else {
        panic!("the text is redacted");
    };
    assert_eq!(
        redacted.text,
        "Quinn O’Neill wrote to u-77@old-vault.example"
    );
    // And in no other namespace, nor in another field.
    let stranger = vault.client("other").await;
    let request = InspectRequest {
        namespace: "other".to_owned(),
        items: vec![InspectItem {
            field: "name".to_owned(),
            token: PAIRS[0].3.to_owned(),
            ..InspectItem::default()
        }],
        ..InspectRequest::default()
    };
    let answer = stranger.token.clone().inspect(request).await.unwrap();
    let result = answer.into_inner().results.remove(0).result.unwrap();
    let inspect_result::Result::Description(unknown) = result else {
        panic!("it is unknown, and not wrong");
    };
    assert!(!unknown.known);
    let refused = client.value("address", PAIRS[0].3).await;
    assert_eq!(
        Code::from(refused.unwrap_err().code),
        Code::PermissionDenied
    );
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pair_is_known_or_free_or_refused() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let drawn = client.token("name", "Alan Turing").await;
    let long = "x".repeat(512);
    for (value, token, expected) in [
        ("Ada Lovelace", "tok_1", MADE),
        ("Ada Lovelace", "tok_1", KNOWN),
        // Under the folds of both.
        (" Ada   Lovelace", "TOK_1", KNOWN),
        ("Ada Lovelace", "tok_2", OTHER_TOKEN),
        ("Grace Hopper", "tok_1", TAKEN),
        ("Grace Hopper", "Tok_1", TAKEN),
        // A token that the vault itself has made.
        ("Alan Turing", drawn.as_str(), KNOWN),
        ("Alan Turing", "tok_3", OTHER_TOKEN),
        ("Grace Hopper", drawn.as_str(), TAKEN),
        // The columns are mixed up.
        ("tok_1", "Ada Lovelace", (Code::FailedPrecondition, false)),
        ("Grace Hopper", "grace  hopper", INVALID),
        ("Grace Hopper", "", INVALID),
        ("Grace Hopper", " \u{a0}", INVALID),
        ("Grace Hopper", "a\tb", INVALID),
        ("Grace Hopper", "a\u{85}", INVALID),
        ("Grace Hopper", "u\u{308}", INVALID),
        ("Grace Hopper", &format!("{long}x"), INVALID),
        ("Grace\0", "tok_4", INVALID),
        ("", "tok_4", INVALID),
        ("Grace Hopper", long.as_str(), MADE),
        // What is somebody's token elsewhere may be a value all the same.
        ("Barbara Liskov", "Edsger Dijkstra", MADE),
        (
            "Edsger Dijkstra",
            "tok_5",
            (Code::FailedPrecondition, false),
        ),
    ] {
        let got = outcome(&client, pair("name", value, token)).await;
        assert_eq!(got, expected, "{value} {token}");
    }
    let request = ImportTokensRequest {
        namespace: "shop".to_owned(),
        items: vec![pair("name", "Edsger Dijkstra", "tok_5")],
        allow_token_values: true,
        ..ImportTokensRequest::default()
    };
    let results = client.import_request(request).await.unwrap();
    assert!(imported_of(results[0].clone()).unwrap().created);
    assert_eq!(client.token("name", "Edsger Dijkstra").await, "tok_5");
    assert_eq!(
        client.value("name", "Edsger Dijkstra").await.unwrap(),
        "Barbara Liskov"
    );
    let unknown = outcome(&client, pair("nofield", "Grace Hopper", "tok_6")).await;
    assert_eq!(unknown, INVALID);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pairs_of_one_call_are_held_against_each_other() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let items = vec![
        pair("name", "Ada Lovelace", "tok_1"),
        pair("name", "Ada Lovelace", "TOK_1"),
        pair("name", "Ada Lovelace", "tok_2"),
        pair("name", "Grace Hopper", "tok_1"),
        pair("name", "Grace Hopper", "tok_2"),
        pair("email", "no address", "tok_3"),
        pair("nickname", "Ada", "tok_4"),
        pair("nickname", "Ada", "tok_4"),
        pair("nickname", "Ada", "tok_5"),
    ];
    let expected = [
        MADE,
        KNOWN,
        OTHER_TOKEN,
        TAKEN,
        MADE,
        INVALID,
        MADE,
        KNOWN,
        MADE,
    ];
    assert_eq!(outcomes(&client, items.clone()).await, expected);
    let again = outcomes(&client, items).await;
    let mut expected = expected.map(|it| if it == MADE { KNOWN } else { it });
    // By now its value has the token of the item after it.
    expected[3] = OTHER_TOKEN;
    assert_eq!(again, expected);
    // The entries say so, and name nothing.
    let entries = vault.entries();
    let entry = entries
        .iter()
        .find(|it| it.draft.event == Event::ImportTokens);
    let outcomes: Vec<_> = entry
        .unwrap()
        .draft
        .items
        .iter()
        .map(|it| it.outcome)
        .collect();
    assert_eq!(
        outcomes,
        [
            ItemOutcome::Created,
            ItemOutcome::Found,
            ItemOutcome::Conflict,
            ItemOutcome::Conflict,
            ItemOutcome::Created,
            ItemOutcome::Invalid,
            ItemOutcome::Created,
            ItemOutcome::Found,
            ItemOutcome::Created,
        ]
    );
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equality_of_the_field_holds_for_imported_values() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    // None: each token has its own record, and tokenizing makes another token.
    for token in ["nick_1", "nick_2"] {
        assert_eq!(outcome(&client, pair("nickname", "Ada", token)).await, MADE);
        assert_eq!(
            outcome(&client, pair("nickname", "Ada", token)).await,
            KNOWN
        );
        assert_eq!(client.value("nickname", token).await.unwrap(), "Ada");
        assert!(client.verify_match("nickname", token, "Ada").await.unwrap());
        assert!(!client.verify_match("nickname", token, "Eve").await.unwrap());
    }
    assert_eq!(
        outcome(&client, pair("nickname", "Eve", "nick_1")).await,
        TAKEN
    );
    assert!(client.tokenized(item("nickname", "Ada")).await.created);
    // Subject: the same value and even the same token of two customers are two records.
    let of = |subject, value, token| import_of("address_of", value, token, subject);
    assert_eq!(
        outcome(&client, of("", "1 Some Street", "adr_1")).await,
        INVALID
    );
    for subject in ["cus_1", "cus_2"] {
        let made = outcome(&client, of(subject, "1 Some Street", "adr_1")).await;
        assert_eq!(made, MADE);
        let again = client.tokenized(item_of("address_of", "1 Some Street", subject));
        assert_eq!(again.await.token, "adr_1");
        let value = client.value_of("address_of", "adr_1", subject).await;
        assert_eq!(value.unwrap(), "1 Some Street");
    }
    let other = client.value_of("address_of", "adr_1", "cus_3").await;
    assert_eq!(Code::from(other.unwrap_err().code), Code::PermissionDenied);
    // Field: a further customer joins the record.
    for (subject, expected) in [("cus_1", MADE), ("cus_2", KNOWN)] {
        let item = import_of("name", "Ada Lovelace", "tok_1", subject);
        assert_eq!(outcome(&client, item).await, expected);
        let value = client.value_of("name", "tok_1", subject).await;
        assert_eq!(value.unwrap(), "Ada Lovelace");
    }
    let other = client.value_of("name", "tok_1", "cus_3").await;
    assert_eq!(Code::from(other.unwrap_err().code), Code::PermissionDenied);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_import_is_gone_and_its_token_stays_taken() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let short = ImportItem {
        ttl: 30,
        ..pair("name", "Ada Lovelace", "tok_1")
    };
    assert_eq!(outcome(&client, short).await, MADE);
    assert_eq!(
        outcome(&client, pair("visitor", "Grace Hopper", "tok_2")).await,
        MADE
    );
    let too_long = ImportItem {
        ttl: u32::MAX,
        ..pair("name", "Alan Turing", "tok_3")
    };
    assert_eq!(outcome(&client, too_long).await, INVALID);
    vault.clock.advance_seconds(61);
    for (field, value, token) in [
        ("name", "Ada Lovelace", "tok_1"),
        ("visitor", "Grace Hopper", "tok_2"),
    ] {
        let gone = client.value(field, token).await;
        assert_eq!(Code::from(gone.unwrap_err().code), Code::PermissionDenied);
        assert!(!client.inspect(field, token, "").await.unwrap().known);
        let missing = client.lookup(field, value).await;
        assert_eq!(Code::from(missing.err().unwrap().code), Code::NotFound);
        // Neither for its value nor for another one.
        assert_eq!(outcome(&client, pair(field, value, token)).await, TAKEN);
        let another = outcome(&client, pair(field, "Eve Adams", token)).await;
        assert_eq!(another, TAKEN);
    }
    // The value gets another token: imported, or the vault's own.
    let renewed = outcome(&client, pair("name", "Ada Lovelace", "tok_9")).await;
    assert_eq!(renewed, MADE);
    assert_eq!(client.token("name", "Ada Lovelace").await, "tok_9");
    assert!(
        client
            .tokenized(item("visitor", "Grace Hopper"))
            .await
            .created
    );
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_has_the_same_result_and_no_other_contents() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let request = |token: &str, ttl| ImportTokensRequest {
        namespace: "shop".to_owned(),
        request_id: "import-1".to_owned(),
        items: vec![ImportItem {
            ttl,
            ..pair("nickname", "Ada", token)
        }],
        allow_token_values: false,
    };
    for created in [true, false, false] {
        let results = client.import_request(request("nick_1", 0)).await.unwrap();
        let token = imported_of(results[0].clone()).unwrap();
        assert!(token.token == "nick_1" && token.created == created);
    }
    for other in [request("nick_2", 0), request("nick_1", 60)] {
        let status = client.import_request(other).await.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_tokenize_may_not_import() {
    let vault = TestVault::start().await;
    let writer = vault.client("writer").await;
    let denied = writer.import(vec![pair("name", "Ada Lovelace", "tok_1")]);
    assert_eq!(denied.await.err().unwrap().code(), Code::PermissionDenied);
    assert!(writer.tokenized(item("name", "Ada Lovelace")).await.created);
    let many = vec![pair("name", "Ada Lovelace", "tok_1"); 1_001];
    let client = vault.backend().await;
    for items in [Vec::new(), many] {
        let status = client.import(items).await.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    assert_eq!(vault.counts().get(&Event::ImportTokens), Some(&1));
    vault.check().await;
}

/// Goal: a token never stands for two values. Method: several clients import the same tokens for
/// different values at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn token_that_many_want_has_one_value() {
    let vault = TestVault::start().await;
    let mut calls = Vec::new();
    for number in 0..8 {
        let client = vault.backend().await;
        calls.push(tokio::spawn(async move {
            let items = (0..20).map(|token| {
                let value = format!("Person {number} {token}");
                pair("name", &value, &format!("tok_{token}"))
            });
            outcomes(&client, items.collect()).await
        }));
    }
    let mut made_counts = [0; 20];
    for call in calls {
        for (count, outcome) in made_counts.iter_mut().zip(call.await.unwrap()) {
            assert!(outcome == MADE || outcome == TAKEN, "{outcome:?}");
            *count += usize::from(outcome == MADE);
        }
    }
    assert_eq!(made_counts, [1; 20]);
    let client = vault.backend().await;
    for token in 0..20 {
        let value = client.value("name", &format!("tok_{token}")).await.unwrap();
        let results = client.tokenize(vec![item("name", &value)]).await.unwrap();
        let again = token_of(results.into_iter().next().unwrap()).unwrap();
        assert_eq!(again.token, format!("tok_{token}"));
    }
    let lookup = LookupItem {
        field: "name".to_owned(),
        value: "Person 9 0".to_owned(),
        ..LookupItem::default()
    };
    let results = client.lookup_items(vec![lookup]).await.unwrap();
    let result = results.into_iter().next().unwrap().result.unwrap();
    assert!(matches!(result, lookup_result::Result::Error(_)));
    vault.check().await;
}
