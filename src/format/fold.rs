//! The fold under which a token is found again.
//!
//! Applications change the text that they store: upper or lower case, NFC or NFD, non-breaking
//! spaces, curly quotes, trimmed or doubled spaces. The fold maps all of these spellings to one.
//! Tokens are unique under it, and fingerprints are made of it.
//!
//! Source: Unicode Standard Annex #15 for NFD. The case mapping is not the case folding of the
//! Unicode Standard, section 5.18, but what is left after an application's own case mapping,
//! which is coarser: `ı` and `İ` both become `i`.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use zeroize::Zeroizing;

use super::secret_text::SecretText;

/// Folds a text: NFD; apostrophes, double quotes, hyphens and white space unified, spaces
/// collapsed and trimmed; lower case of the upper case of the lower case; the dot of `i` dropped,
/// since Turkish case mapping adds and removes it; NFD again.
#[must_use]
pub fn fold(text: &str) -> Zeroizing<String> {
    if !text.is_ascii() {
        return fold_any(text);
    }
    if is_folded_but_for_case(text.as_bytes()) {
        return Zeroizing::new(text.to_ascii_lowercase());
    }
    fold_ascii(text)
}

/// Whether nothing of an ASCII text is folded but its capital letters.
fn is_folded_but_for_case(text: &[u8]) -> bool {
    let is_space = |byte: Option<&u8>| byte == Some(&b' ');
    let is_other = |byte: &u8| matches!(byte, b'`' | b'\t'..=b'\r');
    !is_space(text.first())
        && !is_space(text.last())
        && !text.iter().any(is_other)
        && !text.array_windows().any(|pair| pair == b"  ")
}

/// The fold of an ASCII text: nothing decomposes, and each character has one case mapping.
fn fold_ascii(text: &str) -> Zeroizing<String> {
    let mut folded = SecretText::with_capacity(text.len());
    let mut space_pending = false;
    for character in text.chars() {
        if character.is_whitespace() {
            space_pending = !folded.is_empty();
            continue;
        }
        if space_pending {
            folded.push(' ');
            space_pending = false;
        }
        folded.push(unify(character).to_ascii_lowercase());
    }
    folded.finish()
}

fn fold_any(text: &str) -> Zeroizing<String> {
    let mut cased = SecretText::with_capacity(text.len() * 2);
    let mut space_pending = false;
    for character in text.nfd() {
        if character.is_whitespace() {
            space_pending = !cased.is_empty();
            continue;
        }
        if space_pending {
            cased.push(' ');
            space_pending = false;
        }
        let lower = unify(character).to_lowercase().flat_map(char::to_uppercase);
        cased.extend(lower.flat_map(char::to_lowercase));
    }
    let mut folded = SecretText::with_capacity(cased.len() * 2);
    let mut starter = ' ';
    for character in cased.nfd() {
        if canonical_combining_class(character) == 0 {
            starter = character;
        } else if character == DOT_ABOVE && starter == 'i' {
            continue;
        }
        // Again, since the upper case of ŉ has an apostrophe.
        folded.push(unify(character));
    }
    folded.finish()
}

/// One spelling for the variants of the apostrophe, the double quote and the hyphen.
pub(super) fn unify(character: char) -> char {
    match character {
        '"' | '\u{201c}'..='\u{201f}' => '"',
        _ if is_apostrophe(character) => '\'',
        _ if is_hyphen(character) => '-',
        _ => character,
    }
}

/// Grave and acute accents on their own, modifier letters, quotation marks, the prime.
pub(super) fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\'' | '`'
            | '\u{b4}'
            | '\u{2b9}'
            | '\u{2bb}'..='\u{2bd}'
            | '\u{2018}'..='\u{201b}'
            | '\u{2032}'
            | '\u{2035}'
    )
}

/// Hyphens, dashes and the minus sign.
pub(super) fn is_hyphen(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}'
    )
}

/// Splits a folded text into what stood for one character: a base with its marks, or the jamo of
/// one Hangul syllable.
pub(super) fn units(folded: &str) -> Units<'_> {
    Units { rest: folded }
}

/// The units of a folded text.
pub(super) struct Units<'text> {
    rest: &'text str,
}

impl<'text> Iterator for Units<'text> {
    type Item = &'text str;

    fn next(&mut self) -> Option<&'text str> {
        let end = match self.rest.as_bytes() {
            // Neither continues anything.
            [first, second, ..] if first.is_ascii() && second.is_ascii() => 1,
            _ => {
                let mut ends = self.rest.char_indices().skip(1);
                ends.find(|&(_, character)| !continues(character))
                    .map_or(self.rest.len(), |(position, _)| position)
            }
        };
        let (unit, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!unit.is_empty()).then_some(unit)
    }
}

fn continues(character: char) -> bool {
    // Medial vowels and final consonants, as NFD leaves them.
    canonical_combining_class(character) != 0 || matches!(character, '\u{1161}'..='\u{11c2}')
}

const DOT_ABOVE: char = '\u{307}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_fold_to_one() {
        for (one, other) in [
            ("Müller", "MU\u{308}LLER"),
            ("O'Neill", "\u{a0}o’neill "),
            ("Groß", "GROSS"),
            ("GROẞ", "groß"),
            ("İbrahim", "i\u{307}brahim"),
            ("IŞIL", "ışıl"),
            ("Γιώργος", "ΓΙΏΡΓΟΣ"),
            ("a \"b\" c-d", "A\u{a0}\u{3000}“B”\nC–D"),
            ("김민준", "\u{1100}\u{1175}\u{11b7}민준"),
        ] {
            assert_eq!(*fold(one), *fold(other));
        }
    }

    #[test]
    fn fold_is_idempotent() {
        for character in (0..0x3_0000).filter_map(char::from_u32) {
            let once = fold(character.encode_utf8(&mut [0; 4]));
            assert_eq!(*fold(&once), *once, "{:x}", u32::from(character));
        }
    }

    #[test]
    fn short_way_of_ascii_is_the_long_way() {
        let ascii = || (0..0x80_u8).map(char::from);
        for (one, other) in ascii().flat_map(|one| ascii().map(move |other| (one, other))) {
            for text in [format!("{one}{other}"), format!("{one}x{other} {one}")] {
                let long = fold_any(&text);
                assert_eq!((&*fold(&text), &*fold_ascii(&text)), (&*long, &*long));
            }
        }
    }

    #[test]
    fn units_are_characters_with_their_marks() {
        let folded = fold("Müß 김가");
        let units: Vec<_> = units(&folded).collect();
        let hangul = ["\u{1100}\u{1175}\u{11b7}", "\u{1100}\u{1161}"];
        assert_eq!(
            units,
            ["m", "u\u{308}", "s", "s", " ", hangul[0], hangul[1]]
        );
    }
}
