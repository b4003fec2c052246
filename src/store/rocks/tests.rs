//! RocksDB passes the suite; and what is RocksDB's alone.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::store::Append;
use crate::store::StoredEntry;
use crate::store::StoredHash;
use crate::store::conformance;
use crate::store::rocks::tier::Tier;

const OPTIONS: RocksOptions = RocksOptions {
    block_cache_bytes: 1 << 20,
    memtable_bytes: 1 << 20,
    disk_reserve_bytes: 0,
};

fn open(directory: &Path) -> RocksStore {
    match RocksStore::open(directory, &OPTIONS) {
        Err(StoreError::Missing) => RocksStore::create(directory, &OPTIONS).unwrap(),
        opened => opened.unwrap(),
    }
}

fn append(tree_size: u64) -> Append {
    let entry = StoredEntry {
        index: tree_size,
        salt: [0; 16],
        entry: [tree_size.to_be_bytes(); 12].concat(),
    };
    Append {
        tree_size,
        entries: vec![entry],
        ..Append::default()
    }
}

fn commit(store: &RocksStore) -> Result<(), StoreError> {
    store.commit(&CommitBatch {
        changes: vec![],
        puts: Vec::new(),
        append: append(store.tree_size()?),
    })
}

conformance::suite!(open);

#[test]
fn open_never_creates() {
    let directory = tempfile::tempdir().unwrap();
    let refused = RocksStore::open(directory.path(), &OPTIONS);
    assert!(matches!(refused, Err(StoreError::Missing)));
    let refused = RocksStore::open_read_only(directory.path(), &OPTIONS);
    assert!(matches!(refused, Err(StoreError::Missing)));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn snapshot_goes_when_it_is_dropped_or_at_the_next_open() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    commit(&store).unwrap();
    let path = directory.path().join("snapshot");
    let snapshot = store.snapshot().unwrap();
    commit(&store).unwrap();
    assert_eq!(snapshot.store().tree_size().unwrap(), 1);
    assert!(snapshot.files().keys().all(|name| path.join(name).exists()));
    // One at a time, and the store goes on.
    assert!(matches!(store.snapshot(), Err(StoreError::Unavailable(_))));
    drop(snapshot);
    assert!(!path.exists());
    assert_eq!(store.snapshot().unwrap().store().tree_size().unwrap(), 2);
    drop(store);
    fs::create_dir(&path).unwrap();
    fs::write(path.join("left"), "behind").unwrap();
    open(directory.path());
    assert!(!path.exists());
}

#[test]
fn create_refuses_an_existing_database() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let refused = RocksStore::create(directory.path(), &OPTIONS);
    assert!(matches!(refused, Err(StoreError::AlreadyExists)));
}

#[test]
fn database_made_in_part_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.database.delete(SCHEMA_KEY).unwrap();
    drop(store);
    let refused = RocksStore::open(directory.path(), &OPTIONS);
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })));
}

#[test]
fn other_schema_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.database.put(SCHEMA_KEY, 2_u32.to_be_bytes()).unwrap();
    drop(store);
    let refused = RocksStore::open(directory.path(), &OPTIONS);
    assert!(matches!(
        refused,
        Err(StoreError::SchemaVersion {
            found: 2,
            supported: 1
        })
    ));
}

#[test]
fn missing_index_in_the_log_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for _ in 0..3 {
        commit(&store).unwrap();
    }
    let audit = store.family(Family::Audit).unwrap();
    store
        .database
        .delete_cf(audit, layout::entry_key(1))
        .unwrap();
    assert!(matches!(
        store.entries(0, 3),
        Err(StoreError::Corrupt { table: "audit" })
    ));
}

#[test]
fn read_only_store_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    commit(&open(directory.path())).unwrap();
    let store = RocksStore::open_read_only(directory.path(), &OPTIONS).unwrap();
    assert_eq!(store.tree_size().unwrap(), 1);
    assert!(matches!(commit(&store), Err(StoreError::Unavailable(_))));
}

/// Goal: a killed process loses no cosignature that it kept. Method: the files as they are while it
/// runs, elsewhere.
#[test]
fn cosigned_checkpoint_is_out_of_the_process_once_it_is_kept() {
    let (directory, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(directory.path());
    commit(&store).unwrap();
    store.keep_cosigned("a note").unwrap();
    let to = image.path().join("rocksdb");
    fs::create_dir(&to).unwrap();
    for file in fs::read_dir(directory.path().join("rocksdb")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    let killed = RocksStore::open_read_only(image.path(), &OPTIONS).unwrap();
    assert_eq!(killed.cosigned_checkpoint().unwrap().unwrap(), "a note");
}

#[test]
fn store_whose_write_failed_refuses_everything() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    commit(&store).unwrap();
    let error = store
        .database
        .put_cf(store.family(Family::Audit).unwrap(), [], [])
        .err();
    assert!(error.is_none());
    store.poisoned.store(true, Ordering::Release);
    assert!(matches!(commit(&store), Err(StoreError::Unavailable(_))));
    assert!(matches!(
        store.entries(0, 1),
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(store.tree_size(), Err(StoreError::Unavailable(_))));
    assert!(matches!(
        store.records(&[]),
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(
        store.checkpoint(),
        Err(StoreError::Unavailable(_))
    ));
}

/// Goal: no acknowledged entry is lost without a word. Method: flip each of some bits across the
/// write-ahead log; a start must refuse, or lose the last entry at the most.
#[test]
fn damaged_log_of_the_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for _ in 0..6 {
        commit(&store).unwrap();
    }
    drop(store);
    let log = log_of_writes(directory.path());
    let good = fs::read(&log).unwrap();
    let mut refused_count = 0;
    for position in (0..good.len()).step_by(37) {
        let mut bad = good.clone();
        bad[position] ^= 1;
        fs::write(&log, bad).unwrap();
        match RocksStore::open_read_only(directory.path(), &OPTIONS) {
            Err(_) => refused_count += 1,
            Ok(store) => assert!(store.tree_size().unwrap() >= 5, "flipped byte {position}"),
        }
    }
    assert!(refused_count > 10, "{refused_count}");
}

/// Goal: bytes that were never synced, whatever they are, keep no store from opening, and none is
/// opened without what was promised. Method: garbage behind the log of writes, over some of its
/// blocks of 32 KiB; and a bit further ahead that is another, which takes entries with it.
#[test]
fn garbage_that_was_never_synced_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for _ in 0..6 {
        commit(&store).unwrap();
    }
    let size = store.tree_size().unwrap();
    drop(store);
    let log = log_of_writes(directory.path());
    let good = fs::read(&log).unwrap();
    let garbage = (1..100_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8);
    let cut_off: Vec<u8> = good.iter().copied().chain(garbage).collect();
    fs::write(&log, &cut_off).unwrap();
    let strict = RocksStore::open_read_only(directory.path(), &OPTIONS);
    assert!(matches!(strict, Err(StoreError::Corrupt { .. })));
    // More was promised: it stays as it is.
    let short = RocksStore::open_cut_off(directory.path(), &OPTIONS, size + 1);
    assert!(matches!(short, Err(StoreError::Corrupt { .. })));
    assert!(fs::read(&log).unwrap() == cut_off);
    let mut damaged = cut_off.clone();
    damaged[good.len() / 2] ^= 1;
    fs::write(&log, &damaged).unwrap();
    let short = RocksStore::open_cut_off(directory.path(), &OPTIONS, size);
    assert!(matches!(short, Err(StoreError::Corrupt { .. })));
    assert!(fs::read(&log).unwrap() == damaged);
    // All that was promised: it opens, goes on, and opens as usual from then on.
    fs::write(&log, &cut_off).unwrap();
    let store = RocksStore::open_cut_off(directory.path(), &OPTIONS, size).unwrap();
    assert_eq!(store.tree_size().unwrap(), size);
    commit(&store).unwrap();
    drop(store);
    let store = RocksStore::open(directory.path(), &OPTIONS).unwrap();
    assert_eq!(store.tree_size().unwrap(), size + 1);
}

/// The longest log of writes of a store.
fn log_of_writes(directory: &Path) -> PathBuf {
    let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
    let files = fs::read_dir(directory.join(DATABASE_NAME)).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(is_log)
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap()
}

/// What a thief of the disk can do, for the tests of whoever must notice.
impl RocksStore {
    /// Every row of a table, by its name on the disk.
    pub(crate) fn raw_rows(&self, table: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let handle = self.database.cf_handle(table).unwrap();
        let rows = self
            .database
            .full_iterator_cf(handle, rocksdb::IteratorMode::Start);
        rows.map(|row| row.map(|(key, value)| (key.into(), value.into())).unwrap())
            .collect()
    }

    /// Writes or removes a row behind everybody's back.
    pub(crate) fn tamper(&self, table: &str, key: &[u8], value: Option<&[u8]>) {
        let handle = self.database.cf_handle(table).unwrap();
        match value {
            Some(value) => self.database.put_cf(handle, key, value).unwrap(),
            None => self.database.delete_cf(handle, key).unwrap(),
        }
    }
}

/// Goal: whoever reads in the instant in which the log is pruned is not told of damage. Method: the
/// number in memory put back, which the rows of the disk are ahead of in that instant; and an entry
/// that is gone without being pruned.
#[test]
fn what_goes_while_it_is_read_is_pruned_and_not_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let entries = (0..300_u64).map(|index| append(index).entries.remove(0));
    let hashes = (0..300).map(|index| StoredHash {
        level: 0,
        index,
        hash: [1; 32],
    });
    let whole = Append {
        entries: entries.collect(),
        hashes: hashes.collect(),
        ..Append::default()
    };
    let pruning = Append {
        pruned_size: Some(256),
        ..append(300)
    };
    for append in [whole, pruning] {
        let batch = CommitBatch {
            changes: vec![],
            puts: Vec::new(),
            append,
        };
        store.commit(&batch).unwrap();
    }
    store.pruned_size.store(0, Ordering::Release);
    for refused in [
        store.entries(0, 5).err(),
        store.entries(255, 5).err(),
        store.hashes(0, 255, 5).err(),
    ] {
        assert!(matches!(refused, Some(StoreError::Pruned { size: 256 })));
    }
    assert_eq!(store.entries(256, 5).unwrap().len(), 5);
    store.tamper("audit", &270_u64.to_be_bytes(), None);
    for from in [256, 270] {
        let found = store.entries(from, 20);
        assert!(matches!(found, Err(StoreError::Corrupt { .. })));
    }
}

/// Entries in tables that nobody has read since the store was opened.
fn cold(directory: &Path, entries_count: u64) -> RocksStore {
    let store = open(directory);
    for _ in 0..entries_count {
        commit(&store).unwrap();
    }
    store.flush().unwrap();
    drop(store);
    open(directory)
}

/// Goal: a read says the same wherever its rows are. Method: entries in many blocks of a table,
/// read in ranges that begin in memory and end on the disk, on each kind of thread.
#[test]
fn reads_say_the_same_in_memory_and_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let count = 400;
    let read_all = |store: &RocksStore| {
        for (from, limit) in [(200, 3), (0, 30), (150, 400), (0, 400), (399, 9), (400, 9)] {
            let leaves = store.entries(from, limit).unwrap();
            let indexes: Vec<_> = leaves.iter().map(StoredLeaf::index).collect();
            let end = count.min(from + limit as u64);
            assert_eq!(indexes, (from..end).collect::<Vec<_>>());
        }
        assert_eq!(store.read_count(layout::ERASURES_KEY).unwrap(), 0);
    };
    let store = cold(directory.path(), count);
    let handle = store.family(Family::Audit).unwrap();
    let key = layout::entry_key(200);
    let get = |tier: Tier| store.database.get_cf_opt(handle, key, &tier.options());
    assert!(tier::is_on_disk(&get(Tier::Memory).unwrap_err()));
    read_all(&store);
    // What was read once is in memory.
    assert!(get(Tier::Memory).unwrap().is_some());
    drop(store);
    for runtime in [
        tokio::runtime::Builder::new_current_thread(),
        tokio::runtime::Builder::new_multi_thread(),
    ] {
        let mut runtime = runtime;
        let runtime = runtime.build().unwrap();
        let store = Arc::new(open(directory.path()));
        let reader = Arc::clone(&store);
        let read_apart = async move {
            let keys = [200, 7, 399, 1_000].map(layout::entry_key);
            let found = reader.multi_get(Family::Audit, &keys, |bytes| Ok(bytes.len()));
            let found = found.unwrap();
            assert_eq!(
                [true, true, true, false],
                [0, 1, 2, 3].map(|place: usize| found[place].is_some())
            );
        };
        runtime.block_on(async { tokio::spawn(read_apart).await.unwrap() });
        read_all(&store);
    }
}
