//! Receipts, whole and changed: both verifiers say the same of each.

use serde_json::Value;

use super::cosigned::cosign;
use super::cosigned::cosigner;
use super::cosigned::witnesses;
use super::edits::edit;
use super::*;
use crate::crypto::merkle::inclusion_proof;
use crate::second_verifier::SecondVerifier;

/// A receipt as text, and whether it is as it was handed out.
struct Made {
    text: Vec<u8>,
    is_whole: bool,
}

/// One receipt of a random log, in a third with the entry itself; every second one is changed
/// somewhere.
fn receipt(seed: u64) -> Made {
    let mut random = StdRng::seed_from_u64(seed);
    let log = RandomLog::of(seed % 20, 1 + usize::try_from(seed % 37).unwrap());
    let size = log.checkpoint.size();
    let index = random.random_range(0..size);
    let tree = Hashes::of(&log);
    let path = inclusion_proof(&tree, index, size).unwrap();
    let leaf = tree.hash(0, index).unwrap();
    let mut proof = TlogProof::new(index, leaf, path, log.checkpoint.note().to_owned());
    let stored = log.entries.iter().find(|stored| stored.index == index);
    if let Some(stored) = stored.filter(|_| seed.is_multiple_of(3) && !log.erased.contains(&index))
    {
        proof = proof.with_leaf(&stored.salt, &stored.entry);
    }
    let mut text = proof.to_string().into_bytes();
    if seed % 2 == 1 {
        edit(&mut text, &mut random);
    }
    let is_whole = text == proof.to_string().as_bytes();
    Made { text, is_whole }
}

/// What a verifier says of a receipt, which may be anything.
fn verified(text: &[u8], verify: impl Fn(&TlogProof) -> bool) -> bool {
    let text = std::str::from_utf8(text).ok();
    text.and_then(|text| text.parse().ok())
        .is_some_and(|proof| verify(&proof))
}

fn own(proof: &TlogProof) -> bool {
    proof.verify(&keys()).is_ok()
}

#[test]
fn both_verifiers_say_the_same_of_receipts() {
    let mut second = SecondVerifier::of_receipts();
    let (mut valid, mut changed) = (0, 0);
    for seed in 0..cases(200).max(2) {
        let Made { text, is_whole } = receipt(seed);
        assert_eq!(verified(&text, own), is_whole, "seed {seed}");
        if let Some(second) = &mut second {
            let answer = second.ask(&text);
            assert_eq!(answer["verified"], Value::Bool(is_whole), "seed {seed}");
        }
        valid += u64::from(is_whole);
        changed += u64::from(!is_whole);
    }
    assert!(valid > 0 && changed > 0);
    println!("receipts: {valid} whole and {changed} changed, from seed 0 on");
}

/// The fault that the campaign must catch: a verifier that takes every receipt for true that it can
/// read, whatever its hashes and its signature say.
#[test]
fn verifier_that_only_reads_receipts_is_caught() {
    let is_caught = |seed| {
        let Made { text, is_whole } = receipt(seed);
        verified(&text, |_| true) != is_whole
    };
    let caught_count = (0..PLANTED_CASES).filter(|seed| is_caught(*seed)).count();
    assert!(caught_count > 0);
    println!("receipts: {caught_count} of {PLANTED_CASES} tell that hashes are not looked at");
}

/// The planted fault must show within so many receipts.
const PLANTED_CASES: u64 = 100;

/// Goal: a receipt in a checkpoint that the witness has not cosigned is believed by neither, and by
/// both where it has. Method: receipts with the cosignature of the witness, of a stranger, of none,
/// and edited at random.
#[test]
fn both_verifiers_say_the_same_of_cosigned_receipts() {
    let key = cosigner(0).verifier().to_string();
    let files = [("--witness-key", key.as_str())];
    let mut second = SecondVerifier::with_flags_and_files(&["--receipt"], &files);
    let witnesses = witnesses();
    let (mut valid, mut refused) = (0, 0);
    for seed in 0..cases(120) {
        let mut random = StdRng::seed_from_u64(seed);
        let log = RandomLog::of(seed % 20, 1 + usize::try_from(seed % 37).unwrap());
        let size = log.checkpoint.size();
        let index = random.random_range(0..size);
        let tree = Hashes::of(&log);
        let path = inclusion_proof(&tree, index, size).unwrap();
        let leaf = tree.hash(0, index).unwrap();
        let note = match seed % 4 {
            0 => log.checkpoint.note().to_owned(),
            1 => cosign(&log.checkpoint, &cosigner(1)),
            _ => cosign(&log.checkpoint, &cosigner(0)),
        };
        let mut text = TlogProof::new(index, leaf, path, note)
            .to_string()
            .into_bytes();
        let whole = text.clone();
        if seed % 4 == 3 {
            edit(&mut text, &mut random);
        }
        let is_good = seed % 4 >= 2 && text == whole;
        let verified = String::from_utf8(text.clone()).is_ok_and(|text| {
            let proof = text.parse::<TlogProof>();
            proof.is_ok_and(|proof| {
                proof.verify(&keys()).is_ok() && witnesses.verify(proof.checkpoint()).is_ok()
            })
        });
        assert_eq!(verified, is_good, "seed {seed}");
        if let Some(second) = &mut second {
            let answer = second.ask(&text);
            assert_eq!(answer["verified"], verified, "seed {seed}: {answer}");
        }
        valid += u64::from(verified);
        refused += u64::from(!verified);
    }
    println!(
        "seeds 0 to {}: {valid} verify, {refused} do not",
        cases(120)
    );
    assert!(valid > 0 && refused > valid);
}
