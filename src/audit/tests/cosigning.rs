//! What a store has kept of its witness's cosignatures, as a log is verified and exported.

use super::*;
use crate::audit::tree::StoredTree;
use crate::ceremony::LogPoint;
use crate::crypto::note::CosignerKey;
use crate::crypto::note::SignedNote;

fn cosigner() -> CosignerKey {
    let name = NoteKeyName::new("witness.example/w1").unwrap();
    CosignerKey::new(name, &KeyBytes::from_array(&[40; 32]))
}

fn witnesses() -> WitnessKeys {
    WitnessKeys::new(vec![cosigner().verifier()])
}

/// The checkpoint of the log in a store when it had this size, cosigned.
fn cosigned(store: &dyn Store, size: u64) -> String {
    let root = StoredTree(store).frontier(size).unwrap().root();
    let note = signer().sign(size, root).unwrap().note().to_owned();
    let note: SignedNote = note.parse().unwrap();
    let line = cosigner().cosign(note.text(), TIME).unwrap();
    format!("{note}{line}\n")
}

/// What is said of the log of a store, and of its export, with and without the witness's key.
fn verified(store: &dyn Store) -> [Result<Option<Witnessed>, VerifyError>; 2] {
    let (keys, witnesses) = (keys(), witnesses());
    let evidence = Evidence {
        witnesses: Some(&witnesses),
        ..Evidence::of(&keys)
    };
    let of_store = verify_store_against(store, None, &evidence);
    let mut export = Vec::new();
    let of_export = write_export(&mut export, store, &keys)
        .and_then(|()| verify_export_against(export.as_slice(), None, &evidence));
    [of_store, of_export].map(|report| report.map(|report| report.witnessed))
}

#[test]
fn log_is_witnessed_as_far_as_its_store_has_kept() {
    let log = TestLog::with_entries(9);
    let store = log.store();
    for found in verified(&store) {
        assert!(matches!(found, Err(VerifyError::Unwitnessed)), "{found:?}");
    }
    for size in [1, 5, 9] {
        store.keep_cosigned(&cosigned(&store, size)).unwrap();
        let seen = Witnessed {
            size,
            unix_seconds: TIME,
        };
        for found in verified(&store) {
            assert_eq!(found.unwrap(), Some(seen));
        }
        let mut export = Vec::new();
        write_export(&mut export, &store, &keys()).unwrap();
        let text = String::from_utf8(export).unwrap();
        let line = text.lines().nth(usize::try_from(size).unwrap()).unwrap();
        assert!(line.starts_with("{\"cosigned\":"), "{line}");
        assert_eq!(text.lines().count(), 11);
    }
}

/// Goal: a row that is not of the log is an error for everybody, whether they know the witness or
/// not. Method: checkpoints of another log and of one that is longer, and what is no checkpoint.
#[test]
fn row_of_another_log_is_found() {
    let log = TestLog::with_entries(9);
    let (other, longer) = (TestLog::with_entries(9), TestLog::with_entries(10));
    let rows = [(&other, 5), (&other, 9), (&longer, 10)];
    let rows = rows.map(|(log, size)| cosigned(&log.store(), size));
    let store = log.store();
    for row in rows {
        store.keep_cosigned(&row).unwrap();
        for found in verified(&store) {
            assert!(matches!(found, Err(VerifyError::Cosigned)), "{found:?}");
        }
        let found = verify_store(&store, None, &keys());
        assert!(matches!(found, Err(VerifyError::Cosigned)), "{found:?}");
    }
    store.keep_cosigned("nothing of the kind").unwrap();
    let found = verify_store(&store, None, &keys());
    assert!(matches!(found, Err(VerifyError::Cosigned)), "{found:?}");
}

#[test]
fn checkpoint_of_before_the_beginning_is_left_out() {
    let log = TestLog::with_entries(300);
    let (before, at, behind) = {
        let store = log.store();
        let of = |size| cosigned(&store, size);
        (of(255), of(256), of(280))
    };
    let root = StoredTree(&log.store()).frontier(256).unwrap().root();
    let (audit, thread) = log.open();
    let pruning = EntryDraft::of_pruning(LogPoint {
        size: 256,
        root: *root.as_bytes(),
    });
    block_on(audit.commit(Commit::of_vault(pruning))).unwrap();
    drop(audit);
    thread.join();
    let store = log.store();
    store.keep_cosigned(&before).unwrap();
    for found in verified(&store) {
        assert!(matches!(found, Err(VerifyError::Unwitnessed)), "{found:?}");
    }
    for (note, size) in [(at, 256), (behind, 280)] {
        store.keep_cosigned(&note).unwrap();
        for found in verified(&store) {
            assert_eq!(found.unwrap().unwrap().size, size);
        }
    }
}

const TIME: u64 = 1_800_000_000;
