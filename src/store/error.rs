//! What can go wrong in a store. Nothing here repeats what a caller sent.

use thiserror::Error;

/// The engine's own words. Stored keys are fingerprints, so they cannot name a customer.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct EngineError(String);

impl EngineError {
    /// The engine's words. Nothing that a caller sent may be among them.
    #[must_use]
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is already a database where one should be made.
    #[error("there is already a database\nremedy: choose an empty directory, or serve this one")]
    AlreadyExists,
    /// A condition of the write does not hold: another writer came between.
    #[error("a condition of the write does not hold")]
    Conflict,
    /// A stored row is damaged, or missing where there must be one.
    #[error("stored {table} row is damaged\nremedy: restore the newest backup and verify the log")]
    Corrupt {
        /// The table that the row is of.
        table: &'static str,
    },
    /// Too little space is left on the disk. Nothing was written.
    #[error(
        "disk is full: {free_bytes} bytes free, {needed_bytes} needed\n\
         remedy: free space; service goes on by itself"
    )]
    DiskFull {
        /// Bytes that are free.
        free_bytes: u64,
        /// Bytes that must be free for a write to be begun.
        needed_bytes: u64,
    },
    /// There is no database to open.
    #[error("there is no database\nremedy: check the directory; only `counterfoil init` makes one")]
    Missing,
    /// A write failed, and may be there or not. The store refuses everything from now on.
    #[error("outcome of a write is unknown\nremedy: start the process anew; it verifies the log")]
    OutcomeUnknown(#[source] EngineError),
    /// What is asked for was taken out of the vault: an archive has it.
    #[error("entries of the log before {size} are in an archive")]
    Pruned {
        /// The index of the first entry that is there.
        size: u64,
    },
    /// The database was written by another version of the program.
    #[error("database has schema version {found}, this program reads version {supported}")]
    SchemaVersion {
        /// The version that the database says.
        found: u32,
        /// The version that this program reads and writes.
        supported: u32,
    },
    /// A row or a batch is larger than its limit. Nothing was written.
    #[error("{what} has more than {limit} bytes or items")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its limit.
        limit: usize,
    },
    /// The engine cannot do it now.
    #[error("store is unavailable")]
    Unavailable(#[source] EngineError),
}

/// A condition of a call that does not hold. Numbers are positions in the call's own lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Conflict {
    /// The entry of the log that is to be erased is not there, was erased, or must stay.
    EntryStays,
    /// Something was erased, or got a successor, since the call read: it may be what the call is
    /// about.
    Erased,
    /// The record that a customer joins is not there: it moved.
    LinkOutdated {
        /// The position in [`super::Changes::links`].
        link: usize,
    },
    /// Records moved since the call read a customer's list.
    ListOutdated,
    /// The record to be replaced is not as it was read.
    RecordOutdated {
        /// The position in [`super::Changes::replacements`].
        item: usize,
    },
    /// The record to be erased, or who has it, is not as it was read.
    RecordChanged {
        /// The position in [`super::Changes::erasures`].
        item: usize,
    },
    /// The record that shall move, or who has it, is not as it was read, or its new place is taken.
    RelocationOutdated {
        /// The position in [`super::Changes::relocations`].
        item: usize,
    },
    /// The record that shall get a successor, or who has it, is not as it was read.
    SuccessionOutdated {
        /// The position in [`super::Changes::successions`].
        item: usize,
    },
    /// There is already a row for this request id, and it has not expired.
    RequestTaken,
    /// The row is not as the change expects.
    RowChanged {
        /// The position in [`super::Changes::rows`].
        row: usize,
    },
    /// There is already a record for this token.
    TokenTaken {
        /// The position in [`super::Changes::records`].
        item: usize,
    },
    /// There is already a record for this value, other than the one to be replaced.
    ValueTaken {
        /// The position in [`super::Changes::records`].
        item: usize,
    },
}
