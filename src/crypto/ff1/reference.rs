//! FF1 by the `fpe` crate, on numeral strings: what the kernel is compared with, and what texts
//! that are too long for the kernel go through.

use aes::Aes256Enc;
use aes::cipher::BlockCipherEncrypt;
use fpe::ff1::FF1;
use fpe::ff1::FlexibleNumeralString;
use zeroize::Zeroizing;

use super::Direction;
use super::kernel::WALK_STEPS_MAX;
use crate::crypto::KeyBytes;
use crate::crypto::numerals::Numerals;
use crate::domain::DomainSize;
use crate::domain::Rank;

/// Enciphers or deciphers a numeral string. Nothing, if the crate refuses it: fewer than 1,000,000
/// strings of its length exist, or a numeral is not below the radix.
pub(super) fn apply<C: BlockCipherEncrypt + Clone>(
    cipher: &FF1<C>,
    direction: Direction,
    tweak: &[u8],
    mut numerals: Zeroizing<Vec<u16>>,
) -> Option<Zeroizing<Vec<u16>>> {
    let input = FlexibleNumeralString::from(std::mem::take(&mut *numerals));
    let output = match direction {
        Direction::Decrypt => cipher.decrypt(tweak, &input),
        Direction::Encrypt => cipher.encrypt(tweak, &input),
    };
    // The crate does not overwrite its numerals, so they are taken back from it.
    drop(Zeroizing::new(Vec::<u16>::from(input)));
    Some(Zeroizing::new(output.ok()?.into()))
}

/// Enciphers or deciphers a rank of the domain, as [`super::Ff1`] does under the same key.
pub(super) fn walk(
    key: &KeyBytes,
    direction: Direction,
    tweak: &[u8],
    rank: &Rank,
    domain: &DomainSize,
) -> Option<Rank> {
    let numerals = Numerals::of(domain);
    let cipher = FF1::<Aes256Enc>::new(key.expose(), numerals.radix).ok()?;
    let mut string = numerals.string_of(rank);
    for _ in 0..WALK_STEPS_MAX {
        string = apply(&cipher, direction, tweak, string)?;
        let rank = numerals.rank_of(&string, domain);
        if rank.is_in(domain) {
            return Some(rank);
        }
    }
    None
}
