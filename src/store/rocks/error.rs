//! The engine's errors as the store's.

use std::fmt;

use rocksdb::ErrorKind;

use crate::store::EngineError;
use crate::store::StoreError;
use crate::store::rocks::layout::Family;

/// The error of something around the database that did not work.
pub(super) fn unavailable(error: impl fmt::Display) -> StoreError {
    StoreError::Unavailable(EngineError::new(error.to_string()))
}

/// The error of a read, which leaves everything as it was.
pub(super) fn read_error(family: Family, error: &rocksdb::Error) -> StoreError {
    if error.kind() == ErrorKind::Corruption {
        tracing::error!(table = family.name(), %error, "stored bytes are damaged");
        return StoreError::Corrupt {
            table: family.name(),
        };
    }
    unavailable(error)
}

/// The error of opening the database.
pub(super) fn open_error(error: &rocksdb::Error) -> StoreError {
    // One process has a database at a time.
    if error.kind() == ErrorKind::IOError && error.as_ref().contains("LOCK") {
        return unavailable("another process serves this vault");
    }
    read_error(Family::Schema, error)
}

/// The error of a write. It is never "failed": after an injected error of one sync, the write was
/// reported as failed and was there at the next start.
pub(super) fn write_error(error: &rocksdb::Error) -> StoreError {
    tracing::error!(%error, "outcome of a write is unknown");
    StoreError::OutcomeUnknown(EngineError::new(error.to_string()))
}
