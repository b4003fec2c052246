//! Goal: a disk that went back with its head goes on only when officers accept what its witness has
//! seen, and the entry that says so can be proven to the witness. Method: logs that went back by
//! both, with heads and checkpoints of other sizes; a bit of each byte of a
//! proof flipped.

use super::accepting::accept;
use super::accepting::accept_as_seen;
use super::accepting::assert_goes_on;
use super::accepting::found;
use super::accepting::rolled_back;
use super::accepting::statement;
use super::archiving::Archiving;
use super::archiving::point;
use super::*;
use crate::ceremony::Rollback;

/// A log of `size` entries, its head put back with it, and the checkpoint of `seen_size` that its
/// witness has.
fn rolled_back_with_head(size: usize, seen_size: usize) -> (TestLog, SignedCheckpoint) {
    let log = TestLog::with_entries(size);
    let old = ["old store", "old head"].map(|name| log.directory.path().join(name));
    let places = [log.store_directory(), log.head_directory()];
    for (place, old) in places.iter().zip(&old) {
        copy_directory(place, old);
    }
    let (audit, thread) = log.open();
    for position in size..seen_size {
        block_on(audit.commit(commit(position))).unwrap();
    }
    drop(audit);
    thread.join();
    let (_, seen) = log.head().unwrap();
    for (place, old) in places.iter().zip(&old) {
        replace_directory(old, place);
    }
    (log, seen)
}

fn found_as_seen(log: &TestLog, seen: &SignedCheckpoint) -> Option<Rollback> {
    find_rollback(&log.store(), &log.head().unwrap().1, Some(seen), &keys()).unwrap()
}

#[test]
fn disk_that_went_back_with_its_head_goes_on_by_what_its_witness_has_seen() {
    let (log, seen) = rolled_back_with_head(3, 7);
    assert_eq!(found(&log), None, "nothing here tells");
    let rollback = found_as_seen(&log, &seen).unwrap();
    assert_eq!((rollback.head.size, rollback.database.size), (7, 3));
    let statement = statement(rollback);
    let refused = accept(&log, &statement);
    assert!(matches!(refused, Err(RollbackError::Nothing)));
    let accepted = accept_as_seen(&log, Some(&seen), &statement).unwrap();
    assert_eq!(accepted, RollbackOutcome::Accepted);
    let again = accept_as_seen(&log, Some(&seen), &statement).unwrap();
    assert_eq!(again, RollbackOutcome::Before);
    assert_goes_on(&log, &rollback, "seen");
}

#[test]
fn of_head_and_what_was_seen_the_head_is_given_up_first() {
    for seen_size in [9, 4] {
        let log = rolled_back(3, 6);
        let (_, seen) = rolled_back_with_head(3, seen_size);
        let rollback = found_as_seen(&log, &seen).unwrap();
        assert_eq!(rollback.head.size, 6);
        accept_as_seen(&log, Some(&seen), &statement(rollback)).unwrap();
        // With a statement of its own.
        let rollback = found_as_seen(&log, &seen).unwrap();
        assert_eq!(
            (rollback.head.size, rollback.database.size),
            (seen_size as u64, 4)
        );
        accept_as_seen(&log, Some(&seen), &statement(rollback)).unwrap();
        assert_goes_on(&log, &rollback, &rollback.to_string());
    }
}

#[test]
fn what_the_log_extends_is_nothing_to_accept() {
    let log = TestLog::with_entries(5);
    let (_, head) = log.head().unwrap();
    assert_eq!(found_as_seen(&log, &head), None);
}

/// Goal: whoever gives a checkpoint from before the beginning of a pruned log is told so, and what
/// compares it. Method: a log that was pruned, and heads and checkpoints of before, one of them of
/// another log; and of after, which are compared as ever.
#[test]
fn what_was_seen_before_the_beginning_of_a_pruned_log_is_told_of() {
    let archiving = Archiving::new();
    let archived = archiving.grow(600);
    archiving.prune(point(&archived)).unwrap();
    let store = archiving.log.store();
    let head = Head::read(&archiving.log.head_directory(), &keys()).unwrap();
    let find = |head: &SignedCheckpoint, seen| find_rollback(&store, head, seen, &keys());
    let before = signer().sign(300, archived.root).unwrap();
    let error = find(&head, Some(&before)).unwrap_err();
    assert!(
        matches!(
            error,
            RollbackError::SeenArchived {
                seen_size: 300,
                pruned_size: 512
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("remedy: give a later one"));
    let error = find(&before, None).unwrap_err();
    let is_told = matches!(
        error,
        RollbackError::Start(StartError::HeadArchived {
            head_size: 300,
            pruned_size: 512
        })
    );
    assert!(is_told, "{error}");
    let there = signer().sign(512, archived.root).unwrap();
    assert_eq!(find(&head, Some(&there)).unwrap(), None);
    let other = signer().sign(600, archived.root).unwrap();
    let found = find(&head, Some(&other)).unwrap().unwrap();
    assert_eq!((found.head.size, found.database.size), (600, head.size()));
}

/// The log of an accepted rollback, and the proof of its entry.
fn accepted_log() -> (TestLog, Rollback, TlogProof) {
    let (log, seen) = rolled_back_with_head(3, 7);
    let rollback = found_as_seen(&log, &seen).unwrap();
    accept_as_seen(&log, Some(&seen), &statement(rollback)).unwrap();
    let (_, head) = log.head().unwrap();
    let proof = prove_entry(&log.store(), &head, 3).unwrap();
    (log, rollback, proof)
}

#[test]
fn proof_of_an_accepted_rollback_says_what_is_given_up() {
    let (log, rollback, proof) = accepted_log();
    let read: TlogProof = proof.to_string().parse().unwrap();
    let proven = read_rollback_proof(&read, &keys()).unwrap();
    assert_eq!(proven.accepted.lost, rollback.head);
    assert_eq!(proven.accepted.index, 3);
    assert_eq!(proven.officers_count, 2);
    assert_eq!(proven.checkpoint.size(), 4);
    let (_, head) = log.head().unwrap();
    let other = prove_entry(&log.store(), &head, 2).unwrap();
    let refused = read_rollback_proof(&other, &keys()).unwrap_err();
    assert_eq!(refused, RollbackProofError::OtherEntry);
    let hash_alone = prove_inclusion(&log.store(), &head, 3).unwrap();
    assert_eq!(hash_alone.verify(&keys()).unwrap().index(), 3);
    let refused = read_rollback_proof(&hash_alone, &keys()).unwrap_err();
    assert_eq!(refused, RollbackProofError::NoEntry);
}

#[test]
fn changed_proof_of_an_accepted_rollback_is_found() {
    let (_, _, proof) = accepted_log();
    let text = proof.to_string();
    for position in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[position] ^= 1 << (position % 7);
        let changed = String::from_utf8(bytes).ok().and_then(|it| it.parse().ok());
        let Some(changed): Option<TlogProof> = changed else {
            continue;
        };
        let read = read_rollback_proof(&changed, &keys());
        assert!(read.is_err(), "bit {} at {position}", position % 7);
    }
    // An entry under the checkpoint of another log.
    let other = accepted_log().2.to_string();
    let (before, checkpoint) = text.split_once("\n\n").unwrap();
    let (_, other_checkpoint) = other.split_once("\n\n").unwrap();
    assert_ne!(checkpoint, other_checkpoint);
    let moved: TlogProof = format!("{before}\n\n{other_checkpoint}").parse().unwrap();
    assert!(read_rollback_proof(&moved, &keys()).is_err());
}
