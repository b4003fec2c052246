//! Names of persons and companies: one string, whatever its parts and its script.

use zeroize::Zeroizing;

use super::skeleton::Literals;
use crate::format::canonical;
use crate::format::error::FormatError;

/// The canonical form of a name: NFC, white space to one space, trimmed, apostrophe and hyphen
/// variants unified, case kept.
pub(super) fn parse(text: &str) -> Result<Zeroizing<String>, FormatError> {
    canonical::refuse_longer(text, CHARACTERS_MAX)?;
    canonical::refuse_controls(text, &['\t', '\n', '\r'])?;
    let canonical = canonical::words(text);
    if canonical.is_empty() {
        return Err(FormatError::Empty);
    }
    // A few characters have a longer NFC.
    canonical::refuse_longer(&canonical, CHARACTERS_MAX)?;
    Ok(canonical)
}

/// What a token of a name keeps. Frozen with the format version.
pub(super) const LITERALS: Literals = Literals(" '-.,()\"&/+:ªº·・״׳،“”„«»");

/// The longest name, in characters.
pub(super) const CHARACTERS_MAX: usize = 512;
