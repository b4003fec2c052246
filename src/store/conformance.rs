//! What every engine must do, as tests over any [`Store`].
//!
//! Goal: an engine can take another's place and nothing above it changes. Method: each claim is a
//! function over a fresh store; `suite!` makes them tests of one engine.

use crate::domain::Fidelity;
use crate::domain::KeyVersion;
use crate::domain::Timestamp;
use crate::store::*;

/// Makes the suite's claims the tests of an engine. `$open` takes a directory and opens the store
/// that is in it, or makes one.
macro_rules! suite {
    ($open:expr, $($claim:ident),* $(,)?) => {
        $(
            #[test]
            fn $claim() {
                let directory = tempfile::tempdir().unwrap();
                $crate::store::conformance::$claim(&|| $open(directory.path()));
            }
        )*
    };
    ($open:expr) => {
        $crate::store::conformance::suite!(
            $open,
            committed_rows_are_read,
            committed_rows_outlast_the_process,
            token_is_given_once,
            value_is_given_once,
            expired_record_is_replaced_by_name_only,
            conflicting_call_takes_nothing_from_later_ones,
            call_may_not_contradict_itself,
            request_is_taken_until_it_expires,
            row_changes_only_if_expected,
            subject_is_listed_in_pages,
            log_grows_at_its_expected_size_only,
            gap_in_the_log_is_refused,
            nothing_is_written_without_an_entry,
            swept_requests_are_gone,
            namespaces_never_meet,
            record_is_shared_by_who_joined_it,
            erased_record_leaves_a_tombstone,
            record_that_changed_is_not_erased,
            relocated_record_takes_everything_along,
            relocation_conflicts_with_whoever_was_faster,
            token_and_value_under_older_keys_are_taken,
            call_that_read_before_a_relocation_conflicts,
            record_stays_beside_its_successor,
            succession_conflicts_with_whoever_was_faster,
            call_that_relies_on_what_has_ended_conflicts,
            places_that_were_read_free_are_judged_as_if_read_again,
            purge_removes_no_row_that_stands,
            erased_entry_leaves_its_hash,
            pruned_log_begins_behind_what_is_gone,
            oversized_record_is_refused,
        );
    };
}
pub(crate) use suite;

pub(crate) use crate::store::conformance_erasing::*;
pub(crate) use crate::store::conformance_logging::*;
pub(crate) use crate::store::conformance_reading::*;
pub(crate) use crate::store::conformance_relocating::*;
pub(crate) use crate::store::conformance_succeeding::*;

pub(crate) type Open<'a, S> = &'a dyn Fn() -> S;

const SHOP: NamespaceId = NamespaceId(1);

pub(crate) fn time(unix_ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms)
}

pub(crate) fn record(residue: &[u8]) -> Record {
    Record {
        layout_version: 1,
        fidelity: Fidelity::Shape,
        outline_size: 0,
        state: RecordState::Live,
        wrapping_version: KeyVersion::FIRST,
        token_version: KeyVersion::FIRST,
        value_index: None,
        created: time(1_000),
        expires: None,
        wrapped: vec![0x77; 60],
        subject: vec![0x55; 30],
        residue: residue.to_vec(),
        token: Vec::new(),
        successor: None,
    }
}

pub(crate) fn new_record(token: u8, value: Option<u8>) -> NewRecord {
    let index = value.map(|byte| ValueIndex {
        fingerprint: [byte; 16],
        key_version: KeyVersion::FIRST,
    });
    NewRecord {
        key: RecordKey {
            namespace: SHOP,
            id: RecordId([token; 16]),
        },
        value_key: index.map(|index| ValueKey {
            namespace: SHOP,
            fingerprint: index.fingerprint,
        }),
        older: Older::default(),
        replaces: None,
        subject_key: None,
        record: Record {
            value_index: index,
            ..record(&[token])
        },
    }
}

pub(crate) fn call(records: Vec<NewRecord>) -> Changes {
    Changes {
        records,
        ..Changes::default()
    }
}

fn request(id: u8, created: u64, expires: u64) -> Changes {
    let row = RequestRow {
        digest: [id; 16],
        created: time(created),
        expires: time(expires),
        outcome: vec![id],
    };
    let key = RequestKey {
        namespace: SHOP,
        fingerprint: [id; 16],
    };
    Changes {
        request: Some((key, row)),
        ..Changes::default()
    }
}

pub(crate) fn append(tree_size: u64) -> Append {
    Append {
        tree_size,
        entries: vec![StoredEntry {
            index: tree_size,
            salt: [1; 16],
            entry: vec![2; 30],
        }],
        erased: Vec::new(),
        pruned_size: None,
        hashes: vec![StoredHash {
            level: 0,
            index: tree_size,
            hash: [3; 32],
        }],
        checkpoint: format!("checkpoint {}", tree_size + 1),
    }
}

pub(crate) fn commit(store: &impl Store, changes: &[&Changes]) {
    let append = append(store.tree_size().unwrap());
    store
        .commit(&CommitBatch {
            changes: changes.to_vec(),
            puts: Vec::new(),
            append,
        })
        .unwrap();
}

pub(crate) fn conflicts(store: &impl Store, changes: &Changes) -> Vec<Conflict> {
    store.conflicts(&[changes]).unwrap().remove(0)
}

pub(crate) fn committed_rows_are_read<S: Store>(open: Open<'_, S>) {
    let store = open();
    let changes = call(vec![
        new_record(9, Some(2)),
        new_record(3, None),
        new_record(5, Some(1)),
    ]);
    assert_eq!(store.conflicts(&[&changes]).unwrap(), [vec![]]);
    commit(&store, &[&changes]);

    let key = |token| RecordKey {
        namespace: SHOP,
        id: RecordId([token; 16]),
    };
    let found = store
        .records(&[key(5), key(4), key(9), key(3), key(9)])
        .unwrap();
    let residues: Vec<_> = found
        .iter()
        .map(|found| found.as_ref().map(|r| r.residue[0]))
        .collect();
    assert_eq!(residues, [Some(5), None, Some(9), Some(3), Some(9)]);

    let value = |byte| ValueKey {
        namespace: SHOP,
        fingerprint: [byte; 16],
    };
    let found = store.values(&[value(2), value(7), value(1)]).unwrap();
    let ids: Vec<_> = found
        .iter()
        .map(|row| row.map(|row| row.record.0[0]))
        .collect();
    assert_eq!(ids, [Some(9), None, Some(5)]);
    assert_eq!(store.records(&[]).unwrap(), []);
}

pub(crate) fn committed_rows_outlast_the_process<S: Store>(open: Open<'_, S>) {
    let changes = call(vec![new_record(1, Some(1))]);
    let store = open();
    assert_eq!(
        (store.tree_size().unwrap(), store.checkpoint().unwrap()),
        (0, None)
    );
    commit(&store, &[&changes]);
    commit(&store, &[&request(4, 10, 20)]);
    drop(store);

    let store = open();
    assert_eq!(store.tree_size().unwrap(), 2);
    assert_eq!(store.checkpoint().unwrap().as_deref(), Some("checkpoint 2"));
    assert_eq!(
        store.records(&[changes.records[0].key]).unwrap()[0]
            .as_ref()
            .unwrap()
            .residue,
        [1]
    );
    let (key, row) = request(4, 10, 20).request.unwrap();
    assert_eq!(store.request(&key).unwrap(), Some(row));
    assert_eq!(store.entries(0, 10).unwrap().len(), 2);
    assert_eq!(store.entries(1, 10).unwrap()[0].index(), 1);
    assert_eq!(store.hashes(0, 0, 10).unwrap(), [[3; 32]; 2]);
    assert_eq!(store.hashes(8, 0, 10).unwrap(), [[0; 32]; 0]);
    store.flush().unwrap();
    assert_eq!(store.statistics().unwrap().tree_size, 2);
}

pub(crate) fn token_is_given_once<S: Store>(open: Open<'_, S>) {
    let store = open();
    let first = call(vec![new_record(1, None)]);
    let second = call(vec![new_record(2, None), new_record(1, None)]);
    let taken = vec![Conflict::TokenTaken { item: 1 }];
    assert_eq!(
        store.conflicts(&[&first, &second]).unwrap(),
        [vec![], taken.clone()]
    );
    commit(&store, &[&first]);
    assert_eq!(conflicts(&store, &second), taken);
}

pub(crate) fn value_is_given_once<S: Store>(open: Open<'_, S>) {
    let store = open();
    let first = call(vec![new_record(1, Some(7))]);
    let second = call(vec![new_record(2, Some(7)), new_record(3, Some(8))]);
    let taken = vec![Conflict::ValueTaken { item: 0 }];
    assert_eq!(
        store.conflicts(&[&first, &second]).unwrap(),
        [vec![], taken.clone()]
    );
    commit(&store, &[&first]);
    assert_eq!(conflicts(&store, &second), taken);
}

pub(crate) fn expired_record_is_replaced_by_name_only<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![new_record(1, Some(7))])]);
    let replacing = |id| {
        call(vec![NewRecord {
            replaces: Some(RecordId([id; 16])),
            ..new_record(2, Some(7))
        }])
    };
    assert_eq!(
        conflicts(&store, &replacing(9)),
        [Conflict::ValueTaken { item: 0 }]
    );
    assert_eq!(conflicts(&store, &replacing(1)), []);
    let twice = store.conflicts(&[&replacing(1), &{
        let mut other = replacing(1);
        other.records[0].key.id = RecordId([3; 16]);
        other
    }]);
    assert_eq!(
        twice.unwrap(),
        [vec![], vec![Conflict::ValueTaken { item: 0 }]]
    );
    commit(&store, &[&replacing(1)]);
    let value = ValueKey {
        namespace: SHOP,
        fingerprint: [7; 16],
    };
    assert_eq!(
        store.values(&[value]).unwrap()[0].unwrap().record,
        RecordId([2; 16])
    );
}

pub(crate) fn conflicting_call_takes_nothing_from_later_ones<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![new_record(1, None)])]);
    let refused = call(vec![new_record(2, Some(2)), new_record(1, None)]);
    let later = call(vec![new_record(2, Some(2))]);
    let found = store.conflicts(&[&refused, &later]).unwrap();
    assert_eq!(found, [vec![Conflict::TokenTaken { item: 1 }], vec![]]);
}

pub(crate) fn call_may_not_contradict_itself<S: Store>(open: Open<'_, S>) {
    let store = open();
    let tokens = call(vec![new_record(1, None), new_record(1, None)]);
    assert_eq!(
        conflicts(&store, &tokens),
        [Conflict::TokenTaken { item: 1 }]
    );
    let values = call(vec![new_record(1, Some(1)), new_record(2, Some(1))]);
    assert_eq!(
        conflicts(&store, &values),
        [Conflict::ValueTaken { item: 1 }]
    );
}

pub(crate) fn request_is_taken_until_it_expires<S: Store>(open: Open<'_, S>) {
    let store = open();
    let first = request(1, 100, 200);
    let taken = vec![Conflict::RequestTaken];
    let within = store.conflicts(&[&first, &request(1, 100, 200)]).unwrap();
    assert_eq!(within, [vec![], taken.clone()]);
    commit(&store, &[&first]);
    assert_eq!(conflicts(&store, &request(1, 199, 300)), taken);
    assert_eq!(conflicts(&store, &request(1, 200, 300)), []);
    commit(&store, &[&request(1, 200, 300)]);
    let (key, row) = request(1, 200, 300).request.unwrap();
    assert_eq!(store.request(&key).unwrap(), Some(row));
}

pub(crate) fn row_changes_only_if_expected<S: Store>(open: Open<'_, S>) {
    let store = open();
    let change = |key: u8, expected: Option<u8>, value: Option<u8>| RowChange {
        table: Table::Keys,
        key: vec![key],
        expected: expected.map(|byte| vec![byte]),
        value: value.map(|byte| vec![byte]),
    };
    store.compare_and_set(&change(1, None, Some(5))).unwrap();
    let refused = store.compare_and_set(&change(1, None, Some(6)));
    assert!(matches!(refused, Err(StoreError::Conflict)));

    let rows = |rows: Vec<RowChange>| Changes {
        rows,
        ..Changes::default()
    };
    let mixed = rows(vec![change(2, None, Some(2)), change(1, Some(4), None)]);
    assert_eq!(conflicts(&store, &mixed), [Conflict::RowChanged { row: 1 }]);
    let good = rows(vec![change(2, None, Some(2)), change(1, Some(5), Some(6))]);
    let after = rows(vec![change(2, Some(2), Some(3))]);
    let found = store.conflicts(&[&good, &after]).unwrap();
    assert_eq!(found, [vec![], vec![Conflict::RowChanged { row: 0 }]]);
    commit(&store, &[&good]);

    let all = store.rows(Table::Keys, None, 10).unwrap();
    assert_eq!(all, [(vec![1], vec![6]), (vec![2], vec![2])]);
    assert_eq!(store.rows(Table::Keys, Some(&[1]), 10).unwrap(), all[1..]);
    assert_eq!(store.rows(Table::Keys, None, 1).unwrap(), all[..1]);
    assert_eq!(store.rows(Table::Meta, None, 10).unwrap(), []);
    store.compare_and_set(&change(1, Some(6), None)).unwrap();
    assert_eq!(store.rows(Table::Keys, None, 10).unwrap(), all[1..]);
}

pub(crate) fn subject_is_listed_in_pages<S: Store>(open: Open<'_, S>) {
    let store = open();
    let subject = |byte| SubjectKey {
        namespace: SHOP,
        fingerprint: [byte; 16],
        key_version: KeyVersion::FIRST,
    };
    let of = |byte, token| NewRecord {
        subject_key: Some(subject(byte)),
        ..new_record(token, None)
    };
    commit(
        &store,
        &[&call(vec![
            of(1, 30),
            of(2, 15),
            of(1, 10),
            of(1, 20),
            of(0, 5),
        ])],
    );
    let page = |after: Option<u8>, limit| {
        let after = after.map(|token| RecordId([token; 16]));
        let page = store.subject_records(&subject(1), after, limit).unwrap();
        page.into_iter().map(|id| id.0[0]).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 10), [10, 20, 30]);
    assert_eq!(page(None, 2), [10, 20]);
    assert_eq!(page(Some(20), 2), [30]);
    assert_eq!(page(Some(15), 2), [20, 30]);
    assert_eq!(page(Some(30), 2), [0_u8; 0]);
}

pub(crate) fn swept_requests_are_gone<S: Store>(open: Open<'_, S>) {
    let store = open();
    let calls: Vec<_> = (1..=6_u8)
        .map(|id| request(id, 0, u64::from(id % 2) * 100 + 10))
        .collect();
    commit(&store, &calls.iter().collect::<Vec<_>>());
    let mut next = None;
    let mut removed_count = 0;
    for _ in 0..4 {
        let sweep = store.sweep_requests(time(50), next, 2).unwrap();
        removed_count += sweep.removed_count;
        next = sweep.next;
    }
    assert_eq!((removed_count, next), (3, None));
    let there = calls.iter().map(|call| call.request.as_ref().unwrap().0);
    let there: Vec<_> = there
        .map(|key| store.request(&key).unwrap().is_some())
        .collect();
    assert_eq!(there, [true, false, true, false, true, false]);
}

pub(crate) fn namespaces_never_meet<S: Store>(open: Open<'_, S>) {
    let store = open();
    let elsewhere = |mut new: NewRecord| {
        new.key.namespace = NamespaceId(2);
        new.value_key = new.value_key.map(|key| ValueKey {
            namespace: NamespaceId(2),
            ..key
        });
        new
    };
    commit(&store, &[&call(vec![new_record(1, Some(1))])]);
    let same = call(vec![elsewhere(new_record(1, Some(1)))]);
    assert_eq!(conflicts(&store, &same), []);
    assert_eq!(store.records(&[same.records[0].key]).unwrap(), [None]);
}

pub(crate) fn oversized_record_is_refused<S: Store>(open: Open<'_, S>) {
    let store = open();
    let mut changes = call(vec![new_record(1, None)]);
    changes.records[0].record.residue = vec![0; RESIDUE_BYTES_MAX + 1];
    let refused = store.commit(&CommitBatch {
        changes: vec![&changes],
        puts: Vec::new(),
        append: append(0),
    });
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    commit(&store, &[&call(vec![new_record(1, None)])]);
}
