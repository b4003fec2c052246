//! Going on with a log that is not the one that its head was signed for, once officers accept it.
//!
//! What is true if we crash, step by step:
//!
//! 1. Everything is checked. Nothing has happened.
//! 2. The entry that says what is lost is in the database. The head is still the one before: every
//!    start refuses, and who repeats the command goes on at 3. Where the head had gone back too,
//!    and others have seen what is lost, the database extends it, and a start goes on.
//! 3. The slot of the head that is older has the new checkpoint. A start reads the younger, which
//!    refuses it, or the new one, which does not; who repeats the command writes both again.
//! 4. The other slot too. From now on the log goes on, and the statement is of no use any more,
//!    since no head is the one that it names.

use thiserror::Error;

use crate::audit::AuditLog;
use crate::audit::CeremonyNote;
use crate::audit::CheckpointKeys;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::Entry;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::HeadError;
use crate::audit::LogParts;
use crate::audit::SignedCheckpoint;
use crate::audit::StartError;
use crate::audit::VerifyError;
use crate::audit::WriteHead;
use crate::audit::tree::StoredTree;
use crate::audit::verify_store;
use crate::ceremony::Approved;
use crate::ceremony::CeremonyError;
use crate::ceremony::LogPoint;
use crate::ceremony::Operation;
use crate::ceremony::Rollback;
use crate::crypto::merkle::Hash;
use crate::store::Changes;
use crate::store::RowChange;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

/// Why the log does not go on.
#[derive(Debug, Error)]
pub enum RollbackError {
    /// The statement is not one for this.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The entry may not be written.
    #[error("audit log cannot be written\nremedy: repeat the command")]
    Commit(#[from] CommitError),
    /// The head may not be written.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The log is the one that its head was signed for, or extends it.
    #[error(
        "database is not behind its head, nor behind a checkpoint that is given with --seen: there \
         is nothing to accept"
    )]
    Nothing,
    /// The statement is about another head or another database.
    #[error(
        "statement is about another head, or another database, than those that are here\n\
         remedy: make a new one with `counterfoil keys statement accept-rollback`"
    )]
    Other,
    /// What somebody has seen is of a time before the beginning of the log was taken out, and says
    /// nothing of what is left.
    #[error(
        "checkpoint of {seen_size} entries, which is given with --seen, cannot be compared: the \
         log begins with entry {pruned_size}, what was before is in an archive\n\
         remedy: give a later one; `counterfoil audit verify --archive --kept` compares this one"
    )]
    SeenArchived {
        /// The tree size of the checkpoint.
        seen_size: u64,
        /// How many entries were taken out of the log.
        pruned_size: u64,
    },
    /// The log cannot be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log in the database is not whole: there is nothing to go on with.
    #[error(
        "log in the database does not verify by itself: {0}\n\
         remedy: restore a backup that does"
    )]
    Verify(#[source] VerifyError),
}

/// What the vault keeps of the ceremony, in the write of the entry.
#[derive(Clone, Debug)]
pub struct KeptCeremony {
    /// Its row.
    pub row: RowChange,
    /// SHA-256 of the register after it.
    pub register_digest: [u8; 32],
}

/// What was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RollbackOutcome {
    /// The log goes on from the entry that says so.
    Accepted,
    /// It had been accepted before; nothing was written.
    Before,
    /// An earlier attempt was cut off after its entry; the head was left to be written.
    Finished,
}

/// Says how the log in the store disagrees with what was signed: its head, and a checkpoint that
/// somebody else has `seen`, such as a witness, if one is given. Nothing if it extends both; of two
/// that it does not, the head is named, and the other is for another statement afterwards. The
/// whole log is verified by itself first.
///
/// # Errors
///
/// If it does not verify, or begins behind the head or what was seen, or the store cannot be read.
pub fn find_rollback(
    store: &dyn Store,
    head: &SignedCheckpoint,
    seen: Option<&SignedCheckpoint>,
    keys: &CheckpointKeys,
) -> Result<Option<Rollback>, RollbackError> {
    let report = verify_store(store, None, keys).map_err(RollbackError::Verify)?;
    let database = point(report.tree_size, report.root);
    // First the head: what is carried out of one statement can be gone on with after a crash only
    // where the statement names the head that is still there.
    let archived = |head_size, pruned_size| StartError::HeadArchived {
        head_size,
        pruned_size,
    };
    let head = point(head.size(), head.root());
    if !extends(store, &database, &head, |size| {
        archived(head.size, size).into()
    })? {
        return Ok(Some(Rollback { head, database }));
    }
    let Some(seen) = seen.map(|seen| point(seen.size(), seen.root())) else {
        return Ok(None);
    };
    let seen_archived = |pruned_size| RollbackError::SeenArchived {
        seen_size: seen.size,
        pruned_size,
    };
    let extends_seen = extends(store, &database, &seen, seen_archived)?;
    Ok((!extends_seen).then_some(Rollback {
        head: seen,
        database,
    }))
}

/// Whether the log in the database begins as another does. Where the log begins behind that, the
/// answer is an error that says so.
fn extends(
    store: &dyn Store,
    database: &LogPoint,
    other: &LogPoint,
    archived: impl FnOnce(u64) -> RollbackError,
) -> Result<bool, RollbackError> {
    if other.size > database.size {
        return Ok(false);
    }
    match root_at(store, other.size) {
        Err(StoreError::Pruned { size }) => Err(archived(size)),
        root => Ok(root? == other.root),
    }
}

/// Makes the log in the store the one that goes on, if the statement is about it and its head, or
/// about it and what somebody else has `seen`: with the entry that says so, and a head of its own.
/// A statement that was carried out in part is carried out to its end, though its time is over.
/// With the outcome comes the index of its entry.
///
/// # Errors
///
/// If the statement is not about this log and what was lost of it, or something cannot be written:
/// to repeat it is safe then.
pub async fn accept_rollback(
    mut parts: LogParts,
    seen: Option<&SignedCheckpoint>,
    approved: &Approved,
    kept: Option<KeptCeremony>,
) -> Result<(RollbackOutcome, u64), RollbackError> {
    let Operation::AcceptRollback(rollback) = approved.statement().operation else {
        return Err(CeremonyError::State.into());
    };
    let index = rollback.database.size;
    let store = std::sync::Arc::clone(&parts.store);
    let head = &parts.head_checkpoint;
    let note = store.checkpoint()?;
    let own = note.and_then(|note| parts.keys.verify(&note));
    let own = own.ok_or(RollbackError::Verify(VerifyError::Checkpoint))?;
    if is_accepted(&*store, approved, &rollback)? {
        // Its head is what may be left to be done, if it is the one that the statement names. What
        // others have seen stays as it is.
        return match find_rollback(&*store, head, None, &parts.keys)? {
            None => Ok((RollbackOutcome::Before, index)),
            Some(found) if found.head == rollback.head => {
                BothSlots(parts.head.as_mut()).write(&own)?;
                Ok((RollbackOutcome::Finished, index))
            }
            Some(_) => Err(RollbackError::Other),
        };
    }
    match find_rollback(&*store, head, seen, &parts.keys)? {
        None => return Err(RollbackError::Nothing),
        Some(found) if found != rollback => return Err(RollbackError::Other),
        Some(_) => approved.check_time(parts.clock.now())?,
    }
    let parts = LogParts {
        head: Box::new(BothSlots(parts.head)),
        head_checkpoint: own,
        ..parts
    };
    let (log, thread) = AuditLog::open(parts)?;
    let mut entry = entry(approved, &rollback);
    let mut changes = Changes::default();
    if let Some(KeptCeremony {
        row,
        register_digest,
    }) = kept
    {
        changes.rows.push(row);
        entry.ceremony.register_digest = Some(register_digest);
    }
    let committed = log.commit(Commit::new(changes, entry, None)).await;
    drop(log);
    thread.join();
    committed?;
    Ok((RollbackOutcome::Accepted, index))
}

/// Whether the log has the entry of this statement in its place.
fn is_accepted(
    store: &dyn Store,
    approved: &Approved,
    rollback: &Rollback,
) -> Result<bool, StoreError> {
    let at = rollback.database.size;
    if store.tree_size()? <= at {
        return Ok(false);
    }
    match root_at(store, at) {
        Ok(root) if root == rollback.database.root => {}
        // What was accepted long ago may be in an archive by now: there is nothing to do then.
        Ok(_) | Err(StoreError::Pruned { .. }) => return Ok(false),
        Err(error) => return Err(error),
    }
    let stored = store.entries(at, 1)?;
    let stored = stored.first().and_then(StoredLeaf::entry);
    let stored = stored.and_then(|it| Entry::decode(&it.entry).ok());
    let note = stored
        .filter(|stored| stored.draft.event == Event::RollbackAccepted)
        .map(|stored| stored.draft.ceremony);
    // More officers may have signed since, but not another statement.
    Ok(note.is_some_and(|note| note.statement_digest == Some(approved.statement().digest())))
}

fn point(size: u64, root: Hash) -> LogPoint {
    let root = *root.as_bytes();
    LogPoint { size, root }
}

fn root_at(store: &dyn Store, size: u64) -> Result<[u8; 32], StoreError> {
    Ok(*StoredTree(store).frontier(size)?.root().as_bytes())
}

fn entry(approved: &Approved, rollback: &Rollback) -> EntryDraft {
    let statement = approved.statement();
    let has_officers = !approved.officers().is_empty();
    EntryDraft {
        ceremony: CeremonyNote {
            id: Some(statement.id()),
            operation: Some(statement.operation.kind()),
            statement_digest: Some(statement.digest()),
            officers: approved.officers().to_vec(),
            charter_digest: has_officers.then_some(statement.charter),
            lost_head: Some(rollback.head),
            ..CeremonyNote::default()
        },
        ..EntryDraft::new(Event::RollbackAccepted)
    }
}

/// A head of which nothing is left in either slot that another log was signed for.
struct BothSlots<H>(H);

impl<H: WriteHead> WriteHead for BothSlots<H> {
    fn write(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), HeadError> {
        // If we crash between the two, one slot may still have the head that is given up: a start
        // that reads it refuses, and the command can be repeated.
        self.0.write(checkpoint)?;
        self.0.write(checkpoint)
    }
}
