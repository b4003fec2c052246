//! Goal: every call has exactly one entry, in one order, and knows it. Method: many tasks at once.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Waker;

use super::*;
use crate::audit::tree::stored_leaf_hash;
use crate::crypto::merkle::verify_inclusion;
use crate::domain::Clock;
use crate::domain::Timestamp;
use crate::store::Conflict;
use crate::store::conformance::call;
use crate::store::conformance::new_record;

const TASKS: usize = 64;
const CALLS_PER_TASK: usize = 10;

#[test]
fn calls_of_many_tasks_have_one_entry_each_in_one_order() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tasks = (0..TASKS).map(|task| {
        let audit = audit.clone();
        runtime.spawn(async move {
            let mut indexes = Vec::new();
            for call in 0..CALLS_PER_TASK {
                let position = task * CALLS_PER_TASK + call;
                let receipt = audit.commit(commit(position)).await.unwrap();
                assert!(receipt.index < receipt.tree_size);
                assert_eq!(receipt.checkpoint.size(), receipt.tree_size);
                let (leaf, proof) = receipt.prove().unwrap();
                let (size, root) = (receipt.tree_size, receipt.checkpoint.root());
                verify_inclusion(receipt.index, size, &leaf, &proof, &root).unwrap();
                indexes.push((receipt.index, position));
            }
            indexes
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut receipts = BTreeSet::new();
    for task in tasks {
        receipts.extend(runtime.block_on(task).unwrap());
    }
    let indexes: Vec<_> = receipts.iter().map(|(index, _)| *index).collect();
    assert_eq!(
        indexes,
        (0..(TASKS * CALLS_PER_TASK) as u64).collect::<Vec<_>>()
    );
    drop(audit);
    thread.join();

    let stored = log.store().entries(0, TASKS * CALLS_PER_TASK + 1).unwrap();
    for (stored, (index, position)) in stored.iter().zip(&receipts) {
        let entry = Entry::decode(&stored.entry().unwrap().entry).unwrap();
        assert_eq!((entry.index, &entry.draft), (*index, &draft(*position)));
    }
    assert_eq!(
        log.verify().unwrap().tree_size,
        (TASKS * CALLS_PER_TASK) as u64
    );
}

#[test]
fn receipt_proves_that_the_entry_is_in_the_log() {
    let log = TestLog::with_entries(300);
    let parts = log.parts().unwrap();
    let store = Arc::clone(&parts.store);
    let (audit, thread) = AuditLog::open(parts).unwrap();
    let receipt = block_on(audit.commit(commit(0))).unwrap();
    let root = receipt.checkpoint.root();
    for index in [0, 1, 255, 256, 299, 300] {
        let proof = audit.inclusion_proof(index, receipt.tree_size).unwrap();
        let leaf = stored_leaf_hash(&store.entries(index, 1).unwrap()[0]);
        verify_inclusion(index, receipt.tree_size, &leaf, &proof, &root).unwrap();
        // What the receipt knows by itself is the same.
        let own = (index == receipt.index).then(|| receipt.prove().unwrap());
        assert!(own.is_none_or(|own| own == (leaf, proof)));
    }
    assert!(audit.inclusion_proof(301, receipt.tree_size).is_err());
    drop((audit, store));
    thread.join();
}

#[test]
fn conflicting_call_is_told_and_leaves_no_entry() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let tokenize =
        |position| Commit::new(call(vec![new_record(1, Some(1))]), draft(position), None);
    block_on(audit.commit(tokenize(0))).unwrap();
    let refused = block_on(audit.commit(tokenize(1))).unwrap_err();
    let taken = vec![
        Conflict::TokenTaken { item: 0 },
        Conflict::ValueTaken { item: 0 },
    ];
    assert_eq!(refused, CommitError::Conflicts(taken));
    assert_eq!(block_on(audit.commit(commit(2))).unwrap().index, 1);
    drop(audit);
    thread.join();
    assert_eq!(log.verify().unwrap().tree_size, 2);
}

#[test]
fn of_calls_that_race_for_a_token_one_wins() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let won_count = block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for position in 0..TASKS {
            let audit = audit.clone();
            let changes = call(vec![new_record(1, None)]);
            let commit = Commit::new(changes, draft(position), None);
            tasks.spawn(async move { audit.commit(commit).await.is_ok() });
        }
        tasks
            .join_all()
            .await
            .into_iter()
            .filter(|won| *won)
            .count()
    });
    assert_eq!(won_count, 1);
    drop(audit);
    thread.join();
    assert_eq!(log.verify().unwrap().tree_size, 1);
}

#[test]
fn call_whose_caller_goes_away_is_written() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    block_on(async {
        let mut call = Box::pin(audit.commit(commit(0)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
    });
    assert_eq!(block_on(audit.commit(commit(1))).unwrap().index, 1);
    drop(audit);
    thread.join();
    assert_eq!(log.verify().unwrap().tree_size, 2);
}

#[test]
fn recorded_value_comes_with_its_receipt() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let recorded = block_on(audit.record("intent", commit(0))).unwrap();
    assert_eq!(recorded.receipt().index, 0);
    assert_eq!(recorded.into_parts().0, "intent");
    drop(audit);
    thread.join();
}

#[test]
fn oversized_call_is_refused() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let mut commit = commit(0);
    commit.entry.items = vec![commit.entry.items[0].clone(); ITEMS_MAX + 1];
    assert_eq!(
        block_on(audit.commit(commit)).unwrap_err(),
        CommitError::TooLarge
    );
    drop(audit);
    thread.join();
    assert_eq!(log.verify().unwrap().tree_size, 0);
}

#[test]
fn log_goes_on_where_it_was() {
    let log = TestLog::with_entries(3);
    let (audit, thread) = log.open();
    assert_eq!(audit.latest_checkpoint(), None);
    assert_eq!(block_on(audit.commit(commit(3))).unwrap().index, 3);
    assert_eq!(audit.latest_checkpoint().unwrap().size(), 4);
    let state = audit.state();
    drop(audit);
    thread.join();
    assert_eq!(*state.borrow(), LogState::Closed);
    assert_eq!(log.verify().unwrap().tree_size, 4);
}

/// A clock that jumps back by a second at each look.
struct BackwardClock(AtomicU64);

impl Clock for BackwardClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.fetch_sub(1_000, Ordering::Relaxed))
    }
}

#[test]
fn time_never_goes_back_in_the_log() {
    let log = TestLog::create();
    for _ in 0..2 {
        let clock = Arc::new(BackwardClock(AtomicU64::new(100_000)));
        let (audit, thread) = AuditLog::open(LogParts {
            access: empty_access(),
            clock,
            ..log.parts().unwrap()
        })
        .unwrap();
        for position in 0..3 {
            block_on(audit.commit(commit(position))).unwrap();
        }
        drop(audit);
        thread.join();
    }
    assert_eq!(log.verify().unwrap().tree_size, 6);
}
