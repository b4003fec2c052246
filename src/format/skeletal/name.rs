//! Names of persons and companies: one string, whatever its parts and its script.

use zeroize::Zeroizing;

use super::skeleton::Literals;
use crate::format::canonical;
use crate::format::error::FormatError;

/// The canonical form of a name: NFC, white space to one space, trimmed, apostrophe and hyphen
/// variants unified, case kept.
pub(super) fn parse(text: &str) -> Result<Zeroizing<String>, FormatError> {
    canonical::bounded_words(text, CHARACTERS_MAX)
}

/// What a token of a name keeps. Frozen with the format version.
pub(super) const LITERALS: Literals = Literals::new(" '-.,()\"&/+:ªº·・״׳،“”„«»");

/// How many words the mask of a name has at the most.
pub(super) const MASK_WORDS: usize = 4;
/// What a token of a name in parts keeps: the same, and the separator of the parts.
pub(super) const PART_LITERALS: Literals = Literals::new("\u{1f} '-.,()\"&/+:ªº·・״׳،“”„«»");

/// The longest name, in characters.
pub(super) const CHARACTERS_MAX: usize = 512;
