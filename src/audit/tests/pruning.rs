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
