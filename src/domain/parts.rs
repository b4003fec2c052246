//! Values and tokens of several parts: a street, a city, a country.
//!
//! Inside the vault they are one text, so that a value of parts is found, sealed and enciphered as
//! any other is. Each part is its name and its text, behind control characters that no format lets
//! into a value, so that no text can pass for a boundary:
//!
//! ```text
//! U+001D "city" U+001F "Paris" U+001D "country" U+001F "FR"
//! ```

use thiserror::Error;
use zeroize::Zeroizing;

/// Why parts are refused. It never repeats them.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PartsError {
    /// Parts are given, and a whole as well.
    #[error("parts and a whole are both given: give one")]
    BothGiven,
    /// A text has the character that separates parts.
    #[error("a part has a control character")]
    ControlCharacter,
    /// A name is not one that a part can have.
    #[error("a part's name is not a lower-case letter, then lower-case letters, digits or \"_\"")]
    Name,
    /// There are too many.
    #[error("there are more than {PARTS_MAX} parts")]
    TooMany,
    /// A name is there twice.
    #[error("a part is given twice")]
    Twice,
}

/// Writes parts, names with texts, as one text. Parts may be empty.
///
/// # Errors
///
/// What is wrong with them.
pub fn join_parts(parts: &[(&str, &str)]) -> Result<Zeroizing<String>, PartsError> {
    if parts.len() > PARTS_MAX {
        return Err(PartsError::TooMany);
    }
    let bytes: usize = parts
        .iter()
        .map(|(name, text)| name.len() + text.len() + 2)
        .sum();
    let mut joined = Zeroizing::new(String::with_capacity(bytes));
    for (place, (name, text)) in parts.iter().enumerate() {
        if !is_name(name) {
            return Err(PartsError::Name);
        }
        if parts.iter().take(place).any(|(earlier, _)| earlier == name) {
            return Err(PartsError::Twice);
        }
        if text.contains([BEGIN, SEPARATOR]) {
            return Err(PartsError::ControlCharacter);
        }
        joined.push(BEGIN);
        joined.push_str(name);
        joined.push(SEPARATOR);
        joined.push_str(text);
    }
    Ok(joined)
}

/// Whether a text is one of parts. No other text that a format accepts begins like this.
#[must_use]
pub fn is_of_parts(text: &str) -> bool {
    text.starts_with(BEGIN)
}

/// The parts of a text, names with texts, in the order in which they were joined; nothing if it is
/// not one of parts.
#[must_use]
pub fn split_parts(text: &str) -> Option<Vec<(&str, &str)>> {
    let parts: Vec<(&str, &str)> = text
        .strip_prefix(BEGIN)?
        .splitn(PARTS_MAX + 1, BEGIN)
        .map(|part| part.split_once(SEPARATOR))
        .collect::<Option<_>>()?;
    let is_plain = |text: &str| !text.contains([BEGIN, SEPARATOR]);
    let are_right = parts.iter().enumerate().all(|(place, (name, text))| {
        let is_first = || parts.iter().take(place).all(|(earlier, _)| earlier != name);
        is_name(name) && is_plain(text) && is_first()
    });
    (parts.len() <= PARTS_MAX && are_right).then_some(parts)
}

fn is_name(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(rest)
}

/// The most parts that a value has.
pub const PARTS_MAX: usize = 16;

/// The most bytes that names and boundaries add to the texts of parts.
pub const PARTS_OVERHEAD_BYTES_MAX: usize = PARTS_MAX * (NAME_BYTES_MAX + 2);

/// The longest name of a part.
const NAME_BYTES_MAX: usize = 32;

/// U+001D, the group separator of ASCII: before each name.
const BEGIN: char = '\u{1d}';

/// U+001F, the unit separator of ASCII: between a name and its text.
const SEPARATOR: char = '\u{1f}';

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn joined_parts_are_split_again(
            texts in proptest::collection::vec(any::<String>(), 1..16),
        ) {
            let numbers = 0..texts.len();
            let names: Vec<String> = numbers.map(|number| format!("part_{number}")).collect();
            let parts: Vec<(&str, &str)> = names
                .iter()
                .zip(&texts)
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            match join_parts(&parts) {
                Ok(joined) => prop_assert_eq!(split_parts(&joined), Some(parts)),
                Err(error) => prop_assert_eq!(error, PartsError::ControlCharacter),
            }
        }

        #[test]
        fn any_text_is_split_or_not(text in "[\u{1d}\u{1f}ab_]{0,20}") {
            if let Some(parts) = split_parts(&text) {
                let joined = join_parts(&parts).unwrap();
                prop_assert_eq!(joined.as_str(), text);
            }
        }
    }

    #[test]
    fn boundaries_cannot_be_forged() {
        for (parts, error) in [
            (&[("city", "a\u{1f}b")][..], PartsError::ControlCharacter),
            (&[("city", "a\u{1d}b\u{1f}c")], PartsError::ControlCharacter),
            (&[("", "a")], PartsError::Name),
            (&[("City", "a")], PartsError::Name),
            (&[("city", "a"), ("city", "b")], PartsError::Twice),
            (&[("a", ""); 17], PartsError::TooMany),
        ] {
            assert_eq!(join_parts(parts).err(), Some(error));
        }
        for text in [
            "",
            "Paris",
            "\u{1d}city",
            "\u{1d}a\u{1f}b\u{1f}c",
            "\u{1d}a\u{1f}b\u{1d}a\u{1f}",
        ] {
            assert_eq!(split_parts(text), None);
        }
        assert!(split_parts(&"\u{1d}a\u{1f}b".repeat(1_000)).is_none());
    }
}
