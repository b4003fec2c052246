//! Logs that nobody has changed.

use super::second::Second;
use super::*;

#[test]
fn no_clean_log_is_suspected_by_either_verifier() {
    let mut second = Second::start();
    let mut erased_count = 0;
    for seed in 0..cases(100) {
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
            let counts: serde_json::Map<String, serde_json::Value> = counts.collect();
            assert_eq!(answer["counts"], serde_json::Value::Object(counts));
        }
    }
    assert!(erased_count > 10, "{erased_count} entries are erased");
}
