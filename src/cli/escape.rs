//! Values as lines: `\n`, `\t` and `\\` stand for newline, tab and backslash.

use thiserror::Error;
use zeroize::Zeroizing;

/// Why a line stands for no value. It never repeats the line.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(super) enum EscapeError {
    /// A backslash is followed by something else than `n`, `t` or a backslash.
    #[error("there is a backslash that is not part of \\n, \\t or \\\\, at character {position}")]
    Unknown {
        /// The backslash's position, from 0.
        position: usize,
    },
}

/// The value that a line stands for.
pub(super) fn unescape(line: &str) -> Result<Zeroizing<String>, EscapeError> {
    let mut value = Zeroizing::new(String::with_capacity(line.len()));
    let mut characters = line.chars().enumerate();
    while let Some((position, character)) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        value.push(match characters.next() {
            Some((_, 'n')) => '\n',
            Some((_, 't')) => '\t',
            Some((_, '\\')) => '\\',
            Some(_) | None => return Err(EscapeError::Unknown { position }),
        });
    }
    Ok(value)
}

/// The line that stands for a value.
pub(super) fn escape(value: &str) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(value.len() + ESCAPES_EXPECTED));
    for character in value.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            '\\' => line.push_str("\\\\"),
            other => line.push(other),
        }
    }
    line
}

/// Room for the lines of an address, so that growing leaves no copy behind.
const ESCAPES_EXPECTED: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_is_one_line_and_comes_back(value in any::<String>()) {
            let line = escape(&value);
            prop_assert!(!line.contains(['\n', '\t']));
            let unescaped = unescape(&line).unwrap();
            prop_assert_eq!(unescaped.as_str(), value);
        }
    }

    #[test]
    fn unknown_escape_is_refused() {
        assert_eq!(unescape("a\\x"), Err(EscapeError::Unknown { position: 1 }));
        assert_eq!(unescape("ab\\"), Err(EscapeError::Unknown { position: 2 }));
    }
}
