//! Goal: a log that is not the one that was signed for last is never served. Method: each way in
//! which store and head can disagree.

use super::*;
use crate::domain::Timestamp;
use crate::store::StoreError;

#[test]
fn log_that_equals_its_head_starts() {
    let log = TestLog::with_entries(5);
    assert_eq!(log.head().unwrap().1.size(), 5);
    drop(log.open().0);
}

#[test]
fn log_ahead_of_its_head_starts() {
    let log = TestLog::with_entries(3);
    let old_head = log.directory.path().join("old-head");
    copy_directory(&log.head_directory(), &old_head);
    let (audit, thread) = log.open();
    block_on(audit.commit(commit(3))).unwrap();
    drop(audit);
    thread.join();
    replace_directory(&old_head, &log.head_directory());
    assert_eq!(log.head().unwrap().1.size(), 3);
    let (audit, thread) = log.open();
    assert_eq!(block_on(audit.commit(commit(4))).unwrap().index, 4);
    drop(audit);
    thread.join();
    assert_eq!(log.head().unwrap().1.size(), 5);
}

#[test]
fn log_that_was_rolled_back_is_refused() {
    let log = TestLog::with_entries(3);
    let backup = log.directory.path().join("backup");
    copy_directory(&log.store_directory(), &backup);
    let (audit, thread) = log.open();
    block_on(audit.commit(commit(3))).unwrap();
    drop(audit);
    thread.join();
    replace_directory(&backup, &log.store_directory());
    let refused = log.start().unwrap_err();
    assert!(matches!(
        refused,
        StartError::RolledBack {
            database_size: 3,
            head_size: 4
        }
    ));
    assert!(refused.to_string().contains("\nremedy: "));
    let found = log.verify();
    assert!(matches!(
        found,
        Err(VerifyError::Size {
            entries_count: 3,
            tree_size: 4
        })
    ));
}

/// A head that forgets: the fault that the test above must catch.
struct ForgetfulHead;

impl WriteHead for ForgetfulHead {
    fn write(&mut self, _: &SignedCheckpoint) -> Result<(), HeadError> {
        Ok(())
    }
}

#[test]
fn only_the_head_tells_that_a_log_was_rolled_back() {
    let log = TestLog::with_entries(3);
    let backup = log.directory.path().join("backup");
    copy_directory(&log.store_directory(), &backup);
    let parts = LogParts {
        access: empty_access(),
        head: Box::new(ForgetfulHead),
        ..log.parts().unwrap()
    };
    let (audit, thread) = AuditLog::open(parts).unwrap();
    block_on(audit.commit(commit(3))).unwrap();
    drop(audit);
    thread.join();
    replace_directory(&backup, &log.store_directory());
    let (audit, thread) = log.open();
    drop(audit);
    thread.join();
}

#[test]
fn emptied_log_is_refused() {
    let log = TestLog::with_entries(3);
    fs::remove_dir_all(log.store_directory()).unwrap();
    drop(RocksStore::create(&log.store_directory(), &OPTIONS).unwrap());
    let refused = log.start();
    assert!(matches!(
        refused,
        Err(StartError::RolledBack {
            database_size: 0,
            head_size: 3
        })
    ));
}

#[test]
fn other_log_is_refused() {
    for other_size in [3, 5] {
        let (log, other) = (TestLog::with_entries(3), TestLog::with_entries(other_size));
        replace_directory(&other.store_directory(), &log.store_directory());
        assert!(matches!(
            log.start(),
            Err(StartError::Forked { head_size: 3 })
        ));
        assert!(matches!(
            log.verify(),
            Err(VerifyError::Root { tree_size: 3 })
        ));
    }
}

#[test]
fn log_without_a_head_is_refused() {
    let log = TestLog::with_entries(3);
    let claimed = || Head::claimed_size(&log.head_directory()).unwrap();
    assert_eq!(claimed(), Some(3));
    for name in ["a", "b"] {
        fs::write(log.head_directory().join(name), [0; 4096]).unwrap();
    }
    // Without a word of how long the log was, no damaged store may be opened as far as it goes.
    assert_eq!(claimed(), None);
    assert!(matches!(
        log.start(),
        Err(StartError::Head(HeadError::Missing))
    ));
    fs::remove_dir_all(log.head_directory()).unwrap();
    assert_eq!(claimed(), None);
    assert!(matches!(
        log.start(),
        Err(StartError::Head(HeadError::Missing))
    ));
}

#[test]
fn head_of_another_key_is_refused() {
    let log = TestLog::with_entries(1);
    let other = AuditSigningKey::new(&KeyBytes::from_slice(&[8; 32]).unwrap());
    let other = CheckpointKeys::new(vec![other.verifier(origin())]);
    assert!(matches!(
        Head::open(&log.head_directory(), &other),
        Err(HeadError::Missing)
    ));
}

#[test]
fn torn_head_leaves_the_one_before() {
    let log = TestLog::with_entries(3);
    let latest = ["a", "b"]
        .map(|name| log.head_directory().join(name))
        .into_iter()
        .find(|path| {
            fs::read(path)
                .unwrap()
                .starts_with(b"vault.example/audit\n3\n")
        });
    let path = latest.unwrap();
    let mut slot = fs::read(&path).unwrap();
    slot[60..].fill(0);
    fs::write(&path, slot).unwrap();
    assert_eq!(log.head().unwrap().1.size(), 2);
    assert_eq!(Head::claimed_size(&log.head_directory()).unwrap(), Some(2));
    let (audit, thread) = log.open();
    block_on(audit.commit(commit(3))).unwrap();
    drop(audit);
    thread.join();
    assert_eq!(log.head().unwrap().1.size(), 4);
}

#[test]
fn head_is_made_once() {
    let log = TestLog::create();
    let again = Head::create(&log.head_directory(), &signer().sign_empty().unwrap());
    assert!(matches!(again, Err(HeadError::AlreadyExists)));
}

#[test]
fn damaged_latest_entry_is_refused() {
    let log = TestLog::with_entries(3);
    let store = log.store();
    let (key, mut row) = store.raw_rows("audit").remove(1);
    row[3] ^= 1;
    store.tamper("audit", &key, Some(&row));
    drop(store);
    assert!(matches!(log.start(), Err(StartError::Entry { index: 1 })));
}

#[test]
fn lost_hash_is_refused() {
    let log = TestLog::with_entries(3);
    let store = log.store();
    let (key, _) = store.raw_rows("tiles").remove(2);
    store.tamper("tiles", &key, None);
    drop(store);
    assert!(matches!(
        log.start(),
        Err(StartError::Store(StoreError::Corrupt { .. }))
    ));
}

#[test]
fn unsigned_checkpoint_is_refused() {
    let log = TestLog::with_entries(3);
    let store = log.store();
    let note = store
        .checkpoint()
        .unwrap()
        .unwrap()
        .replace("\n3\n", "\n4\n");
    store.tamper("checkpoints", b"latest", Some(note.as_bytes()));
    drop(store);
    assert!(matches!(log.start(), Err(StartError::Checkpoint)));
}

/// A log whose entries are these.
fn log_of(drafts: Vec<EntryDraft>) -> TestLog {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    for draft in drafts {
        block_on(audit.commit(Commit::of_vault(draft))).unwrap();
    }
    drop(audit);
    thread.join();
    log
}

fn under(event: Event, charter: u8) -> EntryDraft {
    InForce {
        charter: Some([charter; 32]),
        register: Some([0xee; 32]),
    }
    .entry(event)
}

/// Founded under one charter, erased in, and served under another since.
fn log_of_two_charters() -> TestLog {
    log_of(vec![
        EntryDraft::new(Event::Started),
        under(Event::CharterFounded, 1),
        draft(2),
        under(Event::Stopped, 1),
        under(Event::Started, 1),
        under(Event::CharterChanged, 2),
        draft(6),
        EntryDraft::of_entry_erasure(2),
        draft(8),
        under(Event::Stopped, 2),
        EntryDraft::of_entry_erasure(6),
    ])
}

fn blank(store: &RocksStore, index: u64) {
    store.tamper("audit", &index.to_be_bytes(), Some(b"erased"));
}

#[test]
fn erased_entries_that_the_log_tells_of_are_passed_over() {
    let log = log_of_two_charters();
    assert_eq!(in_force(&log.store()).unwrap().charter, Some([2; 32]));
    drop(log.open());
    let log = log_of(vec![draft(0), EntryDraft::of_entry_erasure(0)]);
    assert_eq!(in_force(&log.store()).unwrap().charter, None);
    drop(log.open());
}

/// Goal: no charter comes back by what a thief with the disk can write. Method: rows that say
/// `erased`, of all that tells of the charter, back to one place after the other.
#[test]
fn charter_of_blanked_entries_is_refused() {
    let log = log_of_two_charters();
    let latest_index = 9;
    // Back to the older charter, and to none.
    for back_to in [9, 5, 4, 1, 0] {
        let store = log.store();
        let rows = store.raw_rows("audit");
        for index in [0, 1, 3, 4, 5, 9] {
            if index >= back_to {
                blank(&store, index);
            }
        }
        let said = in_force(&store);
        assert!(matches!(said, Err(StartError::Untold { index }) if index == latest_index));
        drop(store);
        let refused = log.start().unwrap_err();
        assert!(matches!(refused, StartError::Untold { index } if index == latest_index));
        assert!(refused.to_string().contains("\nremedy: "));
        let store = log.store();
        for (key, row) in rows {
            store.tamper("audit", &key, Some(&row));
        }
    }
    drop(log.open());
}

#[test]
fn each_entry_that_is_gone_without_a_word_is_refused() {
    let log = TestLog::with_entries(5);
    for index in 0..5 {
        let store = log.store();
        let (key, row) = store.raw_rows("audit").remove(index);
        blank(&store, index as u64);
        drop(store);
        let refused = log.start();
        assert!(matches!(refused, Err(StartError::Untold { index: it }) if it == index as u64));
        let store = log.store();
        // The time of a log whose last entry is gone is not an earlier one, nor none.
        assert_eq!(latest_time(&store).is_err(), index == 4);
        store.tamper("audit", &key, Some(&row));
    }
    assert!(latest_time(&log.store()).unwrap() > Timestamp::default());
    assert_eq!(
        latest_time(&TestLog::create().store()).unwrap(),
        Timestamp::default()
    );
}

/// Goal: the charter is as sure where a start does not read every entry again. Method: its entry,
/// behind 1,100 others, is blanked; or another's is in its place, with that one's hash.
#[test]
fn charter_is_compared_with_the_tree_however_far_back() {
    let mut drafts = vec![draft(0), under(Event::Started, 2)];
    drafts.extend((0..1_100).map(|_| draft(0)));
    let log = log_of(drafts);
    let store = log.store();
    assert_eq!(in_force(&store).unwrap().charter, Some([2; 32]));
    let (key, row) = store.raw_rows("audit").remove(1);
    blank(&store, 1);
    let said = in_force(&store);
    assert!(matches!(said, Err(StartError::Untold { index: 1 })));
    let mut entry = Entry::decode(&row[16..]).unwrap();
    entry.draft = under(Event::Started, 1);
    let forged = [&row[..16], &entry.encode()].concat();
    store.tamper("audit", &key, Some(&forged));
    let said = in_force(&store);
    assert!(matches!(said, Err(StartError::Entry { index: 1 })));
    let hash = crate::crypto::merkle::leaf_hash(&forged);
    let place = [&[0], 1_u64.to_be_bytes().as_slice()].concat();
    store.tamper("tiles", &place, Some(hash.as_bytes()));
    let said = in_force(&store);
    assert!(matches!(
        said,
        Err(StartError::Store(StoreError::Corrupt { table: "tiles" }))
    ));
}
