//! The one thread that writes: it gives entries their places, in groups.
//!
//! A group is whatever waits when the sequencer is free: alone, a call is written at once; under
//! load, hundreds share one sync. The order of the steps, and what is true if we crash after each:
//!
//! 1. Conflicts are found, reveals beyond the witness's window refused, places and times given, the
//!    tree grown, the checkpoint signed: all in memory. Nothing has happened.
//! 2. The store commits changes, entries, hashes and checkpoint as one. The database is ahead of
//!    the head: the next start sees that it extends it. Nobody was answered; a retry with the same
//!    request id finds what it did.
//! 3. The entries are read back and compared with their leaf hashes. As before.
//! 4. The head is written. From now on, a database without this group is refused.
//! 5. Callers are answered. Whatever they reveal now is in the log, and cannot be taken out.
//!
//! A write that fails at 2 or 4 may have happened. The sequencer then never writes again: going on
//! from what is in memory could sign a log that the disk does not have.

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::Mutex;
use tokio::sync::broadcast;
use tokio::sync::mpsc;
use tokio::sync::watch;

use crate::access::Access;
use crate::access::AccessEvent;
use crate::access::Granted;
use crate::audit::CheckpointSigner;
use crate::audit::CommitError;
use crate::audit::Entry;
use crate::audit::EntryDraft;
use crate::audit::EntryErasureError;
use crate::audit::HeadError;
use crate::audit::LogParts;
use crate::audit::LogState;
use crate::audit::PruningError;
use crate::audit::Receipt;
use crate::audit::SignedCheckpoint;
use crate::audit::WriteHead;
use crate::audit::check_entry_erasure;
use crate::audit::group::Placed;
use crate::audit::group::judge;
use crate::audit::group::take_group;
use crate::audit::group::turn_away_bygone;
use crate::audit::growth::Growth;
use crate::audit::handover::Handover;
use crate::audit::log::Answer;
use crate::audit::log::Call;
use crate::audit::pruning::check_pruning;
use crate::audit::start::Checked;
use crate::audit::tree;
use crate::audit::tree::entry_leaf_hash;
use crate::audit::window::Turn;
use crate::audit::window::Window;
use crate::audit::writing::Writing;
use crate::crypto::Entropy;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::FrontierError;
use crate::domain::Clock;
use crate::domain::Timestamp;
use crate::store::Append;
use crate::store::Changes;
use crate::store::CommitBatch;
use crate::store::Conflict;
use crate::store::SALT_BYTES;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredEntry;
use crate::store::StoredLeaf;

/// Why the log can no longer be written.
#[derive(Debug, Error)]
enum Fatal {
    #[error("checkpoint could not be signed")]
    Checkpoint,
    #[error("witness has seen another log")]
    Diverged,
    #[error("head could not be written")]
    Head(#[from] HeadError),
    #[error("what was read back is not what was written")]
    ReadBack,
    #[error("store could not be read or written")]
    Store(#[from] StoreError),
    #[error("tree could not grow")]
    Tree(#[from] FrontierError),
}

/// The state of the one writer.
pub(super) struct Sequencer {
    store: Arc<dyn Store>,
    head: Box<dyn WriteHead>,
    signer: CheckpointSigner,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    access: Arc<Mutex<Access>>,
    frontier: Frontier,
    started: Timestamp,
    latest_time: Timestamp,
    tell: Tell,
}

/// Who is told what.
pub(super) struct Tell {
    /// Whether the log can be written.
    pub(super) state: watch::Sender<LogState>,
    /// The latest checkpoint.
    pub(super) latest: watch::Sender<Option<Arc<SignedCheckpoint>>>,
    /// What became of grants and freezes.
    pub(super) events: broadcast::Sender<AccessEvent>,
    /// Whether a group is being written.
    pub(super) writing: Arc<Writing>,
    /// How much the witness has not seen, where there is one: it is asked, too.
    pub(super) window: Option<Arc<Window>>,
}

/// The log after a group, in memory: what is written, and who is told once it is.
struct Grown {
    frontier: Frontier,
    append: Append,
    changes: Vec<Changes>,
    answers: Vec<Option<(Answer, Granted)>>,
    checkpoint: Arc<SignedCheckpoint>,
    /// What the entries' proofs are made of.
    growth: Growth,
    /// Where the log comes under another key.
    handover: Option<Handover>,
    /// Who signs from the next group on.
    successor: Option<CheckpointSigner>,
}

impl Sequencer {
    pub(super) fn new(parts: LogParts, checked: Checked, tell: Tell) -> Self {
        let LogParts {
            store,
            head,
            signer,
            clock,
            entropy,
            mut access,
            ..
        } = parts;
        let Checked {
            frontier,
            latest_time,
        } = checked;
        // A clock that was set back while nobody looked would let grants last longer.
        if clock.now() < latest_time {
            access.end_grants();
        }
        clock.not_before(latest_time);
        let started = clock.now();
        Self {
            store,
            head,
            signer,
            clock,
            entropy,
            access: Arc::new(Mutex::new(access)),
            frontier,
            started,
            latest_time,
            tell,
        }
    }

    /// Grants, budgets and freezes, as the sequencer judges by them.
    pub(super) fn access(&self) -> Arc<Mutex<Access>> {
        Arc::clone(&self.access)
    }

    /// Writes what comes, until nobody can send any more or a write fails.
    pub(super) fn run(mut self, mut waiting: mpsc::Receiver<Call>) {
        while let Some(first) = waiting.blocking_recv() {
            let group = take_group(first, &mut waiting);
            self.tell.writing.begin();
            let written = self.write_group(group);
            self.tell.writing.end();
            if let Err(fatal) = written {
                tracing::error!(
                    error = &fatal as &dyn std::error::Error,
                    "audit log is closed"
                );
                self.tell.state.send_replace(LogState::Fatal);
                // Those who wait are answered by the end of their channels: unavailable.
                waiting.close();
                return;
            }
        }
        self.tell.state.send_replace(LogState::Closed);
    }

    fn write_group(&mut self, group: Vec<Call>) -> Result<(), Fatal> {
        let window = self.tell.window.as_ref();
        if window.is_some_and(|window| window.has_diverged()) {
            return Err(Fatal::Diverged);
        }
        let accepted = self.turn_away_conflicts(group)?;
        if accepted.is_empty() {
            return Ok(());
        }
        // 1. In memory, and on copies: if the store refuses, the log is as it was.
        // Nobody else looks at grants and freezes until what is on the disk agrees with them.
        let access = Arc::clone(&self.access);
        let mut access = access.blocking_lock();
        // Under the lock: whoever looked at a budget before us did so at an earlier time.
        let now = self.clock.now().max(self.latest_time);
        let placed = judge(&mut access, accepted, &self.turn(now));
        if placed.is_empty() {
            access.undo();
            return Ok(());
        }
        let grown = self.grow(placed, now)?;

        // 2. Changes and entries on the disk, as one.
        let handover = grown.handover.as_ref().map(Handover::put);
        let batch = CommitBatch {
            changes: grown.changes.iter().collect(),
            puts: access.puts().into_iter().chain(handover).collect(),
            append: grown.append,
        };
        if let Err(error) = self.store.commit(&batch) {
            access.undo();
            return turn_away(grown.answers, error);
        }
        // 3. A bit that flipped on the way would be signed for, and spoil the log for ever.
        self.read_back(&batch.append)?;
        // 4. Outside the database too.
        self.head.write(&grown.checkpoint)?;

        // 5. Only now is anything true that a caller is told.
        let first_index = self.frontier.size();
        let tree_size = grown.frontier.size();
        self.frontier = grown.frontier;
        self.latest_time = now;
        if let Some(successor) = grown.successor {
            self.signer = successor;
        }
        if let Some(window) = &self.tell.window {
            window.appended(first_index, tree_size, now);
        }
        let (checkpoint, growth) = (grown.checkpoint, Arc::new(grown.growth));
        self.tell.latest.send_replace(Some(Arc::clone(&checkpoint)));
        for event in access.settle() {
            // Nobody may be watching.
            let _nobody = self.tell.events.send(event);
        }
        drop(access);
        for (index, answer) in (first_index..).zip(grown.answers) {
            let Some((answer, granted)) = answer else {
                continue;
            };
            let checkpoint = Arc::clone(&checkpoint);
            // A caller that has gone away is no error: its entry stands.
            let _gone = answer.send(Ok(Receipt {
                index,
                tree_size,
                checkpoint,
                granted,
                growth: Arc::clone(&growth),
            }));
        }
        Ok(())
    }

    /// The log with the calls that have their places, signed: in memory.
    fn grow(&self, placed: Vec<Placed>, now: Timestamp) -> Result<Grown, Fatal> {
        let mut frontier = self.frontier.clone();
        let mut growth = Growth::behind(&frontier);
        let mut append = Append {
            tree_size: frontier.size(),
            ..Append::default()
        };
        let (mut changes, mut answers) = (Vec::new(), Vec::new());
        let (mut successor, mut announced) = (None, None);
        let mut archived_size = self.store.pruned_size()?;
        for mut placed in placed {
            successor = placed.signer.or(successor);
            if placed.entry.ceremony.public_key.is_some() {
                announced = Some(frontier.size());
            }
            append.erased.extend(placed.entry.erases());
            let pruned_size = placed.entry.prunes().map(|archived| archived.size);
            append.pruned_size = append.pruned_size.max(pruned_size);
            archived_size = pruned_size.unwrap_or(archived_size);
            if placed.entry.counts_archived() {
                placed.entry.ceremony.archived_size = Some(archived_size);
            }
            let stored = self.place(frontier.size(), now, placed.entry);
            frontier.append(entry_leaf_hash(&stored), |level, index, hash| {
                append.hashes.extend(tree::kept(level, index, hash));
                growth.complete(level, hash);
            })?;
            append.entries.push(stored);
            changes.push(placed.changes);
            answers.push(placed.answer);
        }
        let (size, root) = (frontier.size(), frontier.root());
        let own = &self.signer;
        // A key that is announced takes over only where its signer comes with it.
        let taken_over = successor.as_ref().zip(announced);
        let signed = match taken_over {
            Some((successor, _)) => own.sign_handover(successor, size, root),
            None => own.sign(size, root),
        };
        let checkpoint = Arc::new(signed.ok_or(Fatal::Checkpoint)?);
        append.checkpoint = checkpoint.note().to_owned();
        let handover = taken_over.map(|(_, index)| Handover {
            index,
            size,
            note: checkpoint.note().to_owned(),
        });
        Ok(Grown {
            frontier,
            append,
            changes,
            answers,
            checkpoint,
            growth,
            handover,
            successor,
        })
    }

    /// Answers the calls whose conditions do not hold, and returns the others. Nobody else writes
    /// records, so what holds now still does at the commit.
    fn turn_away_conflicts(&mut self, group: Vec<Call>) -> Result<Vec<Call>, Fatal> {
        let group = turn_away_bygone(group);
        let changes: Vec<&Changes> = group.iter().map(|call| &call.commit.changes).collect();
        let conflicts = match self.store.conflicts(&changes) {
            Ok(conflicts) => conflicts,
            // One damaged row must not stop the vault, nor fail the calls that do not need it:
            // each becomes a group of its own.
            Err(StoreError::Corrupt { table }) => {
                tracing::error!(table, "row that a call needs is damaged");
                return self.write_one_by_one(group).map(|()| Vec::new());
            }
            // The store refuses to read: an earlier write failed, on whatever path.
            Err(error) => return Err(error.into()),
        };
        let mut accepted = Vec::with_capacity(group.len());
        let mut gone = BTreeSet::new();
        for (call, conflicts) in group.into_iter().zip(conflicts) {
            let mut conflicts = conflicts;
            if !self.may_go(&call, &mut gone)? {
                conflicts.push(Conflict::EntryStays);
            }
            if conflicts.is_empty() {
                accepted.push(call);
            } else {
                let _gone = call.answer.send(Err(CommitError::Conflicts(conflicts)));
            }
        }
        Ok(accepted)
    }

    /// Whether the entries that a call's own say are erased, or archived, may go, and nobody before
    /// it in the group takes any away.
    fn may_go(&self, call: &Call, gone: &mut BTreeSet<u64>) -> Result<bool, Fatal> {
        let commit = &call.commit;
        let entries = || [&commit.entry].into_iter().chain(&commit.further);
        for index in entries().filter_map(EntryDraft::erases) {
            match check_entry_erasure(self.store.as_ref(), index) {
                Ok(()) if !gone.contains(&u64::MAX) && gone.insert(index) => {}
                Err(EntryErasureError::Store(StoreError::Corrupt { table })) => {
                    tracing::error!(table, "entry that is to be erased is damaged");
                    return Ok(false);
                }
                Err(EntryErasureError::Store(error)) => return Err(error.into()),
                Ok(())
                | Err(
                    EntryErasureError::Archived
                    | EntryErasureError::Erased
                    | EntryErasureError::Kind
                    | EntryErasureError::Missing,
                ) => return Ok(false),
            }
        }
        for archived in entries().filter_map(EntryDraft::prunes) {
            let window = self.tell.window.as_deref();
            match check_pruning(self.store.as_ref(), window, &archived) {
                // Whoever erases in the same group must not find that the entry is archived.
                Ok(()) if gone.is_empty() => gone.extend([u64::MAX]),
                Err(PruningError::Store(StoreError::Corrupt { table })) => {
                    tracing::error!(table, "log that is to be pruned is damaged");
                    return Ok(false);
                }
                Err(PruningError::Store(error)) => return Err(error.into()),
                Ok(())
                | Err(
                    PruningError::Before
                    | PruningError::Place
                    | PruningError::Root
                    | PruningError::Unwitnessed,
                ) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Writes calls as groups of their own; one that is alone already meets the damaged row itself.
    fn write_one_by_one(&mut self, mut group: Vec<Call>) -> Result<(), Fatal> {
        if group.len() == 1 {
            for call in group.drain(..) {
                let _gone = call.answer.send(Err(CommitError::Damaged));
            }
        }
        group
            .into_iter()
            .try_for_each(|call| self.write_group(vec![call]))
    }

    fn turn(&self, now: Timestamp) -> Turn<'_> {
        Turn {
            tree_size: self.frontier.size(),
            now,
            window: self.tell.window.as_deref(),
        }
    }

    fn place(&self, index: u64, now: Timestamp, draft: EntryDraft) -> StoredEntry {
        let uptime_ms = now.unix_ms().saturating_sub(self.started.unix_ms());
        let entry = Entry {
            index,
            time: now,
            uptime_ms,
            draft,
        };
        let mut salt = [0; SALT_BYTES];
        self.entropy.fill(&mut salt);
        StoredEntry {
            index,
            salt,
            entry: entry.encode(),
        }
    }

    fn read_back(&self, append: &Append) -> Result<(), Fatal> {
        let stored = self.store.entries(append.tree_size, append.entries.len())?;
        let entries = stored.iter().filter_map(StoredLeaf::entry);
        let read = entries.map(|stored| *entry_leaf_hash(stored).as_bytes());
        let leaves = append
            .hashes
            .iter()
            .filter(|hash| hash.level == 0)
            .map(|leaf| leaf.hash);
        if !read.eq(leaves) {
            return Err(Fatal::ReadBack);
        }
        for index in &append.erased {
            let left = self.store.entries(*index, 1)?;
            if !matches!(left.as_slice(), [StoredLeaf::Erased { .. }]) {
                return Err(Fatal::ReadBack);
            }
        }
        Ok(())
    }
}

/// Answers calls that the store has not written; or says that it may have, which is fatal.
fn turn_away(group: Vec<Option<(Answer, Granted)>>, error: StoreError) -> Result<(), Fatal> {
    let answer = match error {
        StoreError::DiskFull { .. } => CommitError::DiskFull,
        StoreError::TooLarge { .. } => CommitError::TooLarge,
        // With one writer, a conflict now is a second one: somebody else has our database.
        StoreError::AlreadyExists
        | StoreError::Conflict
        | StoreError::Corrupt { .. }
        | StoreError::Missing
        | StoreError::OutcomeUnknown(_)
        | StoreError::Pruned { .. }
        | StoreError::SchemaVersion { .. }
        | StoreError::Unavailable(_) => return Err(error.into()),
    };
    tracing::warn!(
        error = &error as &dyn std::error::Error,
        "store refused a group"
    );
    for (caller, _) in group.into_iter().flatten() {
        let _gone = caller.send(Err(answer.clone()));
    }
    Ok(())
}
