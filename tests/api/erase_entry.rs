//! Erasing an entry of the log: two officers, one entry that says so, no byte of it on the disk.

use std::io;

use counterfoil::audit::EntryPage;
use counterfoil::audit::Event;
use counterfoil::audit::Evidence;
use counterfoil::audit::Follower;
use counterfoil::audit::PageEntry;
use counterfoil::audit::TlogProof;
use counterfoil::audit::exposure::newest_checkpoint;
use counterfoil::audit::find_in_export;
use counterfoil::audit::find_in_store;
use counterfoil::audit::prove_inclusion;
use counterfoil::audit::verify_export;
use counterfoil::audit::verify_store;
use counterfoil::audit::write_export;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::OperationKind;
use counterfoil::crypto::merkle::Hash;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::audit_service_client::AuditServiceClient;
use counterfoil::store::StoredLeaf;
use tonic::Code;

use crate::damage::put;
use crate::damage::raw;
use crate::damage::rows;
use crate::office::Office;
use crate::office::sign;
use crate::purge::contents;
use crate::purge::files_with;
use crate::support::Side;
use crate::support::TestVault;
use crate::support::both_verifiers::verify_by_both;
use crate::support::item_of;
use crate::support::second_verifier::SecondVerifier;

const RULES: &str = "[officers.rules]\nerase-entry = { delay_seconds = 0 }\n";
/// A customer whose id is found wherever it is written in clear.
const CANARY: &str = "cus_Zq7XvK93mWpL0tRb";

/// Tokenizes a value of a customer, and returns the index of the entry.
pub(crate) async fn tokenized(vault: &TestVault, subject: &str) -> u64 {
    let client = vault.backend().await;
    let item = item_of("email", &format!("{subject}@mail.example"), subject);
    client.tokenized(item).await;
    let entries = vault.entries();
    let is_it = |it: &&counterfoil::audit::Entry| it.draft.event == Event::Tokenize;
    entries.iter().rev().find(is_it).unwrap().index
}

fn is_erased(vault: &TestVault, index: u64) -> bool {
    let stored = vault.with_store(|store| store.entries(index, 1).unwrap());
    matches!(stored.as_slice(), [StoredLeaf::Erased { .. }])
}

/// Two officers have the entry erased.
pub(crate) async fn erase(office: &Office, index: u64) -> protocol::Operation {
    let proposed = office.propose(1, Operation::EraseEntry(index)).await;
    let approved = office.approve(2, &proposed.unwrap()).await.unwrap();
    office.until(&approved, OperationState::Done).await;
    approved
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_erase_an_entry_and_one_does_not() {
    let office = Office::open_with(&[1, 2, 3], RULES).await;
    let index = tokenized(&office.vault, CANARY).await;
    let erase = Operation::EraseEntry(index);
    let proposed = office.propose(1, erase.clone()).await.unwrap();
    assert!(proposed.state() == OperationState::Proposed);
    assert!(proposed.note.contains(&format!("\nobject entry/{index}\n")));
    // The same officer twice, or by another's name, is one officer.
    let note: counterfoil::crypto::note::SignedNote = proposed.note.parse().unwrap();
    let again = office.approve(1, &proposed).await.unwrap();
    assert!(again.state() == OperationState::Proposed);
    let forged = office.approve_with(&proposed, &sign(9, note.text())).await;
    assert_eq!(forged.err().unwrap().code(), Code::InvalidArgument);
    assert!(!is_erased(&office.vault, index));
    assert_eq!(office.vault.counts().get(&Event::EntryErased), None);

    let approved = office.approve(2, &proposed).await.unwrap();
    assert!(is_erased(&office.vault, index));
    office.until(&approved, OperationState::Done).await;
    let entries = office.vault.entries();
    let is_word = |it: &&counterfoil::audit::Entry| it.draft.event == Event::EntryErased;
    let word = &entries.iter().find(is_word).unwrap().draft.ceremony;
    assert_eq!(word.erased_index, Some(index));
    assert_eq!(word.operation, Some(OperationKind::EraseEntry));
    let officers: Vec<_> = word.officers.iter().map(|it| it.as_str()).collect();
    assert_eq!(officers, ["officer1", "officer2"]);

    let word_index = entries.iter().find(is_word).unwrap().index;
    for (index, words) in [
        (index, "erased already"),
        (word_index, "of this kind stay"),
        (0, "of this kind stay"),
        (u64::MAX, "no such entry"),
    ] {
        let refused = office.propose(1, Operation::EraseEntry(index)).await;
        let refused = refused.err().unwrap();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains(words), "{}", refused.message());
    }
    let report = office.vault.check().await;
    assert_eq!(report.erased_count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_that_was_erased_meanwhile_ends_the_second_ceremony() {
    let office = Office::open_with(&[1, 2, 3], RULES).await;
    let index = tokenized(&office.vault, CANARY).await;
    let other = office.propose(3, Operation::EraseEntry(index)).await;
    let other = other.unwrap();
    erase(&office, index).await;
    let refused = office.approve(1, &other).await.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("erased already"));
    office.vault.check().await;
    // With a delay, it is the ceremony that fails.
    let delayed = "[officers.rules]\nerase-entry = { delay_seconds = 60 }\n";
    let office = Office::open_with(&[1, 2, 3], delayed).await;
    let index = tokenized(&office.vault, CANARY).await;
    let mut waiting = Vec::new();
    for (one, two) in [(1, 2), (2, 3)] {
        let proposed = office.propose(one, Operation::EraseEntry(index)).await;
        let approved = office.approve(two, &proposed.unwrap()).await.unwrap();
        assert!(approved.state() == OperationState::Waiting);
        waiting.push(approved);
    }
    assert!(!is_erased(&office.vault, index));
    office.vault.clock.advance_seconds(61);
    let ended = async |operation: &protocol::Operation| loop {
        let listed = office.list().await.operations;
        let found = listed
            .into_iter()
            .find(|it| it.operation_id == operation.operation_id);
        let found = found.unwrap();
        if found.ended.is_some() {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let mut states = Vec::new();
    for operation in &waiting {
        states.push(ended(operation).await.state());
    }
    let is = |state| states.iter().filter(|it| **it == state).count();
    let counts = (is(OperationState::Done), is(OperationState::Failed));
    assert_eq!(counts, (1, 1));
    let report = office.vault.check().await;
    assert_eq!(report.erased_count, 1);
}

/// Goal: an operation about what turns out to be damaged ends, with its reason, and the vault goes
/// on. Method: an entry that a start does not read any more, one byte of it changed while officers
/// wait for its erasing.
#[tokio::test(flavor = "multi_thread")]
async fn erasing_of_a_damaged_entry_fails_with_its_reason() {
    let delayed = "[officers.rules]\nerase-entry = { delay_seconds = 60 }\n";
    let mut office = Office::open_with(&[1, 2, 3], delayed).await;
    let index = tokenized(&office.vault, CANARY).await;
    let proposed = office.propose(1, Operation::EraseEntry(index)).await;
    let approved = office.approve(2, &proposed.unwrap()).await.unwrap();
    assert!(approved.state() == OperationState::Waiting);
    for _ in 0..1_050 {
        office.list().await;
    }
    office.vault.stop().await;
    {
        let database = raw(&office.vault);
        let is_it = |(key, _): &(Box<[u8]>, Box<[u8]>)| **key == index.to_be_bytes();
        let (key, row) = rows(&database, "audit").into_iter().find(is_it).unwrap();
        let mut damaged = row.to_vec();
        damaged[20] ^= 1;
        put(&database, "audit", &key, &damaged);
    }
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    office.vault.clock.advance_seconds(61);
    office.until(&approved, OperationState::Failed).await;
    let failed = office.get(&approved).await;
    assert!(failed.failure.contains("damaged"), "{}", failed.failure);
    assert!(!is_erased(&office.vault, index));
    // Everything else goes on, and nobody proposes it again.
    tokenized(&office.vault, CANARY).await;
    let refused = office.propose(1, Operation::EraseEntry(index)).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("damaged"));
    office.vault.stop().await;
    // Neither verifier believes it.
    let (store, keys) = (office.vault.read_only(), office.vault.public_keys());
    assert!(verify_store(&store, None, &keys).is_err());
    let mut export = Vec::new();
    write_export(&mut export, &store, &keys).unwrap();
    if let Some(mut second) = SecondVerifier::of_keys(&keys.lines()) {
        assert!(second.finds(&export));
    }
    drop(store);
    office.vault.leave_unchecked();
}

fn page(page: protocol::EntryPage) -> EntryPage {
    let hash = |bytes: Vec<u8>| Hash::from_bytes(bytes.try_into().unwrap());
    let entry = |entry: protocol::LogEntry| PageEntry {
        index: entry.index,
        leaf: entry.leaf,
        erased: Some(entry.leaf_hash).filter(|it| !it.is_empty()).map(hash),
        line: entry.json,
    };
    EntryPage {
        first_index: page.first_index,
        first_hashes: page.first_hashes.into_iter().map(hash).collect(),
        entries: page.entries.into_iter().map(entry).collect(),
        proof: page.proof.into_iter().map(hash).collect(),
        checkpoint: page.checkpoint,
    }
}

/// Goal: wherever the log is read, an erased entry is the hash of its leaf, and the log verifies.
/// Method: a receipt of before; then an entry is erased; the log is listed, watched, exported,
/// verified by both verifiers, searched for the receipt's entry, before and after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn erased_entry_is_a_hash_wherever_the_log_is_read() {
    let mut office = Office::open_with(&[1, 2, 3], RULES).await;
    let index = tokenized(&office.vault, CANARY).await;
    tokenized(&office.vault, "cus_2").await;
    let keys = office.vault.public_keys();
    let proof = {
        let store = office.vault.read_only();
        let checkpoint = newest_checkpoint(&store, None, &keys).unwrap();
        prove_inclusion(&store, &checkpoint, index)
            .unwrap()
            .to_string()
    };
    erase(&office, index).await;
    for round in 0..2 {
        let credential = office.vault.identities().credential("approver");
        let channel = office.vault.connect(Side::Reveal, credential).await;
        let mut service = AuditServiceClient::new(channel.unwrap());
        let mut follower = Follower::new(keys.clone(), 0);
        let request = protocol::WatchEntriesRequest::default();
        let watched = service.watch_entries(request).await.unwrap();
        let mut pages = watched.into_inner();
        while follower.next_index() <= index + 2 {
            let page = page(pages.message().await.unwrap().unwrap());
            follower.take(&page).unwrap();
        }
        let request = protocol::ListEntriesRequest {
            first_index: index,
            entries_max: 1,
            ..protocol::ListEntriesRequest::default()
        };
        let listed = service.list_entries(request).await.unwrap().into_inner();
        let [left] = listed.entries.as_slice() else {
            panic!("one entry was asked for");
        };
        assert!(left.leaf.is_empty() && left.leaf_hash.len() == 32);
        assert!(left.json.starts_with(&format!("{{\"erased\":{index},")));

        let store = office.vault.read_only();
        let proven = proof.parse::<TlogProof>().unwrap().verify(&keys).unwrap();
        assert_eq!(proven.leaf_hash().as_bytes().as_slice(), left.leaf_hash);
        let checkpoint = newest_checkpoint(&store, None, &keys).unwrap();
        let found = find_in_store(&store, &checkpoint, &proven).unwrap();
        assert_eq!(found, left.json);
        let mut export = Vec::new();
        write_export(&mut export, &store, &keys).unwrap();
        assert_eq!(files_with(&[export.clone()], CANARY.as_bytes()), 0);
        assert_eq!(files_with(&[export.clone()], b"cus_2"), 1);
        let report = verify_export(export.as_slice(), &keys).unwrap();
        assert_eq!(report.erased_count, 1);
        let open = || Ok(io::Cursor::new(export.clone()));
        let found = find_in_export(open, &keys, &[proven]).unwrap().remove(0);
        assert_eq!(found.unwrap(), left.json);
        let evidence = Evidence::of(&keys);
        assert_eq!(verify_by_both(&store, None, &evidence).unwrap(), report);
        if round == 0 {
            office.vault.restart().await;
            office.keys = Office::connect(&office.vault).await;
        }
    }
    // Officers go on after the restart.
    let other = tokenized(&office.vault, "cus_3").await;
    erase(&office, other).await;
    let report = office.vault.check().await;
    assert_eq!(report.erased_count, 2);
}

/// Goal: once the operation is done, no file of the data directory has the entry. Method: a
/// customer's id that is only in that entry is searched for in every file: in tables and logs of
/// writes before, nowhere after. That of another customer is found throughout.
#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_an_erased_entry_is_left_on_the_disk() {
    for is_flushed in [false, true] {
        let office = Office::open_with(&[1, 2, 3], RULES).await;
        let index = tokenized(&office.vault, CANARY).await;
        tokenized(&office.vault, "cus_Stays4NoErasing").await;
        if is_flushed {
            office.vault.with_store(|store| store.flush().unwrap());
        }
        let data_dir = office.vault.config.data_dir.clone();
        let found = |text: &str| files_with(&contents(&data_dir), text.as_bytes());
        assert!(found(CANARY) > 0, "the planted id is found");
        let proposed = office.propose(1, Operation::EraseEntry(index)).await;
        let proposed = proposed.unwrap();
        assert!(found(CANARY) > 0, "to propose it erases nothing");
        let approved = office.approve(2, &proposed).await.unwrap();
        office.until(&approved, OperationState::Done).await;
        assert_eq!(found(CANARY), 0);
        assert!(found("cus_Stays4NoErasing") > 0);
        office.vault.check().await;
    }
}
