//! What every engine must do about erasing: more claims of the suite in `conformance.rs`.

use crate::domain::KeyVersion;
use crate::store::conformance::Open;
use crate::store::conformance::append;
use crate::store::conformance::call;
use crate::store::conformance::commit;
use crate::store::conformance::conflicts;
use crate::store::conformance::new_record;
use crate::store::*;

const SHOP: NamespaceId = NamespaceId(1);

pub(super) fn subject(byte: u8) -> SubjectKey {
    SubjectKey {
        namespace: SHOP,
        fingerprint: [byte; 16],
        key_version: KeyVersion::FIRST,
    }
}

/// A record that was made for a customer.
pub(super) fn of(token: u8, value: Option<u8>, owner: u8) -> NewRecord {
    NewRecord {
        subject_key: Some(subject(owner)),
        ..new_record(token, value)
    }
}

pub(super) fn join(token: u8, who: u8) -> Changes {
    Changes {
        links: vec![(subject(who), RecordId([token; 16]))],
        ..Changes::default()
    }
}

/// Erases a customer from a record as the store has it now.
pub(super) fn erasure(store: &impl Store, token: u8, who: u8, is_own: bool) -> Changes {
    let key = RecordKey {
        namespace: SHOP,
        id: RecordId([token; 16]),
    };
    let subjects = vec![subject(who)];
    Changes {
        erasures: vec![Erasure {
            key,
            expected: store.records(&[key]).unwrap().remove(0),
            sharing: store.sharing(&key, &subjects).unwrap(),
            subjects,
            is_own,
        }],
        ..Changes::default()
    }
}

pub(super) fn listed(store: &impl Store, who: u8) -> Vec<u8> {
    let ids = store.subject_records(&subject(who), None, 100).unwrap();
    ids.into_iter().map(|id| id.0[0]).collect()
}

pub(crate) fn record_is_shared_by_who_joined_it<S: Store>(open: Open<'_, S>) {
    let store = open();
    // One call makes a record for 1, and has 1 join it, and 2.
    let changes = Changes {
        links: [join(5, 1).links, join(5, 2).links].concat(),
        ..call(vec![of(5, Some(5), 1), of(6, None, 1)])
    };
    commit(&store, &[&changes]);
    commit(&store, &[&join(5, 3)]);
    let sharing = |token, who: &[u8]| {
        let key = RecordKey {
            namespace: SHOP,
            id: RecordId([token; 16]),
        };
        let subjects: Vec<_> = who.iter().map(|who| subject(*who)).collect();
        let sharing = store.sharing(&key, &subjects).unwrap();
        (sharing.is_further, sharing.has_others)
    };
    assert_eq!(sharing(5, &[1]), (false, true));
    assert_eq!(sharing(5, &[2]), (true, true));
    assert_eq!(sharing(5, &[2, 3]), (true, false));
    assert_eq!(sharing(6, &[1]), (false, false));
    assert_eq!(sharing(7, &[1]), (false, false));
}

pub(crate) fn erased_record_leaves_a_tombstone<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![of(5, Some(7), 1), of(6, Some(8), 1)])]);
    let changes = erasure(&store, 5, 1, true);
    let key = changes.erasures[0].key;
    assert_eq!(conflicts(&store, &changes), []);
    commit(&store, &[&changes]);
    let stone = store.records(&[key]).unwrap().remove(0);
    assert_eq!(stone, Some(Record::tombstone(KeyVersion::FIRST)));
    let value = |byte| ValueKey {
        namespace: SHOP,
        fingerprint: [byte; 16],
    };
    let rows = store.values(&[value(7), value(8)]).unwrap();
    assert!(rows[0].is_none() && rows[1].is_some());
    assert_eq!(listed(&store, 1), [6]);
    let again = call(vec![new_record(5, None)]);
    assert_eq!(
        conflicts(&store, &again),
        [Conflict::TokenTaken { item: 0 }]
    );

    // The row of a value that has a younger record is that one's.
    let younger = NewRecord {
        replaces: Some(RecordId([6; 16])),
        ..of(9, Some(8), 1)
    };
    commit(&store, &[&call(vec![younger])]);
    commit(&store, &[&erasure(&store, 6, 1, true)]);
    let row = store.values(&[value(8)]).unwrap()[0].unwrap();
    assert_eq!(row.record, RecordId([9; 16]));

    // What others have stays, without whom it was made for.
    commit(&store, &[&join(9, 2)]);
    commit(&store, &[&erasure(&store, 9, 1, true)]);
    let key = RecordKey {
        namespace: SHOP,
        id: RecordId([9; 16]),
    };
    let kept = store.records(&[key]).unwrap().remove(0).unwrap();
    assert!(kept.subject.is_empty() && !kept.wrapped.is_empty());
    assert_eq!((listed(&store, 1), listed(&store, 2)), (vec![], vec![9]));
    drop(store);
    let store = open();
    assert_eq!(store.endings_count(), 3);
    assert_eq!(listed(&store, 2), [9]);
}

pub(crate) fn record_that_changed_is_not_erased<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![of(5, None, 1)])]);
    let changed = [Conflict::RecordChanged { item: 0 }];
    let changes = erasure(&store, 5, 1, true);
    // In its own group, two customers at once, and somebody who joins.
    let both = store.conflicts(&[&changes, &changes]).unwrap();
    assert_eq!(both, [vec![], changed.to_vec()]);
    let joined = store.conflicts(&[&join(5, 2), &changes]).unwrap();
    assert_eq!(joined, [vec![], changed.to_vec()]);
    commit(&store, &[&join(5, 2)]);
    assert_eq!(conflicts(&store, &changes), changed);
    let changes = erasure(&store, 5, 1, true);
    commit(&store, &[&changes]);
    assert_eq!(conflicts(&store, &changes), changed);
}

pub(crate) fn purge_removes_no_row_that_stands<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![of(5, Some(5), 1), of(6, Some(6), 2)])]);
    commit(&store, &[&erasure(&store, 5, 1, true)]);
    let unpurged = |store: &S| store.statistics().unwrap().erasures_unpurged_count;
    assert_eq!(unpurged(&store), 1);
    store.purge().unwrap();
    assert_eq!(unpurged(&store), 0);
    drop(store);
    let store = open();
    assert_eq!(unpurged(&store), 0);
    let key = |token| RecordKey {
        namespace: SHOP,
        id: RecordId([token; 16]),
    };
    let found = store.records(&[key(5), key(6)]).unwrap();
    assert_eq!(found[0], Some(Record::tombstone(KeyVersion::FIRST)));
    assert_eq!(found[1].as_ref().unwrap().residue, [6]);
    assert_eq!(listed(&store, 2), [6]);
}

pub(crate) fn erased_entry_leaves_its_hash<S: Store>(open: Open<'_, S>) {
    let store = open();
    for _ in 0..3 {
        commit(&store, &[&call(vec![])]);
    }
    let erase = |store: &S, erased: Vec<u64>| {
        let append = Append {
            erased,
            ..append(store.tree_size().unwrap())
        };
        store.commit(&CommitBatch {
            changes: vec![],
            puts: Vec::new(),
            append,
        })
    };
    // What the batch itself appends has no hash in the tree yet.
    assert!(matches!(erase(&store, vec![3]), Err(StoreError::Conflict)));
    let is_kept = |store: &S| -> Vec<bool> {
        let leaves = store.entries(0, 10).unwrap();
        leaves.iter().map(|leaf| leaf.entry().is_some()).collect()
    };
    assert_eq!(is_kept(&store), [true; 3]);
    let endings_count = store.endings_count();
    erase(&store, vec![1]).unwrap();
    for (purged, unpurged_count) in [(false, 1), (true, 0)] {
        if purged {
            store.purge().unwrap();
        }
        let statistics = store.statistics().unwrap();
        assert_eq!(statistics.erasures_unpurged_count, unpurged_count);
        assert_eq!(is_kept(&store), [true, false, true, true]);
        let erased = StoredLeaf::Erased {
            index: 1,
            hash: [3; 32],
        };
        assert_eq!(store.entries(1, 1).unwrap(), [erased]);
    }
    // No call waits for it: it is about nobody's records.
    assert_eq!(store.endings_count(), endings_count);
    erase(&store, vec![0]).unwrap();
    drop(store);
    let store = open();
    assert_eq!(is_kept(&store), [false, false, true, true, true]);
    assert_eq!(store.statistics().unwrap().erasures_unpurged_count, 1);
}

pub(crate) fn pruned_log_begins_behind_what_is_gone<S: Store>(open: Open<'_, S>) {
    let store = open();
    for _ in 0..520 {
        commit(&store, &[&call(vec![])]);
    }
    let prune = |store: &S, size: u64| {
        let append = Append {
            pruned_size: Some(size),
            ..append(store.tree_size().unwrap())
        };
        store.commit(&CommitBatch {
            changes: vec![],
            puts: Vec::new(),
            append,
        })
    };
    // Not where a tile of hashes would be parted, and not beyond the end.
    for size in [0, 100, 768] {
        assert!(matches!(prune(&store, size), Err(StoreError::Conflict)));
    }
    assert_eq!(store.pruned_size().unwrap(), 0);
    prune(&store, 256).unwrap();
    assert!(matches!(prune(&store, 256), Err(StoreError::Conflict)));
    let check = |store: &S, begins: u64, size: u64| {
        assert_eq!(store.pruned_size().unwrap(), begins);
        assert_eq!(store.tree_size().unwrap(), size);
        for refused in [
            store.entries(begins - 1, 5).err(),
            store.hashes(0, begins - 1, 5).err(),
        ] {
            assert!(matches!(refused, Some(StoreError::Pruned { .. })));
        }
        assert_eq!(store.entries(begins, 5).unwrap()[0].index(), begins);
        assert_eq!(store.hashes(0, begins, 5).unwrap().len(), 5);
    };
    check(&store, 256, 521);
    store.purge().unwrap();
    assert_eq!(store.statistics().unwrap().erasures_unpurged_count, 0);
    check(&store, 256, 521);
    prune(&store, 512).unwrap();
    drop(store);
    check(&open(), 512, 522);
}
