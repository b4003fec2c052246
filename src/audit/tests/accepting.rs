//! Goal: a log that is behind its head goes on only when officers say so, once, and however the
//! machine crashes meanwhile. Method: each way to be behind × each statement that is not for it;
//! each write × {fails, fails but persisted, is torn}, and then the same command again.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;

use super::failing::Fault;
use super::failing::FaultyStore;
use super::*;
use crate::ceremony::Approved;
use crate::ceremony::CeremonyError;
use crate::ceremony::Charter;
use crate::ceremony::LogPoint;
use crate::ceremony::Operation;
use crate::ceremony::Rollback;
use crate::ceremony::STATEMENT_SECONDS_MAX;
use crate::ceremony::Statement;
use crate::ceremony::join;
use crate::crypto::note::OfficerKey;
use crate::crypto::note::SignedNote;
use crate::domain::Clock;
use crate::domain::Timestamp;

const ORIGIN: &str = "vault.example/audit";

fn now() -> Timestamp {
    // Whole seconds, as statements have them.
    let ms = SystemClock::default().now().unix_ms();
    Timestamp::from_unix_ms(ms / 1_000 * 1_000)
}

fn officer(number: u8) -> (NoteKeyName, OfficerKey) {
    let name = NoteKeyName::new(&format!("officer{number}")).unwrap();
    (name, OfficerKey::new(&KeyBytes::from_array(&[number; 32])))
}

fn charter() -> Charter {
    let officers = [1, 2, 3].map(|number| officer(number).1.verifier(officer(number).0));
    Charter::new(officers, BTreeMap::new()).unwrap()
}

pub(super) fn statement(rollback: Rollback) -> Statement {
    Statement {
        vault: ORIGIN.to_owned(),
        operation: Operation::AcceptRollback(rollback),
        charter: charter().digest(),
        nonce: [9; 16],
        proposed: now(),
        expires: now().plus_seconds(3_600),
    }
}

fn signed_by(numbers: &[u8], statement: &Statement) -> SignedNote {
    let text = statement.to_string();
    let notes = numbers.iter().map(|number| {
        let (name, key) = officer(*number);
        key.sign(name, &text).unwrap()
    });
    join(notes).unwrap()
}

fn approved(statement: &Statement) -> Approved {
    Approved::by_officers(&charter(), ORIGIN, &signed_by(&[1, 2], statement)).unwrap()
}

pub(super) fn found(log: &TestLog) -> Option<Rollback> {
    find_rollback(&log.store(), &log.head().unwrap().1, None, &keys()).unwrap()
}

pub(super) fn accept(
    log: &TestLog,
    statement: &Statement,
) -> Result<RollbackOutcome, RollbackError> {
    accept_as_seen(log, None, statement)
}

/// The same, where somebody has seen more than the head.
pub(super) fn accept_as_seen(
    log: &TestLog,
    seen: Option<&SignedCheckpoint>,
    statement: &Statement,
) -> Result<RollbackOutcome, RollbackError> {
    let parts = log.parts().unwrap();
    let accepted = block_on(accept_rollback(parts, seen, &approved(statement), None));
    accepted.map(|(outcome, index)| {
        assert_eq!(index, found_in(statement).database.size);
        outcome
    })
}

/// A log of `size` entries whose head was signed for `head_size`: the newer database is gone.
pub(super) fn rolled_back(size: usize, head_size: usize) -> TestLog {
    let log = TestLog::with_entries(size);
    let old = log.directory.path().join("old");
    copy_directory(&log.store_directory(), &old);
    let (audit, thread) = log.open();
    for position in size..head_size {
        block_on(audit.commit(commit(position))).unwrap();
    }
    drop(audit);
    thread.join();
    replace_directory(&old, &log.store_directory());
    log
}

/// A log of `size` entries under the head of another one.
fn forked(size: usize, head_size: usize) -> TestLog {
    let (log, other) = (
        TestLog::with_entries(size),
        TestLog::with_entries(head_size),
    );
    replace_directory(&other.head_directory(), &log.head_directory());
    log
}

/// The log goes on, says what was lost, and knows no other head.
pub(super) fn assert_goes_on(log: &TestLog, rollback: &Rollback, context: &str) {
    let size = rollback.database.size;
    for slot in ["a", "b"] {
        let slot = fs::read_to_string(log.head_directory().join(slot)).unwrap();
        assert!(
            slot.starts_with(&format!("{ORIGIN}\n{}\n", size + 1)),
            "{context}"
        );
    }
    let stored = log.store().entries(size, 2).unwrap();
    assert_eq!(stored.len(), 1, "{context}");
    let entry = Entry::decode(&stored[0].entry().unwrap().entry).unwrap();
    assert_eq!(entry.draft.event, Event::RollbackAccepted, "{context}");
    assert_eq!(
        entry.draft.ceremony.lost_head,
        Some(rollback.head),
        "{context}"
    );
    assert_eq!(entry.draft.ceremony.officers.len(), 2, "{context}");
    assert_eq!(log.verify().unwrap().tree_size, size + 1, "{context}");
    let (audit, thread) = log.open();
    assert_eq!(block_on(audit.commit(commit(9))).unwrap().index, size + 1);
    drop(audit);
    thread.join();
    assert_eq!(log.verify().unwrap().tree_size, size + 2, "{context}");
}

#[test]
fn every_way_to_be_behind_is_found_and_accepted() {
    let logs = [
        (rolled_back(3, 4), false),
        (rolled_back(3, 9), false),
        (rolled_back(1, 2), false),
        (forked(3, 3), true),
        (forked(5, 3), true),
        (forked(3, 5), false),
    ];
    for (log, is_fork) in logs {
        assert!(log.start().is_err());
        let rollback = found(&log).unwrap();
        assert_eq!(rollback.is_fork(), is_fork);
        assert_eq!(rollback.head.size, log.head().unwrap().1.size());
        let statement = statement(rollback);
        let context = rollback.to_string();
        assert_eq!(accept(&log, &statement).unwrap(), RollbackOutcome::Accepted);
        assert_eq!(accept(&log, &statement).unwrap(), RollbackOutcome::Before);
        assert_goes_on(&log, &rollback, &context);
        assert_eq!(accept(&log, &statement).unwrap(), RollbackOutcome::Before);
    }
}

#[test]
fn log_that_is_not_behind_has_nothing_to_accept() {
    let log = TestLog::with_entries(4);
    assert_eq!(found(&log), None);
    let point = LogPoint {
        size: 4,
        root: *log.head().unwrap().1.root().as_bytes(),
    };
    let rollback = Rollback {
        head: point,
        database: point,
    };
    let refused = accept(&log, &statement(rollback));
    assert!(matches!(refused, Err(RollbackError::Nothing)));
    assert_eq!(log.verify().unwrap().tree_size, 4);
}

#[test]
fn accepted_once_is_not_accepted_again() {
    let log = rolled_back(3, 6);
    let old = log.directory.path().join("old");
    let statement = statement(found(&log).unwrap());
    accept(&log, &statement).unwrap();
    assert_goes_on(&log, &found_in(&statement), "first");
    // The same old database, put back a second time: its head is another one now.
    replace_directory(&old, &log.store_directory());
    assert!(matches!(
        accept(&log, &statement),
        Err(RollbackError::Other)
    ));
    assert!(log.start().is_err());
}

pub(super) fn found_in(statement: &Statement) -> Rollback {
    let Operation::AcceptRollback(rollback) = statement.operation else {
        unreachable!()
    };
    rollback
}

#[test]
fn statement_of_anything_else_is_refused_and_changes_nothing() {
    let log = rolled_back(3, 6);
    let right = found(&log).unwrap();
    let point = |point: LogPoint, delta: u64, bit: u8| LogPoint {
        size: point.size + delta,
        root: point.root.map(|byte| byte ^ bit),
    };
    for (delta, bit) in [(1, 0), (0, 1)] {
        for is_head in [true, false] {
            let mut wrong = right;
            if is_head {
                wrong.head = point(wrong.head, delta, bit);
            } else {
                wrong.database = point(wrong.database, delta, bit);
            }
            let refused = accept(&log, &statement(wrong));
            assert!(matches!(refused, Err(RollbackError::Other)), "{wrong}");
        }
    }
    let late = Statement {
        expires: now(),
        ..statement(right)
    };
    let far = Statement {
        expires: now().plus_seconds(2 * STATEMENT_SECONDS_MAX),
        ..statement(right)
    };
    for statement in [late, far] {
        let refused = accept(&log, &statement);
        let expired = RollbackError::Ceremony(CeremonyError::Expired);
        assert_eq!(refused.unwrap_err().to_string(), expired.to_string());
    }
    assert_eq!(log.store().tree_size().unwrap(), 3);
    assert_eq!(found(&log), Some(right));
}

#[test]
fn fewer_officers_than_needed_accept_nothing() {
    let statement = statement(found(&rolled_back(3, 6)).unwrap());
    let count = |vault, note: &SignedNote| Approved::by_officers(&charter(), vault, note);
    for numbers in [&[1_u8][..], &[1, 1], &[3], &[1, 4], &[4, 5, 6]] {
        let refused = count(ORIGIN, &signed_by(numbers, &statement));
        assert!(
            matches!(refused, Err(CeremonyError::TooFew { needed: 2, .. })),
            "{numbers:?}"
        );
    }
    assert_eq!(
        count(ORIGIN, &signed_by(&[3, 1, 4], &statement))
            .unwrap()
            .officers()
            .len(),
        2
    );
    let foreign = count("other.example/audit", &signed_by(&[1, 2], &statement));
    assert_eq!(foreign, Err(CeremonyError::OtherCharter));
    // Signatures on one text, put under another.
    let mut other = statement.clone();
    other.nonce = [8; 16];
    let note = signed_by(&[1, 2], &statement).to_string();
    let moved = note.replace(&hex::encode([9; 16]), &hex::encode([8; 16]));
    let moved: SignedNote = moved.parse().unwrap();
    assert_eq!(moved.text(), other.to_string());
    let refused = count(ORIGIN, &moved);
    assert!(matches!(
        refused,
        Err(CeremonyError::TooFew { signed, .. }) if signed.is_empty()
    ));
    // Without officers is for a vault that has none.
    let alone = Approved::without_officers(ORIGIN, &statement.to_string());
    assert_eq!(alone, Err(CeremonyError::OtherCharter));
}

#[test]
fn log_that_is_damaged_is_not_accepted() {
    let log = rolled_back(5, 9);
    let statement = statement(found(&log).unwrap());
    let store = log.store();
    let (key, mut row) = store.raw_rows("audit").remove(1);
    row[3] ^= 1;
    store.tamper("audit", &key, Some(&row));
    drop(store);
    assert!(matches!(
        accept(&log, &statement),
        Err(RollbackError::Verify(_))
    ));
}

/// What becomes of a write of the head.
#[derive(Clone, Copy, Debug)]
pub(super) enum HeadFault {
    Fails,
    FailsButPersisted,
    Torn,
}

/// A head whose write goes wrong at its turn, and every write after it.
pub(super) struct FaultyHead {
    pub(super) head: Head,
    pub(super) directory: PathBuf,
    pub(super) fault: HeadFault,
    pub(super) writes_left: u64,
}

impl WriteHead for FaultyHead {
    fn write(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), HeadError> {
        let crash = Err(HeadError::Io(std::io::Error::other("injected")));
        if self.writes_left > 0 {
            self.writes_left -= 1;
            return self.head.write(checkpoint);
        }
        match self.fault {
            HeadFault::Fails => {}
            HeadFault::FailsButPersisted => self.head.write(checkpoint)?,
            HeadFault::Torn => {
                let slots = ["a", "b"].map(|name| self.directory.join(name));
                let before = slots.clone().map(|slot| fs::read(slot).unwrap());
                self.head.write(checkpoint)?;
                for (slot, before) in slots.iter().zip(before) {
                    if fs::read(slot).unwrap() != before {
                        let slot = fs::OpenOptions::new().write(true).open(slot).unwrap();
                        slot.write_all_at(&[0; 32], 64).unwrap();
                    }
                }
            }
        }
        crash
    }
}

/// Whatever a crash left: it is refused, or it is the accepted log; and the same command again
/// brings it to its end.
fn assert_recovers(log: &TestLog, statement: &Statement, context: &str) {
    let rollback = found_in(statement);
    if let Ok((audit, thread)) = log.start() {
        drop(audit);
        thread.join();
        assert_eq!(
            log.store().tree_size().unwrap(),
            rollback.database.size + 1,
            "{context}"
        );
        assert_eq!(
            log.head().unwrap().1.size(),
            rollback.database.size + 1,
            "{context}"
        );
    }
    accept(log, statement).unwrap_or_else(|error| panic!("{context}: {error}"));
    let entries = log.store().entries(rollback.database.size, 2).unwrap();
    assert_eq!(entries.len(), 1, "{context}: accepted once");
    let entry = Entry::decode(&entries[0].entry().unwrap().entry).unwrap();
    assert_eq!(
        entry.draft.ceremony.lost_head,
        Some(rollback.head),
        "{context}"
    );
    let (audit, thread) = log.open();
    block_on(audit.commit(commit(9))).unwrap();
    drop(audit);
    thread.join();
    assert_eq!(
        log.verify().unwrap().tree_size,
        rollback.database.size + 2,
        "{context}"
    );
}

#[test]
fn crash_at_any_write_of_the_head_is_made_good_by_the_same_command() {
    // Behind by one: then the slots have equal sizes in between.
    for (size, head_size) in [(3, 4), (3, 5), (3, 9)] {
        for fault in [
            HeadFault::Fails,
            HeadFault::FailsButPersisted,
            HeadFault::Torn,
        ] {
            for writes_left in [0, 1] {
                let context = format!("{size} of {head_size}, {fault:?} after {writes_left}");
                let log = rolled_back(size, head_size);
                let statement = statement(found(&log).unwrap());
                let (head, head_checkpoint) = log.head().unwrap();
                let parts = LogParts {
                    head: Box::new(FaultyHead {
                        head,
                        directory: log.head_directory(),
                        fault,
                        writes_left,
                    }),
                    head_checkpoint,
                    ..log
                        .parts()
                        .unwrap_or_else(|error| panic!("{context}: {error}"))
                };
                let failed = block_on(accept_rollback(parts, None, &approved(&statement), None));
                assert!(matches!(failed, Err(RollbackError::Commit(_))), "{context}");
                assert_recovers(&log, &statement, &context);
            }
        }
    }
}

#[test]
fn crash_at_the_write_of_the_entry_is_made_good_by_the_same_command() {
    for fault in [
        Fault::Fails,
        Fault::FailsButPersisted,
        Fault::ReadsBackWrong,
    ] {
        let context = format!("{fault:?}");
        let log = rolled_back(3, 9);
        let statement = statement(found(&log).unwrap());
        let store = FaultyStore::new(log.store(), fault, 1);
        let parts = log.parts_over(Arc::new(store)).unwrap();
        let failed = block_on(accept_rollback(parts, None, &approved(&statement), None));
        assert!(matches!(failed, Err(RollbackError::Commit(_))), "{context}");
        assert!(log.start().is_err(), "{context}: the head is as it was");
        assert_recovers(&log, &statement, &context);
    }
}

/// The fault that the tests above must catch: a head of which one slot is written only, as any
/// other checkpoint is.
#[test]
fn one_slot_alone_would_leave_the_old_head() {
    let log = rolled_back(3, 9);
    let statement = statement(found(&log).unwrap());
    accept(&log, &statement).unwrap();
    let other = rolled_back(3, 9);
    let (mut head, _) = other.head().unwrap();
    head.write(&log.head().unwrap().1).unwrap();
    assert_eq!(other.head().unwrap().1.size(), 9);
}
