//! Goal: the line of a cosigned checkpoint is believed exactly where it is the log's and the
//! witness's, by both verifiers. Method: random logs that were cosigned at some size; each bit of
//! the line, each place that it can be moved to, other logs' lines and older ones.
//!
//! The planted fault does not compare the cosigned checkpoint with the tree.

use super::*;
use crate::crypto::note::CosignerKey;
use crate::crypto::note::SignedNote;
use crate::second_verifier::SecondVerifier;

/// What is said of an export.
type Verdict = Result<Option<Witnessed>, VerifyError>;

/// How many changed exports there were, and how many a verifier with the fault missed.
#[derive(Default)]
struct Counts {
    tried: u64,
    missed: u64,
    missed_by_the_fault: u64,
}

pub(super) fn cosigner(number: u8) -> CosignerKey {
    let name = NoteKeyName::new("witness.example/w1").unwrap();
    CosignerKey::new(name, &KeyBytes::from_array(&[40 + number; 32]))
}

pub(super) fn witnesses() -> WitnessKeys {
    WitnessKeys::new(vec![cosigner(0).verifier()])
}

/// A checkpoint with the cosignature of a witness.
pub(super) fn cosign(checkpoint: &SignedCheckpoint, witness: &CosignerKey) -> String {
    let note: SignedNote = checkpoint.note().parse().unwrap();
    let line = witness.cosign(note.text(), TIME + checkpoint.size());
    format!("{note}{}\n", line.unwrap())
}

/// A log that was cosigned when it had some size, at its end among them.
fn cosigned_log(seed: u64, entries_max: usize) -> RandomLog {
    let mut maker = Maker::new(StdRng::seed_from_u64(seed));
    let count = maker.random.random_range(1..=entries_max);
    let cosigned_count = maker.random.random_range(1..=count);
    let mut log = Growing::default();
    for position in 1..=count {
        let announces = maker.chance(10);
        let draft = maker.draft(log.frontier.size(), announces.then(|| log.next_key()));
        log.append(draft, maker.random.random(), 1, announces);
        if position == cosigned_count {
            let checkpoint = log.checkpoint();
            log.cosigned = Some((checkpoint.size(), cosign(&checkpoint, &cosigner(0))));
        }
    }
    log.finish()
}

fn verdict(export: &[u8], witnesses: Option<&WitnessKeys>) -> Verdict {
    let keys = keys();
    let evidence = Evidence {
        witnesses,
        ..Evidence::of(&keys)
    };
    verify_export_against(export, None, &evidence).map(|report| report.witnessed)
}

/// The second verifier, which has the key of the witness.
fn second() -> Option<SecondVerifier> {
    let key = cosigner(0).verifier().to_string();
    SecondVerifier::with_files(&[("--witness-key", &key)])
}

/// The lines of an export, and the place of the cosigned one.
fn lines(export: &str) -> (Vec<String>, usize) {
    let lines: Vec<_> = export.lines().map(str::to_owned).collect();
    let place = lines.iter().position(|it| it.starts_with("{\"cosigned\":"));
    (lines, place.unwrap())
}

fn line_of(note: &str) -> String {
    let mut line = Vec::new();
    export::write_cosigned(&mut line, note).unwrap();
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// The exports that somebody could make of one by its cosigned line, but for single bits of it.
fn changes(log: &RandomLog, seed: u64) -> Vec<Vec<String>> {
    let (whole, place) = lines(&log.export());
    let line = whole[place].clone();
    let mut without = whole.clone();
    without.remove(place);
    let mut changed = Vec::new();
    for to in 0..=without.len() {
        if to != place {
            let mut moved = without.clone();
            moved.insert(to, line.clone());
            changed.push(moved);
        }
        let mut doubled = whole.clone();
        doubled.insert(to, line.clone());
        changed.push(doubled);
    }
    let (size, _) = log.cosigned.as_ref().unwrap();
    let other = RandomLog::of(seed + 1_000, usize::try_from(*size).unwrap());
    let longer = RandomLog::of(seed + 1_000, usize::try_from(*size).unwrap() + 1);
    // Of this very log, when it was shorter.
    let mut frontier = Frontier::new();
    for stored in &log.entries[..usize::try_from(*size).unwrap() - 1] {
        let appended = frontier.append(entry_leaf_hash(stored), |_, _, _| ());
        appended.unwrap();
    }
    let older = signer().sign(frontier.size(), frontier.root()).unwrap();
    for checkpoint in [other.checkpoint, longer.checkpoint, older] {
        let mut exchanged = whole.clone();
        exchanged[place] = line_of(&cosign(&checkpoint, &cosigner(0)));
        changed.push(exchanged);
    }
    changed
}

#[test]
fn cosigned_log_is_verified_with_and_without_its_witness() {
    let mut with = second();
    let mut without = SecondVerifier::start();
    let (mut at_the_end, mut at_a_handover) = (0, 0);
    for seed in 0..cases(100) {
        let log = cosigned_log(seed, 30);
        let export = log.export();
        let (size, _) = log.cosigned.unwrap();
        let unix_seconds = TIME + size;
        let seen = Witnessed { size, unix_seconds };
        let found = verdict(export.as_bytes(), Some(&witnesses())).unwrap();
        assert_eq!(found, Some(seen), "seed {seed}");
        assert_eq!(verdict(export.as_bytes(), None).unwrap(), None);
        if let Some(second) = &mut with {
            let answer = second.ask(export.as_bytes());
            assert_eq!(answer["verified"], true, "seed {seed}: {answer}");
            assert_eq!(answer["witnessed_size"], size);
            assert_eq!(answer["cosigned_unix_seconds"], unix_seconds);
        }
        if let Some(second) = &mut without {
            let answer = second.ask(export.as_bytes());
            assert_eq!(answer["verified"], true, "seed {seed}: {answer}");
        }
        at_the_end += u64::from(size == log.entries.len() as u64);
        at_a_handover += u64::from(log.handovers.iter().any(|it| it.size == size));
    }
    println!("of {} logs: {at_the_end} {at_a_handover}", cases(100));
    assert!(at_the_end > 0 && at_a_handover > 0);
}

#[test]
fn changed_cosigned_line_is_found_by_both_verifiers() {
    let mut second = second();
    let witnesses = witnesses();
    let mut counts = Counts::default();
    for seed in 0..cases(20) {
        let log = cosigned_log(seed, 12);
        let mut random = StdRng::seed_from_u64(seed);
        let mut changed = changes(&log, seed);
        let (whole, place) = lines(&log.export());
        // Where two keys signed it, one signature in another name is passed over like a stranger's.
        let (size, _) = log.cosigned.as_ref().unwrap();
        let is_by_two = log.handovers.iter().any(|it| it.size == *size);
        for _ in 0..if is_by_two { 0 } else { 60 } {
            let mut flipped = whole.clone();
            let mut line = flipped[place].clone().into_bytes();
            let bit = random.random_range(0..line.len() * 7);
            line[bit / 7] ^= 1 << (bit % 7);
            let Ok(line) = String::from_utf8(line) else {
                continue;
            };
            flipped[place] = line;
            changed.push(flipped);
        }
        for (number, lines) in changed.into_iter().enumerate() {
            let text = lines.join("\n") + "\n";
            if text == log.export() {
                continue;
            }
            let ours = verdict(text.as_bytes(), Some(&witnesses));
            counts.tried += 1;
            counts.missed += u64::from(ours.is_ok());
            let is_passed_over = matches!(ours, Ok(_) | Err(VerifyError::Cosigned));
            counts.missed_by_the_fault += u64::from(is_passed_over);
            if let Some(second) = &mut second {
                let answer = second.ask(text.as_bytes());
                assert_eq!(answer["verified"], false, "seed {seed}, change {number}");
            }
        }
    }
    let tried = counts.tried;
    println!("seeds 0 to {}: {tried} changes", cases(20));
    assert_eq!(counts.missed, 0, "of {tried}");
    assert!(counts.missed_by_the_fault > 0, "of {tried}");
}

/// What needs no witness's key to be found: a line that is not of the log.
#[test]
fn line_of_another_log_or_place_is_found_without_a_witness() {
    let mut second = SecondVerifier::start();
    for seed in 0..cases(10) {
        let log = cosigned_log(seed, 8);
        for (number, lines) in changes(&log, seed).into_iter().enumerate() {
            let text = lines.join("\n") + "\n";
            if text == log.export() {
                continue;
            }
            let ours = verdict(text.as_bytes(), None);
            assert!(ours.is_err(), "seed {seed}, change {number}");
            if let Some(second) = &mut second {
                let is_found = second.finds(text.as_bytes());
                assert!(is_found, "seed {seed}, change {number}");
            }
        }
    }
}

/// Goal: what is missing is told from what is wrong. Method: a log without the line, with one of a
/// stranger, of two witnesses, and with forgeries in the name of the witness and of the log.
#[test]
fn log_that_its_witness_has_not_seen_is_told_from_a_forged_one() {
    let log = cosigned_log(3, 12);
    let (whole, place) = lines(&log.export());
    let (size, note) = log.cosigned.clone().unwrap();
    let note: SignedNote = note.parse().unwrap();
    let (text, own) = (note.text(), &note.signatures()[0]);
    let line = |witness: &CosignerKey, text: &str| witness.cosign(text, 7).unwrap();
    let (right, stranger) = (line(&cosigner(0), text), line(&cosigner(1), text));
    let forged = line(&cosigner(0), "another\n");
    let of_log = key_of(0).sign(origin(), "another\n").unwrap();
    let forged_of_log = &of_log.signatures()[0];
    let later = cosigner(0).cosign(text, 9).unwrap();
    let mut second = second();
    let mut without = SecondVerifier::start();
    for (signatures, with_key, without_key) in [
        (vec![own, &right], Ok(Some(7)), Ok(None)),
        (vec![own, &stranger, &later, &right], Ok(Some(9)), Ok(None)),
        (vec![own, &stranger], Err(UNWITNESSED), Ok(None)),
        (vec![own], Err(UNWITNESSED), Ok(None)),
        (vec![own, &right, &forged], Err(COSIGNED), Ok(None)),
        (vec![&right], Err(COSIGNED), Err(COSIGNED)),
        (
            vec![own, forged_of_log, &right],
            Err(COSIGNED),
            Err(COSIGNED),
        ),
    ] {
        let signatures = signatures.iter().map(|line| format!("{line}\n"));
        let note = format!("{text}\n{}", signatures.collect::<String>());
        let mut changed = whole.clone();
        changed[place] = line_of(&note);
        let export = changed.join("\n") + "\n";
        for (witnesses, expected, second) in [
            (Some(witnesses()), with_key, &mut second),
            (None, without_key, &mut without),
        ] {
            let ours = verdict(export.as_bytes(), witnesses.as_ref());
            let ours = ours.map(|seen| seen.map(|seen| seen.unix_seconds));
            let ours = ours.map_err(|error| error.to_string());
            assert_eq!(ours, expected.map_err(str::to_owned), "{note}");
            if let Some(second) = second {
                let answer = second.ask(export.as_bytes());
                assert_eq!(answer["verified"], expected.is_ok(), "{note}: {answer}");
                let seen = expected.ok().flatten().map(|_| size);
                assert_eq!(
                    answer.get("witnessed_size").and_then(|it| it.as_u64()),
                    seen
                );
            }
        }
    }
    let mut left_out = whole;
    left_out.remove(place);
    let export = left_out.join("\n") + "\n";
    assert!(verdict(export.as_bytes(), None).is_ok());
    let found = verdict(export.as_bytes(), Some(&witnesses())).unwrap_err();
    assert_eq!(found.to_string(), UNWITNESSED);
    if let Some(second) = &mut second {
        assert_eq!(second.ask(export.as_bytes())["wrong"], UNWITNESSED);
    }
}

/// Whoever knows the log by its second key alone cannot tell who signed before it came under that.
#[test]
fn checkpoint_of_before_the_given_key_is_judged_by_its_tree() {
    let mut log = Growing::default();
    log.append(draft(0), [7; 16], 1, false);
    let checkpoint = log.checkpoint();
    log.cosigned = Some((1, cosign(&checkpoint, &cosigner(0))));
    let mut announcing = EntryDraft::new(Event::KeyCreated);
    announcing.ceremony.public_key = Some(log.next_key());
    log.append(announcing, [7; 16], 1, true);
    log.append(draft(1), [7; 16], 1, false);
    let log = log.finish();
    let second_key = CheckpointKeys::new(vec![key_of(1).verifier(origin())]);
    let mut changed = log.clone();
    let other = RandomLog::of(9, 1);
    changed.cosigned = Some((1, cosign(&other.checkpoint, &cosigner(0))));
    for (log, is_whole) in [(log, true), (changed, false)] {
        let export = log.export();
        for keys in [keys(), second_key.clone()] {
            let verified = verify_export(export.as_bytes(), &keys);
            assert_eq!(verified.is_ok(), is_whole);
            if let Some(mut second) = SecondVerifier::with_keys(&keys) {
                assert_eq!(second.finds(export.as_bytes()), !is_whole);
            }
        }
    }
}

/// When the log of no entries was cosigned.
const TIME: u64 = 1_800_000_000;
const COSIGNED: &str =
    "cosigned checkpoint is not one of the log, or has a signature that is not its key's";
const UNWITNESSED: &str = "the log has no checkpoint that a given witness has cosigned";
