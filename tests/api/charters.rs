//! Who may change the charter, what officers are shown of it, and what becomes of what waits.

use std::collections::BTreeMap;

use counterfoil::assembly::AssemblyError;
use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::audit::StartError;
use counterfoil::ceremony::Charter;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::OperationKind;
use counterfoil::ceremony::Rule;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use rocksdb::DB;
use tonic::Code;

use crate::damage::put;
use crate::damage::raw;
use crate::damage::rows;
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

/// The row of an entry, its salt before it, that tells which charter is in force.
fn tells_of_charter(row: &[u8]) -> bool {
    let entry = row.get(16..).and_then(|entry| Entry::decode(entry).ok());
    entry.is_some_and(|entry| {
        matches!(
            entry.draft.event,
            Event::CharterChanged | Event::CharterFounded | Event::Started | Event::Stopped
        )
    })
}

fn remove(database: &DB, family: &str, key: &[u8]) {
    let handle = database.cf_handle(family).unwrap();
    database.delete_cf(&handle, key).unwrap();
}

/// Takes the first tile away, as a pruning does, but with no entry that says so.
fn remove_beginning(database: &DB) {
    put(database, "default", b"pruned", &256_u64.to_be_bytes());
    for index in 0..256_u64 {
        let index = index.to_be_bytes();
        remove(database, "audit", &index);
        remove(database, "tiles", &[&[0], index.as_slice()].concat());
    }
}

/// Goal: officers are not founded anew, nor an older charter's again, with the disk alone. Method:
/// rows that say `erased` in the place of entries that tell of the charter; the charter's row gone,
/// or as it is; and the beginning of the log taken away.
#[tokio::test(flavor = "multi_thread")]
async fn log_that_was_blanked_gives_no_charter_back() {
    let mut office = Office::open().await;
    let charter = office.list().await.charter;
    for _ in 0..300 {
        office.list().await;
    }
    office.vault.stop().await;
    let database = raw(&office.vault);
    let (audit, meta) = (rows(&database, "audit"), rows(&database, "meta"));
    let tiles = rows(&database, "tiles");
    let (_, charter_row) = meta.iter().find(|(key, _)| &**key == b"charter").unwrap();
    let telling: Vec<_> = audit
        .iter()
        .filter(|row| tells_of_charter(&row.1))
        .collect();
    assert!(telling.len() >= 3, "{}", telling.len());
    for (key, _) in &telling {
        put(&database, "audit", key, b"erased");
    }
    drop(database);
    let refused = office.vault.open().await.err().unwrap();
    let AssemblyError::Start(StartError::Untold { index }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(index + 1, audit.len() as u64, "the stop is the last entry");
    let database = raw(&office.vault);
    remove(&database, "meta", b"charter");
    drop(database);
    let refused = office.vault.open().await.err();
    assert!(matches!(
        refused,
        Some(AssemblyError::Start(StartError::Untold { .. }))
    ));

    // The beginning, with the entry that founded the charter, is gone instead.
    let database = raw(&office.vault);
    for (key, row) in &audit {
        put(&database, "audit", key, row);
    }
    put(&database, "meta", b"charter", charter_row);
    remove_beginning(&database);
    drop(database);
    let refused = office.vault.open().await.err();
    assert!(matches!(
        refused,
        Some(AssemblyError::Start(StartError::Unarchived { size: 256 }))
    ));

    // As it was, it serves, and by the same charter.
    let database = raw(&office.vault);
    for (family, rows) in [("audit", &audit), ("tiles", &tiles)] {
        for (key, row) in rows {
            put(&database, family, key, row);
        }
    }
    remove(&database, "default", b"pruned");
    drop(database);
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    assert_eq!(office.list().await.charter, charter);
    office.vault.check().await;
}
