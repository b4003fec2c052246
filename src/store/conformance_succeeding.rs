//! What every engine must do about records that get a successor: more claims of the suite in
//! `conformance.rs`.

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

fn value_of(store: &impl Store, value: u8) -> Option<u8> {
    let key = ValueKey {
        namespace: SHOP,
        fingerprint: [value; 16],
    };
    let row = store.values(&[key]).unwrap().remove(0);
    row.map(|row| row.record.0[0])
}

/// Gives a record of customer 1 a successor, with everybody who has it, as the store has it now.
pub(super) fn succession(store: &impl Store, from: u8, to: u8, value: Option<u8>) -> Changes {
    let before = store.records(&[place(from)]).unwrap().remove(0).unwrap();
    let sharers = store.sharers(&place(from), 100).unwrap();
    let successor = Successor {
        fidelity: before.fidelity,
        outline_size: 0,
        wrapped: vec![to; 48],
    };
    let after = Record {
        value_index: None,
        successor: Some(successor),
        ..before.clone()
    };
    let links = sharers.iter().map(|list| (*list, place(to).id)).collect();
    Changes {
        records: vec![NewRecord {
            replaces: Some(place(from).id),
            ..of(to, value, 1)
        }],
        successions: vec![Succession {
            key: place(from),
            before,
            after,
            sharers,
        }],
        links,
        ..Changes::default()
    }
}

pub(crate) fn record_stays_beside_its_successor<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![of(5, Some(5), 1), of(6, Some(6), 1)])]);
    commit(&store, &[&join(5, 2)]);
    // Under the same row of its value, and under another as after a rotation.
    for (from, to, value) in [(5, 55, 5), (6, 66, 166)] {
        let succeeds = succession(&store, from, to, Some(value));
        assert_eq!(conflicts(&store, &succeeds), []);
        commit(&store, &[&succeeds]);
        let found = store.records(&[place(from), place(to)]).unwrap();
        assert_eq!(found[0].as_ref(), Some(&succeeds.successions[0].after));
        assert_eq!(found[1].as_ref(), Some(&succeeds.records[0].record));
    }
    drop(store);
    let store = open();
    assert_eq!(value_of(&store, 5), Some(55));
    assert_eq!(
        (value_of(&store, 6), value_of(&store, 166)),
        (None, Some(66))
    );
    assert_eq!(listed(&store, 1), [5, 6, 55, 66]);
    assert_eq!(listed(&store, 2), [5, 55]);
    assert_eq!(store.sharers(&place(55), 9).unwrap(), [subject(2)]);
    // To erase both customers leaves nothing of either record.
    for customer in [1, 2] {
        for record in [5, 55] {
            commit(&store, &[&erasure(&store, record, customer, customer == 1)]);
        }
    }
    assert_eq!(value_of(&store, 5), None);
    for record in store.records(&[place(5), place(55)]).unwrap() {
        assert_eq!(record, Some(Record::tombstone(KeyVersion::FIRST)));
    }
}

pub(crate) fn succession_conflicts_with_whoever_was_faster<S: Store>(open: Open<'_, S>) {
    let store = open();
    commit(&store, &[&call(vec![of(5, Some(5), 1), of(7, Some(7), 2)])]);
    let succeeds = succession(&store, 5, 55, Some(5));
    let outdated = Conflict::SuccessionOutdated { item: 0 };
    let second_of = |first: &Changes| store.conflicts(&[first, &succeeds]).unwrap().remove(1);
    assert!(second_of(&succeeds).contains(&outdated), "the same one");
    assert_eq!(second_of(&join(5, 2)), [outdated], "somebody joins");
    assert!(second_of(&erasure(&store, 5, 1, true)).contains(&outdated));
    let taken = [Conflict::TokenTaken { item: 0 }];
    assert_eq!(second_of(&call(vec![new_record(55, None)])), taken);
    assert_eq!(second_of(&join(7, 1)), []);
    let after = |later: &Changes| store.conflicts(&[&succeeds, later]).unwrap().remove(1);
    let gone = [Conflict::LinkOutdated { link: 0 }];
    assert_eq!(after(&join(5, 2)), gone, "who joins joins the successor");
    let changed = [Conflict::RecordChanged { item: 0 }];
    assert_eq!(after(&erasure(&store, 5, 1, true)), changed);

    commit(&store, &[&join(5, 2)]);
    assert_eq!(conflicts(&store, &succeeds), [outdated], "who has it");
    let succeeds = succession(&store, 5, 55, Some(7));
    let known = [Conflict::ValueTaken { item: 0 }];
    assert_eq!(conflicts(&store, &succeeds), known, "another value's row");
    let succeeds = succession(&store, 5, 55, Some(5));
    commit(&store, &[&succeeds]);
    assert!(conflicts(&store, &succeeds).contains(&outdated), "again");
}
