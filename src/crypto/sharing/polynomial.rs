//! The two polynomials of a sharing. Coefficients and points are wiped when they are dropped.

use std::convert::Infallible;
use std::ops::Deref;

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use rand::TryCryptoRng;
use rand::TryRng;
use vsss_rs::DefaultShare;
use vsss_rs::IdentifierPrimeField;
use vsss_rs::Polynomial;
use vsss_rs::shamir;
use zeroize::Zeroize;

use super::SharingError;
use crate::crypto::Entropy;

/// A point on a polynomial, or, as the crate keeps them, one of its coefficients: the first in
/// `value`, the others in `identifier`.
pub(super) type FieldShare =
    DefaultShare<IdentifierPrimeField<Scalar>, IdentifierPrimeField<Scalar>>;

/// Points that are wiped when they are dropped.
pub(super) struct Points(pub(super) Vec<FieldShare>);

/// The polynomials of secret and blinder.
pub(super) struct Polynomials {
    secret: Points,
    blinder: Points,
    threshold: usize,
}

impl Polynomials {
    /// Draws both; the secret is where its polynomial is at 0.
    pub(super) fn draw(
        secret: &Scalar,
        threshold: u8,
        entropy: &dyn Entropy,
    ) -> Result<Self, SharingError> {
        let threshold = usize::from(threshold);
        let mut generator = EntropyGenerator(entropy);
        let mut blinder = Scalar::random(&mut generator);
        let drawn = Self {
            secret: draw(secret, threshold, &mut generator)?,
            blinder: draw(&blinder, threshold, &mut generator)?,
            threshold,
        };
        blinder.zeroize();
        Ok(drawn)
    }

    /// The commitment to each pair of coefficients, from the lowest.
    pub(super) fn commitments(&self, generators: &[RistrettoPoint; 2]) -> Vec<RistrettoPoint> {
        let [generator, blinder_generator] = generators;
        coefficients(&self.secret)
            .zip(coefficients(&self.blinder))
            .map(|(secret, blinder)| generator * secret + blinder_generator * blinder)
            .collect()
    }

    /// Both at 1 to `count`.
    pub(super) fn evaluate(&self, count: u8) -> Result<(Points, Points), SharingError> {
        let evaluate = |polynomial: &Points| {
            let mut points = Points(vec![FieldShare::default(); usize::from(count)]);
            let places = (1..=count).map(|number| IdentifierPrimeField(Scalar::from(number)));
            shamir::create_shares_from_polynomial_in_place(
                &polynomial.0,
                self.threshold,
                places,
                &mut points.0,
            )
            .map_err(|_| SharingError::Parameters)?;
            Ok(points)
        };
        Ok((evaluate(&self.secret)?, evaluate(&self.blinder)?))
    }
}

fn draw(
    intercept: &Scalar,
    threshold: usize,
    generator: &mut EntropyGenerator<'_>,
) -> Result<Points, SharingError> {
    let mut polynomial = Points(vec![FieldShare::default(); threshold]);
    polynomial
        .0
        .fill(&IdentifierPrimeField(*intercept), generator, threshold)
        .map_err(|_| SharingError::Parameters)?;
    Ok(polynomial)
}

fn coefficients(polynomial: &Points) -> impl Iterator<Item = &Scalar> {
    polynomial.iter().enumerate().map(|(position, share)| {
        if position == 0 {
            &share.value.0
        } else {
            &share.identifier.0
        }
    })
}

impl Deref for Points {
    type Target = [FieldShare];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl AsRef<[FieldShare]> for Points {
    fn as_ref(&self) -> &[FieldShare] {
        &self.0
    }
}

impl Drop for Points {
    fn drop(&mut self) {
        for share in &mut self.0 {
            share.identifier.0.zeroize();
            share.value.0.zeroize();
        }
    }
}

/// A source of randomness, in the form that the libraries ask for.
struct EntropyGenerator<'a>(&'a dyn Entropy);

impl TryRng for EntropyGenerator<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for EntropyGenerator<'_> {}
