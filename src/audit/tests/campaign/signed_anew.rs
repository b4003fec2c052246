//! Logs that were written wrongly, and signed: whoever has the log's key can make their tree and
//! their checkpoint, and neither is what tells.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::encodings::other_encodings;
use super::*;
use crate::crypto::merkle::leaf_hash;
use crate::second_verifier::SecondVerifier;

/// What is wrong with an entry that its log has signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lie {
    /// A time before that of the entry before it.
    Time,
    /// An outcome of what was no intent before it.
    Outcome,
    /// A word of the erasing of a later entry, which is erased.
    Erasure,
    /// More in an archive than the log had.
    Pruning,
    /// A start that counts more in an archive than the log says.
    Count,
}

impl Lie {
    const ALL: [Self; 5] = [
        Self::Time,
        Self::Outcome,
        Self::Erasure,
        Self::Pruning,
        Self::Count,
    ];

    fn is_named_by(self, found: &VerifyError, place: u64) -> bool {
        let index = match (self, found) {
            (Self::Time, VerifyError::Time { index })
            | (Self::Outcome, VerifyError::Intent { index })
            | (Self::Erasure, VerifyError::Erasure { index })
            | (Self::Pruning | Self::Count, VerifyError::Pruning { index }) => Some(*index),
            _ => None,
        };
        index == Some(place)
    }

    fn draft(self, maker: &mut Maker, log: &Growing) -> EntryDraft {
        let index = log.frontier.size();
        let later = maker.random.random_range(1..4);
        let point = |size| LogPoint {
            size,
            root: [3; 32],
        };
        match self {
            Self::Time => EntryDraft::new(Event::Inspect),
            Self::Outcome => {
                // A stop, itself, and one that comes later: none was an intent before it.
                let intent_index = Some(maker.pick(&[0, index, index + later]));
                EntryDraft {
                    intent_index,
                    ..EntryDraft::new(Event::DetokenizeOutcome)
                }
            }
            Self::Erasure => EntryDraft::of_entry_erasure(index + later),
            Self::Pruning => EntryDraft::of_pruning(point(index + later)),
            Self::Count => {
                let mut draft = EntryDraft::new(Event::Started);
                draft.ceremony.archived_size = Some(maker.archived + later);
                draft
            }
        }
    }
}

/// A log with a lie among other entries, and where that is; without one it is whole.
fn log_with(lie: Option<Lie>, seed: u64) -> (RandomLog, u64) {
    let mut log = Growing::default();
    let mut maker = Maker::new(StdRng::seed_from_u64(seed));
    let before = maker.random.random_range(1..12);
    let others = |log: &mut Growing, maker: &mut Maker, count: u64| {
        for _ in 0..count {
            let draft = maker.draft(log.frontier.size(), None);
            log.append(draft, maker.random.random(), 1, false);
        }
    };
    // One that stays, so that there is a time to go back behind.
    log.append(EntryDraft::new(Event::Stopped), [7; 16], 0, false);
    others(&mut log, &mut maker, before - 1);
    if let Some(lie) = lie {
        let draft = lie.draft(&mut maker, &log);
        log.time_ms -= if lie == Lie::Time { 1_000 } else { 0 };
        log.append(draft, maker.random.random(), 0, false);
    }
    others(&mut log, &mut maker, 5);
    (log.finish(), before)
}

/// The log with other bytes for an entry, which its line renders as it did those before; its tree
/// and its checkpoint are made for them. Nothing where that entry is erased.
fn signed_anew(log: &RandomLog, place: usize, entry: &[u8]) -> Option<String> {
    let export = log.export();
    let mut lines: Vec<_> = export.lines().map(str::to_owned).collect();
    let stored = &log.entries[place];
    let leaf = |entry: &[u8]| STANDARD.encode([&stored.salt, entry].concat());
    let changed = lines[place].replace(&leaf(&stored.entry), &leaf(entry));
    if changed == lines[place] {
        return None;
    }
    lines[place] = changed;
    lines.pop();
    let mut frontier = Frontier::new();
    for line in &lines {
        frontier.append(hash_of(line), |_, _, _| ()).unwrap();
    }
    let checkpoint = signer().sign(frontier.size(), frontier.root()).unwrap();
    let mut text = (lines.join("\n") + "\n").into_bytes();
    export::write_checkpoint(&mut text, checkpoint.note()).unwrap();
    Some(String::from_utf8(text).unwrap())
}

/// The hash of the leaf of a line, whatever the leaf says.
fn hash_of(line: &str) -> Hash {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let bytes = |name: &str| STANDARD.decode(line[name].as_str()?).ok();
    let erased = bytes("leaf_hash").map(|hash| Hash::from_bytes(hash.try_into().unwrap()));
    erased.unwrap_or_else(|| leaf_hash(&bytes("leaf").unwrap()))
}

/// The planted fault: a verifier that compares the tree with what was signed, and reads nothing.
fn is_found_by_the_tree_alone(export: &str) -> bool {
    let (lines, last) = export.trim_end().rsplit_once('\n').unwrap();
    let mut frontier = Frontier::new();
    for line in lines.lines() {
        frontier.append(hash_of(line), |_, _, _| ()).unwrap();
    }
    let Some(export::ExportLine::Checkpoint(note)) = export::read_line(last) else {
        return true;
    };
    let checkpoint = keys().verify(&note);
    checkpoint.is_none_or(|it| (it.size(), it.root()) != (frontier.size(), frontier.root()))
}

#[test]
fn lie_that_was_signed_is_found_by_both_verifiers() {
    let mut second = SecondVerifier::start();
    for seed in 0..cases(40) {
        for lie in Lie::ALL {
            let (log, place) = log_with(Some(lie), seed);
            let export = log.export();
            let found = verify_export(export.as_bytes(), &keys()).unwrap_err();
            assert!(lie.is_named_by(&found, place), "{lie:?}, {seed}: {found}");
            if let Some(second) = &mut second {
                let answer = second.ask(export.as_bytes());
                assert_eq!(answer["verified"], false, "{lie:?}, seed {seed}");
                let wrong = answer["wrong"].as_str().unwrap();
                assert!(wrong.starts_with(&format!("entry {place} ")), "{wrong}");
            }
            assert!(!is_found_by_the_tree_alone(&export), "{lie:?}, {seed}");
        }
        // The same logs without it.
        let export = log_with(None, seed).0.export();
        verify_export(export.as_bytes(), &keys()).unwrap();
        if let Some(second) = &mut second {
            assert!(!second.finds(export.as_bytes()), "seed {seed}");
        }
    }
}

#[test]
fn other_encoding_that_was_signed_is_found_by_both_verifiers() {
    let mut second = SecondVerifier::start();
    let mut found_count = 0;
    for seed in 0..cases(8) {
        let log = RandomLog::of(seed, 12);
        let mut random = StdRng::seed_from_u64(seed);
        for (place, stored) in log.entries.iter().enumerate() {
            let others = other_encodings(&stored.entry);
            for (how, other) in &others {
                assert!(Entry::decode(other).is_err(), "seed {seed}, {place}: {how}");
            }
            for _ in 0..20 {
                let (how, other) = &others[random.random_range(0..others.len())];
                let Some(export) = signed_anew(&log, place, other) else {
                    continue;
                };
                assert!(is_found(export.as_bytes()), "seed {seed}, {place}: {how}");
                if let Some(second) = &mut second {
                    let is_found = second.finds(export.as_bytes());
                    assert!(is_found, "seed {seed}, {place}: {how}");
                }
                assert!(!is_found_by_the_tree_alone(&export));
                found_count += 1;
            }
            // Its own encoding, whose tree and checkpoint were made in the same way.
            if let Some(export) = resalted(&log, place) {
                verify_export(export.as_bytes(), &keys()).unwrap();
                if let Some(second) = &mut second {
                    assert!(!second.finds(export.as_bytes()), "seed {seed}, {place}");
                }
            }
        }
    }
    assert!(found_count > 100, "{found_count}");
}

/// The log with another salt for an entry, signed anew; nothing where that entry is erased.
fn resalted(log: &RandomLog, place: usize) -> Option<String> {
    let mut other = log.clone();
    other.entries[place].salt[0] ^= 1;
    let mut frontier = Frontier::new();
    for stored in &other.entries {
        let leaf = entry_leaf_hash(stored);
        frontier.append(leaf, |_, _, _| ()).unwrap();
    }
    other.checkpoint = signer().sign(frontier.size(), frontier.root()).unwrap();
    let is_erased = log.erased.contains(&(place as u64));
    (!is_erased).then(|| other.export())
}
