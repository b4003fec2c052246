//! Tokenize: which values get which tokens, and what one bad item does to its batch.

use counterfoil::audit::Event;
use counterfoil::protocol::Fidelity;
use counterfoil::protocol::FidelityReason;
use counterfoil::protocol::TokenizeItem;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::TokenizedValue;
use tonic::Code;
use tonic_types::RpcStatusExt;
use tonic_types::pb;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item;
use crate::support::item_of;
use crate::support::reveal;
use crate::support::token_of;
use crate::support::value_of;

/// Goal: what the formats promise holds through the whole vault. Method: the examples of the
/// formats, with the canonical form that comes back and the fidelity that they get.
const EXAMPLES: &[(&str, &str, &str, Fidelity)] = &[
    (
        "name",
        "Anna-Lena Müller",
        "Anna-Lena Müller",
        Fidelity::Shape,
    ),
    ("name", "Mary O'Neill", "Mary O'Neill", Fidelity::Shape),
    ("name", "Pat O’Brien", "Pat O'Brien", Fidelity::Shape),
    (
        "name",
        "DE LA CRUZ, JOSÉ",
        "DE LA CRUZ, JOSÉ",
        Fidelity::Shape,
    ),
    ("name", "김민준", "김민준", Fidelity::Shape),
    ("name", "山田　太郎", "山田 太郎", Fidelity::Shape),
    ("name", "أحمد محمود", "أحمد محمود", Fidelity::Shape),
    (
        "name",
        " Ada \t Lovelace\r\n",
        "Ada Lovelace",
        Fidelity::Shape,
    ),
    (
        "name",
        "Mu\u{308}ller Johanna",
        "Müller Johanna",
        Fidelity::Shape,
    ),
    ("name", "İbrahim Yılmaz", "İbrahim Yılmaz", Fidelity::Shape),
    (
        "name",
        "Γιώργος Σεφέρης",
        "Γιώργος Σεφέρης",
        Fidelity::Shape,
    ),
    ("name", "Иван Петров", "Иван Петров", Fidelity::Shape),
    ("name", "Andreas Groß", "Andreas Groß", Fidelity::Shape),
    ("name", "Li", "Li", Fidelity::Outline),
    ("name", "---", "---", Fidelity::Outline),
    ("name", "N/A", "N/A", Fidelity::Outline),
    ("name", "X", "X", Fidelity::Outline),
    ("name", "ประยุทธ์", "ประยุทธ์", Fidelity::Outline),
    ("name", "नरेन्द्र मोदी", "नरेन्द्र मोदी", Fidelity::Outline),
    ("name", "𠮷田太郎", "𠮷田太郎", Fidelity::Outline),
    ("name", "Anna Maria 😀", "Anna Maria 😀", Fidelity::Outline),
    (
        "name",
        "Anna\u{202e}Maria",
        "Anna\u{202e}Maria",
        Fidelity::Outline,
    ),
    (
        "name",
        "Anna\u{200b}Maria",
        "Anna\u{200b}Maria",
        Fidelity::Outline,
    ),
    (
        "address",
        "221B Baker Street, London NW1 6XE",
        "221B Baker Street, London NW1 6XE",
        Fidelity::Shape,
    ),
    (
        "address",
        "東京都千代田区丸の内1-9-1",
        "東京都千代田区丸の内1-9-1",
        Fidelity::Shape,
    ),
    (
        "address",
        " 10 Downing  St \r\n\r\nLondon\r\n",
        "10 Downing St\nLondon",
        Fidelity::Shape,
    ),
    ("address", "5 a", "5 a", Fidelity::Outline),
    (
        "email",
        "John.Doe+news@Example.COM",
        "John.Doe+news@example.com",
        Fidelity::Shape,
    ),
    (
        "email",
        "\"john.smith\"@example.com",
        "\"john.smith\"@example.com",
        Fidelity::Shape,
    ),
    (
        "email",
        "jonathan@bücher.example",
        "jonathan@xn--bcher-kva.example",
        Fidelity::Shape,
    ),
    ("email", "li@x.com", "li@x.com", Fidelity::Outline),
    (
        "email",
        "用户@例子.广告",
        "用户@xn--fsqu00a.xn--4rr70v",
        Fidelity::Outline,
    ),
    (
        "contact",
        "not an address at all",
        "not an address at all",
        Fidelity::Outline,
    ),
    ("contact", "a@b@c", "a@b@c", Fidelity::Outline),
    ("alias", "Ada Lovelace", "Ada Lovelace", Fidelity::Outline),
    ("nickname", "Ada Lovelace", "Ada Lovelace", Fidelity::Shape),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_example_comes_back_in_its_canonical_form() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let items = EXAMPLES.iter().map(|(field, value, ..)| item(field, value));
    let results = client.tokenize(items.collect()).await.unwrap();
    let mut reveals = Vec::new();
    for (result, (field, value, _, fidelity)) in results.into_iter().zip(EXAMPLES) {
        let tokenized = token_of(result).expect(value);
        assert!(tokenized.fidelity() == *fidelity, "{value}");
        assert!(tokenized.created && tokenized.token != *value, "{value}");
        if matches!(*field, "email" | "contact") {
            assert!(tokenized.token.ends_with("@tok.acme.example"), "{value}");
            assert!(tokenized.token.is_ascii() && tokenized.token.len() <= 254);
        }
        if *fidelity == Fidelity::Shape && *field == "name" {
            let canonical = tokenized.token.chars().count();
            assert!(canonical <= value.chars().count(), "{value}");
        }
        reveals.push(reveal(field, &tokenized.token));
    }
    let response = client.detokenize(detokenize_items(reveals)).await.unwrap();
    for (result, (_, _, canonical, _)) in response.results.into_iter().zip(EXAMPLES) {
        assert_eq!(value_of(result).expect(canonical), *canonical);
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reason_says_why_a_token_is_an_outline() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    for (field, value, reason) in [
        ("name", "Ada Lovelace", FidelityReason::Configured),
        ("alias", "Ada Lovelace", FidelityReason::Configured),
        ("name", "Li", FidelityReason::DomainTooSmall),
        ("name", "ประยุทธ์", FidelityReason::NotRepresentable),
        ("contact", "no address", FidelityReason::Invalid),
    ] {
        // The first time it is made, the second time it is found.
        for _ in 0..2 {
            let tokenized = client.tokenized(item(field, value)).await;
            assert!(tokenized.reason() == reason, "{value}");
        }
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_values_share_a_token_as_their_field_says() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    // Field: one token for everybody; e-mail addresses are equal without their case.
    let first = client
        .tokenized(item("email", "John.Doe+news@Example.COM"))
        .await;
    let again = client
        .tokenized(item("email", "john.doe+news@example.com"))
        .await;
    assert!(first.created && !again.created && first.token == again.token);
    let value = client.value("email", &first.token).await.unwrap();
    assert_eq!(
        value, "John.Doe+news@example.com",
        "the first spelling stays"
    );
    for other in [
        "johndoe@example.com",
        "john.doe@example.com",
        "john.doe+news@example.org",
    ] {
        assert_ne!(client.token("email", other).await, first.token);
    }
    let upper = client.token("name", "ADA LOVELACE").await;
    assert_ne!(client.token("name", "Ada Lovelace").await, upper);
    // None: never.
    let one = client.tokenized(item("nickname", "Ada Lovelace")).await;
    let other = client.tokenized(item("nickname", "Ada Lovelace")).await;
    assert!(one.created && other.created && one.token != other.token);
    for token in [one.token, other.token] {
        assert_eq!(
            client.value("nickname", &token).await.unwrap(),
            "Ada Lovelace"
        );
    }
    // Subject: within one customer.
    let of = |subject| item_of("address_of", "221B Baker Street", subject);
    let one = client.tokenized(of("cus_1")).await;
    let again = client.tokenized(of("cus_1")).await;
    let other = client.tokenized(of("cus_2")).await;
    assert!(one.token == again.token && !again.created);
    assert!(other.created && other.token != one.token);
    let value = client.value_of("address_of", &one.token, "cus_1").await;
    assert_eq!(value.unwrap(), "221B Baker Street");
    assert!(
        client
            .value_of("address_of", &one.token, "cus_2")
            .await
            .is_err()
    );
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_values_of_one_batch_get_one_token() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let items = vec![
        item_of("name", "Grace Hopper", "cus_1"),
        item_of("name", "Grace  Hopper ", "cus_2"),
        item("nickname", "Grace Hopper"),
        item("nickname", "Grace Hopper"),
        item("name", "Grace Hopper"),
    ];
    let results = client.tokenize(items).await.unwrap();
    let values: Vec<TokenizedValue> = results
        .into_iter()
        .map(|result| token_of(result).unwrap())
        .collect();
    assert!(values[0].created && !values[1].created && !values[4].created);
    assert!(values[0].token == values[1].token && values[0].token == values[4].token);
    assert!(values[2].created && values[3].created && values[2].token != values[3].token);
    for subject in ["cus_1", "cus_2", ""] {
        assert!(
            client
                .value_of("name", &values[0].token, subject)
                .await
                .is_ok()
        );
    }
    assert!(
        client
            .value_of("name", &values[0].token, "cus_3")
            .await
            .is_err()
    );
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_token_gives_way_to_a_new_one() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let short = TokenizeItem {
        ttl: 30,
        ..item("name", "Alan Turing")
    };
    let token = client.tokenized(short).await.token;
    let visitor = client.token("visitor", "Alan Turing").await;
    let expires = client
        .inspect("visitor", &visitor, "")
        .await
        .unwrap()
        .expires
        .unwrap();
    assert_eq!(expires.seconds, 1_800_000_060);
    // A known value keeps its expiry.
    let longer = TokenizeItem {
        ttl: 300,
        ..item("name", "Alan Turing")
    };
    assert_eq!(client.tokenized(longer).await.token, token);
    vault.clock.advance_seconds(29);
    assert_eq!(client.value("name", &token).await.unwrap(), "Alan Turing");
    vault.clock.advance_seconds(1);
    let unknown = client.value("name", "Zzyx Qqqwer").await.unwrap_err();
    assert!(client.value("name", &token).await.unwrap_err() == unknown);
    assert!(!client.inspect("name", &token, "").await.unwrap().known);
    assert_eq!(
        client
            .lookup("name", "Alan Turing")
            .await
            .err()
            .unwrap()
            .code,
        5
    );
    assert_eq!(
        client.value("visitor", &visitor).await.unwrap(),
        "Alan Turing"
    );
    let renewed = client.tokenized(item("name", "Alan Turing")).await;
    assert!(renewed.created && renewed.token != token);
    assert_eq!(
        client.value("name", &renewed.token).await.unwrap(),
        "Alan Turing"
    );
    assert!(client.value("name", &token).await.unwrap_err() == unknown);
    let too_long = TokenizeItem {
        ttl: u32::MAX,
        ..item("name", "Alan Turing")
    };
    let results = client.tokenize(vec![too_long]).await.unwrap();
    assert_violation(
        token_of(results.into_iter().next().unwrap()),
        "items[0].ttl",
    );
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_is_tokenized_only_on_request() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    for (field, value) in [
        ("name", "Ada Lovelace"),
        ("email", "ada.lovelace@example.com"),
        ("name", "Li"),
    ] {
        let token = client.token(field, value).await;
        for spelling in [token.clone(), token.to_uppercase(), format!(" {token} ")] {
            if field == "email" && spelling.contains(' ') {
                continue;
            }
            let results = client.tokenize(vec![item(field, &spelling)]).await.unwrap();
            let error = token_of(results.into_iter().next().unwrap()).err().unwrap();
            assert_eq!(error.code, i32::from(Code::FailedPrecondition));
        }
        let request = TokenizeRequest {
            namespace: "shop".to_owned(),
            items: vec![item(field, &token)],
            allow_token_values: true,
            ..TokenizeRequest::default()
        };
        let results = client.tokenize_request(request).await.unwrap();
        let twice = token_of(results.into_iter().next().unwrap()).unwrap();
        assert!(twice.created && twice.token != token);
        assert_eq!(client.value(field, &twice.token).await.unwrap(), token);
        assert_eq!(client.value(field, &token).await.unwrap(), value);
    }
    vault.check().await;
}

/// Goal: a bad item fails alone, and says which part of it is bad but never what it was. Method:
/// a batch of 1,000 with one of each kind among good ones.
#[tokio::test(flavor = "multi_thread")]
async fn bad_items_fail_alone_and_name_their_part() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let token = client.token("name", "Barbara Liskov").await;
    let bad: [(TokenizeItem, &str, Code); 14] = [
        (item("name", ""), "value", Code::InvalidArgument),
        (item("name", " \u{a0}\n"), "value", Code::InvalidArgument),
        (
            item("name", "SECRET\0SECRET"),
            "value",
            Code::InvalidArgument,
        ),
        (
            item("name", "SECRET\u{1b}[31m"),
            "value",
            Code::InvalidArgument,
        ),
        (
            item("name", &"SECRET".repeat(100)),
            "value",
            Code::InvalidArgument,
        ),
        (
            item("address", &"S\n".repeat(11)),
            "value",
            Code::InvalidArgument,
        ),
        (item("email", "SECRET"), "value", Code::InvalidArgument),
        (
            item("email", "SECRET..x@example.com"),
            "value",
            Code::InvalidArgument,
        ),
        (item("SECRET", "Ada"), "field", Code::InvalidArgument),
        (item("", "Ada"), "field", Code::InvalidArgument),
        (item("secret", "Ada"), "field", Code::InvalidArgument),
        (
            item_of("name", "Ada", "SECRET@x"),
            "subject",
            Code::InvalidArgument,
        ),
        (
            item("address_of", "1 Some Street"),
            "subject",
            Code::InvalidArgument,
        ),
        (item("name", &token), "value", Code::FailedPrecondition),
    ];
    let mut items: Vec<_> = (0..1_000)
        .map(|n| item("name", &format!("Good Person Number {n}")))
        .collect();
    for (n, (item, ..)) in bad.iter().enumerate() {
        items[n * 71] = item.clone();
    }
    let results = client.tokenize(items).await.unwrap();
    assert_eq!(results.len(), 1_000);
    for (index, result) in results.into_iter().enumerate() {
        match bad.get(index / 71).filter(|_| index % 71 == 0) {
            None => assert!(token_of(result).unwrap().created),
            Some((item, part, code)) => {
                let error = token_of(result).err().unwrap();
                assert_eq!(error.code, i32::from(*code), "{}", item.field);
                let shown = format!("{error:?}");
                assert!(
                    !shown.contains("SECRET") && !shown.contains(&token),
                    "{shown}"
                );
                assert_violation(Err(error), &format!("items[{index}].{part}"));
            }
        }
    }
    assert_eq!(vault.counts()[&Event::Tokenize], 2);
    vault.check().await;
}

fn assert_violation(result: Result<TokenizedValue, pb::Status>, field: &str) {
    let error = result.err().unwrap();
    let details = error.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].field, field);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_of_another_namespace_or_field_is_nobodys() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let other: Client = vault.client("other").await;
    let token = client.token("name", "Edsger Dijkstra").await;
    let request = TokenizeRequest {
        namespace: "other".to_owned(),
        items: vec![item("name", "Edsger Dijkstra")],
        ..TokenizeRequest::default()
    };
    let results = other.tokenize_request(request).await.unwrap();
    let foreign = token_of(results.into_iter().next().unwrap()).unwrap();
    assert!(foreign.created && foreign.token != token);
    assert!(client.value("name", &foreign.token).await.is_err());
    assert!(client.value("alias", &token).await.is_err());
    vault.check().await;
}
