//! Who may change the charter, what officers are shown of it, and what becomes of what waits.

use std::collections::BTreeMap;

use counterfoil::ceremony::Charter;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::OperationKind;
use counterfoil::ceremony::Rule;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use tonic::Code;

use crate::office::Office;
use crate::office::officer;
use crate::office::wrapping;

/// A charter of these officers, of whom so many must sign to destroy a key.
fn charter(officers: &[u8], destroyers: usize, delay_seconds: u64) -> Charter {
    let verifiers = officers.iter().map(|number| {
        let (name, key) = officer(*number);
        key.verifier(name)
    });
    let rule = Rule {
        approvals: destroyers,
        delay_seconds,
    };
    let quick = Rule {
        approvals: 2,
        ..rule
    };
    let rules = BTreeMap::from([
        (OperationKind::DestroyKey, rule),
        (OperationKind::EraseEntry, quick),
        (OperationKind::PruneLog, quick),
    ]);
    Charter::new(verifiers, rules).unwrap()
}

async fn propose(office: &Office, by: u8, charter: &Charter) -> protocol::Operation {
    let text = charter.to_string();
    let proposed = office.propose_charter(by, &text, charter.digest()).await;
    proposed.unwrap()
}

/// Goal: two do not get round a quorum of four. Method: they bring a charter that needs two.
#[tokio::test(flavor = "multi_thread")]
async fn few_cannot_give_themselves_a_charter_that_needs_few() {
    let rules = "[officers.rules]\ndestroy-key = { approvals = 4, delay_seconds = 600 }\n";
    let office = Office::open_with(&[1, 2, 3, 4, 5], rules).await;
    let before = office.list().await.charter;
    let easier = charter(&[1, 2], 2, 0);
    let proposed = propose(&office, 1, &easier).await;
    assert_eq!(proposed.approvals_needed, 4);
    let approved = office.approve(2, &proposed).await.unwrap();
    assert!(approved.state() == OperationState::Proposed);
    for by in [3, 4] {
        office.approve(by, &proposed).await.unwrap();
    }
    let waiting = office.get(&proposed).await;
    assert!(waiting.state() == OperationState::Waiting);
    assert_eq!(office.list().await.charter, before);
    // Nor is a charter taken that a few could change.
    let harder = charter(&[1, 2, 3, 4, 5], 4, 600).to_string();
    let line = harder
        .lines()
        .find(|line| line.starts_with("rule change-charter"));
    let text = harder.replace(line.unwrap(), "rule change-charter 2 0");
    let digest = Charter::read(&text).unwrap().digest();
    let refused = office
        .propose_charter(1, &text, digest)
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_are_shown_the_charter_that_they_sign_for() {
    let office = Office::open().await;
    let other = charter(&[1, 2, 4], 2, 60);
    let proposed = propose(&office, 1, &other).await;
    assert_eq!(proposed.charter, other.to_string());
    assert_eq!(office.get(&proposed).await.charter, other.to_string());
    let listed = office.list().await.operations;
    assert_eq!(listed[0].charter, other.to_string());
    assert!(office.rotate(1).await.charter.is_empty());
    office.vault.check().await;
}

/// Goal: who has lost their office destroys nothing and changes no charter any more. Method: a
/// destruction and another charter wait while the charter changes.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_when_the_charter_changes_is_not_carried_out() {
    let office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let first = charter(&[1, 2, 4], 2, 60);
    let changing = propose(&office, 1, &first).await;
    office.approve(2, &changing).await.unwrap();
    office.vault.clock.advance_seconds(10);
    // Officer 3 is about to go, and takes precautions.
    let second = charter(&[2, 3], 2, 0);
    let back = propose(&office, 3, &second).await;
    office.approve(2, &back).await.unwrap();
    let destroyed = office.propose(3, Operation::DestroyKey(wrapping(1))).await;
    let destroyed = destroyed.unwrap();
    office.approve(2, &destroyed).await.unwrap();
    office.vault.clock.advance_seconds(50);
    office.until(&changing, OperationState::Done).await;
    office.vault.clock.advance_seconds(10);
    for operation in [&back, &destroyed] {
        office.until(operation, OperationState::Failed).await;
        let failed = office.get(operation).await;
        assert!(
            failed.failure.contains("changed since"),
            "{}",
            failed.failure
        );
    }
    assert_eq!(office.list().await.charter, first.to_string());
    let deactivated = protocol::KeyState::Deactivated as i32;
    assert_eq!(office.states().await["wrapping/shop/1"], deactivated);
    office.vault.check().await;
}
