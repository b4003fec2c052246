//! Pruning under what else may be the case: a witness that has not seen so much, one that is
//! configured no more, damage.

use super::archiving::Archiving;
use super::archiving::point;
use super::*;
use crate::ceremony::LogPoint;
use crate::store::Conflict;

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
        Err(PruningError::Store(
            crate::store::StoreError::Corrupt { .. }
        ))
    ));
    assert_eq!(block_on(audit.commit(prune())).err(), Some(stays()));
    assert_eq!(*audit.state().borrow(), LogState::Open);
    let position = ENTRIES_COUNT;
    assert_eq!(block_on(audit.commit(commit(position))).unwrap().index, 700);
    drop(audit);
    thread.join();
}

const ENTRIES_COUNT: usize = 700;
