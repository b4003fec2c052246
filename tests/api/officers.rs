//! Key officers over the wire: rotation, destruction, and that none of them acts alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use counterfoil::assembly::AssemblyError;
use counterfoil::audit::Event;
use counterfoil::ceremony::Charter;
use counterfoil::ceremony::LogPoint;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::OperationKind;
use counterfoil::ceremony::Rollback;
use counterfoil::ceremony::RootKeyKind;
use counterfoil::ceremony::RootKeyMove;
use counterfoil::ceremony::Rule;
use counterfoil::client::statement;
use counterfoil::crypto::SystemEntropy;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::Clock;
use counterfoil::domain::FieldName;
use counterfoil::domain::KeyState;
use counterfoil::domain::Namespace;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use counterfoil::store::RowChange;
use counterfoil::store::Store;
use counterfoil::store::Table;
use tonic::Code;

use crate::office::Office;
use crate::office::all_open;
use crate::office::officer;
use crate::office::revealed;
use crate::office::sign;
use crate::office::tokens;
use crate::office::wrapping;
use crate::support::Side;

#[tokio::test(flavor = "multi_thread")]
async fn rotation_moves_every_record_and_changes_no_token() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..50).await;
    assert_eq!(office.records(), BTreeMap::from([(1, 50)]));

    let rotated = office.rotate(1).await;
    assert!(rotated.state() == OperationState::Running);
    let early = tokens(&client, 50..60).await;
    office.until(&rotated, OperationState::Done).await;
    assert_eq!(office.records(), BTreeMap::from([(2, 60)]));
    all_open(&client, &pairs).await;
    all_open(&client, &early).await;

    let deactivated = protocol::KeyState::Deactivated as i32;
    let active = protocol::KeyState::Active as i32;
    let expected = [
        ("wrapping/shop/1", deactivated),
        ("wrapping/shop/2", active),
    ];
    assert_eq!(
        office.states().await,
        expected
            .map(|(name, state)| (name.to_owned(), state))
            .into()
    );

    // The log says which officer, and what became of which key version.
    let entries = office.vault.entries();
    let changed = entries
        .iter()
        .find(|entry| entry.draft.event == Event::KeyStateChanged)
        .unwrap();
    assert_eq!(
        changed.draft.ceremony.key_state,
        Some(KeyState::Deactivated)
    );
    assert_eq!(changed.draft.ceremony.officers[0].as_str(), "officer1");
    let mut office = office;
    office.vault.restart().await;
    let client = office.vault.backend().await;
    all_open(&client, &pairs).await;
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_field_that_is_gone_move_too() {
    let mut office = Office::open().await;
    let client = office.vault.backend().await;
    let name = client.token("name", "Ada Lovelace").await;
    let shop = Namespace::new("shop").unwrap();
    let of_shop = office.vault.config.namespaces.get_mut(&shop).unwrap();
    let (gone, field) = of_shop
        .fields
        .remove_entry(&FieldName::new("name").unwrap())
        .unwrap();
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    assert_eq!(office.records(), BTreeMap::from([(2, 1)]));
    let of_shop = office.vault.config.namespaces.get_mut(&shop).unwrap();
    of_shop.fields.insert(gone, field);
    office.vault.restart().await;
    let client = office.vault.backend().await;
    assert_eq!(client.token("name", "Ada Lovelace").await, name);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn destroyed_key_takes_two_officers_a_delay_and_no_records() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..5).await;
    let destroy = || Operation::DestroyKey(wrapping(1));
    let active = office.propose(1, destroy()).await.err().unwrap();
    assert_eq!(active.code(), Code::FailedPrecondition, "it is active");

    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let proposed = office.propose(1, destroy()).await.unwrap();
    assert!(proposed.state() == OperationState::Proposed);
    let again = office.approve(1, &proposed).await.unwrap();
    assert_eq!(again.approvals.len(), 1, "one officer counts once");

    let approved = office.approve(2, &proposed).await.unwrap();
    assert!(approved.state() == OperationState::Waiting);
    assert_eq!(
        office.states().await["wrapping/shop/1"],
        protocol::KeyState::Deactivated as i32
    );
    office.vault.clock.advance_seconds(60);
    office.until(&proposed, OperationState::Done).await;
    assert_eq!(
        office.states().await["wrapping/shop/1"],
        protocol::KeyState::Destroyed as i32
    );
    all_open(&client, &pairs).await;
    let mut office = office;
    office.vault.restart().await;
    let client = office.vault.backend().await;
    all_open(&client, &pairs).await;
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_destruction_is_undone_by_two_and_not_by_one() {
    let office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let proposed = office
        .propose(1, Operation::DestroyKey(wrapping(1)))
        .await
        .unwrap();
    office.approve(2, &proposed).await.unwrap();
    let alone = office.cancel(1, &proposed).await.unwrap();
    assert!(alone.state() == OperationState::Waiting);
    let alone = office.cancel(1, &proposed).await.unwrap();
    assert!(alone.state() == OperationState::Waiting, "again, alone");
    let two = office.cancel(3, &proposed).await.unwrap();
    assert!(two.state() == OperationState::Cancelled);
    office.vault.clock.advance_seconds(3_600);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(
        office.states().await["wrapping/shop/1"],
        protocol::KeyState::Deactivated as i32
    );
    office.vault.check().await;
}

/// The statement of an operation.
fn statement_of(operation: &protocol::Operation) -> String {
    let note: SignedNote = operation.note.parse().unwrap();
    note.text().to_owned()
}

/// Goal: nobody short of the officers that the charter asks for has any effect, whatever they send.
/// Method: replays, strangers, borrowed signatures and other people's certificates, and a look at
/// the keys after each.
#[tokio::test(flavor = "multi_thread")]
async fn below_the_quorum_nothing_has_an_effect() {
    let office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let before = office.states().await;
    let proposed = office
        .propose(1, Operation::DestroyKey(wrapping(1)))
        .await
        .unwrap();
    let note: SignedNote = proposed.note.parse().unwrap();
    let (_, second) = officer(2);
    let in_anothers_name = NoteKeyName::new("officer3").unwrap();
    let borrowed: SignedNote = rotated.note.parse().unwrap();
    for (what, signature) in [
        ("a stranger", sign(9, note.text())),
        (
            "another's name",
            second.sign(in_anothers_name, note.text()).unwrap(),
        ),
        ("another statement's", borrowed),
    ] {
        let refused = office.approve_with(&proposed, &signature).await;
        assert_eq!(
            refused.err().unwrap().code(),
            Code::InvalidArgument,
            "{what}"
        );
    }
    // A replayed rotation is answered as the first time, and moves nothing.
    let replay = protocol::ProposeOperationRequest {
        note: rotated.note.clone(),
        ..protocol::ProposeOperationRequest::default()
    };
    let replayed = office.keys.clone().propose_operation(replay).await;
    assert!(replayed.unwrap().into_inner().state() == OperationState::Done);
    assert_eq!(office.states().await, before);
    // In another's name it is no repetition.
    let borrowed = protocol::ProposeOperationRequest {
        note: sign(2, statement_of(&rotated).as_str()).to_string(),
        ..protocol::ProposeOperationRequest::default()
    };
    let refused = office.keys.clone().propose_operation(borrowed).await;
    assert_eq!(refused.err().unwrap().code(), Code::FailedPrecondition);
    // Who is no officer's program gets no further than the policies.
    let credential = office.vault.identities().credential("backend");
    let channel = office
        .vault
        .connect(Side::Reveal, credential)
        .await
        .unwrap();
    let mut stranger = KeyServiceClient::new(channel);
    let request = protocol::ListKeysRequest::default();
    let denied = stranger.list_keys(request).await.err().unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);

    office.vault.clock.advance_seconds(3_601);
    office.until(&proposed, OperationState::Expired).await;
    let late = office.approve(2, &proposed).await.err().unwrap();
    assert_eq!(late.code(), Code::FailedPrecondition);
    assert_eq!(office.states().await, before);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn charter_changes_by_two_and_ends_what_was_signed_under_the_old_one() {
    let office = Office::open().await;
    let proposed = office.propose(3, Operation::DestroyKey(wrapping(1))).await;
    assert!(proposed.is_err(), "active");
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let pending = office
        .propose(3, Operation::DestroyKey(wrapping(1)))
        .await
        .unwrap();

    let verifier = |number| {
        let (name, key) = officer(number);
        key.verifier(name)
    };
    let rule = Rule {
        approvals: 2,
        delay_seconds: 0,
    };
    let rules = BTreeMap::from([
        (OperationKind::DestroyKey, rule),
        (OperationKind::EraseEntry, rule),
        (OperationKind::PruneLog, rule),
    ]);
    let charter = Charter::new([1, 2, 4].map(verifier), rules).unwrap();
    let change = Operation::ChangeCharter(charter.digest());
    let now = office.vault.clock.now();
    let text = statement(&office.list().await, change, now, 3_600, &SystemEntropy).unwrap();
    let request = protocol::ProposeOperationRequest {
        note: sign(1, &text.to_string()).to_string(),
        charter: charter.to_string(),
        ..protocol::ProposeOperationRequest::default()
    };
    let another = protocol::ProposeOperationRequest {
        charter: charter.to_string().replace("delay", "dalay") + "x",
        ..request.clone()
    };
    let refused = office.keys.clone().propose_operation(another).await;
    assert_eq!(refused.err().unwrap().code(), Code::InvalidArgument);
    let changing = office.keys.clone().propose_operation(request).await;
    let changing = changing.unwrap().into_inner();
    assert!(changing.state() == OperationState::Proposed);
    let older = office.vault.with_store(charter_row);
    let changed = office.approve(2, &changing).await.unwrap();
    // It waits for as long as what it could make easier.
    assert!(changed.state() == OperationState::Waiting);
    office.vault.clock.advance_seconds(60);
    office.until(&changed, OperationState::Done).await;
    assert_eq!(office.list().await.charter, charter.to_string());

    let stale = office.approve(2, &pending).await.err().unwrap();
    assert_eq!(stale.code(), Code::FailedPrecondition);
    let removed = office.propose(3, Operation::RotateKey(wrapping(2))).await;
    assert_eq!(removed.err().unwrap().code(), Code::InvalidArgument);
    let joined = office.propose(4, Operation::RotateKey(wrapping(2))).await;
    assert!(joined.unwrap().state() == OperationState::Running);

    // The charter is the vault's, whatever the configuration says.
    let mut office = office;
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    assert_eq!(office.list().await.charter, charter.to_string());

    // Who puts the older charter's row back, or none, finds a vault that does not start.
    office.vault.stop().await;
    let current = charter_row(&office.vault.stopped_store());
    for other in [older, None] {
        put_charter(&office.vault.stopped_store(), &current, &other);
        let refused = office.vault.open().await;
        assert!(matches!(refused, Err(AssemblyError::CharterReplaced)));
        put_charter(&office.vault.stopped_store(), &other, &current);
    }
    office.vault.serve().await.unwrap();
    office.vault.check().await;
}

fn charter_row(store: &dyn Store) -> Option<Vec<u8>> {
    let rows = store.rows(Table::Meta, None, 100).unwrap();
    let row = rows.into_iter().find(|(key, _)| key == b"charter");
    row.map(|(_, value)| value)
}

fn put_charter(store: &dyn Store, expected: &Option<Vec<u8>>, value: &Option<Vec<u8>>) {
    let change = RowChange {
        table: Table::Meta,
        key: b"charter".to_vec(),
        expected: expected.clone(),
        value: value.clone(),
    };
    store.compare_and_set(&change).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_offline_is_no_operation_of_a_running_vault() {
    let office = Office::open().await;
    let point = LogPoint {
        size: 1,
        root: [1; 32],
    };
    let rollback = Operation::AcceptRollback(Rollback {
        head: point,
        database: point,
    });
    let moved = Operation::RotateRootKey(RootKeyMove {
        keys: [1; 32],
        from: RootKeyKind::Shares,
        to: RootKeyKind::PassphraseFile,
    });
    for operation in [rollback, moved] {
        let refused = office.propose(1, operation).await.err().unwrap();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains("does not run"), "{refused:?}");
    }
    assert!(office.list().await.operations.is_empty());
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compromised_key_is_replaced_at_once_and_protects_nothing_in_the_end() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..20).await;
    let marked = office
        .propose(2, Operation::CompromiseKey(wrapping(1)))
        .await
        .unwrap();
    office.until(&marked, OperationState::Done).await;
    assert_eq!(office.records(), BTreeMap::from([(2, 20)]));
    assert_eq!(
        office.states().await["wrapping/shop/1"],
        protocol::KeyState::Compromised as i32
    );
    all_open(&client, &pairs).await;
    office.vault.check().await;
}

/// Goal: keys that have changed on the disk come in use, though who changed them has gone away.
/// Method: officers hang up within a random time of their call.
#[tokio::test(flavor = "multi_thread")]
async fn rotation_takes_effect_though_its_officer_hangs_up() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..10).await;
    let (mut version, mut hung_up_count) = (1, 0);
    for attempt in 0_u64..24 {
        let operation = Operation::RotateKey(wrapping(version));
        let now = office.vault.clock.now();
        let listed = office.list().await;
        let text = statement(&listed, operation, now, 3_600, &SystemEntropy).unwrap();
        let request = protocol::ProposeOperationRequest {
            note: sign(1, &text.to_string()).to_string(),
            ..protocol::ProposeOperationRequest::default()
        };
        let mut keys = office.keys.clone();
        let patience = Duration::from_micros(attempt * 400);
        let call = tokio::time::timeout(patience, keys.propose_operation(request));
        hung_up_count += usize::from(call.await.is_err());
        // What was begun comes to its end, soon or on a slow machine later, and what is new is
        // under the active version then.
        let mut versions = Vec::new();
        for look in 0..200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let states = office.states().await;
            let is_active = |version: &u32| {
                let state = states.get(format!("wrapping/shop/{version}").as_str());
                state == Some(&(protocol::KeyState::Active as i32))
            };
            version = (version..=version + 1).find(is_active).unwrap();
            let value = format!("attempt.number{attempt}.look{look}@mail.example");
            client.token("email", &value).await;
            versions = office.records().into_keys().collect();
            if versions == [version] {
                break;
            }
        }
        assert_eq!(versions, [version], "attempt {attempt}");
    }
    println!("{hung_up_count} of 24 hung up, {} rotations", version - 1);
    assert!(hung_up_count > 0 && version > 1);
    all_open(&client, &pairs).await;
    office.vault.check().await;
}

/// Goal: no request notices a rotation. Method: callers make new tokens, ask for known ones and
/// reveal without a pause, while keys are rotated again and again.
#[tokio::test(flavor = "multi_thread")]
async fn rotations_under_load_fail_no_request() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = Arc::new(tokens(&client, 0..30).await);
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..4_usize {
        let (pairs, stop) = (Arc::clone(&pairs), Arc::clone(&stop));
        let client = office.vault.backend().await;
        callers.spawn(async move {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let value = format!("new.caller{caller}.number{number}@mail.example");
                let token = client.token("email", &value).await;
                assert_eq!(revealed(&client, &token).await, value);
                let (value, token) = &pairs[number % pairs.len()];
                assert_eq!(revealed(&client, token).await, *value);
                assert_eq!(client.token("email", value).await, *token);
            }
            number
        });
    }
    let rotations: u32 = std::env::var("COUNTERFOIL_ROTATIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(5);
    for version in 1..=rotations {
        let rotated = office.rotate(version).await;
        office.until(&rotated, OperationState::Done).await;
    }
    stop.store(true, Ordering::Relaxed);
    let calls: usize = callers.join_all().await.into_iter().sum();
    assert!(calls > 0);
    let counts = office.records();
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [rotations + 1]);
    all_open(&client, &pairs).await;
    office.vault.check().await;
}
