//! Windows: the pieces of a text that may be one identifier, from a boundary of words to another.

use std::ops::Range;

use crate::format::fold::is_hyphen;

/// Every window for which `is_value` holds. They may overlap.
pub(super) fn find(text: &str, is_value: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for start in starts(text) {
        for end in ends(text, start) {
            let window = text.get(start..end).unwrap_or_default();
            if digits_count(window) >= DIGITS_MIN && is_value(window) {
                found.push(start..end);
            }
        }
    }
    found
}

/// Where an identifier may begin: at a letter or digit of ASCII that follows none, or at the sign
/// or bracket before it. Letters of other scripts stand beside identifiers without a space.
fn starts(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut before = ' ';
    for (place, character) in text.char_indices() {
        let begins = character.is_ascii_alphanumeric() || matches!(character, '+' | '(');
        if begins && !before.is_ascii_alphanumeric() {
            starts.push(place);
        }
        before = character;
    }
    starts
}

/// Where an identifier that begins here may end, in order.
fn ends(text: &str, start: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    let rest = text.get(start..).unwrap_or_default();
    let mut characters = rest.char_indices().take(CHARACTERS_MAX + 1).peekable();
    let (mut separators_count, mut group_length, mut singles_count) = (0, 0, 0);
    while let Some((place, character)) = characters.next() {
        if character.is_ascii_alphanumeric() {
            separators_count = 0;
            group_length += 1;
            let next = characters.peek();
            if next.is_none_or(|(_, next)| !next.is_ascii_alphanumeric()) {
                ends.push(start + place + character.len_utf8());
                singles_count += usize::from(group_length == 1);
                group_length = 0;
            }
        } else {
            separators_count += 1;
            if !is_separator(character) || separators_count > SEPARATORS_MAX {
                break;
            }
        }
        if ends.len() == ENDS_MAX || singles_count > SINGLES_MAX {
            break;
        }
    }
    ends
}

fn is_separator(character: char) -> bool {
    is_hyphen(character)
        || matches!(
            character,
            ' ' | '\u{a0}' | '\u{202f}' | '.' | '/' | '(' | ')' | '+'
        )
}

fn digits_count(window: &str) -> usize {
    window.chars().filter(char::is_ascii_digit).count()
}

/// No identifier is longer, with its separators.
const CHARACTERS_MAX: usize = 64;
/// `) ` and ` (` in telephone numbers.
const SEPARATORS_MAX: usize = 2;
/// Groups of an identifier; an IBAN has nine.
const ENDS_MAX: usize = 12;
/// Groups of a single character; a Thai number has two.
const SINGLES_MAX: usize = 3;
/// With fewer, too much is one by chance.
const DIGITS_MIN: usize = 4;
