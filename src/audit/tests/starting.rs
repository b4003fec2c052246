//! Goal: a log that is not the one that was signed for last is never served. Method: each way in
//! which store and head can disagree.

use super::*;
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
    for name in ["a", "b"] {
        fs::write(log.head_directory().join(name), [0; 4096]).unwrap();
    }
    assert!(matches!(
        log.start(),
        Err(StartError::Head(HeadError::Missing))
    ));
    fs::remove_dir_all(log.head_directory()).unwrap();
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
