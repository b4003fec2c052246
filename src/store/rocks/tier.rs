//! Reads that may have to wait for the disk.
//!
//! A read is tried in memory first, where nearly all of it is. What is not there is read from the
//! disk, which may take its time or not answer at all; a thread of the runtime that waits for it
//! gives its other tasks to another thread first. Otherwise one read that hangs on an idle machine
//! would hold up everything: timers, health, and whoever needs no disk.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rocksdb::ErrorKind;
use rocksdb::ReadOptions;
use rocksdb::ReadTier;
use tokio::runtime::Handle;
use tokio::runtime::RuntimeFlavor;
use tokio::time::Instant;

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

/// The reads that ask the disk, and since when each does.
#[derive(Debug, Default)]
pub(super) struct DiskReads {
    next_id: AtomicU64,
    /// In the order in which they began.
    since: Mutex<BTreeMap<u64, Instant>>,
}

/// A read that asks the disk, until it is dropped.
struct Asking<'a> {
    reads: &'a DiskReads,
    id: u64,
}

impl DiskReads {
    /// Reads in memory, and from the disk if that is not enough.
    pub(super) fn read<T>(
        &self,
        in_memory: impl FnOnce() -> Result<T, rocksdb::Error>,
        on_disk: impl FnOnce() -> Result<T, rocksdb::Error>,
    ) -> Result<T, rocksdb::Error> {
        match in_memory() {
            Err(error) if is_on_disk(&error) => self.apart(on_disk),
            read => read,
        }
    }

    /// Runs what may wait for the disk.
    pub(super) fn apart<T>(&self, run: impl FnOnce() -> T) -> T {
        let is_shared = Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        let run = || {
            let _asking = self.begin();
            run()
        };
        if is_shared {
            tokio::task::block_in_place(run)
        } else {
            run()
        }
    }

    /// For how long the read has asked that began first, in milliseconds; 0 if none does.
    pub(super) fn oldest_ms(&self) -> u64 {
        let since = self.since();
        let oldest = since.first_key_value().map(|(_, since)| since.elapsed());
        oldest.map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
    }

    fn begin(&self) -> Asking<'_> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.since().insert(id, Instant::now());
        Asking { reads: self, id }
    }

    fn since(&self) -> MutexGuard<'_, BTreeMap<u64, Instant>> {
        // No step under the lock panics half way.
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.reads.since().remove(&self.id);
    }
}
