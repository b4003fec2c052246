//! What every engine must do about records that move: more claims of the suite in `conformance.rs`.

use crate::domain::KeyVersion;
use crate::store::conformance::Open;
use crate::store::conformance::call;
use crate::store::conformance::commit;
use crate::store::conformance::conflicts;
use crate::store::conformance::new_record;
use crate::store::conformance_erasing::erasure;
use crate::store::conformance_erasing::join;
use crate::store::conformance_erasing::listed;
use crate::store::conformance_erasing::of;
use crate::store::conformance_erasing::subject;
use crate::store::*;

const SHOP: NamespaceId = NamespaceId(1);

fn place(token: u8) -> RecordKey {
    RecordKey {
        namespace: SHOP,
        id: RecordId([token; 16]),
    }
}

fn second() -> KeyVersion {
    KeyVersion::new(2).unwrap()
}

fn newer(byte: u8) -> SubjectKey {
    SubjectKey {
        key_version: second(),
        ..subject(byte)
    }
}

fn value_of(store: &impl Store, value: u8) -> Option<u8> {
    let key = ValueKey {
        namespace: SHOP,
        fingerprint: [value; 16],
    };
    let row = store.values(&[key]).unwrap().remove(0);
    row.map(|row| row.record.0[0])
}

/// Moves a record from one place to another, and its value's row, as the store has them now; the
/// list of customer 1 becomes list 101.
pub(super) fn relocation(store: &impl Store, from: u8, to: u8, value: Option<u8>) -> Changes {
    let before = store.records(&[place(from)]).unwrap().remove(0).unwrap();
    let after = Record {
        token_version: second(),
        value_index: value.map(|byte| ValueIndex {
            fingerprint: [byte; 16],
            key_version: second(),
        }),
        ..before.clone()
    };
    let relocation = Relocation {
        from: place(from),
        to: place(to),
        before,
        after,
        sharers: store.sharers(&place(from), 100).unwrap(),
        lists: vec![ListMove {
            from: vec![newer(101), subject(1)],
            to: newer(101),
        }],
    };
    Changes {
        relocations: vec![relocation],
        ..Changes::default()
    }
}

pub(crate) fn relocated_record_takes_everything_along<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![of(5, Some(5), 1), of(6, Some(6), 1)])]);
    commit(&store, &[&join(5, 2), &join(6, 1)]);
    let moves = relocation(&store, 5, 55, Some(155));
    assert_eq!(conflicts(&store, &moves), []);
    commit(&store, &[&moves]);
    drop(store);
    let store = open();
    let found = store.records(&[place(5), place(55)]).unwrap();
    assert_eq!(found[0], None);
    assert_eq!(found[1].as_ref(), Some(&moves.relocations[0].after));
    assert_eq!(
        (value_of(&store, 5), value_of(&store, 155)),
        (None, Some(55))
    );
    // Whom it was made for has another list; who joined and is not known keeps theirs.
    let lists = (listed(&store, 1), listed(&store, 101), listed(&store, 2));
    assert_eq!(lists, (vec![6], vec![55], vec![55]));
    assert_eq!(store.sharers(&place(5), 9).unwrap(), []);
    assert_eq!(store.sharers(&place(55), 9).unwrap(), [subject(2)]);
    let versions = |store: &S| {
        let links = store.links_after(SHOP, None, 100).unwrap();
        let version = |(list, id): &(SubjectKey, RecordId)| (id.0[0], list.key_version.number());
        links.iter().map(version).collect::<Vec<_>>()
    };
    assert_eq!(versions(&store), [(6, 1), (55, 1), (55, 2)]);
    let first = store.links_after(SHOP, None, 1).unwrap().remove(0);
    assert_eq!(store.links_after(SHOP, Some(first), 100).unwrap().len(), 2);

    // What points at a record moves where the record itself stays, too.
    commit(&store, &[&relocation(&store, 6, 6, Some(156))]);
    assert_eq!(
        (value_of(&store, 6), value_of(&store, 156)),
        (None, Some(6))
    );
    assert_eq!(
        (listed(&store, 1), listed(&store, 101)),
        (vec![], vec![6, 55])
    );
    assert_eq!(store.sharers(&place(6), 9).unwrap(), [newer(101)]);

    // The row that a younger record has taken over is that one's.
    let younger = NewRecord {
        replaces: Some(RecordId([6; 16])),
        ..new_record(9, Some(156))
    };
    commit(&store, &[&call(vec![younger])]);
    commit(&store, &[&relocation(&store, 6, 66, None)]);
    assert_eq!(value_of(&store, 156), Some(9));
}

pub(crate) fn relocation_conflicts_with_whoever_was_faster<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![of(5, Some(5), 1), of(7, Some(7), 2)])]);
    let moves = relocation(&store, 5, 55, Some(155));
    let outdated = vec![Conflict::RelocationOutdated { item: 0 }];
    let second_of = |first: &Changes| store.conflicts(&[first, &moves]).unwrap().remove(1);
    assert_eq!(second_of(&moves), outdated, "the same move");
    assert_eq!(second_of(&join(5, 2)), outdated, "somebody joins");
    assert_eq!(second_of(&erasure(&store, 5, 1, true)), outdated);
    assert_eq!(second_of(&call(vec![new_record(55, None)])), outdated);
    assert_eq!(second_of(&call(vec![new_record(8, Some(155))])), outdated);
    assert_eq!(second_of(&join(7, 1)), []);
    let after = |later: &Changes| store.conflicts(&[&moves, later]).unwrap().remove(1);
    let gone = [Conflict::LinkOutdated { link: 0 }];
    assert_eq!(after(&join(5, 2)), gone);
    assert_eq!(
        after(&erasure(&store, 5, 1, true)),
        [Conflict::RecordChanged { item: 0 }]
    );

    commit(&store, &[&join(5, 2)]);
    assert_eq!(conflicts(&store, &moves), outdated, "who has it changed");
    let moves = relocation(&store, 5, 7, None);
    assert_eq!(conflicts(&store, &moves), outdated, "the place is taken");
    let moves = relocation(&store, 5, 55, Some(7));
    assert_eq!(
        conflicts(&store, &moves),
        outdated,
        "the value's row is another's"
    );
    commit(&store, &[&relocation(&store, 5, 55, Some(155))]);
    assert_eq!(conflicts(&store, &join(5, 3)), gone);
    assert_eq!(conflicts(&store, &join(55, 3)), []);
}

pub(crate) fn token_and_value_under_older_keys_are_taken<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![new_record(5, Some(5))])]);
    let newer = |record: u8, value: u8, replaces| {
        let older = Older {
            records: vec![place(record)],
            values: vec![ValueKey {
                namespace: SHOP,
                fingerprint: [value; 16],
            }],
        };
        call(vec![NewRecord {
            older,
            replaces,
            ..new_record(9, Some(9))
        }])
    };
    let taken = [Conflict::TokenTaken { item: 0 }];
    assert_eq!(conflicts(&store, &newer(5, 8, None)), taken);
    let known = [Conflict::ValueTaken { item: 0 }];
    assert_eq!(conflicts(&store, &newer(8, 5, None)), known);
    assert_eq!(conflicts(&store, &newer(8, 8, None)), []);
    assert_eq!(conflicts(&store, &newer(8, 5, Some(RecordId([5; 16])))), []);
    let group = [&call(vec![new_record(8, Some(8))]), &newer(8, 8, None)];
    assert_eq!(store.conflicts(&group).unwrap()[1].len(), 2);
    // What was replaced leaves no row that an older key finds.
    assert_eq!(value_of(&store, 5), Some(5));
    commit(&store, &[&newer(8, 5, Some(RecordId([5; 16])))]);
    assert_eq!((value_of(&store, 5), value_of(&store, 9)), (None, Some(9)));
}

pub(crate) fn call_that_read_before_a_relocation_conflicts<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![of(5, Some(5), 1)])]);
    let reads = || Changes {
        lists_as_of: Some(store.relocations_count()),
        ..Changes::default()
    };
    let before = reads();
    let moves = relocation(&store, 5, 55, None);
    let conflicts_of = |group: &[&Changes]| store.conflicts(group).unwrap();
    let stale = vec![Conflict::ListOutdated];
    assert_eq!(conflicts_of(&[&before, &moves]), [vec![], vec![]]);
    assert_eq!(conflicts_of(&[&moves, &before]), [vec![], stale.clone()]);
    commit(&store, &[&moves]);
    assert_eq!(conflicts_of(&[&before]), [stale]);
    assert_eq!(conflicts_of(&[&reads()]), [vec![]]);
    assert_eq!(store.relocations_count() % 2, 0);
}
