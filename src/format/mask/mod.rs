//! Masks: what somebody may see of a value without seeing the value.
//!
//! A customer recognizes `J•••• S••••` as their own, and who reads a screen full of masks has read
//! no customer. So a mask shows little, and always the same little: what is hidden is
//! [`HIDDEN`], however long it is, and of the letters and digits of a value at most a third is
//! shown, or nothing. What everybody knows is not counted: a top-level domain, a calling code, the
//! country of an account, and what the token shows anyway. A date of birth shows its year.

mod email;
mod identifier;
#[cfg(test)]
mod tests;
mod words;

use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

pub(in crate::format) use self::email::email;
pub(in crate::format) use self::identifier::IdentifierMask;
pub(in crate::format) use self::words::words;
use super::secret_text::SecretText;

/// What stands for hidden characters, however many there are.
pub(in crate::format) const HIDDEN: &str = "••••";

/// The mask that shows nothing.
pub(in crate::format) fn hidden() -> Zeroizing<String> {
    Zeroizing::new(HIDDEN.to_owned())
}

/// The last letters and digits, at most `shown_max`. Separators between them are dropped.
pub(in crate::format) fn ending(text: &str, shown_max: usize) -> Zeroizing<String> {
    let mut mask = SecretText::with_capacity(HIDDEN.len() + text.len());
    mask.push_str(HIDDEN);
    push_ending(text, shown_max, &mut mask);
    mask.finish()
}

/// Adds the last letters and digits of a text; none where a third of it is not two.
fn push_ending(text: &str, shown_max: usize, mask: &mut SecretText) {
    let signs_count = signs(text).count();
    let shown_count = shown_max.min(signs_count / SHARE);
    if shown_count < ENDING_LEAST {
        return;
    }
    signs(text)
        .skip(signs_count - shown_count)
        .for_each(|sign| mask.push_str(sign));
}

/// The letters and digits of a text, with the marks on them.
fn signs(text: &str) -> impl Iterator<Item = &str> {
    let is_sign = |grapheme: &&str| grapheme.chars().next().is_some_and(char::is_alphanumeric);
    text.graphemes(true).filter(is_sign)
}

/// One letter or digit in so many may be shown.
const SHARE: usize = 3;

/// One character at the end helps nobody to recognize anything.
const ENDING_LEAST: usize = 2;
