//! Numbers as people write them: digits of any script, in groups or not.

use zeroize::Zeroizing;

use super::skeleton::Literals;
use crate::format::canonical;
use crate::format::error::FormatError;

/// The canonical form of digits: NFC, white space to one space, trimmed, hyphen variants unified.
pub(super) fn parse(text: &str) -> Result<Zeroizing<String>, FormatError> {
    canonical::bounded_words(text, CHARACTERS_MAX)
}

/// What a token of digits keeps. Frozen with the format version.
pub(super) const LITERALS: Literals = Literals::new(" -./()+,");

/// How many digits the mask shows at the most.
pub(super) const MASK_DIGITS: usize = 2;

/// The most characters, digits and separators together.
pub(super) const CHARACTERS_MAX: usize = 128;
