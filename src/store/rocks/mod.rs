//! The tables in RocksDB, in this process: the default store.
//!
//! A store is a directory with `rocksdb`, the database, `ballast` (see `ballast.rs`), and, while
//! there is one, `snapshot`.

mod ballast;
mod cut_off;
mod error;
mod follow;
mod layout;
mod options;
mod present;
mod purge;
mod read;
mod relocate;
mod snapshot;
mod succeed;
mod tier;
mod write;

use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use rocksdb::ColumnFamily;
use rocksdb::DBWithThreadMode;
use rocksdb::Options;
use rocksdb::SingleThreaded;

use crate::domain::Timestamp;
use crate::durable;
use crate::store::Changes;
use crate::store::CommitBatch;
use crate::store::Conflict;
use crate::store::EngineError;
use crate::store::Hash;
use crate::store::Moment;
use crate::store::NamespaceId;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::RequestKey;
use crate::store::RequestRow;
use crate::store::Row;
use crate::store::RowChange;
use crate::store::Sharing;
use crate::store::Snapshot;
use crate::store::Statistics;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;
use crate::store::SubjectKey;
use crate::store::Sweep;
use crate::store::Table;
use crate::store::ValueKey;
use crate::store::ValueRow;
use crate::store::recent::Recent;
use crate::store::rocks::ballast::Ballast;
use crate::store::rocks::error::open_error;
use crate::store::rocks::error::unavailable;
use crate::store::rocks::error::write_error;
use crate::store::rocks::layout::Family;
use crate::store::rocks::layout::SCHEMA_KEY;
use crate::store::rocks::layout::SCHEMA_VERSION;
use crate::store::rocks::tier::DiskReads;

pub use options::RocksOptions;

/// The families are made once, when the database is: no lock around their handles.
type Database = DBWithThreadMode<SingleThreaded>;

/// A store in RocksDB.
pub struct RocksStore {
    database: Database,
    directory: PathBuf,
    ballast: Option<Ballast>,
    /// One writer at a time: what is checked is still so when it is written.
    writer: Mutex<()>,
    tree_size: AtomicU64,
    pruned_size: AtomicU64,
    erasures_count: AtomicU64,
    /// Entries of the log that were erased. Not among those above: no call waits for them.
    entry_erasures_count: AtomicU64,
    successions_count: AtomicU64,
    relocations_count: AtomicU64,
    /// What the latest commits have written; how many there were, for who reads without waiting.
    recent: Mutex<Recent>,
    moment: AtomicU64,
    /// Who waits for the disk.
    disk_reads: DiskReads,
    /// A write has failed. Set once, for good.
    poisoned: AtomicBool,
}

impl RocksStore {
    /// Makes an empty store in `directory`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadyExists`] if there is a database, whole or not.
    pub fn create(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        let path = directory.join(DATABASE_NAME);
        if path.exists() {
            return Err(StoreError::AlreadyExists);
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(unavailable)?;
        let ballast = Ballast::prepare(directory, options)?;
        ballast.admit(ballast::free_bytes(directory)?)?;
        let mut settings = options::database_options(options);
        settings.create_if_missing(true);
        settings.create_missing_column_families(true);
        settings.set_error_if_exists(true);
        let families = options::family_descriptors(options);
        let database = Database::open_cf_descriptors(&settings, &path, families)
            .map_err(|error| open_error(&error))?;
        // The schema row is the last thing to be made. If we crash before it is on the disk, the
        // database has no version and is never opened: `create` is all or nothing.
        database
            .put_opt(
                SCHEMA_KEY,
                SCHEMA_VERSION.to_be_bytes(),
                &options::write_options(),
            )
            .map_err(|error| write_error(&error))?;
        sync_directory(directory)?;
        Self::start(database, directory, Some(ballast))
    }

    /// Opens a store that is there. It never makes one: a vault that starts empty because a path
    /// was wrong would hand out second tokens for every value.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`] if there is none; [`StoreError::SchemaVersion`] if another version
    /// of the program wrote it; [`StoreError::Corrupt`] if it is damaged.
    pub fn open(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        Self::open_to_write(directory, options, options::database_options(options))
    }

    fn open_to_write(
        directory: &Path,
        options: &RocksOptions,
        mut settings: Options,
    ) -> Result<Self, StoreError> {
        let path = existing(directory)?;
        Self::remove_snapshot(directory)?;
        let ballast = Ballast::prepare(directory, options)?;
        settings.create_if_missing(false);
        settings.create_missing_column_families(false);
        let families = options::family_descriptors(options);
        let database = Database::open_cf_descriptors(&settings, &path, families)
            .map_err(|error| open_error(&error))?;
        Self::start(database, directory, Some(ballast))
    }

    /// Opens a store to read it only, as verifying does. Nothing on the disk changes.
    ///
    /// # Errors
    ///
    /// As [`RocksStore::open`].
    pub fn open_read_only(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        Self::open_to_read(directory, options, &options::database_options(options))
    }

    fn open_to_read(
        directory: &Path,
        options: &RocksOptions,
        settings: &Options,
    ) -> Result<Self, StoreError> {
        let path = existing(directory)?;
        let families = options::family_descriptors(options);
        let database = Database::open_cf_descriptors_read_only(settings, &path, families, false)
            .map_err(|error| open_error(&error))?;
        Self::start(database, directory, None)
    }

    /// Whether there is a store in the directory, whole or not.
    #[must_use]
    pub fn is_in(directory: &Path) -> bool {
        existing(directory).is_ok()
    }

    fn start(
        database: Database,
        directory: &Path,
        ballast: Option<Ballast>,
    ) -> Result<Self, StoreError> {
        let store = Self {
            database,
            directory: directory.to_owned(),
            ballast,
            writer: Mutex::new(()),
            tree_size: AtomicU64::new(0),
            pruned_size: AtomicU64::new(0),
            disk_reads: DiskReads::default(),
            erasures_count: AtomicU64::new(0),
            entry_erasures_count: AtomicU64::new(0),
            successions_count: AtomicU64::new(0),
            relocations_count: AtomicU64::new(0),
            recent: Mutex::default(),
            moment: AtomicU64::new(0),
            poisoned: AtomicBool::new(false),
        };
        let version = store.get(Family::Schema, SCHEMA_KEY)?;
        let version = version
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_be_bytes);
        match version {
            Some(SCHEMA_VERSION) => {}
            Some(found) => {
                return Err(StoreError::SchemaVersion {
                    found,
                    supported: SCHEMA_VERSION,
                });
            }
            None => {
                return Err(StoreError::Corrupt {
                    table: Family::Schema.name(),
                });
            }
        }
        store
            .tree_size
            .store(store.read_tree_size()?, Ordering::Release);
        let pruned_size = store.read_count(layout::PRUNED_KEY)?;
        store.pruned_size.store(pruned_size, Ordering::Release);
        let erasures_count = store.read_count(layout::ERASURES_KEY)?;
        store
            .erasures_count
            .store(erasures_count, Ordering::Release);
        let entry_erasures_count = store.read_count(layout::ENTRY_ERASURES_KEY)?;
        store
            .entry_erasures_count
            .store(entry_erasures_count, Ordering::Release);
        Ok(store)
    }

    /// Refuses everything once a write has failed.
    fn usable(&self) -> Result<(), StoreError> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable(EngineError::new(POISONED)));
        }
        Ok(())
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        // What a panic left half done is at the most a commit that happened and is not counted.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_note(&self, key: &[u8]) -> Result<Option<String>, StoreError> {
        let note = self.get(Family::Checkpoints, key)?;
        let corrupt = |_| StoreError::Corrupt {
            table: Family::Checkpoints.name(),
        };
        note.map(|bytes| String::from_utf8(bytes).map_err(corrupt))
            .transpose()
    }

    fn family(&self, family: Family) -> Result<&ColumnFamily, StoreError> {
        let handle = self.database.cf_handle(family.name());
        handle.ok_or(StoreError::Corrupt {
            table: family.name(),
        })
    }
}

impl fmt::Debug for RocksStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("RocksStore");
        debug
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl Store for RocksStore {
    fn records(&self, keys: &[RecordKey]) -> Result<Vec<Option<Record>>, StoreError> {
        self.read_records(keys)
    }

    fn records_after(
        &self,
        namespace: NamespaceId,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<(RecordId, Record)>, StoreError> {
        self.read_records_after(namespace, after, limit)
    }

    fn values(&self, keys: &[ValueKey]) -> Result<Vec<Option<ValueRow>>, StoreError> {
        self.read_values(keys)
    }

    fn subject_records(
        &self,
        subject: &SubjectKey,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        self.read_subject_records(subject, after, limit)
    }

    fn subject_links(&self, links: &[(SubjectKey, RecordId)]) -> Result<Vec<bool>, StoreError> {
        self.read_subject_links(links)
    }

    fn sharing(&self, record: &RecordKey, subjects: &[SubjectKey]) -> Result<Sharing, StoreError> {
        self.read_sharing(record, subjects)
    }

    fn sharers(&self, record: &RecordKey, limit: usize) -> Result<Vec<SubjectKey>, StoreError> {
        self.read_sharers(record, limit)
    }

    fn links_after(
        &self,
        namespace: NamespaceId,
        after: Option<(SubjectKey, RecordId)>,
        limit: usize,
    ) -> Result<Vec<(SubjectKey, RecordId)>, StoreError> {
        self.read_links_after(namespace, after, limit)
    }

    fn relocations_count(&self) -> u64 {
        self.relocations_count.load(Ordering::SeqCst)
    }

    fn endings_count(&self) -> u64 {
        self.erasures_count.load(Ordering::Acquire) + self.successions_count.load(Ordering::Acquire)
    }

    fn moment(&self) -> Moment {
        Moment(self.moment.load(Ordering::Acquire))
    }

    fn purge(&self) -> Result<(), StoreError> {
        self.rewrite_erased()
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.take_snapshot()
    }

    fn check_space(&self) -> Result<(), StoreError> {
        self.room()
    }

    fn reading_ms(&self) -> u64 {
        self.disk_reads.oldest_ms()
    }

    fn request(&self, key: &RequestKey) -> Result<Option<RequestRow>, StoreError> {
        let row = self.get(Family::Requests, &layout::request_key(key))?;
        row.map(|bytes| RequestRow::decode(&bytes)).transpose()
    }

    fn conflicts(&self, group: &[&Changes]) -> Result<Vec<Vec<Conflict>>, StoreError> {
        let recent = self.recent();
        let mut present = self.read_present(group, &recent)?;
        let judge = |changes: &&Changes| present.judge(changes, &recent);
        Ok(group.iter().map(judge).collect())
    }

    fn commit(&self, batch: &CommitBatch<'_>) -> Result<(), StoreError> {
        self.write_commit(batch)
    }

    fn entries(&self, from: u64, limit: usize) -> Result<Vec<StoredLeaf>, StoreError> {
        self.read_entries(from, limit)
    }

    fn hashes(&self, level: u8, from: u64, limit: usize) -> Result<Vec<Hash>, StoreError> {
        self.read_hashes(level, from, limit)
    }

    fn pruned_size(&self) -> Result<u64, StoreError> {
        self.usable()?;
        Ok(self.pruned_size.load(Ordering::Acquire))
    }

    fn tree_size(&self) -> Result<u64, StoreError> {
        self.usable()?;
        Ok(self.tree_size.load(Ordering::Acquire))
    }

    fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.read_note(layout::CHECKPOINT_KEY)
    }

    fn cosigned_checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.read_note(layout::COSIGNED_KEY)
    }

    fn keep_cosigned(&self, note: &str) -> Result<(), StoreError> {
        self.write_cosigned(note)
    }

    fn rows(
        &self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.read_rows(table, after, limit)
    }

    fn compare_and_set(&self, change: &RowChange) -> Result<(), StoreError> {
        self.write_row(change)
    }

    fn sweep_requests(
        &self,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: usize,
    ) -> Result<Sweep, StoreError> {
        self.write_sweep(now, after, limit)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.usable()?;
        for family in Family::ALL {
            let handle = self.family(family)?;
            self.database
                .flush_cf(handle)
                .map_err(|error| self.poison(&error))?;
        }
        Ok(())
    }

    fn statistics(&self) -> Result<Statistics, StoreError> {
        self.read_statistics()
    }
}

/// The path of the database, if there is one.
fn existing(directory: &Path) -> Result<PathBuf, StoreError> {
    let path = directory.join(DATABASE_NAME);
    // `CURRENT` names the manifest; a directory without it is none that RocksDB would open.
    if path.join("CURRENT").is_file() {
        Ok(path)
    } else {
        Err(StoreError::Missing)
    }
}

/// Makes the names in `directory`, and its own, outlast a crash.
fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    let synced = durable::sync_names(directory).and_then(|()| durable::sync_own_name(directory));
    synced.map_err(unavailable)
}

const DATABASE_NAME: &str = "rocksdb";
const POISONED: &str = "an earlier write failed, its outcome is unknown";

#[cfg(test)]
mod tests;
