//! Free texts: notes, references, anything that has letters, digits and signs in no certain order.
//!
//! They are read as addresses are, on one line or several, with the same limits; more signs are
//! kept.

use super::skeleton::Literals;

/// What a token of a text keeps: what one of an address does, and the rest of ASCII's punctuation,
/// signs of money, and what Spanish and typeset texts have. Frozen with the format version.
pub(super) const LITERALS: Literals = Literals::new(concat!(
    " \n,.-/#()'\":;&°ªº№§·・*+_@!?\\|%½¼¾[]’‘ʼʻ`´“”„«»–—‐‑−、。〒،״׳־",
    "=<>{}~^$€£¥¿¡…•"
));

/// How many words the mask of a text has: its first letter is all that is shown.
pub(super) const MASK_WORDS: usize = 1;
