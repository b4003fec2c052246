//! Sharing of a secret among officers: Pedersen's verifiable secret sharing over ristretto255.
//!
//! Two polynomials of the same degree are drawn, one for the secret and one for a blinder; a share
//! is a point on each. The commitments to their coefficients are public, and say of a share
//! whether it is one. They hide the secret from everybody, however much they can compute, which
//! Feldman's would not.
//!
//! Source: T. P. Pedersen, Non-Interactive and Information-Theoretic Secure Verifiable Secret
//! Sharing, CRYPTO 1991; the group: RFC 9496.

mod polynomial;

use std::collections::BTreeSet;
use std::fmt;

use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT;
use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use hkdf::Hkdf;
use sha2::Digest;
use sha2::Sha256;
use sha2::Sha512;
use thiserror::Error;
use vsss_rs::PedersenVerifierSet;
use vsss_rs::ReadableShareSet;
use vsss_rs::ShareVerifierGroup;
use zeroize::Zeroizing;

use self::polynomial::FieldShare;
use self::polynomial::Points;
use self::polynomial::Polynomials;
use crate::crypto::Entropy;
use crate::crypto::KeyBytes;

/// The most officers that a secret is shared among.
pub const SHARES_COUNT_MAX: u8 = 16;

/// What the officers share: a number that the root key is made of.
pub struct SharedSecret(KeyBytes);

/// What one officer has: a point on each of the two polynomials.
pub struct SecretShare {
    number: u8,
    secret: KeyBytes,
    blinder: KeyBytes,
}

/// The commitments to the polynomials, as many as shares are needed. They are public.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Commitments(Vec<RistrettoPoint>);

/// Why a secret is not shared, or not put together. It never has a part of it.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum SharingError {
    /// The commitments are not points of the group.
    #[error("commitments are damaged")]
    Commitments,
    /// A share is there twice.
    #[error("share {number} is there twice")]
    Duplicate {
        /// Which one.
        number: u8,
    },
    /// So many shares cannot be made or needed.
    #[error("at least 2 shares must be needed, and at most as many as there are, 16 at the most")]
    Parameters,
    /// A share is not one of this sharing.
    #[error("share {number} is not one of this sharing")]
    Share {
        /// Which one it says it is.
        number: u8,
    },
    /// There are fewer shares than are needed.
    #[error("there are fewer shares than are needed")]
    TooFew,
}

impl SharedSecret {
    /// Draws a new secret.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut wide = Zeroizing::new([0; 64]);
        entropy.fill(&mut *wide);
        let scalar = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide));
        Self(key_bytes(&scalar))
    }

    /// Shares the secret among `count` officers, of whom `threshold` are needed.
    ///
    /// # Errors
    ///
    /// If the numbers are not such that anybody can share among them.
    pub fn split(
        &self,
        threshold: u8,
        count: u8,
        entropy: &dyn Entropy,
    ) -> Result<(Commitments, Vec<SecretShare>), SharingError> {
        if threshold < 2 || count < threshold || count > SHARES_COUNT_MAX {
            return Err(SharingError::Parameters);
        }
        let secret = scalar(&self.0).ok_or(SharingError::Parameters)?;
        let polynomials = Polynomials::draw(&secret, threshold, entropy)?;
        let commitments = Commitments(polynomials.commitments(&generators()));
        let (secrets, blinders) = polynomials.evaluate(count)?;
        let shares = (1..=count)
            .zip(secrets.iter().zip(blinders.iter()))
            .map(|(number, (secret, blinder))| SecretShare {
                number,
                secret: key_bytes(&secret.value.0),
                blinder: key_bytes(&blinder.value.0),
            })
            .collect();
        Ok((commitments, shares))
    }

    /// The root key that is made of the secret.
    ///
    /// HKDF (RFC 5869) with both of its steps, since a number below the group's order is not
    /// uniform among the texts of 256 bits.
    #[must_use]
    pub fn root_key(&self) -> KeyBytes {
        let mut key = Zeroizing::new([0; KeyBytes::LENGTH]);
        // One block: it cannot be too long.
        let expanded = Hkdf::<Sha256>::new(None, self.0.expose()).expand(ROOT_KEY_LABEL, &mut *key);
        debug_assert!(expanded.is_ok());
        KeyBytes::from_array(&key)
    }
}

impl SecretShare {
    /// How many bytes a share has.
    pub const LENGTH: usize = 2 * KeyBytes::LENGTH;

    /// Reads the share with this number, from 1.
    #[must_use]
    pub fn from_bytes(number: u8, bytes: &[u8]) -> Option<Self> {
        let (secret, blinder) = bytes.split_at_checked(KeyBytes::LENGTH)?;
        Some(Self {
            number,
            secret: KeyBytes::from_slice(secret)?,
            blinder: KeyBytes::from_slice(blinder)?,
        })
    }

    /// Which share it is, from 1.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Opens the share. Only what seals it for its officer, or carries it to the vault, may look.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::LENGTH));
        bytes.extend_from_slice(self.secret.expose());
        bytes.extend_from_slice(self.blinder.expose());
        bytes
    }

    /// The points of the share; nothing if they are not in their one form.
    fn points(&self) -> Option<(FieldShare, FieldShare)> {
        let at = Scalar::from(self.number);
        let (secret, blinder) = (scalar(&self.secret)?, scalar(&self.blinder)?);
        Some(((at, *secret).into(), (at, *blinder).into()))
    }
}

impl Commitments {
    /// How many shares are needed.
    #[must_use]
    pub fn threshold(&self) -> usize {
        self.0.len()
    }

    /// The points, in their one form.
    pub fn to_bytes(&self) -> impl Iterator<Item = [u8; 32]> {
        self.0.iter().map(|point| point.compress().to_bytes())
    }

    /// Reads commitments.
    ///
    /// # Errors
    ///
    /// If there are fewer than two or too many, or one is not a point in its one form.
    pub fn from_bytes(points: &[[u8; 32]]) -> Result<Self, SharingError> {
        if !(2..=usize::from(SHARES_COUNT_MAX)).contains(&points.len()) {
            return Err(SharingError::Commitments);
        }
        let decompress = |bytes: &[u8; 32]| {
            let point = CompressedRistretto(*bytes).decompress();
            // Whoever drew the polynomials does not draw it once in 2^252 times.
            point.filter(|point| !point.is_identity())
        };
        let points: Option<_> = points.iter().map(decompress).collect();
        points.map(Self).ok_or(SharingError::Commitments)
    }

    /// Checks that a share is one of this sharing.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn verify(&self, share: &SecretShare) -> Result<(), SharingError> {
        let number = share.number;
        let wrong = SharingError::Share { number };
        let (secret, blinder) = share.points().ok_or(wrong)?;
        let (secret, blinder) = (Points(vec![secret]), Points(vec![blinder]));
        let verified = match (secret.first(), blinder.first()) {
            (Some(secret), Some(blinder)) => {
                self.verifiers().verify_share_and_blinder(secret, blinder)
            }
            _ => return Err(wrong),
        };
        verified.map_err(|_| wrong)
    }

    /// Puts the secret together from shares, each of which is checked.
    ///
    /// # Errors
    ///
    /// If a share is none of this sharing, or is there twice, or there are too few.
    pub fn combine(&self, shares: &[&SecretShare]) -> Result<SharedSecret, SharingError> {
        let mut numbers = BTreeSet::new();
        let (mut secrets, mut blinders) = (Points(Vec::new()), Points(Vec::new()));
        for share in shares {
            let number = share.number;
            self.verify(share)?;
            if !numbers.insert(number) {
                return Err(SharingError::Duplicate { number });
            }
            let (secret, blinder) = share.points().ok_or(SharingError::Share { number })?;
            secrets.0.push(secret);
            blinders.0.push(blinder);
        }
        if shares.len() < self.threshold() {
            return Err(SharingError::TooFew);
        }
        let secret = secrets.combine().map_err(|_| SharingError::TooFew)?;
        let blinder = blinders.combine().map_err(|_| SharingError::TooFew)?;
        let (secret, blinder) = (Zeroizing::new(secret.0), Zeroizing::new(blinder.0));
        // Shares that are right give the secret that was committed to. Should they ever not, what
        // comes out is no key.
        let [generator, blinder_generator] = generators();
        let committed = generator * *secret + blinder_generator * *blinder;
        if self.0.first() != Some(&committed) {
            return Err(SharingError::Commitments);
        }
        Ok(SharedSecret(key_bytes(&secret)))
    }

    fn verifiers(&self) -> Vec<ShareVerifierGroup<RistrettoPoint>> {
        let group = |points: &[RistrettoPoint]| -> Vec<_> {
            points.iter().map(|&point| point.into()).collect()
        };
        // The form that the crate has for such a set: both generators, then the commitments.
        let mut verifiers = group(&generators());
        verifiers.extend(group(&self.0));
        verifiers
    }
}

/// The generators for secret and blinder. Nobody knows the logarithm of the second to the base of
/// the first, since it is the hash of a name.
fn generators() -> [RistrettoPoint; 2] {
    let hash = Sha512::digest(BLINDER_GENERATOR_LABEL);
    let blinder_generator = RistrettoPoint::from_uniform_bytes(&hash.into());
    [RISTRETTO_BASEPOINT_POINT, blinder_generator]
}

fn key_bytes(scalar: &Scalar) -> KeyBytes {
    KeyBytes::from_array(&Zeroizing::new(scalar.to_bytes()))
}

fn scalar(bytes: &KeyBytes) -> Option<Zeroizing<Scalar>> {
    let scalar = Scalar::from_canonical_bytes(*bytes.expose());
    Option::<Scalar>::from(scalar).map(Zeroizing::new)
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SharedSecret")
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SecretShare {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SecretShare")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

const ROOT_KEY_LABEL: &[u8] = b"counterfoil/v1/root-key-of-shares";
const BLINDER_GENERATOR_LABEL: &[u8] = b"counterfoil/v1/pedersen-blinder-generator";

#[cfg(test)]
mod tests;
