//! Receipts, whole and changed: both verifiers say the same of each.

use super::edits::edit;
use super::second::Second;
use super::*;
use crate::crypto::merkle::inclusion_proof;

#[test]
fn both_verifiers_say_the_same_of_receipts() {
    let Some(mut second) = Second::of_receipts() else {
        return;
    };
    let (mut valid, mut changed) = (0, 0);
    for seed in 0..cases(200) {
        let mut random = StdRng::seed_from_u64(seed);
        let log = RandomLog::of(seed % 20, 1 + usize::try_from(seed % 37).unwrap());
        let size = log.checkpoint.size();
        let index = random.random_range(0..size);
        let tree = Hashes::of(&log);
        let path = inclusion_proof(&tree, index, size).unwrap();
        let leaf = tree.hash(0, index).unwrap();
        let proof = TlogProof::new(index, leaf, path, log.checkpoint.note().to_owned());
        let mut text = proof.to_string().into_bytes();
        if seed % 2 == 1 {
            edit(&mut text, &mut random);
        }
        let is_whole = text == proof.to_string().as_bytes();
        let verified = String::from_utf8(text.clone()).is_ok_and(|text| {
            let proof = text.parse::<TlogProof>();
            proof.is_ok_and(|proof| proof.verify(&keys()).is_ok())
        });
        let answer = second.ask(&text);
        assert_eq!(answer["verified"], verified, "seed {seed}: {answer}");
        assert_eq!(verified, is_whole, "seed {seed}");
        valid += u64::from(is_whole);
        changed += u64::from(!is_whole);
    }
    assert!(valid > 0 && changed > 0);
}
