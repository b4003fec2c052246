//! Pruning under what else may be the case: a witness that has not seen so much, one that is
//! configured no more, damage.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::archiving::Archiving;
use super::archiving::point;
use super::*;
use crate::ceremony::LogPoint;
use crate::domain::Timestamp;
use crate::store::Conflict;
use crate::store::StoreError;

fn stays() -> CommitError {
    CommitError::Conflicts(vec![Conflict::EntryStays])
}

/// A note that says so many entries, as a witness's that cannot be read any more may.
fn note(size: u64) -> String {
    format!("{}\n{size}\nroot\n\n", origin().as_str())
}

/// Prunes a log of which a witness that is configured has cosigned so many entries.
fn prune_witnessed(
    archiving: &Archiving,
    cosigned: u64,
    archived: LogPoint,
) -> Option<CommitError> {
    let mut parts = archiving.log.parts().unwrap();
    parts.witness = Some(WitnessWindow::default());
    let (audit, thread) = AuditLog::open(parts).unwrap();
    if cosigned > 0 {
        audit.window.as_ref().unwrap().cosigned(cosigned);
    }
    let asked = audit.check_pruning(&archived);
    let done = block_on(audit.commit(Commit::of_vault(EntryDraft::of_pruning(archived))));
    assert_eq!(asked.is_ok(), done.is_ok());
    drop(audit);
    thread.join();
    done.err()
}

/// Goal: with a witness, nothing is pruned that it has not cosigned; without one, nobody is asked.
/// Method: what the witness has seen by itself, and what the store says of it, each in turn.
#[test]
fn only_a_witness_that_is_configured_is_asked() {
    let archiving = Archiving::new();
    let archived = point(&archiving.grow(600));
    // A row of the store opens nothing: whoever has the disk can write one.
    for kept in [None, Some(note(700))] {
        if let Some(kept) = kept {
            archiving.log.store().keep_cosigned(&kept).unwrap();
        }
        for cosigned in [0, 1, 511] {
            let refused = prune_witnessed(&archiving, cosigned, archived);
            assert_eq!(refused, Some(stays()), "{cosigned}");
        }
    }
    assert_eq!(prune_witnessed(&archiving, 512, archived), None);

    let archiving = Archiving::new();
    let archived = point(&archiving.grow(600));
    for kept in [note(100), "nothing of the kind".to_owned()] {
        archiving.log.store().keep_cosigned(&kept).unwrap();
    }
    assert_eq!(archiving.prune(archived), Ok(700));
}

#[test]
fn damage_refuses_a_pruning_and_closes_nothing() {
    let archiving = Archiving::new();
    let archived = point(&archiving.grow(600));
    let key = [&[8], 1_u64.to_be_bytes().as_slice()].concat();
    let store = Arc::new(archiving.log.store());
    let (audit, thread) = {
        let parts = archiving
            .log
            .parts_over(Arc::clone(&store) as Arc<dyn Store>);
        AuditLog::open(parts.unwrap()).unwrap()
    };
    store.tamper("tiles", &key, Some(b"short"));
    let prune = || Commit::of_vault(EntryDraft::of_pruning(archived));
    let damaged = audit.check_pruning(&archived);
    assert!(matches!(
        damaged,
        Err(PruningError::Store(StoreError::Corrupt { .. }))
    ));
    assert_eq!(block_on(audit.commit(prune())).err(), Some(stays()));
    assert_eq!(*audit.state().borrow(), LogState::Open);
    let position = ENTRIES_COUNT;
    assert_eq!(block_on(audit.commit(commit(position))).unwrap().index, 700);
    drop(audit);
    thread.join();
}

/// What readers must not say of a log that is whole.
fn is_pruned(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::Archived { .. } | VerifyError::Store(StoreError::Pruned { .. })
    )
}

/// Reads the log as of a checkpoint in every way there is, and says what came of each.
fn read_all(store: &dyn Store, checkpoint: &SignedCheckpoint, index: u64) -> Vec<VerifyError> {
    let range = PageRange {
        first_index: index,
        end_index: u64::MAX,
        entries_max: 300,
        bytes_max: usize::MAX,
    };
    let tiles = Tiles::new(store, checkpoint.size());
    let (tile, width) = (index / 256, 100);
    let read = [
        TilePath::Leaf { index },
        TilePath::Entries { index: tile, width },
        TilePath::Tile {
            level: 0,
            index: tile,
            width,
        },
    ];
    let query = exposure::Query {
        from: Timestamp::from_unix_ms(0),
        to: Timestamp::from_unix_ms(u64::MAX),
        namespace: None,
        who: exposure::Who::default(),
    };
    let report = exposure::report_store(store, checkpoint, &query, |_| ());
    let report = report.err().map(|error| match error {
        exposure::ExposureError::Log(error) => error,
        exposure::ExposureError::TooMany(error) => panic!("{error}"),
    });
    let tiles = read.map(|path| tiles.read(path).err().map(VerifyError::from));
    let page = EntryPage::read(store, checkpoint, range).err();
    let proof = prove_inclusion(store, checkpoint, index).err();
    let found = tiles.into_iter().chain([page, proof, report]);
    found.flatten().collect()
}

/// Goal: a reader is told that what it asks for is in an archive, and never that the log is
/// damaged, whenever it is pruned. Method: readers of each kind without a pause while it is, twice.
#[test]
fn readers_beside_a_pruning_find_no_damage() {
    let archiving = Archiving::new();
    let points = [300, 600].map(|before| point(&archiving.grow(before)));
    let store = Arc::new(archiving.log.store());
    let note = store.checkpoint().unwrap().unwrap();
    let checkpoint = keys().verify(&note).unwrap();
    let parts = archiving
        .log
        .parts_over(Arc::clone(&store) as Arc<dyn Store>);
    let (audit, thread) = AuditLog::open(parts.unwrap()).unwrap();
    let is_over = AtomicBool::new(false);
    let reads_count = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for reader in 0..4 {
            let (store, checkpoint) = (&store, &checkpoint);
            let (is_over, reads_count) = (&is_over, &reads_count);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    for index in [0, 250, 255 - reader, 256, 511, 512] {
                        let wrong = read_all(store.as_ref(), checkpoint, index);
                        let wrong = wrong.iter().find(|error| !is_pruned(error));
                        assert!(wrong.is_none(), "{wrong:?}");
                        reads_count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let until = |count| {
            while reads_count.load(Ordering::Relaxed) < count {
                std::thread::yield_now();
            }
        };
        until(50);
        for (round, archived) in (1..).zip(points) {
            block_on(audit.commit(Commit::of_vault(EntryDraft::of_pruning(archived)))).unwrap();
            store.purge().unwrap();
            until(50 + round * 50);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(audit);
    thread.join();
    // What is there is read as ever.
    assert!(
        read_all(store.as_ref(), &checkpoint, 600)
            .iter()
            .all(is_pruned)
    );
    // Planted: damage, which is not taken for what is in an archive.
    store.tamper("audit", &600_u64.to_be_bytes(), None);
    let wrong = read_all(store.as_ref(), &checkpoint, 600);
    assert!(wrong.iter().any(|error| !is_pruned(error)), "{wrong:?}");
}

const ENTRIES_COUNT: usize = 700;
