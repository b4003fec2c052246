//! Goal: after a write that failed nothing more is written, and what was written is found at the
//! next start. Method: each write × {fails, fails but persisted}, by doubles over the real store.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use super::accepting::FaultyHead;
use super::accepting::HeadFault;
use super::*;
use crate::domain::Timestamp;
use crate::store::conformance::call;
use crate::store::conformance::new_record;
use crate::store::*;

/// What goes wrong at one commit, or at the cosigned checkpoint that is kept after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    CosignedFails,
    CosignedFailsButPersisted,
    DiskFull,
    Fails,
    FailsButPersisted,
    OtherWriter,
    ReadsBackWrong,
    RefusesToRead,
}

/// A store whose commit goes wrong, once its turn has come.
pub(super) struct FaultyStore {
    inner: RocksStore,
    fault: Fault,
    at_commit: u64,
    commits_count: AtomicU64,
    /// As a store is once a write of its log has failed: it refuses everything.
    pub(super) is_poisoned: AtomicBool,
}

impl FaultyStore {
    pub(super) fn new(inner: RocksStore, fault: Fault, at_commit: u64) -> Self {
        Self {
            inner,
            fault,
            at_commit,
            commits_count: AtomicU64::new(0),
            is_poisoned: AtomicBool::new(false),
        }
    }

    fn usable(&self) -> Result<(), StoreError> {
        match self.is_poisoned.load(Ordering::SeqCst) {
            true => Err(StoreError::Unavailable(EngineError::new("injected"))),
            false => Ok(()),
        }
    }

    fn is_turn(&self) -> bool {
        self.commits_count.load(Ordering::SeqCst) == self.at_commit
    }
}

fn unknown() -> StoreError {
    StoreError::OutcomeUnknown(EngineError::new("injected"))
}

impl Store for FaultyStore {
    fn commit(&self, batch: &CommitBatch<'_>) -> Result<(), StoreError> {
        self.usable()?;
        self.commits_count.fetch_add(1, Ordering::SeqCst);
        if !self.is_turn() {
            return self.inner.commit(batch);
        }
        match self.fault {
            Fault::DiskFull => Err(StoreError::DiskFull {
                free_bytes: 0,
                needed_bytes: 1,
            }),
            Fault::Fails => Err(unknown()),
            Fault::FailsButPersisted => self.inner.commit(batch).and(Err(unknown())),
            Fault::OtherWriter => Err(StoreError::Conflict),
            Fault::CosignedFails
            | Fault::CosignedFailsButPersisted
            | Fault::ReadsBackWrong
            | Fault::RefusesToRead => self.inner.commit(batch),
        }
    }

    fn pruned_size(&self) -> Result<u64, StoreError> {
        self.inner.pruned_size()
    }

    fn entries(&self, from: u64, limit: usize) -> Result<Vec<StoredLeaf>, StoreError> {
        self.usable()?;
        let mut entries = self.inner.entries(from, limit)?;
        if self.is_turn()
            && self.fault == Fault::ReadsBackWrong
            && let StoredLeaf::Kept(stored) = &mut entries[0]
        {
            stored.entry[0] ^= 1;
        }
        Ok(entries)
    }

    fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.usable()?;
        self.inner.records(keys)
    }

    fn records_after(
        &self,
        namespace: NamespaceId,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<(RecordId, Record)>, StoreError> {
        self.inner.records_after(namespace, after, limit)
    }

    fn values(&self, keys: &[ValueKey]) -> Result<Vec<Option<ValueRow>>, StoreError> {
        self.inner.values(keys)
    }

    fn subject_records(
        &self,
        subject: &SubjectKey,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        self.inner.subject_records(subject, after, limit)
    }

    fn subject_links(&self, links: &[(SubjectKey, RecordId)]) -> Result<Vec<bool>, StoreError> {
        self.inner.subject_links(links)
    }

    fn sharing(&self, record: &RecordKey, subjects: &[SubjectKey]) -> Result<Sharing, StoreError> {
        self.inner.sharing(record, subjects)
    }

    fn sharers(&self, record: &RecordKey, limit: usize) -> Result<Vec<SubjectKey>, StoreError> {
        self.inner.sharers(record, limit)
    }

    fn links_after(
        &self,
        namespace: NamespaceId,
        after: Option<(SubjectKey, RecordId)>,
        limit: usize,
    ) -> Result<Vec<(SubjectKey, RecordId)>, StoreError> {
        self.inner.links_after(namespace, after, limit)
    }

    fn relocations_count(&self) -> u64 {
        self.inner.relocations_count()
    }

    fn moment(&self) -> Moment {
        self.inner.moment()
    }

    fn endings_count(&self) -> u64 {
        self.inner.endings_count()
    }

    fn purge(&self) -> Result<(), StoreError> {
        self.inner.purge()
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.inner.snapshot()
    }

    fn check_space(&self) -> Result<(), StoreError> {
        self.inner.check_space()
    }

    fn cosigned_checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.usable()?;
        self.inner.cosigned_checkpoint()
    }

    fn keep_cosigned(&self, note: &str) -> Result<(), StoreError> {
        self.usable()?;
        let written = match self.fault {
            _ if !self.is_turn() => return self.inner.keep_cosigned(note),
            Fault::CosignedFails => Err(unknown()),
            Fault::CosignedFailsButPersisted => self.inner.keep_cosigned(note).and(Err(unknown())),
            Fault::DiskFull
            | Fault::Fails
            | Fault::FailsButPersisted
            | Fault::OtherWriter
            | Fault::ReadsBackWrong
            | Fault::RefusesToRead => return self.inner.keep_cosigned(note),
        };
        self.is_poisoned.store(true, Ordering::SeqCst);
        written
    }

    fn request(&self, key: &RequestKey) -> Result<Option<RequestRow>, StoreError> {
        self.inner.request(key)
    }

    fn conflicts(&self, group: &[&Changes]) -> Result<Vec<Vec<Conflict>>, StoreError> {
        self.usable()?;
        if self.fault == Fault::RefusesToRead && self.commits_count.load(Ordering::SeqCst) == 2 {
            return Err(StoreError::Unavailable(EngineError::new("injected")));
        }
        self.inner.conflicts(group)
    }

    fn hashes(&self, level: u8, from: u64, limit: usize) -> Result<Vec<Hash>, StoreError> {
        self.usable()?;
        self.inner.hashes(level, from, limit)
    }

    fn tree_size(&self) -> Result<u64, StoreError> {
        self.usable()?;
        self.inner.tree_size()
    }

    fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.usable()?;
        self.inner.checkpoint()
    }

    fn rows(&self, table: Table, after: Option<&[u8]>, n: usize) -> Result<Vec<Row>, StoreError> {
        self.inner.rows(table, after, n)
    }

    fn compare_and_set(&self, change: &RowChange) -> Result<(), StoreError> {
        self.inner.compare_and_set(change)
    }

    fn sweep_requests(
        &self,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: usize,
    ) -> Result<Sweep, StoreError> {
        self.inner.sweep_requests(now, after, limit)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush()
    }

    fn statistics(&self) -> Result<Statistics, StoreError> {
        self.inner.statistics()
    }
}

fn open_faulty(log: &TestLog, fault: Fault) -> (AuditLog, SequencerThread) {
    let store = FaultyStore::new(log.store(), fault, 3);
    AuditLog::open(log.parts_over(Arc::new(store)).unwrap()).unwrap()
}

/// Two calls that are written, one that meets the fault, and one after it.
fn commit_through(audit: &AuditLog) -> [Result<u64, CommitError>; 4] {
    [0, 1, 2, 3]
        .map(|position| block_on(audit.commit(commit(position))).map(|receipt| receipt.index))
}

#[test]
fn failed_write_is_fatal_and_leaves_the_log_as_it_is_on_the_disk() {
    let faults = [
        (Fault::Fails, 2),
        (Fault::FailsButPersisted, 3),
        (Fault::OtherWriter, 2),
        (Fault::ReadsBackWrong, 3),
        (Fault::RefusesToRead, 2),
    ];
    for (fault, tree_size) in faults {
        let log = TestLog::create();
        let (audit, thread) = open_faulty(&log, fault);
        let state = audit.state();
        let unavailable = Err(CommitError::Unavailable);
        let expected = [Ok(0), Ok(1), unavailable.clone(), unavailable];
        assert_eq!(commit_through(&audit), expected, "{fault:?}");
        drop(audit);
        thread.join();
        assert_eq!(*state.borrow(), LogState::Fatal, "{fault:?}");

        // Nobody was told of the third entry; if it is there, it counts.
        assert_eq!(log.head().unwrap().1.size(), 2, "{fault:?}");
        assert_eq!(log.verify().unwrap().tree_size, tree_size, "{fault:?}");
        let (audit, thread) = log.open();
        assert_eq!(
            block_on(audit.commit(commit(9))).unwrap().index,
            tree_size,
            "{fault:?}"
        );
        drop(audit);
        thread.join();
        assert_eq!(log.verify().unwrap().tree_size, tree_size + 1, "{fault:?}");
    }
}

#[test]
fn full_disk_refuses_and_service_goes_on_after_it() {
    let log = TestLog::create();
    let (audit, thread) = open_faulty(&log, Fault::DiskFull);
    let expected = [Ok(0), Ok(1), Err(CommitError::DiskFull), Ok(2)];
    assert_eq!(commit_through(&audit), expected);
    assert_eq!(*audit.state().borrow(), LogState::Open);
    drop(audit);
    thread.join();
    assert_eq!(log.verify().unwrap().tree_size, 3);
}

#[test]
fn damaged_row_fails_only_the_call_that_needs_it() {
    let log = TestLog::create();
    let store = Arc::new(log.store());
    let (audit, thread) = AuditLog::open(log.parts_over(store.clone()).unwrap()).unwrap();
    let tokenize =
        |token, value| Commit::new(call(vec![new_record(token, Some(value))]), draft(0), None);
    block_on(audit.commit(tokenize(1, 1))).unwrap();
    let (key, _) = store.raw_rows("values").remove(0);
    store.tamper("values", &key, Some(b"damaged"));
    let answers = block_on(async {
        let calls = [tokenize(2, 2), tokenize(3, 1), tokenize(4, 4)];
        let mut tasks = tokio::task::JoinSet::new();
        for commit in calls {
            let audit = audit.clone();
            tasks.spawn(async move { audit.commit(commit).await.map(|_| ()) });
        }
        tasks.join_all().await
    });
    let damaged_count = answers
        .iter()
        .filter(|it| **it == Err(CommitError::Damaged))
        .count();
    assert_eq!(
        (
            damaged_count,
            answers.iter().filter(|it| it.is_ok()).count()
        ),
        (1, 2)
    );
    drop((audit, store));
    thread.join();
    assert_eq!(log.verify().unwrap().tree_size, 3);
}

#[test]
fn failed_head_is_fatal_whatever_the_disk_has() {
    for (fault, head_size) in [
        (HeadFault::Fails, 2),
        (HeadFault::FailsButPersisted, 3),
        (HeadFault::Torn, 2),
    ] {
        let log = TestLog::create();
        let (head, _) = log.head().unwrap();
        let head = Box::new(FaultyHead {
            head,
            directory: log.head_directory(),
            fault,
            writes_left: 2,
        });
        let parts = LogParts {
            access: empty_access(),
            head,
            ..log.parts().unwrap()
        };
        let (audit, thread) = AuditLog::open(parts).unwrap();
        let unavailable = Err(CommitError::Unavailable);
        assert_eq!(
            commit_through(&audit),
            [Ok(0), Ok(1), unavailable.clone(), unavailable],
            "{fault:?}"
        );
        let state = audit.state();
        drop(audit);
        thread.join();
        assert_eq!(*state.borrow(), LogState::Fatal, "{fault:?}");
        // The database is ahead of its head, or as far, and extends it.
        assert_eq!(log.head().unwrap().1.size(), head_size, "{fault:?}");
        assert_eq!(log.verify().unwrap().tree_size, 3, "{fault:?}");
        let (audit, thread) = log.open();
        assert_eq!(block_on(audit.commit(commit(9))).unwrap().index, 3);
        drop(audit);
        thread.join();
        assert_eq!(log.head().unwrap().1.size(), 4, "{fault:?}");
    }
}

#[test]
fn waiting_calls_are_told_that_the_log_is_closed() {
    let log = TestLog::create();
    let (audit, thread) = open_faulty(&log, Fault::Fails);
    let refused_count = block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for position in 0..500 {
            let audit = audit.clone();
            tasks.spawn(async move {
                // One after the other, so that there are several groups.
                for _ in 0..position % 5 {
                    tokio::task::yield_now().await;
                }
                audit.commit(commit(position)).await
            });
        }
        let answers = tasks.join_all().await;
        assert!(
            answers
                .iter()
                .all(|answer| !matches!(answer, Err(CommitError::Overloaded)))
        );
        answers.into_iter().filter(Result::is_err).count()
    });
    let _ = commit_through(&audit);
    assert_eq!(
        block_on(audit.commit(commit(0))).unwrap_err(),
        CommitError::Unavailable
    );
    drop(audit);
    thread.join();
    let there = log.verify().unwrap().tree_size;
    assert!(there + refused_count as u64 >= 500);
}
