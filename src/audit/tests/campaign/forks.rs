//! Logs that are older than their head, or others: every one of them is whole by itself.

use super::forged::signature_of;
use super::segments::pruned;
use super::*;
use crate::audit::verify::ReadLeaf;
use crate::audit::verify::Verifier;
use crate::crypto::merkle::inclusion_proof;
use crate::second_verifier::SecondVerifier;

/// Whether a log is found not to be the one that the head was signed for.
fn is_found(log: &Growing, head: Option<&SignedCheckpoint>) -> bool {
    let keys = keys();
    let Ok(mut verifier) = Verifier::new(&Evidence::of(&keys).with_head(head)) else {
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

/// What both verifiers say of a log that is held against what somebody kept: nothing, or what is
/// wrong.
fn judged(
    log: &RandomLog,
    kept: &KeptCheckpoint,
    second: Option<&mut SecondVerifier>,
) -> Option<String> {
    judged_export(&log.export(), kept, second)
}

fn judged_export(
    export: &str,
    kept: &KeptCheckpoint,
    second: Option<&mut SecondVerifier>,
) -> Option<String> {
    let (keys, kept) = (keys(), [kept.clone()]);
    let evidence = Evidence {
        kept: &kept,
        ..Evidence::of(&keys)
    };
    let ours = verify_export_against(export.as_bytes(), None, &evidence);
    let ours = ours.err().map(|error| error.to_string());
    if let Some(second) = second {
        let answer = second.ask(export.as_bytes());
        let theirs = answer.get("wrong").and_then(|wrong| wrong.as_str());
        assert_eq!(theirs, ours.as_deref(), "{answer}");
    }
    ours
}

/// Planted: a verifier that compares the size of the log with that of what was kept, and no more.
fn judged_by_size(log: &RandomLog, size: u64) -> Option<String> {
    let entries_count = log.checkpoint.size();
    (entries_count < size).then(|| went_back(entries_count, size))
}

fn went_back(entries_count: u64, size: u64) -> String {
    format!(
        "the log has {entries_count} entries, the kept checkpoint is of {size}: it is older, or \
         went back"
    )
}

fn is_another(size: u64) -> String {
    format!(
        "the log is another than the one of the kept checkpoint of {size} entries, and the same \
         key signed both"
    )
}

/// What somebody kept of a log, and three that it may have become.
struct Kept {
    text: String,
    size: u64,
    whole: RandomLog,
    rolled_back: RandomLog,
    fork: RandomLog,
}

impl Kept {
    fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let common = random.random_range(0..30);
        let further = random.random_range(1..10);
        let kept_further = random.random_range(1..=further);
        let growing = grown(seed, common, kept_further, 1);
        let checkpoint = growing.checkpoint();
        let size = checkpoint.size();
        let note = checkpoint.note().to_owned();
        let index = random.random_range(0..size);
        let tree = Hashes::of(&growing.finish());
        let path = inclusion_proof(&tree, index, size).unwrap();
        let leaf = tree.hash(0, index).unwrap();
        let receipt = TlogProof::new(index, leaf, path, note.clone()).to_string();
        let fork_further = kept_further + random.random_range(0..3);
        Self {
            text: if seed.is_multiple_of(2) {
                note
            } else {
                receipt
            },
            size,
            whole: grown(seed, common, further, 1).finish(),
            rolled_back: grown(seed, common, kept_further - 1, 1).finish(),
            fork: grown(seed, common, fork_further, 2).finish(),
        }
    }

    /// What a verifier must say of each of the three.
    fn expected(&self) -> [Option<String>; 3] {
        let entries_count = self.size - 1;
        let rolled_back = went_back(entries_count, self.size);
        [None, Some(rolled_back), Some(is_another(self.size))]
    }

    fn logs(&self) -> [&RandomLog; 3] {
        [&self.whole, &self.rolled_back, &self.fork]
    }
}

/// Goal: whoever kept a checkpoint or a receipt finds by either verifier that a log went back or is
/// another, told apart in the same words; and suspects no log that went on. Method: of random logs
/// one that grew on, one that was cut back and one that went another way, held against what was
/// kept of the latest and of an earlier checkpoint. Planted: a verifier that compares sizes.
#[test]
fn every_rollback_and_fork_is_found_by_what_was_kept_of_it() {
    let count = cases(40);
    let mut missed_count = 0;
    for seed in 0..count {
        let case = Kept::of(seed);
        let kept = KeptCheckpoint::read(&case.text).unwrap();
        let mut second = SecondVerifier::with_files(&[("--kept", &case.text)]);
        let found = case.logs().map(|log| judged(log, &kept, second.as_mut()));
        assert_eq!(found, case.expected(), "seed {seed}");
        let by_size = case.logs().map(|log| judged_by_size(log, case.size));
        missed_count += u64::from(by_size != case.expected());
    }
    println!(
        "seeds 0 to {count}: as many went back, and as many are others; {missed_count} missed \
              by size"
    );
    assert_eq!(missed_count, count);
}

#[test]
fn what_a_stranger_signed_is_no_evidence() {
    let log = RandomLog::of(1, 8);
    let other = CheckpointSigner::new(origin(), key_of(9));
    let note = other.sign(8, log.checkpoint.root()).unwrap();
    let mut second = SecondVerifier::with_files(&[("--kept", note.note())]);
    let kept = KeptCheckpoint::read(note.note()).unwrap();
    let found = judged(&log, &kept, second.as_mut()).unwrap();
    assert_eq!(
        found,
        "the kept checkpoint of 8 entries is not signed by the keys of the log"
    );
    for (text, problem) in [
        ("text\n", KeptError::Form),
        ("c2sp.org/tlog-proof@v1\n", TlogProofError::Form.into()),
    ] {
        assert_eq!(KeptCheckpoint::read(text), Err(problem));
    }
}

/// A log under a new key is still the one of before, for whoever has the first key alone, and what
/// was kept under the new key is believed by it.
#[test]
fn what_was_kept_before_and_after_another_key_is_of_one_log() {
    let seed = (0..).find(|seed| RandomLog::new(*seed, 20).handovers.len() == 1);
    let log = RandomLog::new(seed.unwrap(), 20);
    let last = log.checkpoint.note();
    let handover = &log.handovers[0].note;
    for note in [last, handover] {
        let mut second = SecondVerifier::with_files(&[("--kept", note)]);
        let kept = KeptCheckpoint::read(note).unwrap();
        assert_eq!(judged(&log, &kept, second.as_mut()), None);
    }
}

/// Every log begins with the empty one, also one whose beginning is in an archive.
#[test]
fn what_was_kept_of_the_empty_log_is_the_beginning_of_a_pruned_one() {
    let export = pruned(3, |_| ());
    let empty = signer().sign_empty().unwrap();
    let other = signer().sign(0, Hash::from_bytes([9; 32])).unwrap();
    let archived = signer().sign(2, Hash::from_bytes([9; 32])).unwrap();
    for (kept, words) in [
        (empty, None),
        (
            other,
            Some(
                "the log is another than the one of the kept checkpoint of 0 entries, and the same \
                 key signed both",
            ),
        ),
        (
            archived,
            Some("entries before 3 are in an archive, which was not given"),
        ),
    ] {
        let mut second = SecondVerifier::with_files(&[("--kept", kept.note())]);
        let kept = KeptCheckpoint::read(kept.note()).unwrap();
        let found = judged_export(&export, &kept, second.as_mut());
        assert_eq!(found.as_deref(), words);
    }
}

#[test]
fn what_was_kept_with_a_forged_signature_is_no_evidence() {
    let log = RandomLog::of(1, 8);
    let own = log.checkpoint.note();
    let forged = signature_of(0, "other\n");
    let (text, _) = own.rsplit_once("\n\n").unwrap();
    for note in [
        format!("{own}{forged}"),
        own.replace("\n\n", &format!("\n\n{forged}")),
        format!("{text}\n\n{forged}"),
    ] {
        let mut second = SecondVerifier::with_files(&[("--kept", &note)]);
        let kept = KeptCheckpoint::read(&note).unwrap();
        let found = judged(&log, &kept, second.as_mut()).unwrap();
        assert_eq!(
            found,
            "the kept checkpoint of 8 entries is not signed by the keys of the log"
        );
    }
}
