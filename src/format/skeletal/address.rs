//! Postal addresses, on one line or several.

use zeroize::Zeroizing;

use super::skeleton::Literals;
use crate::format::canonical;
use crate::format::error::FormatError;
use crate::format::error::LengthUnit;

/// The canonical form of an address: NFC, line ends to LF, lines trimmed, spaces collapsed, empty
/// lines dropped.
pub(super) fn parse(text: &str) -> Result<Zeroizing<String>, FormatError> {
    canonical::refuse_longer(text, CHARACTERS_MAX)?;
    canonical::refuse_controls(text, &['\t', '\n', '\r'])?;
    let canonical = canonical::lines(text);
    if canonical.is_empty() {
        return Err(FormatError::Empty);
    }
    // A few characters have a longer NFC.
    canonical::refuse_longer(&canonical, CHARACTERS_MAX)?;
    if canonical.lines().count() > LINES_MAX {
        return Err(FormatError::TooLong {
            length_max: LINES_MAX,
            unit: LengthUnit::Lines,
        });
    }
    Ok(canonical)
}

/// What a token of an address keeps. Frozen with the format version.
pub(super) const LITERALS: Literals =
    Literals::new(" \n,.-/#()'\":;&°ªº№§·・*+_@!?\\|%½¼¾[]’‘ʼʻ`´“”„«»–—‐‑−、。〒،״׳־");

/// How many words the mask of an address has at the most.
pub(super) const MASK_WORDS: usize = 8;
/// What a token of an address in parts keeps: the same, and the separator of the parts.
pub(super) const PART_LITERALS: Literals =
    Literals::new("\u{1f} \n,.-/#()'\":;&°ªº№§·・*+_@!?\\|%½¼¾[]’‘ʼʻ`´“”„«»–—‐‑−、。〒،״׳־");

/// The longest address, in characters.
pub(super) const CHARACTERS_MAX: usize = 1_024;

/// The most lines, without empty ones.
pub(in crate::format) const LINES_MAX: usize = 10;
