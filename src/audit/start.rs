//! The check at every start: the log in the database is the one that was signed for last.

use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::Entry;
use crate::audit::HeadError;
use crate::audit::SignedCheckpoint;
use crate::audit::tree::StoredTree;
use crate::audit::tree::entry_leaf_hash;
use crate::crypto::merkle::Frontier;
use crate::domain::Timestamp;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

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
    /// The witness has seen entries that the database does not have.
    #[error(
        "log has {database_size} entries, its witness has seen {witness_size}: it was rolled back\n\
         remedy: restore the newest database; to go on without it is for the officers to accept, \
         and then for the operator of the witness, by `counterfoil witness accept`"
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
         officers to accept, and then for the operator of the witness, by `counterfoil witness \
         accept`"
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
    if tree.frontier(head_size)?.root() != head.root() {
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
    let latest_time = check_latest_entries(store, database_size)?;
    Ok(Checked {
        frontier,
        latest_time,
    })
}

/// Reads the latest entries again, compares them with their leaf hashes, and returns the time of
/// the last.
fn check_latest_entries(store: &dyn Store, tree_size: u64) -> Result<Timestamp, StartError> {
    let from = tree_size.saturating_sub(LATEST_ENTRIES_MAX as u64);
    let from = from.max(store.pruned_size()?);
    let entries = store.entries(from, LATEST_ENTRIES_MAX)?;
    let hashes = store.hashes(0, from, LATEST_ENTRIES_MAX)?;
    if entries.len() != hashes.len() || from + entries.len() as u64 != tree_size {
        return Err(StartError::Store(StoreError::Corrupt { table: "tiles" }));
    }
    let mut latest_time = Timestamp::default();
    for (stored, hash) in entries.iter().zip(&hashes) {
        // Of an erased one there is nothing but its hash, which is in the tree that was checked.
        // The last one is not erased: what erases an entry comes after it.
        let StoredLeaf::Kept(stored) = stored else {
            continue;
        };
        let damaged = StartError::Entry {
            index: stored.index,
        };
        let Ok(entry) = Entry::decode(&stored.entry) else {
            return Err(damaged);
        };
        let is_leaf = entry_leaf_hash(stored).as_bytes() == hash;
        if !is_leaf || entry.index != stored.index || entry.time < latest_time {
            return Err(damaged);
        }
        latest_time = entry.time;
    }
    Ok(latest_time)
}

/// How many entries a start reads again.
const LATEST_ENTRIES_MAX: usize = 1_000;
