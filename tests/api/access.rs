//! Grants, budgets and freezes over the wire: the story of a stolen session.

use std::collections::BTreeSet;

use counterfoil::access::Cause;
use counterfoil::audit::Decision;
use counterfoil::audit::Event;
use counterfoil::domain::FreezeTarget;
use counterfoil::protocol;
use counterfoil::protocol::DecideGrantRequest;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::Grant;
use counterfoil::protocol::GrantScope;
use counterfoil::protocol::GrantState;
use counterfoil::protocol::Level;
use counterfoil::protocol::RequestGrantRequest;
use counterfoil::protocol::UnfreezeRequest;
use tonic::Code;
use tonic::Status;
use tonic_types::StatusExt;

use crate::stage::Stage;
use crate::stage::scope;
use crate::support::item_of;
use crate::support::reveal_of;
use crate::support::token_of;
use crate::support::value_of;

fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map(|info| info.reason).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_sees_what_another_person_approved_and_nothing_else() {
    let stage = Stage::new(3).await;
    let agent = stage.agent_client().await;
    let nothing = Grant::default();
    let denied = agent.detokenize(stage.reveal(&nothing, &[0])).await;
    assert_eq!(denied.err().unwrap().code(), Code::PermissionDenied);

    let asked = stage.request(scope([0, 1])).await.unwrap();
    assert!(asked.state() == GrantState::Requested);
    let early = agent
        .detokenize(stage.reveal(&asked, &[0]))
        .await
        .err()
        .unwrap();
    assert_eq!(early.code(), Code::FailedPrecondition);
    assert_eq!(reason(&early), "GRANT_REQUIRED");

    // Who asked does not approve, and nobody approves something else.
    let own = stage.approve(&asked, "ada").await.err().unwrap();
    assert_eq!(own.code(), Code::PermissionDenied);
    let other = Grant {
        scope_digest: vec![0; 32],
        ..asked.clone()
    };
    let other = stage.approve(&other, "bob").await.err().unwrap();
    assert_eq!(reason(&other), "SCOPE_CHANGED");
    let live = stage.approve(&asked, "bob").await.unwrap();
    assert!(live.state() == GrantState::Live);
    assert_eq!(live.approver, "acme/bob");

    let answer = agent
        .detokenize(stage.reveal(&live, &[0, 2]))
        .await
        .unwrap();
    assert_eq!(answer.budget_remaining, Some(4));
    let mut results = answer.results.into_iter();
    let value = value_of(results.next().unwrap()).unwrap();
    assert_eq!(value, "customer.number0@mail.example");
    // The grant does not name the third customer.
    let error = value_of(results.next().unwrap()).unwrap_err();
    assert_eq!(error.code, Code::PermissionDenied as i32);

    // Not for another case, and not a second longer than its quarter of an hour.
    let elsewhere = DetokenizeRequest {
        case_id: "T-2".to_owned(),
        ..stage.reveal(&live, &[0])
    };
    let elsewhere = agent.detokenize(elsewhere).await.err().unwrap();
    assert_eq!(elsewhere.code(), Code::FailedPrecondition);
    stage.vault.clock.advance_seconds(15 * 60 - 1);
    agent.detokenize(stage.reveal(&live, &[0])).await.unwrap();
    stage.vault.clock.advance_seconds(1);
    let late = agent
        .detokenize(stage.reveal(&live, &[0]))
        .await
        .err()
        .unwrap();
    assert_eq!(reason(&late), "GRANT_REQUIRED");

    let entries = stage.vault.entries();
    let approved = entries.iter().find(|it| {
        it.draft.event == Event::GrantApproved && it.draft.decision == Some(Decision::Permit)
    });
    let approved = &approved.unwrap().draft;
    assert_eq!(approved.person.as_ref().unwrap().as_str(), "acme/bob");
    assert_eq!(
        approved.access.scope_digest.unwrap().to_vec(),
        live.scope_digest
    );
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_values_need_no_second_person_where_the_policies_say_so() {
    let stage = Stage::new(1).await;
    let masked = GrantScope {
        level: Level::Masked.into(),
        ..scope([0])
    };
    let grant = stage.request(masked).await.unwrap();
    assert!(grant.state() == GrantState::Live);
    assert!(grant.approver.is_empty());
    let agent = stage.agent_client().await;
    let whole = agent.detokenize(stage.reveal(&grant, &[0])).await.unwrap();
    let error = value_of(whole.results.into_iter().next().unwrap()).unwrap_err();
    assert_eq!(error.code, Code::PermissionDenied as i32);
    let masked = DetokenizeRequest {
        level: Level::Masked.into(),
        ..stage.reveal(&grant, &[0])
    };
    let masked = agent.detokenize(masked).await.unwrap();
    let masked = value_of(masked.results.into_iter().next().unwrap()).unwrap();
    assert!(masked.starts_with("c••••@"), "{masked}");
    stage.vault.check().await;
}

/// Goal: a stolen session sees five customers an hour, whatever it does. Method: twenty approved
/// grants' worth of customers, asked for in batches, singly, at once, again, over new connections,
/// and over a restart; the client counts whom it saw.
#[tokio::test(flavor = "multi_thread")]
async fn stolen_session_sees_no_more_than_its_budget() {
    let mut stage = Stage::new(24).await;
    let mut seen = BTreeSet::new();
    for round in 0..3 {
        let grant = stage.granted(0..20).await;
        let mut calls = Vec::new();
        for first in 0..12 {
            let agent = stage.agent_client().await;
            let customers: Vec<usize> = (0..1 + first % 3).map(|it| (first + it) % 20).collect();
            let request = stage.reveal(&grant, &customers);
            calls.push(tokio::spawn(async move {
                (customers, agent.detokenize(request).await)
            }));
        }
        for call in calls {
            let (customers, answer) = call.await.unwrap();
            match answer {
                Ok(answer) => {
                    let pairs = customers.iter().zip(answer.results);
                    let opened = pairs.filter(|(_, result)| value_of(result.clone()).is_ok());
                    seen.extend(opened.map(|(customer, _)| *customer));
                }
                Err(status) => assert!(
                    matches!(
                        status.code(),
                        Code::ResourceExhausted | Code::FailedPrecondition | Code::PermissionDenied
                    ),
                    "{status:?}"
                ),
            }
        }
        assert!(seen.len() <= 5, "round {round}: {} customers", seen.len());
        stage.vault.restart().await;
    }
    assert_eq!(
        seen.len(),
        5,
        "and no fewer: the budget is there to be used"
    );
    // The spent budget froze the grants.
    let frozen = stage.vault.entries();
    let frozen = frozen.iter().filter(|it| it.draft.event == Event::Frozen);
    assert!(frozen.clone().count() >= 1);
    for entry in frozen {
        assert_eq!(entry.draft.access.cause, Some(Cause::BudgetSpent));
    }
    // An hour later there are five more.
    stage.vault.clock.advance_seconds(3_600);
    let grant = stage.granted(10..20).await;
    let agent = stage.agent_client().await;
    let five: Vec<usize> = (10..15).collect();
    agent.detokenize(stage.reveal(&grant, &five)).await.unwrap();
    let sixth = agent
        .detokenize(stage.reveal(&grant, &[15]))
        .await
        .err()
        .unwrap();
    assert_eq!(sixth.code(), Code::ResourceExhausted);
    assert!(sixth.get_details_retry_info().is_some());
    stage.vault.check().await;
}

/// Goal: the longest window slides, too, over restarts. Method: one customer a day for a month.
#[tokio::test(flavor = "multi_thread")]
async fn month_has_its_budget() {
    let budget = "[[budget]]\nholder = \"person\"\nsubjects_per_30_days = 7\n";
    let mut stage = Stage::with(12, budget).await;
    let day_seconds = 24 * 60 * 60;
    for customer in 0..7 {
        let grant = stage.granted([customer]).await;
        let agent = stage.agent_client().await;
        let answer = agent.detokenize(stage.reveal(&grant, &[customer])).await;
        let left = answer.unwrap().budget_remaining.unwrap();
        assert_eq!(usize::try_from(left).unwrap(), 6 - customer);
        stage.vault.clock.advance_seconds(day_seconds);
        stage.vault.restart().await;
    }
    let eighth = async |stage: &Stage| {
        let grant = stage.granted([7]).await;
        let agent = stage.agent_client().await;
        agent.detokenize(stage.reveal(&grant, &[7])).await
    };
    // The seventh day to the thirtieth: still a month since the first.
    for _ in 7..30 {
        let refused = eighth(&stage).await.err().unwrap();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        stage.vault.clock.advance_seconds(day_seconds);
    }
    assert!(eighth(&stage).await.is_ok(), "the first is a month ago");
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_revealed_after_a_freeze() {
    let stage = Stage::new(2).await;
    let grant = stage.granted([0, 1]).await;
    let agent = stage.agent_client().await;
    agent.detokenize(stage.reveal(&grant, &[0])).await.unwrap();

    let target = "person:acme/ada".to_owned();
    let freeze = FreezeRequest {
        target: target.clone(),
        acting_principal: stage.assertion("approver", "eve", "oncall"),
    };
    let mut principals = stage.principals("approver").await;
    let frozen = principals.freeze(freeze).await.unwrap().into_inner();
    let denied = agent
        .detokenize(stage.reveal(&grant, &[0]))
        .await
        .err()
        .unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let denied = stage.request(scope([1])).await.err().unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);

    // One person asks twice, then a second one.
    let unfreeze = |person: &str| UnfreezeRequest {
        target: target.clone(),
        acting_principal: stage.assertion("approver", person, "oncall"),
    };
    for person in ["eve", "eve"] {
        let asked = principals.unfreeze(unfreeze(person)).await.unwrap();
        assert!(!asked.into_inner().is_unfrozen);
    }
    let denied = agent
        .detokenize(stage.reveal(&grant, &[0]))
        .await
        .err()
        .unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let asked = principals
        .unfreeze(unfreeze("dan"))
        .await
        .unwrap()
        .into_inner();
    assert!(asked.is_unfrozen);
    agent.detokenize(stage.reveal(&grant, &[0])).await.unwrap();

    let entries = stage.vault.entries();
    let revealed = entries.iter().filter(|entry| {
        entry.draft.event == Event::Detokenize && entry.draft.decision == Some(Decision::Permit)
    });
    let between = |index: u64| frozen.leaf_index < index && index < asked.leaf_index;
    assert_eq!(revealed.filter(|entry| between(entry.index)).count(), 0);
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_of_another_tenant_freezes_who_brings_it() {
    let stage = Stage::new(1).await;
    let grant = stage.granted([0]).await;
    let other = stage.vault.client("other").await;
    let request = protocol::TokenizeRequest {
        namespace: "other".to_owned(),
        items: vec![item_of("email", "stranger@mail.example", "cus_0")],
        ..protocol::TokenizeRequest::default()
    };
    let results = other.tokenize_request(request).await.unwrap();
    let stolen = token_of(results.into_iter().next().unwrap()).unwrap().token;

    let agent = stage.agent_client().await;
    let request = DetokenizeRequest {
        items: vec![reveal_of("email", &stolen, "cus_0")],
        ..stage.reveal(&grant, &[0])
    };
    let denied = agent.detokenize(request).await.err().unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let frozen = agent
        .detokenize(stage.reveal(&grant, &[0]))
        .await
        .err()
        .unwrap();
    assert_eq!(frozen.code(), Code::PermissionDenied);
    let entries = stage.vault.entries();
    let frozen = entries
        .iter()
        .find(|it| it.draft.event == Event::Frozen)
        .unwrap();
    assert_eq!(frozen.draft.access.cause, Some(Cause::ForeignToken));
    let target = FreezeTarget::read("person:acme/ada");
    assert_eq!(frozen.draft.access.freeze, target);
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grant_is_ended_before_its_time() {
    let stage = Stage::new(1).await;
    let grant = stage.granted([0]).await;
    let agent = stage.agent_client().await;
    agent.detokenize(stage.reveal(&grant, &[0])).await.unwrap();
    let revoke = DecideGrantRequest {
        namespace: "shop".to_owned(),
        grant_id: grant.id.clone(),
        acting_principal: stage.assertion("approver", "bob", "approvers"),
    };
    let mut grants = stage.grants("approver").await;
    // Neither is there such a grant in another namespace.
    let elsewhere = DecideGrantRequest {
        namespace: "other".to_owned(),
        ..revoke.clone()
    };
    let elsewhere = grants.revoke_grant(elsewhere).await.err().unwrap();
    assert_eq!(elsewhere.code(), Code::PermissionDenied);
    let revoked = grants.revoke_grant(revoke).await.unwrap().into_inner();
    assert!(revoked.state() == GrantState::Revoked);
    let late = agent
        .detokenize(stage.reveal(&grant, &[0]))
        .await
        .err()
        .unwrap();
    assert_eq!(reason(&late), "GRANT_REQUIRED");
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn program_without_a_person_asks_for_no_grant() {
    let stage = Stage::new(1).await;
    let request = RequestGrantRequest {
        request_id: String::new(),
        scope: Some(scope([0])),
        acting_principal: String::new(),
    };
    let denied = stage
        .grants("agent")
        .await
        .request_grant(request)
        .await
        .err()
        .unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let empty = GrantScope {
        subjects: Vec::new(),
        ..scope([])
    };
    let wrong = stage.request(empty).await.err().unwrap();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    stage.vault.check().await;
}

/// Goal: a decoy freezes who touches it, and nobody else. Method: a decoy that has the name of a
/// customer who exists.
#[tokio::test(flavor = "multi_thread")]
async fn touched_decoy_freezes_the_agent() {
    let stage = Stage::new(2).await;
    let backend = stage.vault.backend().await;
    let value = "customer.number0@mail.example";
    let decoys = |subject: &str| protocol::TokenizeRequest {
        namespace: "shop".to_owned(),
        items: vec![item_of("email", value, subject)],
        decoys: true,
        ..protocol::TokenizeRequest::default()
    };
    let denied = backend.tokenize_request(decoys("cus_decoy")).await;
    assert_eq!(denied.err().unwrap().code(), Code::PermissionDenied);
    let keeper = stage.vault.client("host").await;
    let made = keeper.tokenize_request(decoys("cus_decoy")).await.unwrap();
    let decoy = token_of(made.into_iter().next().unwrap()).unwrap();
    assert!(decoy.created);
    assert_ne!(decoy.token, stage.tokens[0], "they share no record");
    let nobody = keeper.tokenize_request(decoys("")).await.unwrap();
    let error = token_of(nobody.into_iter().next().unwrap()).err().unwrap();
    assert_eq!(error.code, Code::InvalidArgument as i32);
    // Who exists is revealed as ever.
    let grant = stage.granted([0]).await;
    let agent = stage.agent_client().await;
    agent.detokenize(stage.reveal(&grant, &[0])).await.unwrap();

    let asked = GrantScope {
        subjects: vec!["cus_decoy".to_owned()],
        ..scope([])
    };
    let grant = stage.request(asked).await.unwrap();
    let grant = stage.approve(&grant, "bob").await.unwrap();
    let request = DetokenizeRequest {
        items: vec![reveal_of("email", &decoy.token, "cus_decoy")],
        ..stage.reveal(&grant, &[])
    };
    let denied = agent.detokenize(request).await.err().unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let frozen = agent.detokenize(stage.reveal(&grant, &[0])).await;
    assert_eq!(frozen.err().unwrap().code(), Code::PermissionDenied);
    let entries = stage.vault.entries();
    let frozen = entries
        .iter()
        .find(|entry| entry.draft.event == Event::Frozen)
        .unwrap();
    assert_eq!(frozen.draft.access.cause, Some(Cause::Decoy));
    stage.vault.check().await;
}
