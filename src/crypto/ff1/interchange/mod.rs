//! FF1 by the letter of the standard, with a supplied key, tweak and alphabet: what other FF1
//! systems compute, so that their ciphertexts can be deciphered and tokenized anew.
//!
//! Nothing of the vault is enciphered with it: tokens have keys, tweaks and numerals of their own
//! ([`super::Ff1`]). It is computed by the same kernel, wherever that reaches: up to halves of
//! 8,192 bits. Longer texts go through the `fpe` crate.
//!
//! Source: NIST SP 800-38G (2016), algorithms 7 and 8, with the domain minimum of Rev. 1 (second
//! public draft, 2025).

mod alphabet;

use std::fmt;

use aes::Aes128Enc;
use aes::Aes192Enc;
use aes::Aes256Enc;
use aes::cipher::BlockCipherEncrypt;
use aes::cipher::BlockSizeUser;
use aes::cipher::KeyInit;
use aes::cipher::consts::U16;
use fpe::ff1::FF1;
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::alphabet::Alphabet;
use super::Direction;
use super::kernel;
use super::kernel::Job;
use super::kernel::Layout;
use super::reference;
use crate::crypto::TWEAK_BYTES_MAX;
use crate::crypto::numerals::Numerals;
use crate::domain::DOMAIN_SIZE_MIN;
use crate::domain::DomainSize;
use crate::domain::Rank;

/// The longest text, in numerals. FF1's cost grows with its square.
pub const NUMERALS_MAX: usize = 4_096;

/// The smallest domain of the standard's first edition (2016): what old systems may have used.
pub const LEGACY_DOMAIN_SIZE_MIN: u64 = 100;

/// Why a text was not enciphered or deciphered. It never repeats the text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InterchangeError {
    /// The alphabet has a character twice.
    #[error("alphabet has the character at position {position} twice")]
    AlphabetRepeats {
        /// The second place of it, in characters from 0.
        position: usize,
    },
    /// The alphabet has too few or too many characters.
    #[error("alphabet must have 2 to 65536 characters")]
    AlphabetSize,
    /// The text has a character that the alphabet does not have.
    #[error("character {position} is not in the alphabet")]
    Character {
        /// Its place, in characters from 0.
        position: usize,
    },
    /// The key has a length that AES does not have.
    #[error("key must have 16, 24 or 32 bytes")]
    KeyLength,
    /// The text has more than [`NUMERALS_MAX`] characters of the alphabet.
    #[error("text has more than {NUMERALS_MAX} characters of the alphabet")]
    TooLong,
    /// The text is too short: too few texts of its length exist.
    #[error("text has fewer than {numerals_min} characters of the alphabet")]
    TooShort {
        /// How many it must have.
        numerals_min: usize,
    },
    /// The tweak is longer than [`TWEAK_BYTES_MAX`].
    #[error("tweak is longer than {TWEAK_BYTES_MAX} bytes")]
    TweakTooLong,
}

/// What becomes of characters that the alphabet does not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OtherCharacters {
    /// They stay where they are, and what is around them is one numeral string.
    Kept,
    /// They are an error.
    Refused,
}

/// Whether texts are taken of which fewer than 1,000,000 exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SmallDomains {
    /// From [`LEGACY_DOMAIN_SIZE_MIN`] on, as the standard's first edition did. Whoever sees many
    /// such ciphertexts under one key can decipher them without it.
    Legacy,
    /// Not at all.
    Refused,
}

/// FF1 with a supplied key, tweak and alphabet.
pub struct InterchangeFf1 {
    cipher: Box<dyn Apply + Send + Sync>,
    tweak: Vec<u8>,
    alphabet: Alphabet,
    numerals_min: usize,
}

impl InterchangeFf1 {
    /// FF1 with AES-128, AES-192 or AES-256, by the length of the key. The caller overwrites its
    /// own copy of the key.
    ///
    /// # Errors
    ///
    /// If the key has another length, or the tweak is too long.
    pub fn new(
        key: &[u8],
        tweak: Vec<u8>,
        alphabet: Alphabet,
        small_domains: SmallDomains,
    ) -> Result<Self, InterchangeError> {
        if tweak.len() > TWEAK_BYTES_MAX {
            return Err(InterchangeError::TweakTooLong);
        }
        let radix = alphabet.radix();
        let cipher = match key.len() {
            16 => Keyed::<Aes128Enc>::boxed(key, radix)?,
            24 => Keyed::<Aes192Enc>::boxed(key, radix)?,
            32 => Keyed::<Aes256Enc>::boxed(key, radix)?,
            _ => return Err(InterchangeError::KeyLength),
        };
        let domain_size_min = match small_domains {
            SmallDomains::Legacy => LEGACY_DOMAIN_SIZE_MIN,
            SmallDomains::Refused => DOMAIN_SIZE_MIN,
        };
        Ok(Self {
            cipher,
            tweak,
            alphabet,
            numerals_min: numerals_min(radix, domain_size_min),
        })
    }

    /// Enciphers or deciphers a text, which keeps its length.
    ///
    /// # Errors
    ///
    /// If the text is too short or too long, or has a character that it must not have.
    pub fn apply(
        &self,
        direction: Direction,
        text: &str,
        others: OtherCharacters,
    ) -> Result<Zeroizing<String>, InterchangeError> {
        let numerals = self.numerals(text, others)?;
        if numerals.len() > NUMERALS_MAX {
            return Err(InterchangeError::TooLong);
        }
        let numerals_min = self.numerals_min;
        if numerals.len() < numerals_min {
            return Err(InterchangeError::TooShort { numerals_min });
        }
        let numerals = self.cipher.apply(direction, &self.tweak, numerals);
        let numerals = numerals.ok_or(InterchangeError::TooShort { numerals_min })?;
        let mut numerals = numerals.iter();
        // Never grown, so that no copy is left behind.
        let mut output = Zeroizing::new(String::with_capacity(4 * text.len()));
        for character in text.chars() {
            output.push(match self.alphabet.numeral(character) {
                Some(_) => numerals
                    .next()
                    .and_then(|numeral| self.alphabet.character(*numeral))
                    .unwrap_or(character),
                None => character,
            });
        }
        Ok(output)
    }

    /// The text's characters as numerals, without those that stay.
    fn numerals(
        &self,
        text: &str,
        others: OtherCharacters,
    ) -> Result<Zeroizing<Vec<u16>>, InterchangeError> {
        let mut numerals = Zeroizing::new(Vec::with_capacity(text.len()));
        for (position, character) in text.chars().enumerate() {
            match (self.alphabet.numeral(character), others) {
                (Some(numeral), _) => numerals.push(numeral),
                (None, OtherCharacters::Kept) => (),
                (None, OtherCharacters::Refused) => {
                    return Err(InterchangeError::Character { position });
                }
            }
        }
        Ok(numerals)
    }
}

impl fmt::Debug for InterchangeFf1 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InterchangeFf1")
            .finish_non_exhaustive()
    }
}

/// FF1 under one key, of whatever length.
trait Apply {
    /// Nothing, where the numerals are not a string that FF1 takes.
    fn apply(
        &self,
        direction: Direction,
        tweak: &[u8],
        numerals: Zeroizing<Vec<u16>>,
    ) -> Option<Zeroizing<Vec<u16>>>;
}

/// Both ciphers overwrite their round keys when they are dropped.
struct Keyed<C> {
    cipher: C,
    beyond_kernel: FF1<C>,
    radix: u32,
}

impl<C> Keyed<C>
where
    C: BlockCipherEncrypt
        + BlockSizeUser<BlockSize = U16>
        + Clone
        + KeyInit
        + Send
        + Sync
        + 'static,
{
    fn boxed(key: &[u8], radix: u32) -> Result<Box<dyn Apply + Send + Sync>, InterchangeError> {
        // Checked before the crate is asked, since it panics over a key of another length.
        let cipher = C::new_from_slice(key).map_err(|_| InterchangeError::KeyLength)?;
        let beyond_kernel = FF1::new(key, radix).map_err(|_| InterchangeError::AlphabetSize)?;
        Ok(Box::new(Self {
            cipher,
            beyond_kernel,
            radix,
        }))
    }
}

impl<C> Apply for Keyed<C>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Clone,
{
    fn apply(
        &self,
        direction: Direction,
        tweak: &[u8],
        numerals: Zeroizing<Vec<u16>>,
    ) -> Option<Zeroizing<Vec<u16>>> {
        let count = u32::try_from(numerals.len()).ok()?;
        let Some(layout) = Layout::of(self.radix, count) else {
            return reference::apply(&self.beyond_kernel, direction, tweak, numerals);
        };
        // Every string of this length is in the domain, so that no walk has a second step.
        let mut domain = DomainSize::one();
        (0..count).for_each(|_| domain.multiply(self.radix));
        let system = Numerals {
            radix: self.radix,
            count,
        };
        let rank = system.rank_of(&numerals, &domain);
        let job = Job {
            layout: &layout,
            direction,
            tweak,
            rank: rank.expose_limbs(),
            domain: domain.limbs(),
        };
        let rank = Rank::from_limbs(kernel::walk(&self.cipher, job)?);
        Some(system.string_of(&rank))
    }
}

/// The smallest length of which so many strings exist; at least 2, as FF1 halves its strings.
fn numerals_min(radix: u32, domain_size_min: u64) -> usize {
    let (mut count, mut size) = (0, 1_u64);
    while size < domain_size_min {
        size = size.saturating_mul(u64::from(radix));
        count += 1;
    }
    count.max(2)
}

#[cfg(test)]
mod tests;
