//! Jobs of officers' operations: none holds up another, nor what comes due.

use counterfoil::ceremony::Operation;
use counterfoil::domain::KeyName;
use counterfoil::domain::Namespace;
use counterfoil::protocol::OperationState;

use crate::damage::put;
use crate::damage::raw;
use crate::damage::rows;
use crate::office::Office;
use crate::office::all_open;
use crate::office::many_tokens;
use crate::office::tokens;
use crate::office::wrapping;

/// A vault whose jobs move so many records in a second.
async fn slow_office(records_per_second: u32) -> Office {
    let rules = format!(
        "rewrap_records_per_second = {records_per_second}\n\
         [officers.rules]\n\
         destroy-key = {{ delay_seconds = 60 }}\n\
         suspend-key = {{ approvals = 1, delay_seconds = 60 }}\n"
    );
    Office::open_with(&[1, 2, 3], &rules).await
}

/// The first wrapping key of the other namespace.
fn others() -> KeyName {
    KeyName {
        namespace: Some(Namespace::new("other").unwrap()),
        ..wrapping(1)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_need_not_wait_for_one_another() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..20).await;
    let mut rotated = Vec::new();
    for version in 1..=4 {
        rotated.push(office.rotate(version).await);
    }
    for operation in &rotated {
        office.until(operation, OperationState::Done).await;
    }
    assert_eq!(office.records().into_keys().collect::<Vec<_>>(), [5]);
    all_open(&client, &pairs).await;
    office.vault.check().await;
}

/// Goal: a job that a stop cut off goes on, though another operation comes due at the start before
/// it and puts other keys in use. Method: the operation's id is before the job's.
#[tokio::test(flavor = "multi_thread")]
async fn job_goes_on_after_a_start_at_which_another_operation_comes_due() {
    let mut office = slow_office(1_000).await;
    let client = office.vault.backend().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let pairs = many_tokens(&client, 0..1_000).await;
    for more in 1..3 {
        many_tokens(&client, more * 1_000..(more + 1) * 1_000).await;
    }
    let due = |id: &str| id < "c-4";
    let destroy = Operation::DestroyKey(wrapping(1));
    let destroyed = office.propose_where(1, destroy, due).await;
    office.approve(2, &destroyed).await.unwrap();
    let rotate = Operation::RotateKey(wrapping(2));
    let rotated = office.propose_where(1, rotate, |id| !due(id)).await;
    office.vault.stop().await;
    office.vault.clock.advance_seconds(60);
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    office.until(&destroyed, OperationState::Done).await;
    office.until(&rotated, OperationState::Done).await;
    assert_eq!(office.records().into_keys().collect::<Vec<_>>(), [3]);
    let client = office.vault.backend().await;
    all_open(&client, &pairs[..10]).await;
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_due_does_not_wait_for_a_job() {
    let office = slow_office(100).await;
    let client = office.vault.backend().await;
    many_tokens(&client, 0..1_000).await;
    let suspend = Operation::SuspendKey(others());
    let suspended = office.propose(1, suspend).await.unwrap();

    let rotated = office.rotate(1).await;
    office.vault.clock.advance_seconds(60);
    office.until(&suspended, OperationState::Done).await;
    let listed = office.list().await.operations.into_iter();
    let mut rotation = listed.filter(|it| it.operation_id == rotated.operation_id);
    assert!(rotation.next().unwrap().state() == OperationState::Running);
    office.vault.check().await;
}

/// Goal: a job that cannot go on holds up no other. Method: its namespace is taken out of the
/// configuration, and the other's id is after its own.
#[tokio::test(flavor = "multi_thread")]
async fn job_without_its_namespace_holds_up_no_other() {
    let mut office = slow_office(1_000).await;
    let client = office.vault.backend().await;
    many_tokens(&client, 0..1_000).await;
    many_tokens(&client, 1_000..2_000).await;
    many_tokens(&client, 2_000..3_000).await;
    let early = |id: &str| id < "c-4";
    let rotate = Operation::RotateKey(wrapping(1));
    let stuck = office.propose_where(1, rotate, early).await;
    office.vault.stop().await;
    let shop = Namespace::new("shop").unwrap();
    let (name, fields) = office.vault.config.namespaces.remove_entry(&shop).unwrap();
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    let rotate = Operation::RotateKey(others());
    let other = office.propose_where(1, rotate, |id| !early(id)).await;
    office.until(&other, OperationState::Done).await;
    office.vault.stop().await;
    office.vault.config.namespaces.insert(name, fields);
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    office.until(&stuck, OperationState::Done).await;
    assert_eq!(office.records().into_keys().collect::<Vec<_>>(), [2]);
    office.vault.check().await;
}

/// Goal: what cannot be moved is told, and keeps its key. Method: two records in swapped places.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_records_are_counted_and_keep_their_key() {
    let mut office = Office::open().await;
    let client = office.vault.backend().await;
    tokens(&client, 0..4).await;
    office.vault.stop().await;
    {
        let database = raw(&office.vault);
        let records = rows(&database, "records");
        put(&database, "records", &records[0].0, &records[1].1);
        put(&database, "records", &records[1].0, &records[0].1);
    }
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let done = office.get(&rotated).await;
    let progress = done.progress.unwrap();
    assert_eq!((progress.records_changed, progress.records_damaged), (2, 2));
    assert!(done.record.contains("\ndeviation 2 records do not open\n"));
    let refused = office.propose(1, Operation::DestroyKey(wrapping(1))).await;
    let refused = refused.err().unwrap();
    assert!(refused.message().starts_with("2 records"), "{refused:?}");
    assert!(refused.message().contains("damaged"), "{refused:?}");
    office.vault.check().await;
}
