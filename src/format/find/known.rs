//! Known values in a text, in whatever case and spacing.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use aho_corasick::AhoCorasickKind;
use aho_corasick::MatchKind;
use thiserror::Error;
use zeroize::Zeroizing;

use super::script::is_unspaced;
use crate::domain::Plaintext;
use crate::format::fold;

/// The values cannot be searched for: they are too many or too long.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("known values are too many or too long")]
pub struct TooManyKnown;

/// Where a text has these values, whole words of it: the number of the value and the place in
/// bytes. Letter case, accents' spelling, quotes and runs of white space do not matter. Finds may
/// overlap. The caller limits the values' number and length.
///
/// # Errors
///
/// If the values are too many or too long for the search.
pub fn find_known(
    text: &str,
    values: &[&Plaintext],
) -> Result<Vec<(usize, Range<usize>)>, TooManyKnown> {
    let needles: Vec<Zeroizing<String>> = values
        .iter()
        // Looked for, never shown.
        .map(|value| fold(value.expose()))
        .collect();
    let wanted: Vec<(usize, &str)> = needles
        .iter()
        .enumerate()
        .map(|(number, needle)| (number, needle.as_str()))
        .filter(|(_, needle)| !needle.is_empty())
        .collect();
    // The kind whose size follows that of the values: another one could fill the memory.
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(wanted.iter().map(|(_, needle)| needle))
        .map_err(|_| TooManyKnown)?;
    let folded = FoldedText::new(text);
    Ok(automaton
        .find_overlapping_iter(folded.text.as_str())
        .filter_map(|found| {
            let range = folded.original(found.start(), found.end())?;
            let (number, _) = wanted.get(found.pattern().as_usize())?;
            is_whole(text, &range).then_some((*number, range))
        })
        .collect())
}

/// Whether no word goes on beyond either end.
fn is_whole(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).and_then(|text| text.chars().last());
    let after = text.get(range.end..).and_then(|text| text.chars().next());
    let inside = text.get(range.clone()).unwrap_or_default();
    !is_one_word(before, inside.chars().next()) && !is_one_word(inside.chars().last(), after)
}

/// Whether two neighbours are of one word. In scripts without spaces nobody can tell: they are not.
fn is_one_word(one: Option<char>, other: Option<char>) -> bool {
    let goes_on = |character: Option<char>| {
        character.is_some_and(|it| it.is_alphanumeric() && !is_unspaced(it))
    };
    goes_on(one) && goes_on(other)
}

/// A text folded piece by piece, with the place that each piece came from.
struct FoldedText {
    text: Zeroizing<String>,
    /// For each piece: where it begins in the fold, and where in the text.
    pieces: Vec<(usize, usize)>,
    length: usize,
}

impl FoldedText {
    fn new(original: &str) -> Self {
        // The fold of a character is at most a few characters.
        let mut text = Zeroizing::new(String::with_capacity(original.len() * 4));
        let mut pieces = Vec::new();
        let mut characters = original.char_indices().peekable();
        while let Some((place, character)) = characters.next() {
            let mut end = place + character.len_utf8();
            // Marks belong to the letter before them, and white space is one space.
            while let Some(&(next_place, next)) = characters.peek() {
                let belongs = if character.is_whitespace() {
                    next.is_whitespace()
                } else {
                    unicode_normalization::char::is_combining_mark(next)
                };
                if !belongs {
                    break;
                }
                end = next_place + next.len_utf8();
                characters.next();
            }
            pieces.push((text.len(), place));
            if character.is_whitespace() {
                text.push(' ');
            } else {
                text.push_str(&fold(original.get(place..end).unwrap_or_default()));
            }
        }
        Self {
            text,
            pieces,
            length: original.len(),
        }
    }

    /// The place in the text of a place in the fold that begins and ends with whole pieces.
    fn original(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let first = self
            .pieces
            .binary_search_by_key(&start, |piece| piece.0)
            .ok()?;
        let original_end = if end == self.text.len() {
            self.length
        } else {
            let last = self
                .pieces
                .binary_search_by_key(&end, |piece| piece.0)
                .ok()?;
            self.pieces.get(last)?.1
        };
        Some(self.pieces.get(first)?.1..original_end)
    }
}
