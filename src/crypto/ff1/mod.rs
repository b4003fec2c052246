//! FF1 over 0..N: the one place where a value becomes a token.
//!
//! The numerals of a rank are two integers (see the `numerals` module for their radix and count,
//! and `kernel` for why), FF1 enciphers them, and the walk goes on until the result is in the
//! domain again: the cycle walk keeps FF1 a permutation of exactly 0..N. The number of steps
//! depends on the key and the value, and is 1 but for 2 % of the calls.
//!
//! There are two implementations that share no code: the kernel, which everything of the vault
//! goes through, and the `fpe` crate (`reference`), which the kernel is tested against, at every
//! start too ([`self_test()`]).
//!
//! Source: NIST SP 800-38G (2016), with the domain minimum of Rev. 1 (second public draft, 2025)
//! as a requirement. Cycle walking: Black and Rogaway, "Ciphers with arbitrary finite domains".

mod batch;
mod interchange;
mod kernel;
mod layouts;
mod reference;
mod self_test;

use std::fmt;

use aes::Aes256Enc;
use aes::cipher::KeyInit;
use thiserror::Error;

pub use self::batch::Message;
pub use self::interchange::Alphabet;
pub use self::interchange::InterchangeError;
pub use self::interchange::InterchangeFf1;
pub use self::interchange::LEGACY_DOMAIN_SIZE_MIN;
pub use self::interchange::NUMERALS_MAX;
pub use self::interchange::OtherCharacters;
pub use self::interchange::SmallDomains;
use self::kernel::Job;
pub use self::self_test::SelfTestError;
pub use self::self_test::self_test;
use crate::crypto::KeyBytes;
use crate::crypto::TokenKey;
use crate::domain::DOMAIN_SIZE_MIN;
use crate::domain::DomainSize;
use crate::domain::Rank;

/// The longest tweak, in bytes.
pub const TWEAK_BYTES_MAX: usize = 8_192;

/// The largest domain, in bits: 1,024 characters of any class.
pub const DOMAIN_BITS_MAX: usize = 16_384;

/// Which way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Ciphertext to plaintext.
    Decrypt,
    /// Plaintext to ciphertext.
    Encrypt,
}

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

/// FF1 with AES-256 under the key of one token: its round keys, overwritten when dropped.
pub struct Ff1 {
    cipher: Aes256Enc,
}

impl Ff1 {
    /// Derives FF1's key from the token's key, and expands it.
    #[must_use]
    pub fn new(token_key: &TokenKey) -> Self {
        Self::under(&token_key.derive("counterfoil/v1/ff1", &[]))
    }

    /// FF1 under this key itself, which must serve nothing else. Costs AES's key schedule alone:
    /// for measuring FF1, and for comparing it with others.
    #[must_use]
    pub fn under(key: &KeyBytes) -> Self {
        Self {
            cipher: Aes256Enc::new(key.expose().into()),
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
        self.apply(Direction::Encrypt, tweak, rank, domain)
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
        self.apply(Direction::Decrypt, tweak, rank, domain)
    }

    fn apply(
        &self,
        direction: Direction,
        tweak: &[u8],
        rank: &Rank,
        domain: &DomainSize,
    ) -> Result<Rank, Ff1Error> {
        check(tweak, rank, domain)?;
        let layout = layouts::of_domain(domain).ok_or(Ff1Error::DomainTooLarge)?;
        let job = Job {
            layout: &layout,
            direction,
            tweak,
            rank: rank.expose_limbs(),
            domain: domain.limbs(),
        };
        kernel::walk(&self.cipher, job)
            .map(Rank::from_limbs)
            .ok_or(Ff1Error::WalkTooLong)
    }
}

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

impl fmt::Debug for Ff1 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ff1").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
