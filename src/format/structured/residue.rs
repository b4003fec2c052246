//! What a token in parts cannot carry.
//!
//! ```text
//! length of the country, country as the value writes it, pattern of the postal code,
//! residue of the words
//! ```
//!
//! A length of 0 and a pattern of 0 stand for none. Who has only the token cannot tell a kept
//! country from an enciphered one by chance; the residue does.

use zeroize::Zeroizing;

use super::countries::Country;
use super::slice::Aside;
use super::slice::pattern_id;
use crate::format::error::FormatError;

/// Writes the residue of a shape.
pub(super) fn write(aside: &Aside, words: &[u8]) -> Zeroizing<Vec<u8>> {
    let country = aside
        .country
        .as_ref()
        .map_or("", |country| country.as_str());
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 + country.len() + words.len()));
    // The longest name of a country has less than 256 octets.
    bytes.push(u8::try_from(country.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(country.as_bytes());
    bytes.push(pattern_id(aside));
    bytes.extend_from_slice(words);
    bytes
}

/// Reads the residue of a shape: what is aside, and the residue of the words.
pub(super) fn read(bytes: &[u8]) -> Result<(Aside, &[u8]), FormatError> {
    split(bytes).ok_or(FormatError::CorruptResidue)
}

fn split(bytes: &[u8]) -> Option<(Aside, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (country, rest) = rest.split_at_checked(usize::from(*length))?;
    let (id, words) = rest.split_first()?;
    let country = match country {
        [] => None,
        name => Some(Zeroizing::new(str::from_utf8(name).ok()?.to_owned())),
    };
    let patterns = match &country {
        Some(name) => Country::named(name)?.patterns.as_slice(),
        None => &[],
    };
    let pattern = match id.checked_sub(1) {
        Some(number) => Some((number, patterns.get(usize::from(number))?)),
        None => None,
    };
    Some((Aside { country, pattern }, words))
}
