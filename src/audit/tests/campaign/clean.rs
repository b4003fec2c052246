//! Logs that nobody has changed.

use serde_json::Value;

use super::*;
use crate::second_verifier::SecondVerifier;

#[test]
fn no_clean_log_is_suspected_by_either_verifier() {
    let mut second = SecondVerifier::start();
    let mut erased_count = 0;
    let logs_count = cases(100);
    for seed in 0..logs_count {
        let log = RandomLog::new(seed, 60);
        let export = log.export();
        let report = verify_export(export.as_bytes(), &keys()).unwrap();
        assert_eq!(report.tree_size, log.entries.len() as u64, "seed {seed}");
        assert_eq!(report.erased_count, log.erased.len() as u64, "seed {seed}");
        erased_count += report.erased_count;
        assert_eq!(report.successors.len(), log.handovers.len(), "seed {seed}");
        if let Some(second) = &mut second {
            let answer = second.ask(export.as_bytes());
            assert_eq!(answer["verified"], true, "seed {seed}: {answer}");
            assert_eq!(answer["tree_size"], report.tree_size);
            assert_eq!(answer["root_hash"], report.root.to_string());
            assert_eq!(answer["erased_count"], report.erased_count);
            assert_eq!(answer["open_intents_count"], report.open_intents_count);
            let counts = report.counts.iter();
            let counts = counts.map(|(event, count)| (event.name().to_owned(), (*count).into()));
            let counts: serde_json::Map<String, Value> = counts.collect();
            assert_eq!(answer["counts"], Value::Object(counts));
        }
    }
    // Few logs may have none.
    assert!(
        erased_count >= logs_count / 10,
        "{erased_count} entries are erased"
    );
}

/// Goal: no field of an entry is one that the campaign never writes. Method: two thousand random
/// entries, of which one at least has each member that a line of an export can have.
#[test]
fn random_logs_say_all_that_an_entry_can() {
    let log = RandomLog::of(11, 2_000);
    let mut said = BTreeSet::new();
    for line in log.export().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let mut within = vec![(String::new(), line)];
        while let Some((place, value)) = within.pop() {
            match value {
                Value::Object(members) => within.extend(
                    members
                        .into_iter()
                        .map(|(name, value)| (format!("{place}.{name}"), value)),
                ),
                Value::Array(values) => {
                    within.extend(values.into_iter().map(|value| (place.clone(), value)));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    said.insert(place);
                }
            }
        }
    }
    let ceremony = [
        "archived.root",
        "archived_size",
        "charter_digest",
        "erased_index",
        "id",
        "key_state",
        "lost_head.size",
        "officers",
        "operation",
        "records_count",
        "register_digest",
        "state",
        "statement_digest",
    ];
    let ceremony = ceremony.map(|name| format!(".ceremony.{name}"));
    let access = ["cause", "effect", "freeze", "grant_id", "scope_digest"];
    let access = access.map(|name| format!(".access.{name}"));
    let item = ["field", "key_version", "outcome", "subject", "token"];
    let item = item.map(|name| format!(".items.{name}"));
    let of_shares = [
        ".methods",
        ".shares_given.credential",
        ".shares_given.officer",
        ".shares_given.principal",
        ".sharing.digest",
        ".sharing.needed",
        ".sharing.officers",
    ];
    let of_shares = of_shares.map(str::to_owned);
    let names = ceremony.into_iter().chain(access).chain(item);
    for name in names.chain(of_shares) {
        assert!(said.contains(&name), "{name}");
    }
}
