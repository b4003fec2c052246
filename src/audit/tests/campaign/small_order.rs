//! Signatures that the equation of Ed25519 holds for and that prove nothing: with a public key or
//! a commitment of small order, one is anybody's, or of any text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::forged::with_checkpoint;
use super::*;
use crate::crypto::note::NoteVerifier;
use crate::crypto::note::small_order::Signed;
use crate::crypto::note::small_order::by_a_key_of_small_order;
use crate::crypto::note::small_order::by_a_known_key;
use crate::second_verifier::SecondVerifier;

/// What both verifiers say of a log that is signed so.
fn judged(export: &str, text: &str, signed: &Signed) -> bool {
    let key = NoteVerifier::new(origin(), &signed.public_key).unwrap();
    let blob = STANDARD.encode([key.key_id().as_slice(), &signed.signature].concat());
    let note = format!("{text}\n\u{2014} {} {blob}\n", origin().as_str());
    let export = with_checkpoint(export, &note);
    let keys = CheckpointKeys::new(vec![key]);
    let ours = verify_export(export.as_bytes(), &keys).is_ok();
    if let Some(mut second) = SecondVerifier::with_keys(&keys) {
        let answer = second.ask(export.as_bytes());
        assert_eq!(answer["verified"], ours, "{answer}: {note}");
    }
    ours
}

#[test]
fn signature_of_small_order_is_refused_by_both_verifiers() {
    let log = RandomLog::of(5, 8);
    let export = log.export();
    let (text, _) = log.checkpoint.note().rsplit_once("\n\n").unwrap();
    let text = text.to_owned() + "\n";
    let whole = by_a_known_key(&text, 7);
    assert!(!whole.is_found_by_the_equation(&text));
    assert!(judged(&export, &text, &whole));
    let telling = by_a_known_key(&text, 0);
    assert!(
        !telling.is_found_by_the_equation(&text),
        "the planted fault"
    );
    assert!(!judged(&export, &text, &telling));
    for low in LOW_ENCODINGS {
        for sign in [0, 128] {
            let mut public_key: [u8; 32] = hex::decode(low).unwrap().try_into().unwrap();
            public_key[31] |= sign;
            let signed = by_a_key_of_small_order(&text, public_key);
            assert!(!signed.is_found_by_the_equation(&text), "the planted fault");
            assert!(!judged(&export, &text, &signed), "{low}, {sign}");
        }
    }
}

/// What the points of small order are encoded as, without the sign: five values of y, and two that
/// are not reduced.
const LOW_ENCODINGS: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
