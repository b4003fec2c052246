//! Logs that somebody has changed.

use super::*;
use crate::crypto::merkle::inclusion_proof;
use crate::crypto::merkle::verify_inclusion;
use crate::second_verifier::SecondVerifier;

/// A verifier, or one with a fault.
type IsFound<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// A verifier that reads every line, and does not compare the root.
fn without_the_root(export: &[u8]) -> bool {
    matches!(
        verify_export(export, &keys()),
        Err(VerifyError::Line { .. } | VerifyError::Entry { .. } | VerifyError::Index { .. })
    )
}

/// Cuts, swaps, repeats and leaves out lines in every way, and cuts within lines: how many of how
/// many are missed. Of a long log one line of `stride` is swapped with one of `stride`; ten times
/// as many are cut, repeated and left out.
fn missed_moves(log: &RandomLog, stride: usize, is_found: IsFound<'_>) -> (u64, u64) {
    let export = log.export();
    let lines: Vec<_> = export.lines().collect();
    let (mut missed, mut tried) = (0, 0);
    let mut attempt = |lines: &[&str]| {
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        tried += 1;
        missed += u64::from(!is_found(text.as_bytes()));
    };
    for place in (0..lines.len()).step_by(stride.div_ceil(10)) {
        attempt(&lines[..place]);
        attempt(&[&lines[..place], &lines[place + 1..]].concat());
        attempt(&[&lines[..place], &lines[place..place + 1], &lines[place..]].concat());
    }
    for place in (0..lines.len()).step_by(stride) {
        for other in (place + 1..lines.len()).step_by(stride) {
            let mut swapped = lines.clone();
            swapped.swap(place, other);
            attempt(&swapped);
        }
    }
    for end in (0..export.len()).step_by(self::stride() * lines.len().div_ceil(20)) {
        tried += 1;
        missed += u64::from(!is_found(&export.as_bytes()[..end]));
    }
    (missed, tried)
}

/// Of as many cases in a row one is tried: of the numbers of the promise, every one.
fn stride() -> usize {
    usize::try_from(10_000 / cases_percent()).unwrap().max(1)
}

/// Random edits of random logs, one to five at once: how many of how many are missed.
fn missed_edits(count: u64, is_found: IsFound<'_>) -> (u64, u64) {
    let (mut missed, mut tried) = (0, 0);
    for seed in 0..count {
        let mut random = StdRng::seed_from_u64(seed);
        let export = RandomLog::new(seed % 50, 12).export();
        let mut edited = export.clone().into_bytes();
        for _ in 0..random.random_range(1..=5) {
            edit(&mut edited, &mut random);
        }
        if edited != export.as_bytes() {
            tried += 1;
            missed += u64::from(!is_found(&edited));
        }
    }
    (missed, tried)
}

pub(super) fn edit(bytes: &mut Vec<u8>, random: &mut StdRng) {
    let end = bytes.len();
    if end < 2 {
        return;
    }
    let (one, other) = (random.random_range(0..end), random.random_range(0..end));
    let (from, to) = (one.min(other), one.max(other));
    match random.random_range(0..7) {
        0 => bytes[one] ^= 1 << random.random_range(0..8),
        1 => bytes.swap(one, other),
        2 => drop(bytes.drain(from..to.min(from + 40))),
        3 => {
            let copied = bytes[from..to.min(from + 200)].to_vec();
            bytes.splice(one..one, copied);
        }
        4 => bytes.truncate(one),
        5 => bytes.insert(one, random.random_range(b' '..b'~')),
        _ => bytes[one] = b"0123456789abcdef\"{}[],:\n"[random.random_range(0..24)],
    }
}

/// Each bit of each entry, or one of `stride`: how many of how many are missed. The hashes of the
/// other entries are computed once.
fn missed_flips(log: &RandomLog, stride: usize) -> (u64, u64) {
    let tree = Hashes::of(log);
    let (size, root) = (log.checkpoint.size(), log.checkpoint.root());
    let (mut missed, mut tried) = (0, 0);
    for stored in &log.entries {
        let index = stored.index;
        let proof = inclusion_proof(&tree, index, size).unwrap();
        let bits_count = (stored.salt.len() + stored.entry.len()) * 8;
        let first = usize::try_from(index).unwrap() % stride;
        for bit in (first..bits_count).step_by(stride) {
            let flipped = flip(stored, bit);
            let is_entry = Entry::decode(&flipped.entry).is_ok_and(|entry| entry.index == index);
            let leaf = entry_leaf_hash(&flipped);
            let is_in = verify_inclusion(index, size, &leaf, &proof, &root).is_ok();
            tried += 1;
            missed += u64::from(is_entry && is_in);
        }
    }
    (missed, tried)
}

fn flip(stored: &StoredEntry, bit: usize) -> StoredEntry {
    let mut flipped = stored.clone();
    match bit.checked_sub(flipped.salt.len() * 8) {
        None => flipped.salt[bit / 8] ^= 1 << (bit % 8),
        Some(bit) => flipped.entry[bit / 8] ^= 1 << (bit % 8),
    }
    flipped
}

#[test]
fn every_cut_swap_and_repetition_is_found() {
    let mut log = RandomLog::of(1, 12);
    assert_eq!(missed_moves(&log, 1, &mut is_found).0, 0);
    let (missed, tried) = missed_moves(&log, 1, &mut without_the_root);
    assert!(missed > 0, "the planted fault is not found in {tried}");
    // And with changes of the key.
    let seed = (0..).find(|seed| RandomLog::new(*seed, 12).handovers.len() == 1);
    log = RandomLog::new(seed.unwrap(), 12);
    assert_eq!(missed_moves(&log, 1, &mut is_found).0, 0);
}

/// The same of a log of a thousand entries: at ten times the usual numbers each line is cut,
/// repeated and left out; of those of the promise, each pair is swapped.
#[test]
fn cuts_swaps_and_repetitions_of_a_log_of_a_thousand_are_found() {
    let log = RandomLog::of(3, 1_000);
    let (missed, tried) = missed_moves(&log, stride(), &mut is_found);
    println!("seed 3: {tried} ways");
    assert!(tried > 40, "{tried}");
    assert_eq!(missed, 0, "of {tried}");
    let (missed, tried) = missed_moves(&log, stride().max(50), &mut without_the_root);
    assert!(missed > 0, "the planted fault is not found in {tried}");
}

#[test]
fn random_edits_are_found_by_both_verifiers() {
    let (missed, tried) = missed_edits(cases(1_000), &mut is_found);
    assert_eq!(missed, 0, "of {tried}");
    let planted = cases(1_000).max(PLANTED_EDITS_MIN);
    let (missed, tried) = missed_edits(planted, &mut without_the_root);
    assert!(missed > 0, "the planted fault is not found in {tried}");
    if let Some(mut second) = SecondVerifier::start() {
        let (missed, tried) = missed_edits(cases(1_000), &mut |export| second.finds(export));
        assert_eq!(missed, 0, "of {tried}");
        let log = RandomLog::of(2, 8);
        assert_eq!(
            missed_moves(&log, 1, &mut |export| second.finds(export)).0,
            0
        );
    }
}

#[test]
fn flipped_bits_of_a_log_of_a_thousand_are_found() {
    let log = RandomLog::of(3, 1_000);
    assert!(!is_found(log.export().as_bytes()));
    let (missed, tried) = missed_flips(&log, stride());
    assert!(tried > 10_000_u64.min(100 * cases_percent()), "{tried}");
    assert_eq!(missed, 0, "of {tried}");
}

/// Exports of a log of which one bit is another: each of a leaf, whose line is rendered anew, or of
/// a line. As many as `count` of each, spread over the whole log.
fn flipped_exports(log: &RandomLog, count: usize) -> Vec<Vec<u8>> {
    let mut random = StdRng::seed_from_u64(4);
    let export = log.export();
    let lines: Vec<_> = export.split_inclusive('\n').collect();
    let mut flipped = Vec::new();
    for number in 0..count {
        let mut place = |length: usize| {
            let (from, to) = (number * length / count, (number + 1) * length / count);
            random.random_range(from..to.max(from + 1))
        };
        let (entry_place, line_place) = (place(log.entries.len()), place(lines.len()));
        let mut changed = log.clone();
        let stored = &log.entries[entry_place];
        let bits_count = (stored.salt.len() + stored.entry.len()) * 8;
        changed.entries[entry_place] = flip(stored, random.random_range(0..bits_count));
        // One that is no entry any more has no line, and of an erased one there is none.
        let is_there = !log.erased.contains(&stored.index);
        if is_there && Entry::decode(&changed.entries[entry_place].entry).is_ok() {
            flipped.push(changed.export().into_bytes());
        }
        let before: usize = lines[..line_place].iter().map(|line| line.len()).sum();
        let byte = before + random.random_range(0..lines[line_place].len());
        let mut changed = export.clone().into_bytes();
        changed[byte] ^= 1 << random.random_range(0..8);
        flipped.push(changed);
    }
    flipped
}

/// What is assumed of a leaf, by the whole verifiers: of the lines and leaves of a log of a
/// thousand, from its first to its last, and of each from its first bit to its last.
#[test]
fn flipped_bits_all_over_a_log_of_a_thousand_are_found_by_both_verifiers() {
    let log = RandomLog::of(3, 1_000);
    let mut second = SecondVerifier::start();
    if let Some(second) = &mut second {
        assert!(!second.finds(log.export().as_bytes()));
    }
    let count = usize::try_from(cases(60)).unwrap().max(FLIPS_MIN);
    let flipped = flipped_exports(&log, count);
    let mut missed_by_the_fault = 0;
    for (number, export) in flipped.iter().enumerate() {
        assert!(is_found(export), "flip {number}");
        if let Some(second) = &mut second {
            assert!(second.finds(export), "flip {number}");
        }
        missed_by_the_fault += usize::from(!without_the_root(export));
    }
    println!("seed 4: {} flips", flipped.len());
    assert!(missed_by_the_fault > 0, "the planted fault is not found");
}

/// However few flips are tried, the planted fault must show.
const FLIPS_MIN: usize = 20;
/// However few edits are tried, the planted fault must show.
const PLANTED_EDITS_MIN: u64 = 300;
