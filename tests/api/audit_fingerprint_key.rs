//! The key of the tokens' fingerprints in the log changes: what is limited stays limited, rows of
//! officers move by themselves, and the version of before can be destroyed.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use counterfoil::assembly::AssemblyError;
use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::audit::verify_export;
use counterfoil::audit::write_export;
use counterfoil::ceremony::Operation;
use counterfoil::crypto::Fingerprint;
use counterfoil::domain::KeyName;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::KeyVersion;
use counterfoil::protocol;
use counterfoil::protocol::KeyState;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::VerifyMatchItem;
use tonic::Code;

use crate::damage::Row;
use crate::damage::put;
use crate::damage::raw;
use crate::damage::rows;
use crate::office::Office;
use crate::office::all_open;
use crate::office::revealed;
use crate::office::tokens;
use crate::support::TestVault;

fn fingerprint(version: u32) -> KeyName {
    KeyName {
        purpose: KeyPurpose::AuditFingerprint,
        namespace: None,
        version: KeyVersion::new(version).unwrap(),
    }
}

async fn rotate(office: &Office, version: u32) -> protocol::Operation {
    let operation = Operation::RotateKey(fingerprint(version));
    let proposed = office.propose(1, operation).await.unwrap();
    office.until(&proposed, OperationState::Done).await;
    proposed
}

async fn destroy(office: &Office, version: u32) -> protocol::Operation {
    let operation = Operation::DestroyKey(fingerprint(version));
    let proposed = office.propose(1, operation).await.unwrap();
    office.approve(2, &proposed).await.unwrap();
    office.vault.clock.advance_seconds(60);
    proposed
}

async fn destroyed(office: &Office, version: u32) {
    let proposed = destroy(office, version).await;
    office.until(&proposed, OperationState::Done).await;
}

/// The states of the key's versions, and the rows that are still under those that are not active.
async fn versions(office: &Office) -> BTreeMap<String, (KeyState, Option<u64>)> {
    let request = protocol::ListKeysRequest {
        count_usage: true,
        ..protocol::ListKeysRequest::default()
    };
    let listed = office.keys.clone().list_keys(request).await.unwrap();
    let keys = listed.into_inner().keys.into_iter();
    let own = keys.filter(|key| key.name.starts_with("audit-fingerprint/"));
    let usage = |key: &protocol::KeyVersion| key.usage.as_ref().map(|usage| usage.rows);
    own.map(|key| (key.name.clone(), (key.state(), usage(&key))))
        .collect()
}

/// The version of an entry, and the fingerprint of its one token.
fn token_of(entry: &Entry) -> (u32, Fingerprint) {
    let draft = &entry.draft;
    (
        draft.token_key_version.number(),
        draft.items[0].token.unwrap(),
    )
}

fn tokens_of(vault: &TestVault, event: Event) -> Vec<(u32, Fingerprint)> {
    let entries = vault.entries().into_iter();
    let of_event = entries.filter(|entry| entry.draft.event == event);
    of_event.map(|entry| token_of(&entry)).collect()
}

async fn restart(office: &mut Office) {
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
}

/// Goal: the story of a rotation. Method: the same token in the log before and after; claims are
/// counted across it and a restart; then the old version is destroyed, and both verifiers read the
/// whole log.
#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_across_a_rotation_and_the_old_version_can_go() {
    let mut office = Office::open_with(
        &[1, 2, 3],
        "[officers.rules]\ndestroy-key = { delay_seconds = 60 }\n\
         [alarms]\nclaims_per_token = 2\n",
    )
    .await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..4).await;
    let (value, token) = &pairs[0];
    assert_eq!(revealed(&client, token).await, *value);
    let wrong = "nobody@mail.example";
    assert!(!client.verify_match("email", token, wrong).await.unwrap());
    // Further rows that the key authenticates.
    let wrapping = office.rotate(1).await;
    office.until(&wrapping, OperationState::Done).await;

    let rotated = rotate(&office, 1).await;
    let moved = office.list().await.operations.into_iter();
    let mut moved = moved.filter(|it| it.operation_id == rotated.operation_id);
    let progress = moved.next().unwrap().progress.unwrap();
    // The charter and the other operation; its own row has moved with its end.
    assert_eq!(progress.records_changed, 2);
    let expected = BTreeMap::from([
        (
            "audit-fingerprint/1".to_owned(),
            (KeyState::Deactivated, Some(0)),
        ),
        ("audit-fingerprint/2".to_owned(), (KeyState::Active, None)),
    ]);
    assert!(versions(&office).await == expected);

    for is_restarted in [false, true] {
        if is_restarted {
            restart(&mut office).await;
            let client = office.vault.backend().await;
            let other = "somebody@mail.example";
            assert!(!client.verify_match("email", token, other).await.unwrap());
            let right = VerifyMatchItem {
                field: "email".to_owned(),
                token: token.clone(),
                value: value.clone(),
                ..VerifyMatchItem::default()
            };
            let refused = client.verify_match_items(vec![right]).await;
            assert_eq!(refused.err().unwrap().code(), Code::ResourceExhausted);
        }
        let client = office.vault.backend().await;
        assert_eq!(revealed(&client, token).await, *value);
    }
    office.vault.wait_for(Event::DetokenizeOutcome, 3).await;
    let intents = tokens_of(&office.vault, Event::Detokenize);
    assert_eq!(tokens_of(&office.vault, Event::DetokenizeOutcome), intents);
    let [before, after, again] = intents.try_into().unwrap();
    assert_eq!(tokens_of(&office.vault, Event::Tokenize)[0], before);
    assert_eq!((before.0, after.0), (1, 2));
    assert_eq!(after, again);
    assert_ne!(before.1, after.1);

    destroyed(&office, 1).await;
    restart(&mut office).await;
    let client = office.vault.backend().await;
    all_open(&client, &pairs).await;
    let (state, _) = versions(&office).await["audit-fingerprint/1"];
    assert!(state == KeyState::Destroyed);
    assert_eq!(office.list().await.operations.len(), 3);

    let mut export = Vec::new();
    let keys = office.vault.public_keys();
    office.vault.with_store(|store| {
        write_export(&mut export, store, &keys).unwrap();
    });
    verify_export(export.as_slice(), &keys).unwrap();
    // The planted fault: an entry under another version than its leaf says.
    let text = String::from_utf8(export).unwrap();
    let forged = text.replacen("\"token_key_version\":2", "\"token_key_version\":3", 1);
    assert_ne!(forged, text);
    assert!(verify_export(forged.as_bytes(), &keys).is_err());
    office.vault.check().await;
}

/// Goal: nothing stops meanwhile, and officers see every operation at every moment. Method:
/// reveals and lists without a pause while the key is rotated and destroyed ten times.
#[tokio::test(flavor = "multi_thread")]
async fn rotations_under_load_fail_no_request() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..1).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let load = {
        let (is_over, pair) = (Arc::clone(&is_over), pairs[0].clone());
        tokio::spawn(async move {
            let mut reveals_count = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(revealed(&client, &pair.1).await, pair.0);
                reveals_count += 1;
            }
            reveals_count
        })
    };
    let readers = (0..READERS).map(|_| {
        let (is_over, mut keys) = (Arc::clone(&is_over), office.keys.clone());
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let request = protocol::ListKeysRequest::default();
                keys.list_keys(request).await.unwrap();
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for version in 1..=ROTATIONS {
        rotate(&office, version).await;
        destroyed(&office, version).await;
    }
    is_over.store(true, Ordering::Relaxed);
    let reveals_count = load.await.unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
    office
        .vault
        .wait_for(Event::DetokenizeOutcome, reveals_count)
        .await;

    // Each outcome has the fingerprint of its intent, and each version one of its own.
    let entries = office.vault.entries();
    let mut by_version = BTreeMap::<u32, BTreeSet<Fingerprint>>::new();
    for entry in &entries {
        let draft = &entry.draft;
        if draft.event == Event::DetokenizeOutcome {
            let intent = &entries[usize::try_from(draft.intent_index.unwrap()).unwrap()];
            assert_eq!(token_of(entry), token_of(intent));
            let (version, token) = token_of(entry);
            by_version.entry(version).or_default().insert(token);
        }
    }
    let distinct: BTreeSet<&Fingerprint> = by_version.values().flatten().collect();
    assert!(by_version.len() > 1);
    assert_eq!(distinct.len(), by_version.len());
    assert_eq!(office.list().await.operations.len(), 2 * ROTATIONS as usize);
    office.vault.check().await;
}

/// Goal: the old version authenticates what is left under it, and nothing once it is destroyed.
/// Method: rows from before the rotation are put back into the stopped vault.
#[tokio::test(flavor = "multi_thread")]
async fn row_under_the_old_version_holds_it_back_and_opens_nothing_after() {
    let mut office = Office::open().await;
    let wrapping = office.rotate(1).await;
    office.until(&wrapping, OperationState::Done).await;
    office.vault.stop().await;
    let database = raw(&office.vault);
    let [operation]: [Row; 1] = rows(&database, "ceremonies").try_into().unwrap();
    let meta = rows(&database, "meta").into_iter();
    let charter = meta.into_iter().find(|(key, _)| **key == *b"charter");
    let charter = charter.unwrap();
    drop(database);
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    rotate(&office, 1).await;
    let destroy = || Operation::DestroyKey(fingerprint(1));
    let waiting = office.propose(1, destroy()).await.unwrap();
    office.approve(2, &waiting).await.unwrap();

    // One row of before is there again, and its version cannot go: neither what waits can be
    // carried out, nor is it proposed anew.
    office.vault.stop().await;
    put_back(&office.vault, "ceremonies", &operation);
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    let (_, rows_count) = versions(&office).await["audit-fingerprint/1"];
    assert_eq!(rows_count, Some(1));
    let refused = office.propose(1, destroy()).await.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    office.vault.clock.advance_seconds(60);
    office.until(&waiting, OperationState::Failed).await;
    // Another rotation moves it.
    rotate(&office, 2).await;
    let (_, rows_count) = versions(&office).await["audit-fingerprint/1"];
    assert_eq!(rows_count, Some(0));
    destroyed(&office, 1).await;

    office.vault.stop().await;
    put_back(&office.vault, "ceremonies", &operation);
    let refused = office.vault.open().await;
    assert!(matches!(refused, Err(AssemblyError::RegisterReplaced)));
    put_back(&office.vault, "meta", &charter);
    assert!(office.vault.open().await.is_err(), "a charter of nobody");
    office.vault.check_only_log().await;
}

fn put_back(vault: &TestVault, family: &str, (key, value): &Row) {
    put(&raw(vault), family, key, value);
}

const READERS: usize = 2;
const ROTATIONS: u32 = 10;
