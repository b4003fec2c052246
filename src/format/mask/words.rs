//! Names, addresses and texts: the first letter of each of the first words.

use zeroize::Zeroizing;

use super::HIDDEN;
use super::SHARE;
use super::hidden;
use super::signs;
use crate::format::secret_text::SecretText;

/// The first letter of each of the first `words_max` words. Digits are never shown, nor how many
/// words there are beyond these. Commas and line ends between words are kept.
///
/// Of words that begin with a digit nothing is shown; words without letters and digits are left
/// out. Where no more letters may be shown, since a third of the text is reached, the mask ends.
pub(in crate::format) fn words(text: &str, words_max: usize) -> Zeroizing<String> {
    let mut budget = signs(text).count() / SHARE;
    if budget == 0 {
        return hidden();
    }
    let mut mask = SecretText::with_capacity(words_max * WORD_BYTES_MAX);
    let mut separator = Separator::default();
    let mut shown_words = 0;
    for (word, is_line_end) in lines_of_words(text) {
        let Some(first) = signs(word).next() else {
            separator.follow(word, is_line_end);
            continue;
        };
        if shown_words == words_max || budget == 0 {
            break;
        }
        if shown_words > 0 {
            separator.write(&mut mask);
        }
        if is_shown(first) {
            mask.push_str(first);
            budget -= 1;
        }
        mask.push_str(HIDDEN);
        shown_words += 1;
        separator = Separator::default();
        separator.follow(word, is_line_end);
    }
    mask.finish()
}

/// What stands between two words.
#[derive(Clone, Copy, Default)]
struct Separator {
    has_comma: bool,
    is_line_end: bool,
}

impl Separator {
    /// Notes what ends a word.
    fn follow(&mut self, word: &str, is_line_end: bool) {
        self.has_comma |= word.ends_with(',');
        self.is_line_end |= is_line_end;
    }

    fn write(self, mask: &mut SecretText) {
        if self.has_comma {
            mask.push(',');
        }
        mask.push(if self.is_line_end { '\n' } else { ' ' });
    }
}

/// The words, and whether each is the last of its line.
fn lines_of_words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    text.lines().flat_map(|line| {
        let mut words = line.split_whitespace().peekable();
        std::iter::from_fn(move || {
            let word = words.next()?;
            Some((word, words.peek().is_none()))
        })
    })
}

/// Letters, with no more than a few marks on them: what is one grapheme may be a text by itself.
fn is_shown(sign: &str) -> bool {
    sign.chars().count() <= LETTER_CHARACTERS_MAX
        && sign.chars().next().is_some_and(char::is_alphabetic)
}

/// A letter and three marks, as Vietnamese and Indic scripts need them.
const LETTER_CHARACTERS_MAX: usize = 4;

/// A letter with its marks, the bullets, a comma and a space.
const WORD_BYTES_MAX: usize = LETTER_CHARACTERS_MAX * 4 + HIDDEN.len() + 2;
