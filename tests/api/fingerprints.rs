//! Rotation of fingerprint keys: no token changes, no request fails, and what the old version found
//! is found by the new one before the old one goes.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use counterfoil::audit::Event;
use counterfoil::ceremony::Operation;
use counterfoil::domain::Clock;
use counterfoil::domain::KeyName;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::KeyState;
use counterfoil::keys::StoredKey;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::ReindexItem;
use counterfoil::protocol::ReindexOutcome;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use counterfoil::protocol::reindex_result::Result as Wire;
use counterfoil::store::NamespaceId;
use counterfoil::store::RowChange;
use counterfoil::store::Table;
use tonic::Status;
use tonic::transport::Channel;

use crate::erase::token_for;
use crate::office::Office;
use crate::office::all_open;
use crate::office::revealed;
use crate::office::tokens;
use crate::office::wrapping;
use crate::support::Client;
use crate::support::Side;
use crate::support::TestVault;

pub(crate) const BOTH: [KeyPurpose; 2] =
    [KeyPurpose::TokenFingerprint, KeyPurpose::ValueFingerprint];
pub(crate) const DAY: u64 = 24 * 60 * 60;
pub(crate) const CURRENT: &str = "CURRENT";
pub(crate) const LATER: &str = "LATER";
pub(crate) const MOVED: &str = "MOVED";
pub(crate) const NOT_FOUND: &str = "NOT_FOUND";

fn key(purpose: KeyPurpose, version: u32) -> KeyName {
    KeyName {
        purpose,
        ..wrapping(version)
    }
}

pub(crate) async fn rotate(office: &Office, purpose: KeyPurpose, version: u32) {
    let operation = Operation::RotateKey(key(purpose, version));
    let rotated = office.propose(1, operation).await.unwrap();
    // Nothing is left to the vault: who has the tokens moves the records.
    assert!(rotated.state() == OperationState::Done);
}

/// Destroys a version with two officers: why not, if it was not.
pub(crate) async fn destroy(
    office: &Office,
    purpose: KeyPurpose,
    version: u32,
) -> Result<(), String> {
    let operation = Operation::DestroyKey(key(purpose, version));
    let proposed = match office.propose(1, operation).await {
        Ok(proposed) => proposed,
        Err(refused) => return Err(refused.message().to_owned()),
    };
    office.approve(2, &proposed).await.unwrap();
    office.vault.clock.advance_seconds(60);
    for _ in 0..600 {
        let request = protocol::GetOperationRequest {
            operation_id: proposed.operation_id.clone(),
            ..protocol::GetOperationRequest::default()
        };
        let now = office.keys.clone().get_operation(request).await.unwrap();
        let now = now.into_inner();
        match now.state() {
            OperationState::Done => return Ok(()),
            OperationState::Failed => return Err(now.failure),
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the operation does not end");
}

async fn keeper(vault: &TestVault) -> KeyServiceClient<Channel> {
    let credential = vault.identities().credential("backend");
    KeyServiceClient::new(vault.connect(Side::Reveal, credential).await.unwrap())
}

pub(crate) fn of(field: &str, token: &str, subject: &str) -> ReindexItem {
    ReindexItem {
        field: field.to_owned(),
        token: token.to_owned(),
        subject: subject.to_owned(),
        ..ReindexItem::default()
    }
}

pub(crate) async fn try_reindex(
    service: &KeyServiceClient<Channel>,
    items: Vec<ReindexItem>,
) -> Result<Vec<&'static str>, Status> {
    let request = protocol::ReindexRequest {
        namespace: "shop".to_owned(),
        items,
        ..protocol::ReindexRequest::default()
    };
    let answer = service.clone().reindex(request).await?.into_inner();
    let outcome = |result: protocol::ReindexResult| match result.result.unwrap() {
        Wire::Outcome(number) => {
            let outcome = ReindexOutcome::try_from(number).unwrap();
            outcome
                .as_str_name()
                .strip_prefix("REINDEX_OUTCOME_")
                .unwrap()
        }
        Wire::Error(status) => panic!("{}", status.message),
    };
    Ok(answer.results.into_iter().map(outcome).collect())
}

pub(crate) async fn reindex(vault: &TestVault, items: Vec<ReindexItem>) -> Vec<&'static str> {
    try_reindex(&keeper(vault).await, items).await.unwrap()
}

fn emails(pairs: &[(String, String)]) -> Vec<ReindexItem> {
    pairs
        .iter()
        .map(|(_, token)| of("email", token, ""))
        .collect()
}

/// Records by the versions of the keys that find them by token and by value, and links by theirs.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) by_token: BTreeMap<u32, usize>,
    pub(crate) by_value: BTreeMap<u32, usize>,
    pub(crate) links: BTreeMap<u32, usize>,
}

pub(crate) fn found(vault: &TestVault) -> Found {
    let mut found = Found::default();
    vault.with_store(|store| {
        let records = store.records_after(NamespaceId(2), None, usize::MAX);
        for (_, record) in records.unwrap() {
            let version = record.token_version.number();
            *found.by_token.entry(version).or_default() += 1;
            if let Some(index) = record.value_index {
                let version = index.key_version.number();
                *found.by_value.entry(version).or_default() += 1;
            }
        }
        let links = store.links_after(NamespaceId(2), None, usize::MAX);
        for (list, _) in links.unwrap() {
            let version = list.key_version.number();
            *found.links.entry(version).or_default() += 1;
        }
    });
    found
}

pub(crate) fn all_under(version: u32, records: usize, values: usize, links: usize) -> Found {
    let counted = |count| BTreeMap::from_iter((count > 0).then_some((version, count)));
    Found {
        by_token: counted(records),
        by_value: counted(values),
        links: counted(links),
    }
}

async fn looked_up(client: &Client, value: &str) -> String {
    let token = client.lookup("email", value).await;
    token.unwrap().token
}

/// Goal: no request notices a rotation of a fingerprint key. Method: callers make new tokens, ask
/// for known ones, look them up and reveal without a pause, while keys are rotated and all known
/// tokens are reindexed, again and again; in the end each value has one record.
#[tokio::test(flavor = "multi_thread")]
async fn rotations_of_fingerprint_keys_under_load_fail_no_request() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = Arc::new(tokens(&client, 0..40).await);
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..3_usize {
        let (pairs, stop) = (Arc::clone(&pairs), Arc::clone(&stop));
        let client = office.vault.backend().await;
        callers.spawn(async move {
            let mut own = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let number = own.len();
                // Two callers ask for the same new value at the same time.
                let value = format!("new.number{number}.of{}@mail.example", caller % 2);
                let token = client.token("email", &value).await;
                assert_eq!(revealed(&client, &token).await, value);
                own.push((value, token));
                let (value, token) = &pairs[(number * 7 + caller) % pairs.len()];
                assert_eq!(looked_up(&client, value).await, *token);
                assert_eq!(revealed(&client, token).await, *value);
                // The customer joins the record of another.
                let subject = format!("friend_{caller}");
                assert_eq!(token_for(&client, "email", value, &subject).await, *token);
                let verified = client.verify_match("email", token, value).await;
                assert!(verified.unwrap());
            }
            own
        });
    }
    for version in 1..=2 {
        for purpose in BOTH {
            rotate(&office, purpose, version).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
            for _ in 0..3 {
                let outcomes = reindex(&office.vault, emails(&pairs)).await;
                let is_found = |it: &&str| [MOVED, CURRENT].contains(it);
                assert!(outcomes.iter().all(is_found));
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut all: HashSet<(String, String)> = pairs.iter().cloned().collect();
    all.extend(callers.join_all().await.into_iter().flatten());
    let values: HashSet<&String> = all.iter().map(|(value, _)| value).collect();
    assert_eq!(values.len(), all.len(), "equal values have equal tokens");
    let all: Vec<_> = all.into_iter().collect();
    for part in all.chunks(1_000) {
        reindex(&office.vault, emails(part)).await;
    }
    let counted = found(&office.vault);
    assert_eq!(counted.by_token, BTreeMap::from([(3, all.len())]));
    assert_eq!(counted.by_value, BTreeMap::from([(3, all.len())]));
    all_open(&client, &pairs).await;
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_version_goes_after_a_reindex_and_not_before() {
    let mut office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..6).await;
    for purpose in BOTH {
        rotate(&office, purpose, 1).await;
    }
    assert_eq!(found(&office.vault), all_under(1, 6, 6, 6));
    all_open(&client, &pairs[..1]).await;
    // A known value moved as it was seen, by token and value at once.
    assert_eq!(
        found(&office.vault).by_token,
        BTreeMap::from([(1, 5), (2, 1)])
    );
    assert_eq!(
        found(&office.vault).by_value,
        BTreeMap::from([(1, 5), (2, 1)])
    );
    assert_eq!(found(&office.vault).links, BTreeMap::from([(1, 5), (2, 1)]));
    for purpose in BOTH {
        let refused = destroy(&office, purpose, 1).await.unwrap_err();
        assert!(refused.contains("5 records"), "{refused}");
    }
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    let outcomes = reindex(&office.vault, emails(&pairs)).await;
    let moved = |it: &&&str| **it == MOVED;
    assert_eq!(outcomes.iter().filter(moved).count(), 5);
    let outcomes = reindex(&office.vault, emails(&pairs)).await;
    assert_eq!(outcomes, vec![CURRENT; 6]);
    assert_eq!(found(&office.vault), all_under(2, 6, 6, 6));

    // Request ids are remembered for a day, by the value fingerprint key.
    let early = destroy(&office, KeyPurpose::ValueFingerprint, 1).await;
    assert!(early.unwrap_err().contains("request ids"));
    office.vault.clock.advance_seconds(DAY);
    for purpose in BOTH {
        assert_eq!(destroy(&office, purpose, 1).await, Ok(()));
    }
    office.vault.restart().await;
    let client = office.vault.backend().await;
    all_open(&client, &pairs).await;
    for (value, token) in &pairs {
        assert_eq!(looked_up(&client, value).await, *token);
    }
    // The intent of each batch is before its outcome.
    let events: Vec<Event> = office
        .vault
        .entries()
        .iter()
        .map(|it| it.draft.event)
        .collect();
    let first = |event| events.iter().position(|it| *it == event).unwrap();
    assert!(first(Event::Reindex) < first(Event::ReindexOutcome));
    office.vault.check().await;
}

/// Goal: these tests notice a vault that searches the active version only. Method: the old version
/// is taken away behind the vault's back, which then has no other.
#[tokio::test(flavor = "multi_thread")]
async fn vault_that_forgets_the_old_version_is_found_out() {
    for purpose in BOTH {
        let mut office = Office::open().await;
        let client = office.vault.backend().await;
        let pairs = tokens(&client, 0..1).await;
        rotate(&office, purpose, 1).await;
        let (value, token) = pairs[0].clone();
        assert_eq!(revealed(&client, &token).await, value);
        assert_eq!(looked_up(&client, &value).await, token);
        forget(&office.vault, purpose);
        office.vault.restart().await;
        let client = office.vault.backend().await;
        let is_noticed = match purpose {
            KeyPurpose::TokenFingerprint => client.value("email", &token).await.is_err(),
            _ => client.token("email", &value).await != token,
        };
        assert!(is_noticed, "{purpose:?}");
        // The log knows nothing of what was done to the keys.
        office.vault.check_only_log().await;
    }
}

fn forget(vault: &TestVault, purpose: KeyPurpose) {
    vault.with_store(|store| {
        for (row_key, stored) in store.rows(Table::Keys, None, 100).unwrap() {
            let mut key = StoredKey::decode(&stored).unwrap();
            let metadata = key.metadata();
            let is_it = metadata.name() == self::key(purpose, 1);
            if is_it && metadata.state() == KeyState::Deactivated {
                key.transition(KeyState::Destroyed, vault.clock.now())
                    .unwrap();
                let change = RowChange {
                    table: Table::Keys,
                    key: row_key,
                    expected: Some(stored),
                    value: Some(key.encode()),
                };
                store.compare_and_set(&change).unwrap();
            }
        }
    });
}
