//! Logs that are older than their head, or others: every one of them is whole by itself.

use super::*;
use crate::audit::verify::ReadLeaf;
use crate::audit::verify::Verifier;

/// Whether a log is found not to be the one that the head was signed for.
fn is_found(log: &Growing, head: Option<&SignedCheckpoint>) -> bool {
    let keys = keys();
    let Ok(mut verifier) = Verifier::new(&keys, head) else {
        return true;
    };
    for stored in leaves(&log.entries, &log.erased) {
        let read = ReadLeaf::new(&stored);
        if verifier.leaf(read, &mut Vec::new()).is_err() {
            return true;
        }
    }
    verifier.finish(log.checkpoint().note()).is_err()
}

/// A log up to some size, and on from there with other entries.
fn grown(seed: u64, common: usize, further: usize, branch: u64) -> Growing {
    let mut log = Growing::default();
    let mut archived = 0;
    for (seed, count) in [(seed, common), (seed ^ branch, further)] {
        let mut maker = Maker::new(StdRng::seed_from_u64(seed));
        maker.archived = archived;
        for _ in 0..count {
            let draft = maker.draft(log.frontier.size(), None);
            let salt = maker.random.random();
            log.append(draft, salt, 1, false);
        }
        archived = maker.archived;
    }
    log
}

#[test]
fn every_rollback_and_fork_is_found_by_its_head() {
    for seed in 0..cases(100) {
        let mut random = StdRng::seed_from_u64(seed);
        let common = random.random_range(0..40);
        let further = random.random_range(1..10);
        let whole = grown(seed, common, further, 1);
        let head = whole.checkpoint();
        assert!(!is_found(&whole, Some(&head)), "seed {seed}");

        let rolled_back = grown(seed, common, further - 1, 1);
        assert!(is_found(&rolled_back, Some(&head)), "seed {seed}");
        let fork = grown(seed, common, further + random.random_range(0..3), 2);
        assert!(is_found(&fork, Some(&head)), "seed {seed}");
        // Without the head, both are whole: it is what tells.
        assert!(!is_found(&rolled_back, None));
        assert!(!is_found(&fork, None));
        // And whoever holds a receipt of what was lost finds its leaf nowhere in the fork.
        let lost = whole.entries.last().unwrap();
        let there = fork.entries.get(common + further - 1).unwrap();
        assert_ne!(entry_leaf_hash(lost), entry_leaf_hash(there));
    }
}
