//! The check at every start: the log in the database is the one that was signed for last.

use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::HeadError;
use crate::audit::SignedCheckpoint;
use crate::audit::tail::Tail;
use crate::audit::tree::StoredTree;
use crate::crypto::merkle::Frontier;
use crate::domain::Timestamp;
use crate::store::Store;
use crate::store::StoreError;

/// Why the vault must not serve.
#[derive(Debug, Error)]
pub enum StartError {
    /// The checkpoint in the database is not signed by the keys, or is not of its log.
    #[error(
        "checkpoint in the database does not match its log\n\
         remedy: run `counterfoil audit verify`; restore the newest backup"
    )]
    Checkpoint,
    /// An entry is not what its leaf hash says.
    #[error(
        "entry {index} of the log is damaged\n\
         remedy: run `counterfoil audit verify`; restore the newest backup"
    )]
    Entry {
        /// The index of the entry.
        index: u64,
    },
    /// The log is not an extension of the one that the head was signed for.
    #[error(
        "log does not extend the head of {head_size} entries: it is another log\n\
         remedy: serve the database that belongs to this head; to go on with this one is for the \
         officers to accept, by `counterfoil recover accept-rollback`"
    )]
    Forked {
        /// The tree size of the head.
        head_size: u64,
    },
    /// There is no head, or it cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The head is of a time before the beginning of the log was taken out: an old copy.
    #[error(
        "head was signed for {head_size} entries, the log begins with entry {pruned_size}: the \
         head is an older one\n\
         remedy: restore the newest head"
    )]
    HeadArchived {
        /// The tree size of the head.
        head_size: u64,
        /// How many entries were taken out of the log.
        pruned_size: u64,
    },
    /// The log has fewer entries than were signed for: the database is an old copy, or has lost
    /// acknowledged writes.
    #[error(
        "log has {database_size} entries, its head was signed for {head_size}: it was rolled back\n\
         remedy: restore the newest database; to go on without it is for the officers to accept, \
         by `counterfoil recover accept-rollback`"
    )]
    RolledBack {
        /// How many entries the database has.
        database_size: u64,
        /// The tree size of the head.
        head_size: u64,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sequencer's thread could not be started.
    #[error("sequencer cannot be started")]
    Thread(#[source] std::io::Error),
    /// The beginning of the log is not where its own entries say.
    #[error(
        "log begins with entry {size}, and does not say so itself\n\
         remedy: run `counterfoil audit verify`; restore the newest backup"
    )]
    Unarchived {
        /// How many entries were taken out, by the database.
        size: u64,
    },
    /// An entry is erased, and no later one says so.
    #[error(
        "entry {index} of the log is gone, and the log does not say that it was erased\n\
         remedy: run `counterfoil audit verify`; restore the newest backup"
    )]
    Untold {
        /// The index of the entry.
        index: u64,
    },
    /// The witness has seen entries that the database does not have.
    #[error(
        "log has {database_size} entries, its witness has seen {witness_size}: it was rolled back\n\
         remedy: restore the newest database; to go on without it is for the officers to accept, \
         by `counterfoil recover accept-rollback --seen`, and then for the operator of the \
         witness, by `counterfoil witness accept`"
    )]
    WitnessAhead {
        /// How many entries the database has.
        database_size: u64,
        /// How many the witness has seen.
        witness_size: u64,
    },
    /// The witness has seen a log that this one does not extend.
    #[error(
        "log does not extend the {witness_size} entries that its witness has seen: it is another \
         log\n\
         remedy: serve the database that the witness has seen; to go on with this one is for the \
         officers to accept, by `counterfoil recover accept-rollback --seen`, and then for the \
         operator of the witness, by `counterfoil witness accept`"
    )]
    WitnessForked {
        /// How many entries the witness has seen.
        witness_size: u64,
    },
}

/// Where the log goes on.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) frontier: Frontier,
    /// The time of the last entry.
    pub(super) latest_time: Timestamp,
}

/// Checks the log in the store against the head.
pub(super) fn check(
    store: &dyn Store,
    head: &SignedCheckpoint,
    keys: &CheckpointKeys,
) -> Result<Checked, StartError> {
    let (database_size, head_size) = (store.tree_size()?, head.size());
    if database_size < head_size {
        return Err(StartError::RolledBack {
            database_size,
            head_size,
        });
    }
    let tree = StoredTree(store);
    // The database may be ahead, by what was written when we crashed before the head was: nobody
    // was told of it, but it is in the log, and counts.
    if frontier_of_head(&tree, head_size)?.root() != head.root() {
        return Err(StartError::Forked { head_size });
    }
    let frontier = tree.frontier(database_size)?;
    if database_size > 0 {
        let note = store.checkpoint()?.ok_or(StartError::Checkpoint)?;
        let checkpoint = keys.verify(&note).ok_or(StartError::Checkpoint)?;
        if checkpoint.size() != database_size || checkpoint.root() != frontier.root() {
            return Err(StartError::Checkpoint);
        }
    }
    let latest_time = check_latest_entries(store, frontier.clone())?;
    Ok(Checked {
        frontier,
        latest_time,
    })
}

/// The tree of the head, which the log in the store must extend.
fn frontier_of_head(tree: &StoredTree<'_>, head_size: u64) -> Result<Frontier, StartError> {
    match tree.frontier(head_size) {
        // What is taken out was in a head before, so this one is not the latest.
        Err(StoreError::Pruned { size }) => Err(StartError::HeadArchived {
            head_size,
            pruned_size: size,
        }),
        frontier => Ok(frontier?),
    }
}

/// Reads the latest entries again, compares them with the tree, and returns the time of the last.
fn check_latest_entries(store: &dyn Store, tree: Frontier) -> Result<Timestamp, StartError> {
    let mut latest_time = Timestamp::default();
    let mut tail = Tail::new(store, tree)?;
    for entry in tail.page(LATEST_ENTRIES_MAX)? {
        if entry.time < latest_time {
            return Err(StartError::Entry { index: entry.index });
        }
        latest_time = entry.time;
    }
    // No further than to the last start, which says it. A beginning that was not given away is
    // missed at the beginning, by the page that comes there.
    while !tail.is_sure() && !tail.is_at_beginning() {
        tail.page(LATEST_ENTRIES_MAX)?;
    }
    Ok(latest_time)
}

/// The time of the last entry of the log, which nobody can have erased: what erases an entry comes
/// after it. The Unix epoch if there is none.
///
/// # Errors
///
/// If the log cannot be read, or the entry is damaged or gone.
pub fn latest_time(store: &dyn Store) -> Result<Timestamp, StartError> {
    let tree = StoredTree(store).frontier(store.tree_size()?)?;
    let last = Tail::new(store, tree)?.page(1)?.pop();
    Ok(last.map_or(Timestamp::default(), |entry| entry.time))
}

/// How many entries a start reads again.
const LATEST_ENTRIES_MAX: usize = 1_000;
