//! What every engine must do about the log: more claims of the suite in `conformance.rs`.

use crate::store::conformance::Open;
use crate::store::conformance::append;
use crate::store::conformance::call;
use crate::store::conformance::commit;
use crate::store::conformance::new_record;
use crate::store::*;

pub(crate) fn log_grows_at_its_expected_size_only<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[]);
    for tree_size in [0, 2] {
        let batch = CommitBatch {
            changes: vec![],
            puts: Vec::new(),
            append: append(tree_size),
        };
        assert!(matches!(store.commit(&batch), Err(StoreError::Conflict)));
    }
    assert_eq!(store.tree_size().unwrap(), 1);
    assert_eq!(store.checkpoint().unwrap().as_deref(), Some("checkpoint 1"));
    commit(&store, &[]);
    assert_eq!(store.tree_size().unwrap(), 2);
}

pub(crate) fn gap_in_the_log_is_refused<S: Store>(open: Open<'_, S>) {
    let store = open();
    let mut append = append(0);
    let mut entry = append.entries[0].clone();
    entry.index = 2;
    append.entries.push(entry);
    let refused = store.commit(&CommitBatch {
        changes: vec![],
        puts: Vec::new(),
        append,
    });
    assert!(matches!(refused, Err(StoreError::Conflict)));
    assert_eq!(store.tree_size().unwrap(), 0);
}

pub(crate) fn nothing_is_written_without_an_entry<S: Store>(open: Open<'_, S>) {
    let store = open();
    let changes = call(vec![new_record(1, None)]);
    let append = Append {
        checkpoint: "checkpoint".to_owned(),
        ..Append::default()
    };
    let refused = store.commit(&CommitBatch {
        changes: vec![&changes],
        puts: Vec::new(),
        append,
    });
    assert!(matches!(refused, Err(StoreError::Conflict)));
    assert_eq!(store.records(&[changes.records[0].key]).unwrap(), [None]);
}
