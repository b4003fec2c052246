//! Canonical text: what is the same for every spelling of a value.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::error::FormatError;
use super::error::LengthUnit;
use super::fold;
use super::secret_text::SecretText;

/// NFC, white space to one space and trimmed, apostrophes and hyphens unified. For names
/// and digits.
pub(super) fn words(text: &str) -> Zeroizing<String> {
    let canonical = SecretText::with_capacity(text.len() * 2);
    // ASCII is composed as it is.
    if text.is_ascii() {
        return words_of(text.chars(), canonical);
    }
    words_of(text.nfc(), canonical)
}

fn words_of(composed: impl Iterator<Item = char>, mut canonical: SecretText) -> Zeroizing<String> {
    let mut space_pending = false;
    for character in composed {
        if character.is_whitespace() {
            space_pending = !canonical.is_empty();
            continue;
        }
        if space_pending {
            canonical.push(' ');
            space_pending = false;
        }
        canonical.push(match character {
            _ if fold::is_apostrophe(character) => '\'',
            _ if fold::is_hyphen(character) => '-',
            _ => character,
        });
    }
    canonical.finish()
}

/// [`words`] of a text without control characters, of at most so many characters.
pub(super) fn bounded_words(
    text: &str,
    characters_max: usize,
) -> Result<Zeroizing<String>, FormatError> {
    refuse_longer(text, characters_max)?;
    refuse_controls(text, &['\t', '\n', '\r'])?;
    let canonical = words(text);
    if canonical.is_empty() {
        return Err(FormatError::Empty);
    }
    // A few characters have a longer NFC.
    refuse_longer(&canonical, characters_max)?;
    Ok(canonical)
}

/// NFC, lines trimmed and empty ones dropped, spaces collapsed. For addresses and texts.
pub(super) fn lines(text: &str) -> Zeroizing<String> {
    let canonical = SecretText::with_capacity(text.len() * 2);
    if text.is_ascii() {
        return lines_of(text.chars(), canonical);
    }
    lines_of(text.nfc(), canonical)
}

fn lines_of(composed: impl Iterator<Item = char>, mut canonical: SecretText) -> Zeroizing<String> {
    let mut pending = None;
    for character in composed {
        if is_line_break(character) {
            pending = Some('\n');
        } else if character.is_whitespace() {
            pending = pending.or(Some(' '));
        } else {
            // White space at the start separates nothing.
            canonical.extend(pending.take().filter(|_| !canonical.is_empty()).into_iter());
            canonical.push(character);
        }
    }
    canonical.finish()
}

/// NFC and nothing else. For e-mails.
pub(super) fn verbatim(text: &str) -> Zeroizing<String> {
    let mut canonical = SecretText::with_capacity(text.len() * 2);
    if text.is_ascii() {
        canonical.push_str(text);
    } else {
        canonical.extend(text.nfc());
    }
    canonical.finish()
}

/// Refuses control characters, but for `white_space`.
pub(super) fn refuse_controls(text: &str, white_space: &[char]) -> Result<(), FormatError> {
    let is_refused = |character: char| character.is_control() && !white_space.contains(&character);
    match text.chars().position(is_refused) {
        Some(position) => Err(FormatError::ControlCharacter { position }),
        None => Ok(()),
    }
}

/// Refuses more than this many characters. Bytes bound them from below, so that an oversized text
/// is refused unread.
pub(super) fn refuse_longer(text: &str, characters_max: usize) -> Result<(), FormatError> {
    if text.len() > characters_max * BYTES_PER_CHARACTER_MAX
        || text.chars().count() > characters_max
    {
        let unit = LengthUnit::Characters;
        return Err(FormatError::TooLong {
            length_max: characters_max,
            unit,
        });
    }
    Ok(())
}

fn is_line_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// UTF-8 has four bytes for a character at the most.
pub(super) const BYTES_PER_CHARACTER_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_one_spelling() {
        for text in [
            "Anna-Lena  O'Neill",
            " Anna‐Lena\u{a0}O’Neill\n",
            "Anna–Lena\u{3000}OʼNeill",
        ] {
            assert_eq!(*words(text), "Anna-Lena O'Neill");
        }
        assert_eq!(*words("Mu\u{308}ller"), "Müller");
        assert_eq!(*words(" \u{2003}\t"), "");
    }

    #[test]
    fn lines_have_one_spelling() {
        assert_eq!(
            *lines(" \r\n1  Main\u{a0}St \r\n\r\n  London – W1\n"),
            "1 Main St\nLondon – W1"
        );
        assert_eq!(*lines("\n \n"), "");
    }

    #[test]
    fn canonical_form_is_idempotent() {
        for text in [" a \n\n b ", "x’y — z", "Mu\u{308} \u{2028}q"] {
            assert_eq!(*words(&words(text)), *words(text));
            assert_eq!(*lines(&lines(text)), *lines(text));
        }
    }

    #[test]
    fn controls_are_refused_with_their_position() {
        assert_eq!(refuse_controls("a\tb", &['\t']), Ok(()));
        let refused = Err(FormatError::ControlCharacter { position: 1 });
        assert_eq!(refuse_controls("a\0b", &['\t']), refused);
    }
}
