//! Following a log: whatever is wrong with a page is found.

use super::*;
use crate::crypto::merkle::Hash;

/// A page of a log, as of its own checkpoint.
fn page(log: &TestLog, first_index: u64, entries_max: usize) -> EntryPage {
    let store = log.store();
    let checkpoint = newest(log, &store);
    let range = PageRange {
        first_index,
        end_index: u64::MAX,
        entries_max,
        bytes_max: usize::MAX,
    };
    EntryPage::read(&store, &checkpoint, range).unwrap()
}

fn newest(log: &TestLog, store: &RocksStore) -> SignedCheckpoint {
    let head = Head::read(&log.head_directory(), &keys()).unwrap();
    exposure::newest_checkpoint(store, Some(&head), &keys()).unwrap()
}

fn append(log: &TestLog, positions: std::ops::Range<usize>) {
    let (audit, thread) = log.open();
    for position in positions {
        block_on(audit.commit(commit(position))).unwrap();
    }
    drop(audit);
    thread.join();
}

fn copy(log: &TestLog) -> TestLog {
    let directory = tempfile::tempdir().unwrap();
    copy_directory(log.directory.path(), directory.path());
    TestLog { directory }
}

#[test]
fn pages_follow_on_each_other() {
    let log = TestLog::with_entries(40);
    for first_index in [0, 1, 7, 32, 39, 40] {
        for entries_max in [1, 7, 64] {
            let mut follower = Follower::new(keys(), first_index);
            loop {
                let page = page(&log, follower.next_index(), entries_max);
                let checkpoint = follower.take(&page).unwrap();
                assert_eq!(checkpoint.size(), 40);
                if page.entries.is_empty() {
                    break;
                }
            }
            assert_eq!(follower.next_index(), 40);
        }
    }
}

#[test]
fn page_is_bounded_by_bytes_but_has_an_entry() {
    let log = TestLog::with_entries(20);
    let store = log.store();
    let checkpoint = newest(&log, &store);
    let whole = PageRange {
        first_index: 0,
        end_index: u64::MAX,
        entries_max: 64,
        bytes_max: usize::MAX,
    };
    let weight = |page: &EntryPage| -> usize {
        let bytes = |entry: &PageEntry| entry.leaf.len() + entry.line.len();
        page.entries.iter().map(bytes).sum()
    };
    let page = |bytes_max| EntryPage::read(&store, &checkpoint, PageRange { bytes_max, ..whole });
    let all = page(usize::MAX).unwrap();
    assert_eq!(all.entries.len(), 20);
    let half = page(weight(&all) / 2).unwrap();
    assert!(weight(&half) <= weight(&all) / 2 && half.entries.len() > 5);
    assert_eq!(page(1).unwrap().entries.len(), 1);
}

/// Goal: nothing of a page can be changed. Method: every bit of every part of one, and what no
/// bit does: dropping, doubling and swapping; from the start, and in the middle of the log.
#[test]
fn changed_page_is_found() {
    let log = TestLog::with_entries(11);
    for first_index in [0, 6] {
        let whole = page(&log, first_index, 2);
        let refused = |page: &EntryPage| {
            let mut follower = Follower::new(keys(), first_index);
            follower.take(page).is_err()
        };
        assert!(!refused(&whole));
        let mut changes_count = 0;
        let mut change = |of: &dyn Fn(&mut EntryPage)| {
            let mut changed = whole.clone();
            of(&mut changed);
            assert!(changed != whole && refused(&changed), "{changes_count}");
            changes_count += 1;
        };
        let flip = |bytes: &mut [u8], bit: usize| bytes[bit / 8] ^= 1 << (bit % 8);
        let flip_text = |text: &mut String, bit: usize| {
            let mut bytes = text.clone().into_bytes();
            flip(&mut bytes, bit);
            // What is no text cannot come over the wire.
            *text = String::from_utf8_lossy(&bytes).into_owned();
        };
        for position in 0..whole.entries.len() {
            let entry = &whole.entries[position];
            for bit in 0..entry.leaf.len() * 8 {
                change(&|page| flip(&mut page.entries[position].leaf, bit));
            }
            for bit in 0..entry.line.len() * 8 {
                change(&|page| flip_text(&mut page.entries[position].line, bit));
            }
            change(&|page| page.entries[position].index += 1);
            change(&|page| drop(page.entries.remove(position)));
            change(&|page| {
                let entry = page.entries[position].clone();
                page.entries.insert(position, entry);
            });
            if position > 0 {
                change(&|page| page.entries.swap(position - 1, position));
            }
        }
        let flip_hash = |hash: &mut Hash, bit| {
            let mut bytes = *hash.as_bytes();
            flip(&mut bytes, bit);
            *hash = Hash::from_bytes(bytes);
        };
        // A bit of each byte: signatures take their time.
        for bit in (0..256).step_by(9) {
            for position in 0..whole.proof.len() {
                change(&|page| flip_hash(&mut page.proof[position], bit));
            }
            for position in 0..whole.first_hashes.len() {
                change(&|page| flip_hash(&mut page.first_hashes[position], bit));
            }
        }
        for bit in (0..whole.checkpoint.len() * 8).step_by(3) {
            change(&|page| flip_text(&mut page.checkpoint, bit));
        }
        for bit in 0..8 {
            change(&|page| page.first_index ^= 1 << bit);
        }
        assert!(changes_count > 5_000, "{changes_count}");
    }
}

/// Goal: a vault that shows two logs is found out, by whoever saw both. Method: a log that goes on
/// in two ways, each with checkpoints of its own.
#[test]
fn fork_is_found() {
    let log = TestLog::with_entries(8);
    let fork = copy(&log);
    append(&log, 100..105);
    append(&fork, 200..207);
    // From the same beginning: what comes next is another log's.
    let mut follower = Follower::new(keys(), 0);
    follower.take(&page(&log, 0, 10)).unwrap();
    let error = follower.take(&page(&fork, 10, 64)).unwrap_err();
    assert_eq!(error, FollowError::Gap { index: 10 });
    // Even where the entries seen so far are those of both: a checkpoint of one log was promised,
    // and the entries are the other's.
    let mut follower = Follower::new(keys(), 0);
    follower.take(&page(&log, 0, 4)).unwrap();
    let error = follower.take(&page(&fork, 4, 64)).unwrap_err();
    assert_eq!(error, FollowError::Fork { tree_size: 13 });
    // A planted fault, to see that it is this check that finds it: without the promise, nothing
    // is wrong with the other log.
    let mut follower = Follower::new(keys(), 0);
    follower.take(&page(&fork, 0, 4)).unwrap();
    follower.take(&page(&fork, 4, 64)).unwrap();
    // From one run to the next.
    let kept = newest(&log, &log.store());
    let mut follower = Follower::new(keys(), 13);
    follower.remember(&kept).unwrap();
    follower.take(&page(&log, 13, 64)).unwrap();
    let mut follower = Follower::new(keys(), 13);
    follower.remember(&kept).unwrap();
    let error = follower.take(&page(&fork, 13, 64)).unwrap_err();
    assert_eq!(error, FollowError::Fork { tree_size: 13 });
    let mut beyond = Follower::new(keys(), 14);
    assert!(beyond.remember(&kept).is_err());
}

#[test]
fn log_that_goes_back_is_found() {
    let log = TestLog::with_entries(8);
    let old = copy(&log);
    append(&log, 100..103);
    let mut follower = Follower::new(keys(), 0);
    follower.take(&page(&log, 0, 64)).unwrap();
    let mut stale = page(&old, 8, 64);
    assert!(follower.take(&stale).is_err());
    // Not even with the tree that is expected.
    let now = page(&log, 11, 64);
    (stale.first_index, stale.first_hashes) = (now.first_index, now.first_hashes);
    let error = follower.take(&stale).unwrap_err();
    assert_eq!(error, FollowError::Fork { tree_size: 11 });
}

#[test]
fn checkpoint_of_another_key_is_refused() {
    let log = TestLog::with_entries(3);
    let other = AuditSigningKey::new(&KeyBytes::from_slice(&[8; 32]).unwrap());
    let others = CheckpointKeys::new(vec![other.verifier(origin())]);
    let error = Follower::new(others, 0)
        .take(&page(&log, 0, 9))
        .unwrap_err();
    assert_eq!(error, FollowError::Checkpoint);
}

/// What is remembered while a log is followed is compared at once: with what was followed so far,
/// and with what else is remembered.
#[test]
fn remembered_checkpoint_of_another_log_is_found() {
    let log = TestLog::with_entries(20);
    let other = copy(&log);
    append(&log, 20..24);
    append(&other, 120..124);
    let checkpoint_of = |log: &TestLog| newest(log, &log.store());
    let (own, of_another) = (checkpoint_of(&log), checkpoint_of(&other));
    let fork = Err(FollowError::Fork { tree_size: 24 });
    let mut follower = Follower::new(keys(), 0);
    follower.remember(&own).unwrap();
    assert_eq!(follower.remember(&of_another), fork);

    let mut follower = Follower::new(keys(), 0);
    follower.take(&page(&log, 0, 64)).unwrap();
    assert_eq!(follower.next_index(), 24);
    follower.remember(&own).unwrap();
    assert_eq!(follower.remember(&of_another), fork);

    let mut follower = Follower::new(keys(), 0);
    follower.remember(&of_another).unwrap();
    assert!(follower.take(&page(&log, 0, 64)).is_err());
    assert_eq!(follower.checkpoint(own.note()).as_ref(), Some(&own));
    let stranger = CheckpointKeys::new(Vec::new());
    assert_eq!(Follower::new(stranger, 0).checkpoint(own.note()), None);
}
