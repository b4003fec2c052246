//! Erasing entries: with an entry that says so, and never without; and what is left verifies,
//! wherever it is read.

use std::io::Cursor;

use super::*;
use crate::audit::entry_erasure::may_be_erased;
use crate::crypto::merkle::Hash;
use crate::store::Conflict;
use crate::store::StoredLeaf;

/// Commits one after the other, and says what came of each.
fn commit_all(log: &TestLog, drafts: Vec<EntryDraft>) -> Vec<Result<u64, CommitError>> {
    let (audit, thread) = log.open();
    let results = drafts
        .into_iter()
        .map(|draft| {
            let receipt = block_on(audit.commit(Commit::of_vault(draft)));
            receipt.map(|receipt| receipt.index)
        })
        .collect();
    drop(audit);
    thread.join();
    results
}

fn erase(log: &TestLog, index: u64) -> Result<u64, CommitError> {
    commit_all(log, vec![EntryDraft::of_entry_erasure(index)]).remove(0)
}

fn leaf(log: &TestLog, index: u64) -> StoredLeaf {
    log.store().entries(index, 1).unwrap().remove(0)
}

fn stays() -> CommitError {
    CommitError::Conflicts(vec![Conflict::EntryStays])
}

fn export_of(log: &TestLog) -> String {
    let mut export = Vec::new();
    write_export(&mut export, &log.store(), &keys()).unwrap();
    String::from_utf8(export).unwrap()
}

#[test]
fn entry_is_erased_with_the_entry_that_says_so() {
    let log = TestLog::with_entries(9);
    let before = log.verify().unwrap();
    let hash = log.store().hashes(0, 4, 1).unwrap().remove(0);
    assert_eq!(erase(&log, 4), Ok(9));
    assert_eq!(leaf(&log, 4), StoredLeaf::Erased { index: 4, hash });
    let after = log.verify().unwrap();
    assert_eq!((before.erased_count, after.erased_count), (0, 1));
    assert_eq!(after.tree_size, before.tree_size + 1);
    let export = verify_export(export_of(&log).as_bytes(), &keys()).unwrap();
    assert_eq!(export, after);
    // And a start reads it: the log goes on.
    assert_eq!(commit_all(&log, vec![draft(3)]), [Ok(10)]);
    assert_eq!(erase(&log, 0), Ok(11));
    assert_eq!(log.verify().unwrap().erased_count, 2);
}

#[test]
fn what_cannot_be_erased_leaves_nothing() {
    let log = TestLog::with_entries(9);
    let started = EntryDraft::new(Event::Started);
    assert_eq!(commit_all(&log, vec![started]), [Ok(9)]);
    assert_eq!(erase(&log, 2), Ok(10));
    for index in [
        9,        // a kind that stays
        2,        // erased already
        10,       // the entry of an erasing
        11,       // itself
        u64::MAX, // none
    ] {
        assert_eq!(erase(&log, index), Err(stays()), "{index}");
    }
    assert_eq!(log.verify().unwrap().tree_size, 11);
}

#[test]
fn entry_is_erased_once_in_a_group() {
    let log = TestLog::with_entries(5);
    let (audit, thread) = log.open();
    let results = block_on(async {
        let erase = || audit.commit(Commit::of_vault(EntryDraft::of_entry_erasure(1)));
        let (one, other) = tokio::join!(erase(), erase());
        [one.is_ok(), other.is_ok()]
    });
    drop(audit);
    thread.join();
    assert_eq!(results.iter().filter(|it| **it).count(), 1);
    assert_eq!(log.verify().unwrap().erased_count, 1);
}

#[test]
fn damaged_entry_is_not_erased() {
    let log = TestLog::with_entries(5);
    let store = log.store();
    for table in ["audit", "tiles"] {
        let (key, row) = store.raw_rows(table).remove(3);
        let mut flipped = row.clone();
        flipped[0] ^= 1;
        store.tamper(table, &key, Some(&flipped));
        let checked = check_entry_erasure(&store, 3);
        assert!(matches!(checked, Err(EntryErasureError::Store(_))));
        store.tamper(table, &key, Some(&row));
        check_entry_erasure(&store, 3).unwrap();
    }
}

/// Goal: what a start or a verifier stands on is never erased. Method: every event, by what it is
/// about.
#[test]
fn entries_of_the_vault_itself_stay() {
    let names = |may_be: bool| -> Vec<&str> {
        let events = Event::ALL.iter().copied();
        let events = events.filter(|event| may_be_erased(*event) == may_be);
        events.map(Event::name).collect()
    };
    let staying = names(false);
    for name in [
        "started",
        "stopped",
        "key_created",
        "key_state_changed",
        "charter_founded",
        "charter_changed",
        "rollback_accepted",
        "root_key_rotated",
        "root_key_reshared",
        "entry_erased",
        "policy_loaded",
        "operation_ended",
        "log_pruned",
    ] {
        assert!(staying.contains(&name), "{name}");
    }
    let going = names(true);
    assert!(going.contains(&"detokenize") && going.contains(&"tokenize"));
    assert_eq!(staying.len() + going.len(), Event::ALL.len());
}

/// Goal: no row of an erased entry is believed without its word. Method: what a thief with the disk
/// can write: the row, the word's row, the hash.
#[test]
fn rows_that_say_erased_by_themselves_are_found() {
    let log = TestLog::with_entries(9);
    let head = Head::read(&log.head_directory(), &keys()).unwrap();
    let store = log.store();
    let verify = || verify_store(&store, Some(&head), &keys());
    for (index, (key, row)) in (0..).zip(store.raw_rows("audit")) {
        store.tamper("audit", &key, Some(b"erased"));
        // An outcome may lack its erased intent; the log must still say that it was erased.
        assert!(matches!(verify(), Err(VerifyError::Untold { index: it }) if it == index));
        store.tamper("audit", &key, Some(&row));
    }
    drop(store);
    let content = log.store().raw_rows("audit").remove(4);
    erase(&log, 4).unwrap();
    let head = Head::read(&log.head_directory(), &keys()).unwrap();
    let store = log.store();
    let verify = || verify_store(&store, Some(&head), &keys());
    verify().unwrap();
    // The content is put back: the log says that it is gone.
    let (key, left) = store.raw_rows("audit").remove(4);
    store.tamper("audit", &key, Some(&content.1));
    assert!(matches!(verify(), Err(VerifyError::Erasure { index: 9 })));
    for bit in 0..left.len() * 8 {
        let mut flipped = left.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        store.tamper("audit", &key, Some(&flipped));
        assert!(verify().is_err(), "bit {bit} of the row");
    }
    store.tamper("audit", &key, Some(&left));
    let (key, hash) = store.raw_rows("tiles").remove(4);
    for bit in 0..hash.len() * 8 {
        let mut flipped = hash.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        store.tamper("tiles", &key, Some(&flipped));
        assert!(verify().is_err(), "bit {bit} of the hash");
    }
    store.tamper("tiles", &key, Some(&hash));
    verify().unwrap();
}

fn newest(store: &RocksStore) -> SignedCheckpoint {
    let note = store.checkpoint().unwrap().unwrap();
    keys().verify(&note).unwrap()
}

fn page(log: &TestLog, first_index: u64, end_index: u64) -> EntryPage {
    let store = log.store();
    let range = PageRange {
        first_index,
        end_index,
        entries_max: usize::MAX,
        bytes_max: usize::MAX,
    };
    EntryPage::read(&store, &newest(&store), range).unwrap()
}

#[test]
fn follower_takes_what_is_left_and_waits_for_the_word() {
    let log = TestLog::with_entries(9);
    erase(&log, 4).unwrap();
    let whole = page(&log, 0, u64::MAX);
    let left = &whole.entries[4];
    assert!(left.leaf.is_empty());
    assert_eq!(left.erased, Some(log.store_hash(4)));
    assert!(left.line.starts_with("{\"erased\":4,\"leaf_hash\":\""));
    Follower::new(keys(), 0).take(&whole).unwrap();
    // Whoever begins behind the erased entry is told of one that it has not seen.
    Follower::new(keys(), 5)
        .take(&page(&log, 5, u64::MAX))
        .unwrap();
    // Anything else about it is found.
    let take = |change: &dyn Fn(&mut PageEntry)| {
        let mut changed = whole.clone();
        change(&mut changed.entries[4]);
        Follower::new(keys(), 0).take(&changed).err()
    };
    let wrong = Some(FollowError::Entry { index: 4 });
    assert_eq!(take(&|it| it.leaf = vec![0]), wrong);
    assert_eq!(take(&|it| it.erased = None), wrong);
    assert_eq!(
        take(&|it| it.erased = Some(Hash::from_bytes([0; 32]))),
        wrong
    );
    assert_eq!(take(&|it| it.line = it.line.replace('4', "5")), wrong);
    let forged = |it: &mut PageEntry| {
        let hash = Hash::from_bytes([9; 32]);
        it.erased = Some(hash);
        it.line = export::erased_line(4, hash).unwrap();
    };
    assert!(matches!(take(&forged), Some(FollowError::Fork { .. })));
}

/// Goal: a vault cannot keep an entry from whoever follows it and say nothing. Method: pages with
/// hashes in the place of entries, under one checkpoint after another.
#[test]
fn follower_finds_what_is_kept_from_it() {
    let log = TestLog::with_entries(4);
    let mut follower = Follower::new(keys(), 0);
    let mut kept_back = page(&log, 0, u64::MAX);
    let hash = log.store_hash(2);
    kept_back.entries[2] = PageEntry {
        index: 2,
        leaf: Vec::new(),
        erased: Some(hash),
        line: export::erased_line(2, hash).unwrap(),
    };
    // It may have been erased a moment ago: the next checkpoint may not say so yet.
    follower.take(&kept_back).unwrap();
    commit_all(&log, vec![draft(4)]);
    follower.take(&page(&log, 4, u64::MAX)).unwrap();
    let mut told = follower_copy(&log, &kept_back);
    // If the log says so then, all is well.
    let other = copy(&log);
    erase(&other, 2).unwrap();
    told.take(&page(&other, 5, u64::MAX)).unwrap();
    commit_all(&other, vec![draft(6)]);
    told.take(&page(&other, 6, u64::MAX)).unwrap();
    // If it does not, it is found.
    commit_all(&log, vec![draft(5)]);
    let taken = follower.take(&page(&log, 5, u64::MAX));
    assert_eq!(taken.err(), Some(FollowError::Untold { index: 2 }));
}

/// Goal: that somebody ends and begins to follow again hides nothing. Method: one follower for each
/// page, which knows of the one before what `audit watch` keeps.
#[test]
fn follower_that_goes_on_remembers_what_was_kept_from_it() {
    let log = TestLog::with_entries(4);
    let mut kept_back = page(&log, 0, u64::MAX);
    let hash = log.store_hash(2);
    kept_back.entries[2] = PageEntry {
        index: 2,
        leaf: Vec::new(),
        erased: Some(hash),
        line: export::erased_line(2, hash).unwrap(),
    };
    let run = |page: &EntryPage, untold: &[UntoldEntry]| {
        let mut follower = Follower::new(keys(), page.first_index);
        follower.remember_untold(untold);
        follower.take(page).map(|_| follower.untold())
    };
    let mut untold = run(&kept_back, &[]).unwrap();
    assert_eq!(untold.len(), 1);
    commit_all(&log, vec![draft(4)]);
    untold = run(&page(&log, 4, u64::MAX), &untold).unwrap();
    // If the log says so then, nothing is left to be remembered.
    let other = copy(&log);
    erase(&other, 2).unwrap();
    assert_eq!(run(&page(&other, 5, u64::MAX), &untold), Ok(Vec::new()));
    commit_all(&log, vec![draft(5)]);
    let taken = run(&page(&log, 5, u64::MAX), &untold);
    assert_eq!(taken, Err(FollowError::Untold { index: 2 }));
    // Planted: who forgets never finds it.
    assert_eq!(run(&page(&log, 5, u64::MAX), &[]), Ok(Vec::new()));
}

/// A follower that has taken the page, and the entry after it.
fn follower_copy(log: &TestLog, first: &EntryPage) -> Follower {
    let mut follower = Follower::new(keys(), 0);
    follower.take(first).unwrap();
    follower.take(&page(log, 4, u64::MAX)).unwrap();
    follower
}

fn copy(log: &TestLog) -> TestLog {
    let directory = tempfile::tempdir().unwrap();
    copy_directory(log.directory.path(), directory.path());
    TestLog { directory }
}

#[test]
fn receipt_of_an_erased_entry_verifies_and_finds_what_is_left() {
    let log = TestLog::with_entries(9);
    let store = log.store();
    let proof = prove_inclusion(&store, &newest(&store), 4).unwrap();
    let proven = proof.verify(&keys()).unwrap();
    drop(store);
    erase(&log, 4).unwrap();
    let store = log.store();
    let in_store = find_in_store(&store, &newest(&store), &proven).unwrap();
    // A proof that is made now is as good.
    let later = prove_inclusion(&store, &newest(&store), 4).unwrap();
    later.verify(&keys()).unwrap();
    drop(store);
    let export = export_of(&log).into_bytes();
    let open = || Ok(Cursor::new(export.clone()));
    let in_export = find_in_export(open, &keys(), &[proven]).unwrap().remove(0);
    assert_eq!(in_export.unwrap(), in_store);
    let expected = export::erased_line(4, log.store_hash(4)).unwrap();
    assert_eq!(in_store, expected);
}

#[test]
fn published_log_has_hashes_and_no_erased_entry() {
    let log = TestLog::with_entries(9);
    let bytes = |path| Tiles::new(&log.store(), 9).read(path).unwrap();
    let tile = TilePath::Tile {
        level: 0,
        index: 0,
        width: 9,
    };
    let bundle = TilePath::Entries { index: 0, width: 9 };
    let hashes = bytes(tile);
    assert!(matches!(bytes(bundle), TileContent::Bytes(_)));
    erase(&log, 4).unwrap();
    assert_eq!(bytes(tile), hashes);
    assert_eq!(bytes(bundle), TileContent::Erased { index: 4 });
    let leaf = |index| bytes(TilePath::Leaf { index });
    assert_eq!(leaf(4), TileContent::Erased { index: 4 });
    assert!(matches!(leaf(5), TileContent::Bytes(_)));
    assert_eq!(erased_by(&log.store(), 0..10).unwrap(), [4]);
}

impl TestLog {
    fn store_hash(&self, index: u64) -> Hash {
        Hash::from_bytes(self.store().hashes(0, index, 1).unwrap().remove(0))
    }
}
