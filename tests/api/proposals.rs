//! What officers may propose: what could be done, so much of it, and while the root key is there.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use counterfoil::audit::Event;
use counterfoil::ceremony::CeremonyState;
use counterfoil::ceremony::Operation;
use counterfoil::crypto::Entropy;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::KeyIdentity;
use counterfoil::domain::CeremonyId;
use counterfoil::domain::KeyName;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::Namespace;
use counterfoil::keys::root::HolderError;
use counterfoil::keys::root::RootKeyHolder;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use tonic::Code;

use crate::office::Office;
use crate::office::tokens;
use crate::office::wrapping;

#[tokio::test(flavor = "multi_thread")]
async fn destruction_of_a_key_in_use_is_refused_when_it_is_proposed() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    tokens(&client, 0..5).await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let proposed = office.propose(1, Operation::DestroyKey(wrapping(1))).await;
    assert!(proposed.is_ok(), "nothing is under it");
    let rotated = office.rotate(2).await;
    office.until(&rotated, OperationState::Done).await;
    let fingerprint = KeyName {
        purpose: KeyPurpose::TokenFingerprint,
        ..wrapping(1)
    };
    let rotated = office
        .propose(1, Operation::RotateKey(fingerprint.clone()))
        .await;
    assert!(rotated.unwrap().state() == OperationState::Done);
    let refused = office.propose(1, Operation::DestroyKey(fingerprint)).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().starts_with("5 records"), "{refused:?}");
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_officer_has_twenty_open_proposals_at_the_most() {
    let office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let destroy = || Operation::DestroyKey(wrapping(1));
    let mut last = None;
    for _ in 0..20 {
        last = Some(office.propose(1, destroy()).await.unwrap());
    }
    let refused = office.propose(1, destroy()).await.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("20 open"), "{refused:?}");
    // Another officer is not held up, and whoever cancels one has room for one.
    office.propose(2, destroy()).await.unwrap();
    office.cancel(1, &last.unwrap()).await.unwrap();
    office.propose(1, destroy()).await.unwrap();
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_a_namespace_that_is_not_configured_is_told_as_that() {
    let mut office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let shop = Namespace::new("shop").unwrap();
    let (name, fields) = office.vault.config.namespaces.remove_entry(&shop).unwrap();
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    for operation in [
        Operation::DestroyKey(wrapping(1)),
        Operation::RotateKey(wrapping(2)),
    ] {
        let refused = office.propose(1, operation).await.err().unwrap();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains("not configured"), "{refused:?}");
    }
    let request = protocol::ListKeysRequest {
        count_usage: true,
        ..protocol::ListKeysRequest::default()
    };
    let listed = office.keys.clone().list_keys(request).await.unwrap();
    let keys = listed.into_inner().keys;
    let older = keys.iter().find(|key| key.name == "wrapping/shop/1");
    assert!(older.unwrap().usage.is_none(), "nobody can tell");
    office.vault.config.namespaces.insert(name, fields);
    office.vault.check().await;
}

/// Goal: each turn of an officer has an entry that says who took it. Method: one proposes and
/// cancels alone, two sign, and each is looked up in the log.
#[tokio::test(flavor = "multi_thread")]
async fn every_turn_has_an_entry_that_names_its_officer() {
    let office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let destroy = || Operation::DestroyKey(wrapping(1));
    let own = office.propose(1, destroy()).await.unwrap();
    let own = office.cancel(1, &own).await.unwrap();
    assert!(
        own.state() == OperationState::Cancelled,
        "nobody else has signed"
    );
    let others = office.propose(2, destroy()).await.unwrap();
    let alone = office.cancel(1, &others).await.unwrap();
    assert!(alone.state() == OperationState::Proposed, "it is another's");
    let signed = office.approve(3, &others).await.unwrap();
    assert!(signed.state() == OperationState::Waiting);
    let expected = [
        (
            Event::OperationProposed,
            &rotated,
            "officer1",
            CeremonyState::Running,
        ),
        (
            Event::OperationProposed,
            &own,
            "officer1",
            CeremonyState::Proposed,
        ),
        (
            Event::OperationCancelled,
            &own,
            "officer1",
            CeremonyState::Cancelled,
        ),
        (
            Event::OperationProposed,
            &others,
            "officer2",
            CeremonyState::Proposed,
        ),
        (
            Event::OperationCancelled,
            &others,
            "officer1",
            CeremonyState::Proposed,
        ),
        (
            Event::OperationApproved,
            &others,
            "officer3",
            CeremonyState::Waiting,
        ),
    ];
    let turns = [
        Event::OperationProposed,
        Event::OperationApproved,
        Event::OperationCancelled,
    ];
    let entries = office.vault.entries();
    let found = entries
        .iter()
        .filter(|entry| turns.contains(&entry.draft.event));
    let found = found.map(|entry| {
        let note = &entry.draft.ceremony;
        let officers: Vec<&str> = note.officers.iter().map(|it| it.as_str()).collect();
        (entry.draft.event, note.id.clone(), officers, note.state)
    });
    let expected = expected.map(|(event, operation, officer, state)| {
        let id = CeremonyId::new(&operation.operation_id).unwrap();
        (event, Some(id), vec![officer], Some(state))
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
    // Who looks is in the log, too.
    assert!(office.vault.counts()[&Event::KeysRead] > 0);
    office.vault.check().await;
}

/// Goal: who sets the machine's clock forward ends no delay. Method: an hour forward, of which
/// nothing passes; then a minute passes.
#[tokio::test(flavor = "multi_thread")]
async fn clock_that_is_set_forward_ends_no_delay() {
    let office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let destroy = Operation::DestroyKey(wrapping(1));
    let proposed = office.propose(1, destroy).await.unwrap();
    office.approve(2, &proposed).await.unwrap();
    office.vault.clock.set_forward_seconds(3_600);
    // Somebody signs meanwhile: that begins no other delay.
    office.cancel(3, &proposed).await.unwrap();
    office.vault.clock.advance_seconds(59);
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert!(office.get(&proposed).await.state() == OperationState::Waiting);
    office.vault.clock.advance_seconds(1);
    office.until(&proposed, OperationState::Done).await;
    office.vault.check().await;
}

/// A root key on a token that can be taken away.
#[derive(Debug)]
struct Token {
    root: Arc<dyn RootKeyHolder>,
    is_away: Arc<AtomicBool>,
}

impl Token {
    fn here(&self) -> Result<&dyn RootKeyHolder, HolderError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(HolderError::Unavailable {
                reason: "the token is away",
            });
        }
        Ok(&*self.root)
    }
}

impl RootKeyHolder for Token {
    fn wrap(
        &self,
        name: &KeyIdentity<'_>,
        key: &KeyBytes,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, HolderError> {
        self.here()?.wrap(name, key, entropy)
    }

    fn unwrap(&self, name: &KeyIdentity<'_>, wrapped: &[u8]) -> Result<KeyBytes, HolderError> {
        self.here()?.unwrap(name, wrapped)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn root_key_that_is_away_is_told_as_that_and_not_as_damage() {
    let mut office = Office::open().await;
    let is_away = Arc::new(AtomicBool::new(false));
    office.vault.holder = Some(Arc::new(Token {
        root: office.vault.root_key(),
        is_away: Arc::clone(&is_away),
    }));
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let destroyed = office.propose(1, Operation::DestroyKey(wrapping(1))).await;
    let destroyed = destroyed.unwrap();
    office.approve(2, &destroyed).await.unwrap();
    is_away.store(true, Ordering::Relaxed);
    let refused = office.propose(1, Operation::RotateKey(wrapping(2))).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(refused.message().contains("root key"), "{refused:?}");
    // What comes due meanwhile waits until it is back.
    office.vault.clock.advance_seconds(60);
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert!(office.get(&destroyed).await.state() == OperationState::Waiting);
    is_away.store(false, Ordering::Relaxed);
    office.until(&destroyed, OperationState::Done).await;
    office.vault.check().await;
}
