//! Signatures that the equation of Ed25519 holds for and that prove nothing: with a public key or
//! a commitment of small order, one is anybody's, or of any text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::Signature;
use ed25519_dalek::Verifier as _;
use ed25519_dalek::VerifyingKey;
use sha2::Digest;
use sha2::Sha512;

use super::forged::with_checkpoint;
use super::second::Second;
use super::*;
use crate::crypto::note::NoteVerifier;

/// How a text is signed: the public key, and the signature.
struct Signed {
    public_key: [u8; 32],
    signature: [u8; 64],
}

impl Signed {
    fn new(public_key: [u8; 32], commitment: [u8; 32], scalar: Scalar) -> Self {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&commitment);
        signature[32..].copy_from_slice(scalar.as_bytes());
        Self {
            public_key,
            signature,
        }
    }

    /// The planted fault: a verifier of the equation alone, as most are.
    fn is_found_by_the_equation(&self, text: &str) -> bool {
        let key = VerifyingKey::from_bytes(&self.public_key).unwrap();
        let signature = Signature::from_bytes(&self.signature);
        key.verify(text.as_bytes(), &signature).is_err()
    }
}

fn challenge(commitment: &[u8; 32], public_key: &[u8; 32], text: &str) -> Scalar {
    let bytes = [commitment.as_slice(), public_key, text.as_bytes()].concat();
    Scalar::from_bytes_mod_order_wide(&Sha512::digest(bytes).into())
}

/// By the key whose secret is 1: as it should be, and without anything secret in the commitment.
fn by_a_known_key(text: &str, commitment: Scalar) -> Signed {
    let public_key = EdwardsPoint::mul_base(&Scalar::ONE).compress().to_bytes();
    let point = EdwardsPoint::mul_base(&commitment).compress().to_bytes();
    let scalar = commitment + challenge(&point, &public_key, text);
    Signed::new(public_key, point, scalar)
}

/// By a key that has no secret, so that anybody can sign: the challenge is such that the key falls
/// out of the equation.
fn by_a_key_of_small_order(text: &str, public_key: [u8; 32]) -> Signed {
    let point = CompressedEdwardsY(public_key).decompress().unwrap();
    assert!(point.is_small_order());
    (1_u64..)
        .map(Scalar::from)
        .find_map(|scalar| {
            let commitment = EdwardsPoint::mul_base(&scalar).compress().to_bytes();
            let challenge = challenge(&commitment, &public_key, text);
            let falls_out = challenge.as_bytes()[0].is_multiple_of(8);
            falls_out.then(|| Signed::new(public_key, commitment, scalar))
        })
        .unwrap()
}

/// What both verifiers say of a log that is signed so.
fn judged(export: &str, text: &str, signed: &Signed) -> bool {
    let key = NoteVerifier::new(origin(), &signed.public_key).unwrap();
    let blob = STANDARD.encode([key.key_id().as_slice(), &signed.signature].concat());
    let note = format!("{text}\n\u{2014} {} {blob}\n", origin().as_str());
    let export = with_checkpoint(export, &note);
    let keys = CheckpointKeys::new(vec![key]);
    let ours = verify_export(export.as_bytes(), &keys).is_ok();
    if let Some(mut second) = Second::with_keys(&keys) {
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
    let whole = by_a_known_key(&text, Scalar::from(7_u64));
    assert!(!whole.is_found_by_the_equation(&text));
    assert!(judged(&export, &text, &whole));
    let telling = by_a_known_key(&text, Scalar::ZERO);
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
