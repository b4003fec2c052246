//! On whose behalf a tool searches, compares, describes and redacts: the person is counted, stopped
//! and recorded there as at a reveal.

use counterfoil::access::Cause;
use counterfoil::audit::Event;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::InspectRequest;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::LookupRequest;
use counterfoil::protocol::RedactItem;
use counterfoil::protocol::RedactRequest;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::VerifyMatchRequest;
use tonic::Code;
use tonic::Status;
use tonic_types::StatusExt;

use crate::stage::Stage;
use crate::support::Client;
use crate::support::item_of;
use crate::support::token_of;

fn lookup(values: &[&str], assertion: &str) -> LookupRequest {
    let item = |value: &&str| LookupItem {
        field: "name".to_owned(),
        value: (*value).to_owned(),
        ..LookupItem::default()
    };
    LookupRequest {
        namespace: "shop".to_owned(),
        items: values.iter().map(item).collect(),
        acting_principal: assertion.to_owned(),
        ..LookupRequest::default()
    }
}

fn verify(token: &str, value: &str, assertion: &str) -> VerifyMatchRequest {
    VerifyMatchRequest {
        namespace: "shop".to_owned(),
        items: vec![VerifyMatchItem {
            field: "email".to_owned(),
            token: token.to_owned(),
            value: value.to_owned(),
            ..VerifyMatchItem::default()
        }],
        acting_principal: assertion.to_owned(),
        ..VerifyMatchRequest::default()
    }
}

fn inspect(token: &str, assertion: &str) -> InspectRequest {
    InspectRequest {
        namespace: "shop".to_owned(),
        items: vec![InspectItem {
            field: "name".to_owned(),
            token: token.to_owned(),
            ..InspectItem::default()
        }],
        acting_principal: assertion.to_owned(),
        ..InspectRequest::default()
    }
}

fn redact(text: &str, assertion: &str) -> RedactRequest {
    RedactRequest {
        namespace: "shop".to_owned(),
        items: vec![RedactItem {
            text: text.to_owned(),
            ..RedactItem::default()
        }],
        acting_principal: assertion.to_owned(),
        ..RedactRequest::default()
    }
}

/// How each call that takes an assertion ends with this one.
async fn codes(client: &Client, assertion: &str) -> [Code; 4] {
    let mut token = client.token.clone();
    let code = |status: Option<Status>| status.map_or(Code::Ok, |status| status.code());
    let lookup = lookup(&["Ada Lovelace"], assertion);
    let verify = verify("nobody@tok.acme.example", "nobody@mail.example", assertion);
    [
        code(token.lookup(lookup).await.err()),
        code(token.verify_match(verify).await.err()),
        code(token.inspect(inspect("Some Token", assertion)).await.err()),
        code(token.redact(redact("no value", assertion)).await.err()),
    ]
}

/// Goal: a person's budget is one, over all paths and programs. Method: searches through one
/// program and then another, a comparison, and a reveal.
#[tokio::test(flavor = "multi_thread")]
async fn person_is_counted_whatever_they_ask() {
    let stage = Stage::new(2).await;
    let agent = stage.agent_client().await;
    let host = stage.vault.client("host").await;
    let grant = stage.granted([1]).await;
    let ada = stage.agent();
    let four = lookup(&["Ann Aa", "Ben Bb", "Cat Cc", "Ann Aa"], &ada);
    agent.token.clone().lookup(four).await.unwrap();
    let also_ada = stage.assertion("host", "ada", "agents");
    let fourth = lookup(&["Dan Dd"], &also_ada);
    host.token.clone().lookup(fourth).await.unwrap();
    let value = "customer.number0@mail.example";
    let fifth = verify(&stage.tokens[0], value, &ada);
    agent.token.clone().verify_match(fifth).await.unwrap();
    // Five are seen: a sixth is one too many on every path, and those five are not.
    let sixth = lookup(&["Eve Ee"], &also_ada);
    let sixth = host.token.clone().lookup(sixth).await.err().unwrap();
    assert_eq!(sixth.code(), Code::ResourceExhausted);
    assert!(sixth.get_details_retry_info().is_some());
    let value = "customer.number1@mail.example";
    let sixth = verify(&stage.tokens[1], value, &ada);
    let sixth = agent.token.clone().verify_match(sixth).await.err().unwrap();
    assert_eq!(sixth.code(), Code::ResourceExhausted);
    let sixth = agent.detokenize(stage.reveal(&grant, &[1])).await;
    assert_eq!(sixth.err().unwrap().code(), Code::ResourceExhausted);
    let again = lookup(&["Ben Bb", "Dan Dd"], &ada);
    agent.token.clone().lookup(again).await.unwrap();
    // Another person has a budget of their own, and the program by itself has none here.
    let bob = stage.assertion("agent", "bob", "agents");
    for assertion in [bob.as_str(), ""] {
        let other = lookup(&["Eve Ee"], assertion);
        agent.token.clone().lookup(other).await.unwrap();
    }
    let entries = stage.vault.entries();
    let people = |event: Event| {
        let of_event = entries.iter().filter(move |it| it.draft.event == event);
        of_event.map(|it| it.draft.person.as_ref().map_or("", |id| id.as_str()))
    };
    let searchers: Vec<&str> = people(Event::Lookup).collect();
    let ada = "acme/ada";
    assert_eq!(searchers, [ada, ada, ada, ada, "acme/bob", ""]);
    assert_eq!(people(Event::VerifyMatch).collect::<Vec<_>>(), [ada, ada]);
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_person_asks_nothing_and_their_program_does() {
    let stage = Stage::new(1).await;
    // May do all of it.
    let backend = stage.vault.backend().await;
    let ada = stage.assertion("backend", "ada", "agents");
    assert_eq!(codes(&backend, &ada).await, [Code::Ok; 4]);
    let freeze = FreezeRequest {
        target: "person:acme/ada".to_owned(),
        acting_principal: stage.assertion("approver", "eve", "oncall"),
    };
    let mut principals = stage.principals("approver").await;
    principals.freeze(freeze).await.unwrap();
    assert_eq!(codes(&backend, &ada).await, [Code::PermissionDenied; 4]);
    assert_eq!(codes(&backend, "").await, [Code::Ok; 4]);
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_who_is_not_believed_asks_nothing() {
    let stage = Stage::new(1).await;
    let backend = stage.vault.backend().await;
    let before = stage.vault.counts();
    // Of another certificate, and no assertion at all.
    let stolen = stage.assertion("agent", "ada", "agents");
    for assertion in [stolen.as_str(), "acme/ada"] {
        assert_eq!(codes(&backend, assertion).await, [Code::Unauthenticated; 4]);
    }
    let counts = stage.vault.counts();
    assert_eq!(counts[&Event::PersonRefused], 8);
    for event in [Event::Lookup, Event::VerifyMatch, Event::Inspect] {
        assert_eq!(counts.get(&event), before.get(&event), "{event:?}");
    }
    let metrics = stage.vault.metrics_text().await;
    for call in ["lookup", "verify_match", "inspect", "redact"] {
        let line =
            format!("counterfoil_calls_total{{call=\"{call}\",outcome=\"person_refused\"}} 2");
        assert!(metrics.contains(&line), "{line} is not in {metrics}");
    }
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn search_needs_a_fresh_login_once_the_budget_runs_out() {
    let stage = Stage::new(1).await;
    let agent = stage.agent_client().await;
    let search = async |name: &str, assertion: &str| {
        let answer = agent.token.clone().lookup(lookup(&[name], assertion)).await;
        answer.err()
    };
    let four = lookup(&["Ann Aa", "Ben Bb", "Cat Cc", "Dan Dd"], &stage.agent());
    agent.token.clone().lookup(four).await.unwrap();
    let stale = stage.stale_agent(301);
    let refused = search("Eve Ee", &stale).await.unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(info.reason, "FRESH_LOGIN_REQUIRED");
    assert!(search("Eve Ee", &stage.agent()).await.is_none());
    stage.vault.check().await;
}

/// Goal: what nobody touches by mistake freezes who touches it, by comparing too. Method: a decoy,
/// and a token of another tenant, each claimed on behalf of a person of its own.
#[tokio::test(flavor = "multi_thread")]
async fn comparison_with_a_decoy_or_a_foreign_token_freezes_the_person() {
    let stage = Stage::new(1).await;
    let agent = stage.agent_client().await;
    let (value, decoy) = ("customer.number0@mail.example", "cus_decoy");
    let made = TokenizeRequest {
        namespace: "shop".to_owned(),
        items: vec![item_of("email", value, decoy)],
        decoys: true,
        ..TokenizeRequest::default()
    };
    let keeper = stage.vault.client("host").await;
    let made = keeper.tokenize_request(made).await.unwrap();
    let decoy = token_of(made.into_iter().next().unwrap()).unwrap().token;
    let elsewhere = TokenizeRequest {
        namespace: "other".to_owned(),
        items: vec![item_of("email", "stranger@mail.example", "cus_0")],
        ..TokenizeRequest::default()
    };
    let other = stage.vault.client("other").await;
    let elsewhere = other.tokenize_request(elsewhere).await.unwrap();
    let foreign = token_of(elsewhere.into_iter().next().unwrap())
        .unwrap()
        .token;

    for (person, token) in [("ada", &decoy), ("bob", &foreign)] {
        let assertion = stage.assertion("agent", person, "agents");
        for _ in 0..2 {
            let claimed = verify(token, value, &assertion);
            let denied = agent.token.clone().verify_match(claimed).await;
            assert_eq!(denied.err().unwrap().code(), Code::PermissionDenied);
        }
        let own = verify(&stage.tokens[0], value, &assertion);
        let frozen = agent.token.clone().verify_match(own).await;
        assert_eq!(frozen.err().unwrap().code(), Code::PermissionDenied);
    }
    // A program is handed foreign tokens by whoever talks to it: an unknown token, and no more.
    let claimed = verify(&foreign, value, "");
    agent.token.clone().verify_match(claimed).await.unwrap();
    let entries = stage.vault.entries();
    let frozen = entries.iter().filter(|it| it.draft.event == Event::Frozen);
    let frozen: Vec<_> = frozen
        .map(|it| {
            let access = &it.draft.access;
            (access.cause, access.freeze.as_ref().unwrap().to_string())
        })
        .collect();
    let expected = [
        (Some(Cause::Decoy), "person:acme/ada".to_owned()),
        (Some(Cause::ForeignToken), "person:acme/bob".to_owned()),
    ];
    assert_eq!(frozen, expected);
    stage.vault.check().await;
}
