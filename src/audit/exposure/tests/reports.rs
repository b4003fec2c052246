//! The report is the ledger: nobody is missing, and nobody is there who was not seen.

use proptest::prelude::*;

use super::history::History;
use super::history::expected;
use super::*;
use crate::domain::CaseId;
use crate::domain::GrantId;
use crate::domain::PersonId;

/// Each way to ask, and some together.
fn queries(from_ms: u64, to_ms: u64) -> Vec<Query> {
    let principal = Principal::new("tool-1").ok();
    let person = PersonId::read("acme/1").ok();
    let whos = [
        Who::default(),
        Who {
            principal: principal.clone(),
            ..Who::default()
        },
        Who {
            person: person.clone(),
            ..Who::default()
        },
        Who {
            credential: Some([1; 32]),
            ..Who::default()
        },
        Who {
            case_id: CaseId::new("CASE-1").ok(),
            ..Who::default()
        },
        Who {
            grant_id: GrantId::new("g-1").ok(),
            ..Who::default()
        },
        Who {
            key_version: KeyVersion::new(2),
            ..Who::default()
        },
        Who {
            principal,
            person,
            ..Who::default()
        },
    ];
    let namespace = Namespace::new("shop-1").ok();
    whos.into_iter()
        .flat_map(|who| {
            let query = Query {
                who,
                ..between(from_ms, to_ms)
            };
            let within = Query {
                namespace: namespace.clone(),
                ..query.clone()
            };
            [query, within]
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn report_is_the_ledger(
        number in any::<u64>(), from_ms in 900_u64..3_000, lasts_ms in 0_u64..3_000,
    ) {
        let history = History::random(number, 200);
        for query in queries(from_ms, from_ms + lasts_ms) {
            let rows = report(&query, &history.entries).rows;
            prop_assert_eq!(rows, expected(&history.ledger, &query), "{:?}", query);
        }
        let everything = everything();
        let rows = report(&everything, &history.entries).rows;
        prop_assert_eq!(rows, expected(&history.ledger, &everything));
    }

    #[test]
    fn entry_whose_items_are_missing_is_noticed(
        number in any::<u64>(), chosen in any::<prop::sample::Index>(),
    ) {
        let mut history = History::random(number, 200);
        let facts: Vec<u64> = history.ledger.iter().map(|fact| fact.index).collect();
        let index = usize::try_from(*chosen.get(&facts)).unwrap();
        history.entries[index].draft.items.clear();
        let rows = report(&everything(), &history.entries).rows;
        prop_assert_ne!(rows, expected(&history.ledger, &everything()));
    }

    #[test]
    fn report_without_possibly_is_noticed(number in any::<u64>()) {
        let history = History::random(number, 200);
        let mut rows = report(&everything(), &history.entries).rows;
        let expected = expected(&history.ledger, &everything());
        // Now and then nothing was cut off.
        prop_assume!(expected.iter().any(|row| row.status == Status::PossiblyReleased));
        rows.retain(|row| row.status != Status::PossiblyReleased);
        prop_assert_ne!(rows, expected);
    }
}

#[test]
fn intent_without_outcome_is_possibly_released() {
    let reveal = call(
        Event::Detokenize,
        vec![item("cus_1", "name", ItemOutcome::Intended)],
    );
    let mut log = vec![entry(0, 10, reveal.clone())];
    let status = |log: &[Entry], query| report(&query, log).rows[0].status;
    assert_eq!(status(&log, everything()), Status::PossiblyReleased);
    // An outcome of which the window has the intent only.
    log.push(entry(1, 20, outcome_of(0, &reveal, ItemOutcome::Revealed)));
    assert_eq!(status(&log, between(10, 11)), Status::Released);
    assert_eq!(status(&log, between(0, 20)), Status::Released);
    // And of which it has only the outcome: the reveal was before.
    assert!(report(&between(11, 30), &log).rows.is_empty());
}

#[test]
fn outcome_of_other_items_settles_nothing() {
    let reveal = call(
        Event::Detokenize,
        vec![
            item("cus_1", "name", ItemOutcome::Intended),
            item("cus_2", "name", ItemOutcome::Intended),
        ],
    );
    let mut outcome = outcome_of(0, &reveal, ItemOutcome::Damaged);
    outcome.items[0] = item("cus_3", "name", ItemOutcome::Damaged);
    outcome.items.truncate(1);
    let log = [entry(0, 10, reveal), entry(1, 11, outcome)];
    let rows = report(&everything(), &log).rows;
    let found: Vec<_> = rows.iter().map(|row| row.status).collect();
    assert_eq!(found, [Status::PossiblyReleased; 2]);
}

#[test]
fn customers_are_counted_by_the_worst_that_happened() {
    let log = [
        entry(
            0,
            10,
            call(
                Event::VerifyMatch,
                vec![
                    item("cus_1", "name", ItemOutcome::Differed),
                    item("cus_1", "email", ItemOutcome::Matched),
                    item("cus_2", "name", ItemOutcome::Differed),
                ],
            ),
        ),
        entry(
            1,
            11,
            call(
                Event::Detokenize,
                vec![
                    item("cus_2", "name", ItemOutcome::Intended),
                    item("cus_3", "name", ItemOutcome::Denied),
                    EntryItem {
                        subject: None,
                        ..item("cus_3", "name", ItemOutcome::Intended)
                    },
                ],
            ),
        ),
    ];
    let summary = report(&everything(), &log).summary();
    let one_each = Count {
        released: 1,
        possibly_released: 1,
        refused: 1,
    };
    assert_eq!(summary.customers, one_each);
    assert_eq!(summary.tokens.possibly_released, 1);
    assert_eq!(summary.tokens.all(), 1);
}
