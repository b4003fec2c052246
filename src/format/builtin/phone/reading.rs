//! Reading phone numbers, by rlibphonenumber: a port of Google's libphonenumber to Rust.
//!
//! Its trace messages have numbers in them; they are compiled out, by a feature of `log` in
//! `Cargo.toml`. It clears no memory: its own copies of a number are not zeroized.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use zeroize::Zeroizing;

use super::marks;
use crate::format::fold::is_hyphen;

/// A region whose national spellings are read.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(in crate::format) struct Region(rlibphonenumber::Region);

impl Region {
    /// The region of a country code after ISO 3166-1 alpha-2, in upper case; nothing if it has no
    /// numbering plan.
    pub(in crate::format) fn named(name: &str) -> Option<Self> {
        let region = rlibphonenumber::Region::from_str(name).ok()?;
        PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
        (*region.as_region_str() == *name).then_some(Self(region))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.as_region_str())
    }
}

/// The canonical form, E.164: `+`, the calling code and the national number. Nothing if it is no
/// number, has a length that its calling code does not use, or an extension.
///
/// International spellings begin with `+`. Those without are read as somebody in the region would
/// dial them, or not at all where the field has no region.
///
/// What would be read as another number again is none: the library drops one prefix for calls
/// within a country wherever it meets one, so `+43 00 722 6764` would become two more numbers.
pub(in crate::format) fn canonical(
    text: &str,
    region: Option<Region>,
) -> Option<Zeroizing<String>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    // The library looks for a number anywhere in a text, reads letters as digits, and knows URIs.
    if !is_plain(text) {
        return None;
    }
    let number = read(text, region)?;
    let again = read(&number, None)?;
    (*again == *number).then_some(number)
}

/// A number in E.164, as the library reads it.
fn read(text: &str, region: Option<Region>) -> Option<Zeroizing<String>> {
    let region = region.map(|region| region.0);
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    if number.extension.is_some() {
        return None;
    }
    let code = u16::try_from(number.country_code).ok()?;
    let national = Zeroizing::new(number.get_national_significant_number());
    let is_possible = marks::plans(code).any(|plan| plan.lengths.contains(&national.len()));
    is_possible.then(|| Zeroizing::new(format!("+{code}{}", *national)))
}

/// Whether a text is digits and separators, with a sign at its beginning or none.
fn is_plain(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    rest.chars().all(|character| {
        character.is_ascii_digit()
            || is_hyphen(character)
            || matches!(
                character,
                ' ' | '\u{a0}' | '\u{202f}' | '.' | '/' | '(' | ')'
            )
    })
}

/// The longest number has 15 digits or a few more; the rest is room for separators.
const TEXT_BYTES_MAX: usize = 128;

/// Whether the metadata of the library knows a number of this kind.
#[cfg(test)]
pub(super) fn is_valid(text: &str) -> bool {
    PHONE_NUMBER_UTIL
        .parse(text, None)
        .is_ok_and(|number| number.is_valid())
}
