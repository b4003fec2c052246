//! Windows: the pieces of a text that may be one identifier, from a boundary of words to another.

use std::ops::Range;

/// Where `is_value` holds for a window, the longest at each place, without overlaps.
pub(super) fn find(text: &str, is_value: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut free_from = 0;
    for start in starts(text) {
        if start < free_from {
            continue;
        }
        let ends = ends(text, start);
        let longest = ends.into_iter().rev().find(|&end| {
            text.get(start..end)
                .is_some_and(|window| digits_count(window) >= DIGITS_MIN && is_value(window))
        });
        if let Some(end) = longest {
            found.push(start..end);
            free_from = end;
        }
    }
    found
}

/// Where an identifier may begin: at a letter or digit that follows none, or at the sign or
/// bracket before it.
fn starts(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut before = ' ';
    for (place, character) in text.char_indices() {
        let begins = character.is_alphanumeric() || matches!(character, '+' | '(');
        if begins && !before.is_alphanumeric() && !matches!(before, '+' | '(') {
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
    let mut separators_count = 0;
    while let Some((place, character)) = characters.next() {
        if character.is_alphanumeric() {
            separators_count = 0;
            let next = characters.peek();
            if next.is_none_or(|(_, next)| !next.is_alphanumeric()) {
                ends.push(start + place + character.len_utf8());
            }
        } else {
            separators_count += 1;
            if !is_separator(character) || separators_count > SEPARATORS_MAX {
                break;
            }
        }
        if ends.len() == ENDS_MAX {
            break;
        }
    }
    ends
}

fn is_separator(character: char) -> bool {
    super::super::fold::is_hyphen(character)
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
const ENDS_MAX: usize = 16;
/// With fewer, too much is one by chance.
const DIGITS_MIN: usize = 4;
