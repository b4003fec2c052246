//! Every call, in order and in error.

use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::ImportTokensRequest;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::InspectRequest;
use counterfoil::protocol::Level;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::LookupRequest;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::VerifyMatchRequest;
use tokio_stream::StreamExt;

use crate::canaries::Canaries;
use crate::support::Client;
use crate::support::detokenize_items;
use crate::support::import_of;
use crate::support::imported_of;
use crate::support::item;
use crate::support::item_of;
use crate::support::reveal;
use crate::support::reveal_of;
use crate::support::token_of;
use crate::support::value_of;

/// Every call as it should be.
pub(crate) async fn go_well(client: &Client, canaries: &mut Canaries) {
    for field in FIELDS {
        let value = canaries.value(field);
        let item = item_of(field, &value, "cus_1");
        let token = canaries.keep(client.tokenized(item).await.token);
        let known = client.inspect(field, &token, "cus_1").await;
        assert!(known.ok().unwrap().known);
        let revealed = client.value_of(field, &token, "cus_1").await.unwrap();
        assert_eq!(revealed.to_lowercase(), value.to_lowercase());
        be_masked(client, canaries, field, &token).await;
        // A token that is itself tokenized.
        let request = TokenizeRequest {
            namespace: "shop".to_owned(),
            items: vec![item_of(field, &token, "cus_1")],
            allow_token_values: true,
            decoys: false,
            request_id: format!("twice-{field}"),
        };
        let results = client.tokenize_request(request).await.unwrap();
        let twice = token_of(results.into_iter().next().unwrap());
        if let Some(token) = canaries.outcome(twice) {
            canaries.keep(token.token);
        }
        come_from_elsewhere(client, field, canaries).await;
        if field == "address_of" {
            continue;
        }
        assert!(client.verify_match(field, &token, &value).await.unwrap());
        let other = canaries.value(field);
        assert!(!client.verify_match(field, &token, &other).await.unwrap());
        assert_eq!(
            client.lookup(field, &value).await.is_ok(),
            field != "nickname"
        );
    }
    // What no shape carries.
    for value in ["ประยุทธ์ จันทร์โอชา", "Zz", "𠮷田太郎𠮷田太郎"]
    {
        let token = canaries.keep(client.token("name", value).await);
        assert_eq!(client.value("name", &token).await.unwrap(), value);
        if value.len() > 8 {
            canaries.keep(value.to_owned());
        }
    }
    let values: Vec<String> = (0..20).map(|_| canaries.value("name")).collect();
    let requests: Vec<_> = values
        .iter()
        .map(|value| shop(vec![item("name", value)]))
        .collect();
    let answers = client
        .token
        .clone()
        .tokenize_stream(tokio_stream::iter(requests))
        .await;
    let mut answers = answers.unwrap().into_inner();
    let mut reveals = Vec::new();
    while let Some(answer) = answers.next().await {
        let result = answer.unwrap().results.into_iter().next().unwrap();
        let token = canaries.keep(token_of(result).unwrap().token);
        reveals.push(detokenize_items(vec![reveal("name", &token)]));
    }
    let answers = client
        .reveal
        .clone()
        .detokenize_stream(tokio_stream::iter(reveals))
        .await;
    let mut answers = answers.unwrap().into_inner();
    while let Some(answer) = answers.next().await {
        assert!(value_of(answer.unwrap().results.into_iter().next().unwrap()).is_ok());
    }
}

/// A token of another vault, with its value.
async fn come_from_elsewhere(client: &Client, field: &str, canaries: &mut Canaries) {
    let (value, token) = (canaries.value(field), canaries.word());
    let item = import_of(field, &value, &token, "cus_1");
    let results = client.import(vec![item]).await.unwrap();
    assert!(imported_of(results[0].clone()).is_ok());
    let revealed = client.value_of(field, &token, "cus_1").await.unwrap();
    assert_eq!(revealed.to_lowercase(), value.to_lowercase());
}

fn shop(items: Vec<counterfoil::protocol::TokenizeItem>) -> TokenizeRequest {
    TokenizeRequest {
        namespace: "shop".to_owned(),
        items,
        ..TokenizeRequest::default()
    }
}

/// Every call as it should not be.
pub(crate) async fn go_wrong(client: &Client, canaries: &mut Canaries) {
    for field in FIELDS {
        let value = canaries.value(field);
        let token = canaries.value(field);
        let forms = [
            value.clone(),
            format!("{value}\0"),
            format!("{value}\u{1b}[31m"),
            value.repeat(200),
            value.repeat(50_000 / value.len()),
            format!("{value}@@{value}"),
        ];
        for form in forms {
            let subject = canaries.word() + "@x";
            for (field, subject) in [(field, ""), (field, "cus_1"), (field, subject.as_str())] {
                let items = vec![item_of(field, &form, subject)];
                if let Some(results) = canaries.outcome(client.tokenize(items).await)
                    && let Some(value) =
                        canaries.outcome(token_of(results.into_iter().next().unwrap()))
                {
                    canaries.keep(value.token);
                }
            }
            let (good, bad) = (&value, &form);
            for (value, token) in [(good, bad), (bad, good), (bad, &token), (&token, good)] {
                let items = vec![import_of(field, value, token, "cus_1")];
                let results = canaries.outcome(client.import(items).await);
                for result in results.into_iter().flatten() {
                    canaries.outcome(imported_of(result));
                }
            }
            let result = client.lookup(field, &form).await;
            canaries.outcome(result);
            let result = client.verify_match(field, &token, &form).await;
            canaries.outcome(result);
            let result = client.inspect(field, &form, "cus_1").await;
            canaries.outcome(result);
            let result = client.value_of(field, &form, "cus_1").await;
            canaries.outcome(result);
        }
        let many = vec![item(field, &value); 1_001];
        let result = client.tokenize(many).await;
        canaries.outcome(result);
        let many = vec![reveal(field, &token); 1_001];
        let result = client.detokenize(detokenize_items(many)).await;
        canaries.outcome(result);
        let result = client
            .tokenize(vec![item(field, &value.repeat(5_000_000 / value.len()))])
            .await;
        canaries.outcome(result);
    }
}

/// A reveal whose answer must not have the value.
async fn be_masked(client: &Client, canaries: &mut Canaries, field: &str, token: &str) {
    let request = DetokenizeRequest {
        level: Level::Masked.into(),
        ..detokenize_items(vec![reveal_of(field, token, "cus_1")])
    };
    let response = client.detokenize(request).await.unwrap();
    let mask = value_of(response.results.into_iter().next().unwrap()).unwrap();
    canaries.masks.push_str(&format!("{mask}\n"));
}

/// Values in places where they do not belong.
///
/// Left out: a value of the characters of an id, as request id, case id, purpose or subject. These
/// are the caller's own words, which the log keeps. Here they have a space, and are refused.
pub(crate) async fn go_astray(client: &Client, canaries: &mut Canaries) {
    let word = canaries.word();
    let made_up = canaries.keep(word.to_lowercase());
    let value = canaries.value("name");
    for text in [made_up.as_str(), value.as_str()] {
        let text = text.to_owned();
        let good = || detokenize_items(vec![reveal("name", "Some Token")]);
        let requests = [
            DetokenizeRequest {
                namespace: text.clone(),
                ..good()
            },
            DetokenizeRequest {
                grant_id: text.clone(),
                ..good()
            },
            DetokenizeRequest {
                acting_principal: text.clone(),
                ..good()
            },
            detokenize_items(vec![reveal(&text, &value)]),
            detokenize_items(vec![reveal_of("name", &value, &value)]),
            DetokenizeRequest {
                purpose: value.clone(),
                ..good()
            },
            DetokenizeRequest {
                case_id: value.clone(),
                ..good()
            },
            DetokenizeRequest {
                request_id: value.clone(),
                ..good()
            },
            DetokenizeRequest {
                level: Level::Masked.into(),
                ..good()
            },
        ];
        for request in requests {
            let result = client.detokenize(request).await;
            if let Some(response) = canaries.outcome(result) {
                for result in response.results {
                    canaries.outcome(value_of(result));
                }
            }
        }
        let namespace = text.clone();
        let request = TokenizeRequest {
            namespace,
            ..shop(vec![item(&text, &value)])
        };
        let result = client.tokenize_request(request).await;
        canaries.outcome(result);
        let results = client.tokenize(vec![item(&text, &value)]).await;
        for result in canaries.outcome(results).into_iter().flatten() {
            canaries.outcome(token_of(result));
        }
    }
}

/// Everything, by somebody who may do nothing.
pub(crate) async fn be_denied(client: &Client, canaries: &mut Canaries) {
    for namespace in ["shop", "other"] {
        let namespace = || namespace.to_owned();
        let (field, subject) = ("name".to_owned(), String::new());
        let (value, token) = (canaries.value("name"), canaries.value("name"));
        let request = TokenizeRequest {
            namespace: namespace(),
            ..shop(vec![item("name", &value)])
        };
        let result = client.tokenize_request(request).await;
        assert!(canaries.outcome(result).is_none());
        let request = ImportTokensRequest {
            namespace: namespace(),
            items: vec![import_of("name", &value, &token, "")],
            ..ImportTokensRequest::default()
        };
        let result = client.import_request(request).await;
        assert!(canaries.outcome(result).is_none());
        let items = vec![LookupItem {
            field: field.clone(),
            value: value.clone(),
            subject: subject.clone(),
            ..LookupItem::default()
        }];
        let request = LookupRequest {
            namespace: namespace(),
            items,
            ..LookupRequest::default()
        };
        let result = client.token.clone().lookup(request).await;
        assert!(canaries.outcome(result).is_none());
        let items = vec![InspectItem {
            field: field.clone(),
            token: token.clone(),
            subject: subject.clone(),
            ..InspectItem::default()
        }];
        let request = InspectRequest {
            namespace: namespace(),
            items,
            ..InspectRequest::default()
        };
        let result = client.token.clone().inspect(request).await;
        assert!(canaries.outcome(result).is_none());
        let items = vec![VerifyMatchItem {
            field,
            token: token.clone(),
            value,
            subject,
            ..VerifyMatchItem::default()
        }];
        let request = VerifyMatchRequest {
            namespace: namespace(),
            items,
            ..VerifyMatchRequest::default()
        };
        let result = client.token.clone().verify_match(request).await;
        assert!(canaries.outcome(result).is_none());
        let items = vec![reveal("name", &token)];
        let request = DetokenizeRequest {
            namespace: namespace(),
            ..detokenize_items(items)
        };
        let result = client.detokenize(request).await;
        assert!(canaries.outcome(result).is_none());
    }
}

const FIELDS: [&str; 10] = [
    "name",
    "address",
    "email",
    "contact",
    "nickname",
    "address_of",
    "alias",
    "visitor",
    "card",
    "phone",
];
