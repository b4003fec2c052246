//! What every engine must do about calls that read before others wrote: more claims of the suite in
//! `conformance.rs`.

use crate::store::conformance::Open;
use crate::store::conformance::call;
use crate::store::conformance::commit;
use crate::store::conformance::new_record;
use crate::store::conformance_erasing::erasure;
use crate::store::conformance_erasing::of;
use crate::store::conformance_relocating::relocation;
use crate::store::conformance_succeeding::succession;
use crate::store::*;

const SHOP: NamespaceId = NamespaceId(1);

/// A call that hands out the token of a record, as it is now.
fn relies_on(store: &impl Store, token: u8) -> Changes {
    let key = RecordKey {
        namespace: SHOP,
        id: RecordId([token; 16]),
    };
    Changes {
        reads: Some(Reads {
            moment: store.moment(),
            records: KeySet::from_iter([key]),
            ..Reads::default()
        }),
        ..Changes::default()
    }
}

/// A call that relies on nothing having ended.
fn relies_on_everything(store: &impl Store) -> Changes {
    Changes {
        reads: Some(Reads {
            moment: store.moment(),
            any_ending: true,
            ..Reads::default()
        }),
        ..Changes::default()
    }
}

pub(crate) fn call_that_relies_on_what_has_ended_conflicts<S: Store>(open: Open<'_, S>) {
    let store = open();
    let records = vec![
        of(5, Some(5), 1),
        of(6, Some(6), 2),
        of(7, None, 1),
        of(8, None, 2),
    ];
    commit(&store, &[&call(records)]);
    let conflicts_of = |group: &[&Changes]| store.conflicts(group).unwrap();
    let stale = vec![Conflict::Erased];
    let endings = [
        (5, succession(&store, 5, 55, Some(5))),
        (6, relocation(&store, 6, 66, None)),
        (7, erasure(&store, 7, 1, true)),
    ];
    for (token, ends) in endings {
        let (before, other) = (relies_on(&store, token), relies_on(&store, 8));
        let everything = relies_on_everything(&store);
        let group = [&before, &other, &everything, &ends];
        let none: Vec<Conflict> = Vec::new();
        assert_eq!(conflicts_of(&group), vec![none.clone(); 4], "before it");
        let group = [&ends, &before, &other, &everything];
        let after = [none.clone(), stale.clone(), none.clone(), stale.clone()];
        assert_eq!(conflicts_of(&group), after, "in its group");
        commit(&store, &[&ends]);
        let group = [&before, &other, &everything];
        assert_eq!(conflicts_of(&group), after[1..], "after it");
        let again = [&relies_on(&store, token), &relies_on_everything(&store)];
        assert_eq!(conflicts_of(&again), [none.clone(), none], "who reads anew");
    }
}

pub(crate) fn places_that_were_read_free_are_judged_as_if_read_again<S: Store>(open: Open<'_, S>) {
    let store = open();
    let mut state = 7_u64;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let byte = |number: u64| u8::try_from(number).unwrap();
    let mut waiting: Vec<Changes> = Vec::new();
    let (mut free_count, mut taken_count) = (0, 0);
    for _ in 0..1_500 {
        // A call reads what is there now, finds its places free, and waits for its turn.
        let new = new_record(byte(random(250)), Some(byte(random(250))));
        let moment = store.moment();
        let is_free = store.records(&[new.key]).unwrap() == [None]
            && store.values(new.value_key.as_slice()).unwrap() == [None];
        let reads = Reads {
            moment,
            has_read_places: true,
            ..Reads::default()
        };
        if is_free {
            waiting.push(Changes {
                reads: Some(reads),
                ..call(vec![new])
            });
        }
        if random(20) > 0 || waiting.is_empty() {
            continue;
        }
        // Some of those who wait are judged as one group, not in the order in which they read.
        let first = usize::try_from(random(waiting.len() as u64)).unwrap();
        let group: Vec<Changes> = waiting.drain(first..).collect();
        let read_again = |changes: &Changes| Changes {
            reads: None,
            ..changes.clone()
        };
        let plain: Vec<Changes> = group.iter().map(read_again).collect();
        let group: Vec<&Changes> = group.iter().collect();
        let judged = store.conflicts(&group).unwrap();
        let expected = store.conflicts(&plain.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(judged, expected);
        let accepted = group.iter().zip(&judged).filter(|(_, it)| it.is_empty());
        let accepted: Vec<&Changes> = accepted.map(|(changes, _)| *changes).collect();
        free_count += accepted.len();
        taken_count += judged.len() - accepted.len();
        commit(&store, &accepted);
    }
    assert!(
        free_count > 50 && taken_count > 20,
        "{free_count}, {taken_count}"
    );
}
