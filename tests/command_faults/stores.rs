//! The writes of a store, each on a disk that fails: in a process of their own, under strace.
//!
//! The log of the database alone fails, for the thread that writes: strace counts the calls
//! of each thread. A `write` that fails has written nothing; an `fdatasync` that fails is of bytes
//! that are there. Purges meet the same in the tables that they write.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use counterfoil::domain::Timestamp;
use counterfoil::store::Append;
use counterfoil::store::Changes;
use counterfoil::store::CommitBatch;
use counterfoil::store::NamespaceId;
use counterfoil::store::RequestKey;
use counterfoil::store::RequestRow;
use counterfoil::store::RowChange;
use counterfoil::store::Store;
use counterfoil::store::StoreError;
use counterfoil::store::StoredEntry;
use counterfoil::store::Table;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use crate::strace;
use crate::strace::Injection;

/// What is written when the disk fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Group,
    Cosigned,
    Row,
    Requests,
    PurgesCount,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Group,
        Self::Cosigned,
        Self::Row,
        Self::Requests,
        Self::PurgesCount,
    ];

    /// The calls that make it durable. A cosigned checkpoint waits for no sync.
    fn calls(self) -> &'static [&'static str] {
        match self {
            Self::Cosigned => &["write"],
            Self::Group | Self::Row | Self::Requests | Self::PurgesCount => &["write", "fdatasync"],
        }
    }

    fn write(self, store: &RocksStore) -> Result<(), StoreError> {
        match self {
            Self::Group => append(store, Changes::default(), Vec::new()),
            Self::Cosigned => store.keep_cosigned("cosigned"),
            Self::Row => store.compare_and_set(&RowChange {
                table: Table::Meta,
                key: b"key".to_vec(),
                expected: None,
                value: Some(b"value".to_vec()),
            }),
            Self::Requests => {
                let swept = store.sweep_requests(Timestamp::from_unix_ms(9), None, 10);
                swept.map(|swept| assert_eq!(swept.removed_count, 1))
            }
            Self::PurgesCount => store.purge(),
        }
    }

    /// Whether the store has it.
    fn is_there(self, store: &RocksStore) -> bool {
        match self {
            Self::Group => store.tree_size().unwrap() == 4,
            Self::Cosigned => store.cosigned_checkpoint().unwrap().is_some(),
            Self::Row => !store.rows(Table::Meta, None, 9).unwrap().is_empty(),
            Self::Requests => store.request(&request_key()).unwrap().is_none(),
            Self::PurgesCount => store.statistics().unwrap().erasures_unpurged_count == 0,
        }
    }
}

fn request_key() -> RequestKey {
    RequestKey {
        namespace: NamespaceId(1),
        fingerprint: [7; 16],
    }
}

fn append(store: &RocksStore, changes: Changes, erased: Vec<u64>) -> Result<(), StoreError> {
    let tree_size = store.tree_size()?;
    let entry = StoredEntry {
        index: tree_size,
        salt: [0; 16],
        entry: vec![1; 100],
    };
    store.commit(&CommitBatch {
        changes: vec![&changes],
        puts: Vec::new(),
        append: Append {
            tree_size,
            entries: vec![entry],
            erased,
            ..Append::default()
        },
    })
}

/// A store with a request that is over, and an entry that is erased and not purged.
fn make(directory: &Path) {
    let store = RocksStore::create(directory, &OPTIONS).unwrap();
    let row = RequestRow {
        digest: [1; 16],
        created: Timestamp::from_unix_ms(1),
        expires: Timestamp::from_unix_ms(2),
        outcome: Vec::new(),
    };
    let changes = Changes {
        request: Some((request_key(), row)),
        ..Changes::default()
    };
    append(&store, changes, Vec::new()).unwrap();
    append(&store, Changes::default(), vec![0]).unwrap();
    for kind in Kind::ALL {
        assert!(!kind.is_there(&store), "{kind:?}");
    }
    // All of it in tables, so that a start has none to write.
    store.flush().unwrap();
}

/// The process under strace: a write that is well, the one that fails, and whatever comes after it.
fn fail_in(directory: &Path, kind: Kind) {
    let store = RocksStore::open(directory, &OPTIONS).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            append(&store, Changes::default(), Vec::new()).unwrap();
            kind.write(&store)
        });
        let written = writing.join().unwrap();
        assert!(
            matches!(written, Err(StoreError::OutcomeUnknown(_))),
            "{written:?}"
        );
    });
    let refused = [
        append(&store, Changes::default(), Vec::new()).err(),
        store.keep_cosigned("cosigned").err(),
        store.check_space().err(),
        store.checkpoint().err(),
        store.cosigned_checkpoint().err(),
        store.entries(0, 1).err(),
        store.records(&[]).err(),
        store.request(&request_key()).err(),
        store.rows(Table::Meta, None, 1).err(),
        store.tree_size().err(),
    ];
    for refused in refused {
        assert!(
            matches!(refused, Some(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
}

/// The process under strace of which the engine cannot write the tables anew. A full disk lets it
/// go on, and purge again; after any other error it writes nothing more.
fn purge_in(directory: &Path, fault: &str) {
    let store = RocksStore::open(directory, &OPTIONS).unwrap();
    let failed = store.purge();
    assert!(
        matches!(failed, Err(StoreError::Unavailable(_))),
        "{failed:?}"
    );
    assert!(!Kind::PurgesCount.is_there(&store));
    let again = store.purge();
    let written = append(&store, Changes::default(), Vec::new());
    if fault == FULL {
        assert!(written.is_ok() && again.is_ok(), "{written:?} {again:?}");
    } else {
        assert!(written.is_err() && again.is_err(), "{written:?} {again:?}");
    }
}

/// Runs a process of its own, in which a call fails on the files of a database that end so; nothing
/// if it was not as it must be there.
fn run(directory: &Path, kind: &str, ending: &str, injection: Option<Injection<'_>>) -> Option<()> {
    let scratch = tempfile::tempdir().unwrap();
    let trace = scratch.path().join("trace");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-e", "signal=none", "-o"]).arg(&trace);
    // The next file is one of these.
    for number in 1..FILE_NUMBER_MAX {
        let file = format!("{DATABASE_NAME}/{number:06}.{ending}");
        traced.arg("-P").arg(directory.join(file));
    }
    traced.args(["-e", "trace=write,fdatasync"]);
    if let Some(injection) = injection {
        traced.args(["-e", &injection.rule()]);
    }
    traced.arg(env::current_exe().unwrap());
    traced.args(["--nocapture", "--exact"]);
    traced.arg("stores::failed_write_is_the_last_of_its_store");
    traced.env(DIRECTORY, directory);
    traced.env(KIND, kind);
    // What is planted is no news.
    let is_planted = injection.is_none();
    let words = if is_planted {
        Stdio::null()
    } else {
        Stdio::inherit()
    };
    traced.stdout(Stdio::null()).stderr(words);
    let is_well = traced.status().unwrap().success();
    let trace = fs::read_to_string(trace).unwrap();
    assert_eq!(trace.contains("(INJECTED)"), injection.is_some(), "{trace}");
    is_well.then_some(())
}

/// Goal: after a write that failed a store does nothing more, in whichever kind of write it was,
/// and the next start has what was before, and of the write nothing or all. Planted: a write that
/// does not fail.
#[test]
fn failed_write_is_the_last_of_its_store() {
    if let (Some(directory), Ok(name)) = (env::var_os(DIRECTORY), env::var(KIND)) {
        let mut kinds = Kind::ALL.into_iter();
        let kind = kinds.find(|kind| format!("{kind:?}") == name);
        return match kind {
            Some(kind) => fail_in(Path::new(&directory), kind),
            None => purge_in(Path::new(&directory), &name),
        };
    }
    if !strace::is_there() {
        return;
    }
    let mut met_count = 0;
    for kind in Kind::ALL {
        for call in kind.calls() {
            let injection = Injection {
                call,
                fault: "error=EIO",
                place: 2,
            };
            let directory = tempfile::tempdir().unwrap();
            make(directory.path());
            let name = format!("{kind:?}");
            let failed = run(directory.path(), &name, "log", Some(injection));
            assert!(failed.is_some(), "{kind:?} {injection:?}");
            met_count += 1;
            let store = RocksStore::open(directory.path(), &OPTIONS).unwrap();
            assert!(store.tree_size().unwrap() >= 3, "{kind:?} {injection:?}");
            let is_there = kind.is_there(&store);
            assert_eq!(is_there, *call == "fdatasync", "{kind:?} {injection:?}");
            // And it goes on; what is there already is not done twice.
            if !is_there {
                kind.write(&store).unwrap();
                assert!(kind.is_there(&store), "{kind:?} {injection:?}");
            }
            append(&store, Changes::default(), Vec::new()).unwrap();
        }
    }
    println!("writes of a store: {met_count} faults met");
    assert_eq!(met_count, 9);
    let directory = tempfile::tempdir().unwrap();
    make(directory.path());
    assert!(run(directory.path(), "Row", "log", None).is_none());
}

/// Goal: a purge that fails says so and counts for nothing, and the next one is whole. Method: the
/// first write of a new table, and its sync, fail, for ever or for want of space. Planted: a purge
/// that does not fail.
#[test]
fn purge_whose_tables_are_not_written_is_told_of_and_done_by_the_next() {
    if !strace::is_there() {
        return;
    }
    let mut met_count = 0;
    for call in ["write", "fdatasync"] {
        for fault in ["error=EIO", FULL] {
            let injection = Injection {
                call,
                fault,
                place: 1,
            };
            let directory = tempfile::tempdir().unwrap();
            make(directory.path());
            let failed = run(directory.path(), fault, "sst", Some(injection));
            assert!(failed.is_some(), "{injection:?}");
            met_count += 1;
            let store = RocksStore::open(directory.path(), &OPTIONS).unwrap();
            // In a process that could go on, it has been made good.
            let is_purged = Kind::PurgesCount.is_there(&store);
            assert_eq!(is_purged, fault == FULL, "{injection:?}");
            store.purge().unwrap();
            assert!(Kind::PurgesCount.is_there(&store), "{injection:?}");
            append(&store, Changes::default(), Vec::new()).unwrap();
        }
    }
    println!("purges: {met_count} faults met");
    let directory = tempfile::tempdir().unwrap();
    make(directory.path());
    assert!(run(directory.path(), FULL, "sst", None).is_none());
}

const DATABASE_NAME: &str = "rocksdb";
const DIRECTORY: &str = "COUNTERFOIL_FAILING_STORE";
const FULL: &str = "error=ENOSPC";
const KIND: &str = "COUNTERFOIL_FAILING_WRITE";
/// More than the number of any file that these stores come to.
const FILE_NUMBER_MAX: u32 = 200;
const OPTIONS: RocksOptions = RocksOptions {
    block_cache_bytes: 1 << 20,
    memtable_bytes: 1 << 20,
    disk_reserve_bytes: 0,
};
