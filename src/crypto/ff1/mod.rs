//! FF1 over 0..N: the one place where a value becomes a token.
//!
//! The rank becomes a numeral string (see the `numerals` module), FF1 enciphers it, and the walk
//! goes on until the result is in the domain again: the cycle walk keeps FF1 a permutation of
//! exactly 0..N. The number of steps depends on the key and the value, and is 1 but for 2 % of
//! the calls.
//!
//! Source: NIST SP 800-38G (2016), with the domain minimum of Rev. 1 (second public draft, 2025)
//! as a requirement. Cycle walking: Black and Rogaway, "Ciphers with arbitrary finite domains".

mod interchange;

use std::fmt;

use aes::Aes256;
use fpe::ff1::FF1;
use fpe::ff1::FlexibleNumeralString;
use fpe::ff1::NumeralStringError;
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::interchange::Alphabet;
pub use self::interchange::Direction;
pub use self::interchange::InterchangeError;
pub use self::interchange::InterchangeFf1;
pub use self::interchange::LEGACY_DOMAIN_SIZE_MIN;
pub use self::interchange::NUMERALS_MAX;
pub use self::interchange::OtherCharacters;
pub use self::interchange::SmallDomains;
use crate::crypto::KeyBytes;
use crate::crypto::TokenKey;
use crate::crypto::numerals::Numerals;
use crate::domain::DOMAIN_SIZE_MIN;
use crate::domain::DomainSize;
use crate::domain::Rank;

/// The longest tweak, in bytes.
pub const TWEAK_BYTES_MAX: usize = 8_192;

/// The largest domain, in bits: 1,024 characters of any class. FF1's cost grows with its square.
pub const DOMAIN_BITS_MAX: usize = 16_384;

/// Why FF1 was not applied.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Ff1Error {
    /// The domain has more than [`DOMAIN_BITS_MAX`] bits.
    #[error("domain is larger than {DOMAIN_BITS_MAX} bits")]
    DomainTooLarge,
    /// The domain is smaller than the standard allows.
    #[error("domain has fewer than {DOMAIN_SIZE_MIN} values")]
    DomainTooSmall,
    /// The rank is not in the domain.
    #[error("rank is outside the domain")]
    RankOutsideDomain,
    /// The tweak is longer than [`TWEAK_BYTES_MAX`].
    #[error("tweak is longer than {TWEAK_BYTES_MAX} bytes")]
    TweakTooLong,
    /// The walk did not come back into the domain: 64 steps have a chance of less than 2^-300.
    #[error("cycle walk did not come back into the domain")]
    WalkTooLong,
}

/// FF1 with AES-256 under the key of one token.
pub struct Ff1 {
    key: KeyBytes,
}

impl Ff1 {
    /// Derives FF1's key from the token's key.
    #[must_use]
    pub fn new(token_key: &TokenKey) -> Self {
        Self {
            key: token_key.derive("counterfoil/v1/ff1", &[]),
        }
    }

    /// Enciphers a rank of the domain to a rank of the domain.
    ///
    /// # Errors
    ///
    /// If the domain is too small or too large, the rank is outside of it, or the tweak is too
    /// long. All of it is checked at every call.
    pub fn encipher(
        &self,
        tweak: &[u8],
        rank: &Rank,
        domain: &DomainSize,
    ) -> Result<Rank, Ff1Error> {
        self.walk(FF1::encrypt, tweak, rank, domain)
    }

    /// Deciphers a rank of the domain: the inverse of [`Ff1::encipher`].
    ///
    /// # Errors
    ///
    /// As for [`Ff1::encipher`].
    pub fn decipher(
        &self,
        tweak: &[u8],
        rank: &Rank,
        domain: &DomainSize,
    ) -> Result<Rank, Ff1Error> {
        self.walk(FF1::decrypt, tweak, rank, domain)
    }

    fn walk(
        &self,
        step: Step,
        tweak: &[u8],
        rank: &Rank,
        domain: &DomainSize,
    ) -> Result<Rank, Ff1Error> {
        check(tweak, rank, domain)?;
        let numerals = Numerals::of(domain);
        let cipher = FF1::<Aes256>::new(self.key.expose(), numerals.radix)
            .map_err(|_| Ff1Error::DomainTooLarge)?;
        let mut string = numerals.string_of(rank);
        for _ in 0..WALK_STEPS_MAX {
            string = apply(&cipher, step, tweak, string)?;
            let rank = numerals.rank_of(&string, domain);
            if rank.is_in(domain) {
                return Ok(rank);
            }
        }
        Err(Ff1Error::WalkTooLong)
    }
}

/// One application of FF1, in either direction.
type Step = fn(
    &FF1<Aes256>,
    &[u8],
    &FlexibleNumeralString,
) -> Result<FlexibleNumeralString, NumeralStringError>;

fn check(tweak: &[u8], rank: &Rank, domain: &DomainSize) -> Result<(), Ff1Error> {
    if !domain.is_large_enough() {
        return Err(Ff1Error::DomainTooSmall);
    }
    if domain.bits() > DOMAIN_BITS_MAX {
        return Err(Ff1Error::DomainTooLarge);
    }
    if !rank.is_in(domain) {
        return Err(Ff1Error::RankOutsideDomain);
    }
    if tweak.len() > TWEAK_BYTES_MAX {
        return Err(Ff1Error::TweakTooLong);
    }
    Ok(())
}

fn apply(
    cipher: &FF1<Aes256>,
    step: Step,
    tweak: &[u8],
    mut string: Zeroizing<Vec<u16>>,
) -> Result<Zeroizing<Vec<u16>>, Ff1Error> {
    let input = FlexibleNumeralString::from(std::mem::take(&mut *string));
    let output = step(cipher, tweak, &input);
    // The crate does not overwrite its numerals, so they are taken back from it.
    drop(Zeroizing::new(Vec::<u16>::from(input)));
    output
        .map(|output| Zeroizing::new(output.into()))
        .map_err(|_| Ff1Error::DomainTooSmall)
}

impl fmt::Debug for Ff1 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ff1").finish_non_exhaustive()
    }
}

/// How many steps a walk may take. Each leaves the domain with a chance of at most 1 in 25.
const WALK_STEPS_MAX: usize = 64;

#[cfg(test)]
mod tests;
