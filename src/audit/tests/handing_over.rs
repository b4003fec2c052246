//! Goal: who has any one public key of a log follows it through every change of keys, and nobody
//! else's key gets in. Method: logs whose keys change, read with each of the keys, and changed
//! where they change hands.

use super::failing::Fault;
use super::failing::FaultyStore;
use super::*;
use crate::audit::handover::Handover;
use crate::audit::tree::stored_leaf_hash;
use crate::crypto::merkle::Frontier;

/// The key with this number; the first is that of the other tests.
fn key_of(number: u8) -> AuditSigningKey {
    AuditSigningKey::new(&KeyBytes::from_slice(&[6 + number; 32]).unwrap())
}

fn only(number: u8) -> CheckpointKeys {
    CheckpointKeys::new(vec![key_of(number).verifier(origin())])
}

/// The call that puts the log under another key. `former` keys sign beside it.
pub(super) fn rotation(number: u8, former: &[u8]) -> Commit {
    let public_key = key_of(number).verifier(origin()).public_key();
    let announcement = EntryDraft {
        ceremony: CeremonyNote {
            public_key: Some(public_key),
            ..CeremonyNote::default()
        },
        ..EntryDraft::new(Event::KeyCreated)
    };
    let signer = CheckpointSigner::new(origin(), key_of(number));
    Commit {
        further: vec![announcement],
        signer: Some(signer.beside(former.iter().copied().map(key_of).collect())),
        ..commit(0)
    }
}

/// A log that begins under key 1, and is under key 2 and then 3, with entries between.
fn rotated(former: &[&[u8]]) -> TestLog {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    for (number, former) in (2..).zip(former) {
        block_on(audit.commit(commit(0))).unwrap();
        block_on(audit.commit(rotation(number, former))).unwrap();
    }
    block_on(audit.commit(commit(1))).unwrap();
    drop(audit);
    thread.join();
    log
}

fn verify(log: &TestLog, given: &CheckpointKeys) -> Result<Report, VerifyError> {
    let store = log.store();
    let keys = following_keys(&store, given)?;
    let head = Head::read(&log.head_directory(), &keys).map_err(|_| VerifyError::Checkpoint)?;
    verify_store(&store, Some(&head), given)
}

fn export(log: &TestLog, keys: &CheckpointKeys) -> String {
    let mut export = Vec::new();
    write_export(&mut export, &log.store(), keys).unwrap();
    String::from_utf8(export).unwrap()
}

#[test]
fn log_is_verified_by_any_one_of_its_keys() {
    let log = rotated(&[&[], &[]]);
    let all = CheckpointKeys::new((1..=3).map(|key| key_of(key).verifier(origin())).collect());
    let report = verify(&log, &all).unwrap();
    assert_eq!(report.tree_size, 7);
    let keys: Vec<_> = report
        .successors
        .iter()
        .map(|it| (it.index, &it.key))
        .collect();
    let (second, third) = (key_of(2).verifier(origin()), key_of(3).verifier(origin()));
    assert_eq!(keys, [(2, &second), (5, &third)]);
    for number in 1..=3 {
        assert_eq!(verify(&log, &only(number)).unwrap(), report, "{number}");
        let export = export(&log, &only(number));
        let verified = verify_export(export.as_bytes(), &only(number)).unwrap();
        assert_eq!(verified, report, "{number}");
        let following = following_keys(&log.store(), &only(number)).unwrap();
        assert_eq!(following.lines().len(), 4 - usize::from(number));
    }
    assert!(matches!(
        verify(&log, &only(9)),
        Err(VerifyError::Checkpoint)
    ));
}

#[test]
fn log_that_ends_with_its_handover_is_whole() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    block_on(audit.commit(rotation(2, &[]))).unwrap();
    drop(audit);
    thread.join();
    for number in [1, 2] {
        assert_eq!(verify(&log, &only(number)).unwrap().successors.len(), 1);
        let export = export(&log, &only(number));
        assert_eq!(export.lines().count(), 3);
        verify_export(export.as_bytes(), &only(number)).unwrap();
    }
}

#[test]
fn log_goes_on_after_a_restart_with_its_new_key() {
    let log = rotated(&[&[]]);
    let (head, head_checkpoint) = Head::open(&log.head_directory(), &only(2)).unwrap();
    let parts = LogParts {
        head: Box::new(head),
        head_checkpoint,
        signer: CheckpointSigner::new(origin(), key_of(2)),
        keys: only(2),
        ..parts_without_head(&log)
    };
    let (audit, thread) = AuditLog::open(parts).unwrap();
    block_on(audit.commit(commit(5))).unwrap();
    drop(audit);
    thread.join();
    assert_eq!(verify(&log, &only(1)).unwrap().tree_size, 5);
}

fn parts_without_head(log: &TestLog) -> LogParts {
    let other = TestLog::create();
    let (head, head_checkpoint) = other.head().unwrap();
    LogParts {
        access: empty_access(),
        store: Arc::new(log.store()),
        head: Box::new(head),
        head_checkpoint,
        signer: signer(),
        keys: keys(),
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
        witness: None,
    }
}

#[test]
fn replaced_key_signs_beside_the_new_one_where_it_may() {
    let log = rotated(&[&[1]]);
    let note = log.store().checkpoint().unwrap().unwrap();
    assert!(only(1).verify(&note).is_some());
    assert!(only(2).verify(&note).is_some());
    let log = rotated(&[&[]]);
    let note = log.store().checkpoint().unwrap().unwrap();
    assert!(only(1).verify(&note).is_none());
}

#[test]
fn every_flipped_bit_of_a_handover_is_found() {
    let log = rotated(&[&[], &[]]);
    let (head, keys) = (log_head(&log), only(1));
    let store = log.store();
    let rows = store.raw_rows("checkpoints");
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|(key, _)| key.starts_with(b"handover"))
        .collect();
    assert_eq!(rows.len(), 2);
    for (key, row) in rows {
        for bit in 0..row.len() * 8 {
            let mut flipped = row.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            store.tamper("checkpoints", &key, Some(&flipped));
            assert!(
                verify_store(&store, Some(&head), &keys).is_err(),
                "bit {bit}"
            );
        }
        // Gone, or elsewhere.
        store.tamper("checkpoints", &key, None);
        let found = verify_store(&store, Some(&head), &keys);
        assert!(matches!(found, Err(VerifyError::Handover { .. })));
        let mut elsewhere = key.clone();
        elsewhere[15] += 1;
        store.tamper("checkpoints", &elsewhere, Some(&row));
        assert!(verify_store(&store, Some(&head), &keys).is_err());
        store.tamper("checkpoints", &elsewhere, None);
        store.tamper("checkpoints", &key, Some(&row));
    }
    verify_store(&store, Some(&head), &keys).unwrap();
}

fn log_head(log: &TestLog) -> SignedCheckpoint {
    let keys = following_keys(&log.store(), &only(1)).unwrap();
    Head::read(&log.head_directory(), &keys).unwrap()
}

#[test]
fn moved_and_changed_lines_of_an_export_are_found() {
    let log = rotated(&[&[], &[]]);
    let export = export(&log, &only(1));
    let lines: Vec<_> = export.lines().collect();
    assert_eq!(lines.len(), 7 + 3);
    for position in 0..lines.len() {
        let mut shortened = lines.clone();
        shortened.remove(position);
        assert!(is_found(&shortened), "without line {position}");
        let mut repeated = lines.clone();
        repeated.insert(position, lines[position]);
        assert!(is_found(&repeated), "line {position} twice");
        for other in position + 1..lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(position, other);
            assert!(is_found(&swapped), "lines {position} and {other}");
        }
    }
    for position in 0..export.len() {
        let mut changed = export.clone().into_bytes();
        changed[position] ^= 1;
        let found = verify_export(changed.as_slice(), &only(1));
        assert!(found.is_err(), "byte {position}");
    }
}

fn is_found(lines: &[&str]) -> bool {
    verify_export((lines.join("\n") + "\n").as_bytes(), &only(1)).is_err()
}

#[test]
fn key_that_nobody_vouches_for_gets_nothing() {
    // Who can write to the database, and has no key, announces one of their own.
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let Commit { further, .. } = rotation(2, &[]);
    let announcement = further.into_iter().next().unwrap();
    block_on(audit.commit(Commit::of_vault(announcement))).unwrap();
    drop(audit);
    thread.join();
    // The old key has signed the announcement, but the new one has not: nobody is known to have it.
    let store = log.store();
    let head = Head::read(&log.head_directory(), &keys()).unwrap();
    let found = verify_store(&store, Some(&head), &keys());
    assert!(matches!(found, Err(VerifyError::Handover { index: 0 })));

    let root = head.root();
    for note in [
        CheckpointSigner::new(origin(), key_of(2)).sign(1, root),
        CheckpointSigner::new(origin(), key_of(9)).sign(1, root),
        signer().sign(1, root),
    ] {
        let handover = Handover {
            index: 0,
            size: 1,
            note: note.unwrap().note().to_owned(),
        };
        let put = handover.put();
        store.tamper("checkpoints", &put.key, put.value.as_deref());
        assert_eq!(following_keys(&store, &keys()).unwrap().lines().len(), 1);
        // Nobody vouches for it, so that nothing that it signs counts.
        let forged = CheckpointSigner::new(origin(), key_of(2))
            .sign(1, root)
            .unwrap();
        store.tamper("checkpoints", b"latest", Some(forged.note().as_bytes()));
        assert!(verify_store(&store, None, &keys()).is_err());
    }
}

#[test]
fn replaced_key_alone_signs_nothing_that_counts() {
    // A key that was stolen before it was replaced, and a log that goes on with it.
    let log = rotated(&[&[]]);
    let store = log.store();
    let report = verify_store(&store, None, &only(1)).unwrap();
    let forged = signer().sign(report.tree_size, report.root).unwrap();
    store.tamper("checkpoints", b"latest", Some(forged.note().as_bytes()));
    let both = CheckpointKeys::new((1..=2).map(|key| key_of(key).verifier(origin())).collect());
    for keys in [only(1), both] {
        let found = verify_store(&store, None, &keys);
        assert!(matches!(found, Err(VerifyError::Checkpoint)));
    }
}

/// Goal: a change of hands that may have been written is one that was or was not, and the log goes
/// on either way. Method: its write fails, before and after it is persisted.
#[test]
fn handover_that_failed_was_written_or_was_not() {
    for (fault, is_written) in [(Fault::Fails, false), (Fault::FailsButPersisted, true)] {
        let log = TestLog::create();
        let store = FaultyStore::new(log.store(), fault, 2);
        let (audit, thread) = AuditLog::open(log.parts_over(Arc::new(store)).unwrap()).unwrap();
        block_on(audit.commit(commit(0))).unwrap();
        let answer = block_on(audit.commit(rotation(2, &[])));
        assert_eq!(answer.unwrap_err(), CommitError::Unavailable);
        drop(audit);
        thread.join();

        // The head is the one before, under the old key, which the vault still has.
        let both = CheckpointKeys::new([1, 2].map(|key| key_of(key).verifier(origin())).to_vec());
        let (head, head_checkpoint) = Head::open(&log.head_directory(), &both).unwrap();
        let number = if is_written { 2 } else { 1 };
        let parts = LogParts {
            head: Box::new(head),
            head_checkpoint,
            signer: CheckpointSigner::new(origin(), key_of(number)),
            keys: both,
            ..parts_without_head(&log)
        };
        let (audit, thread) = AuditLog::open(parts).unwrap();
        block_on(audit.commit(commit(5))).unwrap();
        drop(audit);
        thread.join();
        let report = verify(&log, &only(1)).unwrap();
        assert_eq!(
            report.successors.len(),
            usize::from(is_written),
            "{fault:?}"
        );
    }
}

/// Goal: a stolen old key shows its followers no other log. Method: followers that have seen the
/// change of hands, and a log that forks after it and is signed by the old key.
#[test]
fn follower_that_saw_the_change_of_hands_lets_go_of_the_old_key() {
    let page = |log: &TestLog, first_index, checkpoint: &SignedCheckpoint| {
        let range = PageRange {
            first_index,
            end_index: u64::MAX,
            entries_max: 64,
            bytes_max: usize::MAX,
        };
        EntryPage::read(&log.store(), checkpoint, range).unwrap()
    };
    for former in [&[][..], &[1]] {
        let log = rotated(&[former]);
        let checkpoint = only(2).verify(&log.store().checkpoint().unwrap().unwrap());
        let checkpoint = checkpoint.unwrap();
        // Given the old key alone, the page is believed only if that signs beside the new one.
        let mut by_old = Follower::new(only(1), 0);
        let taken = by_old.take(&page(&log, 0, &checkpoint));
        assert_eq!(taken.is_ok(), !former.is_empty());
        let given = only(1).and(key_of(2).verifier(origin()));
        let mut by_both = Follower::new(given, 0);
        by_both.take(&page(&log, 0, &checkpoint)).unwrap();
        let told = by_both.take_successors();
        assert_eq!(told, verify(&log, &only(2)).unwrap().successors);
        assert!(told.len() == 1 && by_both.take_successors().is_empty());
        // The log goes on, as whoever stole the old key would have it.
        let mut frontier = Frontier::new();
        for stored in log.store().entries(0, 64).unwrap() {
            frontier
                .append(stored_leaf_hash(&stored), |_, _, _| ())
                .unwrap();
        }
        let stolen = CheckpointSigner::new(origin(), key_of(1));
        let forged = stolen.sign(frontier.size(), frontier.root()).unwrap();
        let (size, mut page) = (frontier.size(), page(&log, frontier.size(), &checkpoint));
        page.checkpoint = forged.note().to_owned();
        assert_eq!(by_both.take(&page), Err(FollowError::Checkpoint), "{size}");
        if taken.is_ok() {
            assert_eq!(by_old.take(&page), Err(FollowError::Checkpoint));
        }
        // Planted: who has not seen it believes that key.
        let mut planted = Follower::new(only(1), size);
        assert!(planted.take(&page).is_ok());
    }
}

/// Goal: however often the key changes, and none of the replaced ones is destroyed, the log can be
/// signed. Method: more changes than a note may have signatures.
#[test]
fn log_outlives_more_keys_than_a_note_has_signatures() {
    let numbers: Vec<u8> = (1..40).rev().collect();
    let former: Vec<&[u8]> = (1..40).map(|count| &numbers[39 - count..]).collect();
    let log = rotated(&former);
    let report = verify(&log, &only(1)).unwrap();
    assert_eq!(report.successors.len(), 39);
    // The youngest of those that were replaced sign beside the one in use.
    let note = log.store().checkpoint().unwrap().unwrap();
    let signs = |number| only(number).verify(&note).is_some();
    assert!(signs(40) && signs(39) && signs(32) && !signs(31));
}
