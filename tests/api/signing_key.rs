//! The key that signs the audit log changes: whoever has the first public key follows, and nothing
//! stops meanwhile.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Event;
use counterfoil::audit::following_keys;
use counterfoil::audit::verify_export;
use counterfoil::audit::write_export;
use counterfoil::ceremony::Operation;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::KeyName;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::KeyVersion;
use counterfoil::protocol::OperationState;

use crate::office::Office;
use crate::office::revealed;
use crate::office::tokens;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::reveal;

fn signing(version: u32) -> KeyName {
    KeyName {
        purpose: KeyPurpose::AuditSigning,
        namespace: None,
        version: KeyVersion::new(version).unwrap(),
    }
}

pub(crate) async fn rotate(office: &Office, version: u32) {
    let operation = Operation::RotateKey(signing(version));
    let rotated = office.propose(1, operation).await.unwrap();
    assert!(rotated.state() == OperationState::Done);
}

async fn destroy(office: &Office, version: u32) {
    let operation = Operation::DestroyKey(signing(version));
    let proposed = office.propose(1, operation).await.unwrap();
    office.approve(2, &proposed).await.unwrap();
    office.vault.clock.advance_seconds(60);
    office.until(&proposed, OperationState::Done).await;
}

/// The public keys of the log, by the first.
fn following(vault: &TestVault) -> CheckpointKeys {
    vault.with_store(|store| following_keys(store, &vault.public_keys()).unwrap())
}

/// The checkpoint of a reveal that is made now.
async fn checkpoint(office: &Office, token: &str) -> String {
    let client = office.vault.backend().await;
    let request = detokenize_items(vec![reveal("email", token)]);
    let receipt = client.detokenize(request).await.unwrap().receipt.unwrap();
    receipt.checkpoint
}

fn last(keys: &CheckpointKeys) -> CheckpointKeys {
    let line = keys.lines().pop().unwrap();
    CheckpointKeys::new(vec![line.parse().unwrap()])
}

/// Goal: promise 21 for the key of the log. Method: reveals without a pause while it is rotated ten
/// times, then everything is verified by the first public key.
#[tokio::test(flavor = "multi_thread")]
async fn rotations_under_load_are_followed_by_the_first_key() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = Arc::new(tokens(&client, 0..4).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let load = {
        let (client, pairs, is_over) = (
            office.vault.backend().await,
            Arc::clone(&pairs),
            Arc::clone(&is_over),
        );
        tokio::spawn(async move {
            let mut reveals_count = 0;
            while !is_over.load(Ordering::Relaxed) {
                let (value, token) = &pairs[reveals_count % pairs.len()];
                assert_eq!(revealed(&client, token).await, *value);
                reveals_count += 1;
            }
            reveals_count
        })
    };
    for version in 1..=ROTATIONS {
        rotate(&office, version).await;
        if version > 1 {
            destroy(&office, version - 1).await;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(load.await.unwrap() > 0);
    let keys = following(&office.vault);
    assert_eq!(keys.lines().len(), 1 + ROTATIONS as usize);

    let mut export = Vec::new();
    office.vault.with_store(|store| {
        write_export(&mut export, store, &office.vault.public_keys()).unwrap();
    });
    for keys in [office.vault.public_keys(), last(&keys), keys] {
        let report = verify_export(export.as_slice(), &keys).unwrap();
        assert_eq!(report.successors.len(), ROTATIONS as usize);
    }
    let report = office.vault.check().await;
    assert_eq!(report.successors.len(), ROTATIONS as usize);
    assert!(report.counts[&Event::KeyStateChanged] >= u64::from(2 * ROTATIONS - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_key_signs_beside_until_it_is_suspect_or_gone() {
    let mut office = Office::open().await;
    let client = office.vault.backend().await;
    let token = tokens(&client, 0..1).await.remove(0).1;
    let first = office.vault.public_keys();
    let before = checkpoint(&office, &token).await;

    rotate(&office, 1).await;
    let second = last(&following(&office.vault));
    let beside = checkpoint(&office, &token).await;
    // Old checkpoints still verify, and new ones do by either key.
    assert!(first.verify(&before).is_some() && second.verify(&before).is_none());
    assert!(first.verify(&beside).is_some() && second.verify(&beside).is_some());

    // It is the same after a restart.
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    let beside = checkpoint(&office, &token).await;
    assert!(first.verify(&beside).is_some() && second.verify(&beside).is_some());

    destroy(&office, 1).await;
    let after = checkpoint(&office, &token).await;
    assert!(first.verify(&after).is_none() && second.verify(&after).is_some());
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    let after = checkpoint(&office, &token).await;
    assert!(first.verify(&after).is_none() && second.verify(&after).is_some());

    // One that is compromised signs nothing any more, at once.
    let compromised = Operation::CompromiseKey(signing(2));
    let proposed = office.propose(1, compromised).await.unwrap();
    office.until(&proposed, OperationState::Done).await;
    let third = last(&following(&office.vault));
    let after = checkpoint(&office, &token).await;
    assert!(second.verify(&after).is_none() && third.verify(&after).is_some());

    office.vault.check().await;
}

/// Goal: who has any one public key of the log checks records. Method: a record of after two
/// rotations, by the first key and by the last.
#[tokio::test(flavor = "multi_thread")]
async fn records_are_signed_by_the_old_key_and_the_new_one() {
    let office = Office::open().await;
    rotate(&office, 1).await;
    let rotated = office.propose(1, Operation::RotateKey(signing(2))).await;
    let record = office.get(&rotated.unwrap()).await.record;
    let note: SignedNote = record.parse().unwrap();
    let (first, newest) = (office.vault.public_keys(), last(&following(&office.vault)));
    assert_ne!(first.lines(), newest.lines());
    for keys in [first, newest] {
        let text = keys.verify_record(&note).unwrap();
        assert!(
            text.contains("\ndoes rotate-key audit-signing/2\n"),
            "{text}"
        );
    }
    office.vault.check().await;
}

const ROTATIONS: u32 = 10;
