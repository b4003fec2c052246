//! For tests: signatures that the equation of Ed25519 holds for and that prove nothing.

use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::Signature;
use ed25519_dalek::Verifier as _;
use ed25519_dalek::VerifyingKey;
use sha2::Digest;
use sha2::Sha512;

/// How a text is signed: the public key, and the signature.
pub(crate) struct Signed {
    pub(crate) public_key: [u8; 32],
    pub(crate) signature: [u8; 64],
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
    pub(crate) fn is_found_by_the_equation(&self, text: &str) -> bool {
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
pub(crate) fn by_a_known_key(text: &str, commitment: u64) -> Signed {
    let commitment = Scalar::from(commitment);
    let public_key = EdwardsPoint::mul_base(&Scalar::ONE).compress().to_bytes();
    let point = EdwardsPoint::mul_base(&commitment).compress().to_bytes();
    let scalar = commitment + challenge(&point, &public_key, text);
    Signed::new(public_key, point, scalar)
}

/// By a key that has no secret, so that anybody can sign: the challenge is such that the key falls
/// out of the equation.
pub(crate) fn by_a_key_of_small_order(text: &str, public_key: [u8; 32]) -> Signed {
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
