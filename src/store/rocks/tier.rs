//! Reads that may have to wait for the disk.
//!
//! A read is tried in memory first, where nearly all of it is. What is not there is read from the
//! disk, which may take its time or not answer at all; a thread of the runtime that waits for it
//! gives its other tasks to another thread first. Otherwise one read that hangs on an idle machine
//! would hold up everything: timers, health, and whoever needs no disk.

use rocksdb::ErrorKind;
use rocksdb::ReadOptions;
use rocksdb::ReadTier;
use tokio::runtime::Handle;
use tokio::runtime::RuntimeFlavor;

/// Where a read looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tier {
    /// In memory: in rows that are not in tables yet, and in blocks of tables that were read.
    Memory,
    /// In memory, and on the disk.
    Disk,
}

impl Tier {
    pub(super) fn options(self) -> ReadOptions {
        let mut options = ReadOptions::default();
        match self {
            Self::Memory => options.set_read_tier(ReadTier::BlockCache),
            Self::Disk => {}
        }
        options
    }
}

/// Whether a read in memory has ended since the disk has to be asked.
pub(super) fn is_on_disk(error: &rocksdb::Error) -> bool {
    error.kind() == ErrorKind::Incomplete
}

/// Reads in memory, and from the disk if that is not enough.
pub(super) fn read<T>(
    in_memory: impl FnOnce() -> Result<T, rocksdb::Error>,
    on_disk: impl FnOnce() -> Result<T, rocksdb::Error>,
) -> Result<T, rocksdb::Error> {
    match in_memory() {
        Err(error) if is_on_disk(&error) => apart(on_disk),
        read => read,
    }
}

/// Runs what may wait for the disk.
pub(super) fn apart<T>(run: impl FnOnce() -> T) -> T {
    let is_shared = Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_shared {
        tokio::task::block_in_place(run)
    } else {
        run()
    }
}
