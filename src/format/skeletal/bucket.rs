//! Buckets: tokens that do not tell how long a value's words are.
//!
//! A word is a maximal run of letters. Before a value gets its place in a slice, each of its words
//! is filled up to the length of its bucket, and is written in plain letters of its script: `Li`,
//! `Müller` and `McKay` become `Liaaaa`, `Mcller` and `Mckaya`. Its slice is therefore the one of a
//! value that fills its buckets, every token of which has words of just these lengths, and the
//! token's closure is the exact slice's. What was filled up or written plainly is the residue's.
//!
//! Tokens of one to as many letters as the bucket has would say no less, and look no different:
//! 25 in 26 of them have the whole length.

use std::iter;

use zeroize::Zeroizing;

use super::class::Class;
use super::residue::Words;
use super::skeleton::Literals;
use super::skeleton::Position;
use super::skeleton::Skeleton;
use super::slice::SkeletalSlice;
use crate::domain::Rank;
use crate::format::secret_text::SecretText;
use crate::format::style::Case;
use crate::format::style::Style;

/// The text with its words filled up; nothing where a character is not representable.
pub(super) fn fill(text: &str, literals: Literals) -> Option<Zeroizing<String>> {
    let skeleton = Skeleton::of(text, literals)?;
    let style = Style::of(text);
    let mut filled = SecretText::with_capacity(text.len() * 2);
    let mut places = skeleton.positions().iter().zip(text.chars()).peekable();
    while let Some((position, character)) = places.next() {
        if !position.is_letter() {
            filled.push(character);
            continue;
        }
        let mut word = SecretText::with_capacity(WORD_CAPACITY);
        word.push(character);
        while let Some((_, character)) = places.next_if(|(position, _)| position.is_letter()) {
            word.push(character);
        }
        push_word(&mut filled, &word, style)?;
    }
    Some(filled.finish())
}

/// What it takes to get the text back from its place among the filled ones.
pub(super) fn words<'text>(
    text: &'text str,
    literals: Literals,
    slice: &SkeletalSlice,
    rank: &Rank,
) -> Words<'text> {
    let lengths = lengths(text, literals);
    let filled = slice.text(rank).ok();
    match filled.and_then(|filled| cut(slice.skeleton(), &filled, &lengths)) {
        Some(cut) if *cut == *text => Words::Filled(lengths),
        Some(_) | None => Words::Verbatim(text),
    }
}

/// The text with words of these lengths, from one whose words were filled up.
pub(super) fn cut(skeleton: &Skeleton, filled: &str, lengths: &[usize]) -> Option<SecretText> {
    let mut lengths = lengths.iter();
    let mut letters_left = None;
    let mut text = SecretText::with_capacity(filled.len());
    for (position, character) in skeleton.positions().iter().zip(filled.chars()) {
        if !position.is_letter() {
            letters_left = None;
            text.push(character);
            continue;
        }
        let left = match letters_left {
            Some(left) => left,
            None => *lengths.next()?,
        };
        if left > 0 {
            text.push(character);
        }
        letters_left = Some(left.saturating_sub(1));
    }
    lengths.next().is_none().then_some(text)
}

/// The text itself, if it has this place; a rank that belongs to another was deciphered wrongly.
pub(super) fn verbatim(
    text: &str,
    literals: Literals,
    slice: &SkeletalSlice,
    rank: &Rank,
) -> Option<SecretText> {
    let filled = fill(text, literals)?;
    if !slice.rank(&filled)?.equals(rank) {
        return None;
    }
    let mut same = SecretText::with_capacity(text.len());
    same.push_str(text);
    Some(same)
}

/// How many letters each word has.
fn lengths(text: &str, literals: Literals) -> Vec<usize> {
    let Some(skeleton) = Skeleton::of(text, literals) else {
        return Vec::new();
    };
    skeleton
        .positions()
        .chunk_by(|one, other| one.is_letter() == other.is_letter())
        .filter(|run| run.first().copied().is_some_and(Position::is_letter))
        .map(<[Position]>::len)
        .collect()
}

/// Writes a word as its bucket has it: in letters of the plain class of its first letter's script,
/// with capital letters where its style has them. Letters of other classes take some letter's
/// place: the residue has the word itself then.
fn push_word(filled: &mut SecretText, word: &str, style: Style) -> Option<()> {
    let class = Class::of(word.chars().next()?)?.plain();
    // A single capital letter among others is of their style.
    let style = match (style, Style::of(word)) {
        (Style::Upper, Style::Title) => Style::Upper,
        (_, own) => own,
    };
    let length = bucket(class, word.chars().count());
    let characters = word.chars().map(Some).chain(iter::repeat(None));
    for (place, character) in characters.take(length).enumerate() {
        let class = match style.case(place > 0) {
            Case::Lower | Case::None => class,
            Case::Upper => class.uppercase(),
        };
        let index = match character {
            Some(character) => Class::of(character)?.index(character)? % class.size(),
            None => 0,
        };
        filled.push(class.member(index)?);
    }
    Some(())
}

/// The letters of a word of this length once it is filled up: the next bucket's, or its own where
/// it is longer than all.
fn bucket(class: Class, length: usize) -> usize {
    // A syllable or a word has one letter in these, and a name two or three.
    let short = matches!(class, Class::HAN | Class::HANGUL).then_some(SHORT_BUCKET);
    short
        .into_iter()
        .chain(BUCKETS)
        .find(|&bucket| length <= bucket)
        .unwrap_or(length)
}

/// Frozen with the format version. The smallest has a domain that is large enough in every class.
const BUCKETS: [usize; 5] = [6, 10, 16, 24, 40];

/// One more, for Han and Hangul.
const SHORT_BUCKET: usize = 3;

/// Room for most words.
const WORD_CAPACITY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const LITERALS: Literals = Literals::new(" '-.");

    #[test]
    fn words_are_filled_up_in_their_style() {
        for (text, filled) in [
            ("Li", "Liaaaa"),
            ("Ada Lovelace", "Adaaaa Lovelaceaa"),
            ("DE LA CRUZ-O'N", "DEAAAA LAAAAA CRUZAA-OAAAAA'NAAAAA"),
            ("Müller McKay", "Mcller Mckaya"),
            ("j.r. 12b", "jaaaaa.raaaaa. 12baaaaa"),
            ("김민준", "김민준"),
            ("김 민준수길", "김가가 민준수길가가"),
            ("Їжак Йосипович", "Жжакаа Йосиповича"),
            ("山田やま", "山田乃丽一一"),
            ("abcdefghijklmnopq", "abcdefghijklmnopqaaaaaaa"),
        ] {
            assert_eq!(*fill(text, LITERALS).unwrap(), *filled);
        }
        let long = "a".repeat(41);
        assert_eq!(*fill(&long, LITERALS).unwrap(), *long);
        assert!(fill("a😀", LITERALS).is_none());
    }

    #[test]
    fn filled_text_is_its_own_filling() {
        for text in [
            "Li",
            "McKay O'N",
            "Müller",
            "Γιώργος",
            "ЇЖАК",
            "山田やま",
            "Яndex",
        ] {
            let once = fill(text, LITERALS).unwrap();
            assert_eq!(*fill(&once, LITERALS).unwrap(), *once);
        }
    }

    #[test]
    fn text_is_cut_from_its_filling() {
        for text in ["Ada Lovelace", "j.r. 12b", "DE LA'N", "12"] {
            let filled = fill(text, LITERALS).unwrap();
            let skeleton = Skeleton::of(&filled, LITERALS).unwrap();
            let lengths = lengths(text, LITERALS);
            assert_eq!(*cut(&skeleton, &filled, &lengths).unwrap(), *text);
            assert!(cut(&skeleton, &filled, &[lengths, vec![1]].concat()).is_none());
        }
    }
}
