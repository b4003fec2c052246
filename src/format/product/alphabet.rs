//! Alphabets: characters with a rank, each of which is found again under the fold.

use unicode_normalization::IsNormalized;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::is_nfc_quick;

use super::error::Fault;
use crate::format::fold;

/// How the text that is read was spelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reading {
    /// In the canonical form.
    Exact,
    /// Folded: what is left of a token that went through applications.
    Folded,
}

/// Characters in the order of their ranks. No two have one fold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Alphabet {
    characters: Box<[char]>,
    /// Sorted, with ranks.
    exact: Box<[(char, u32)]>,
    /// The same for the folds.
    folded: Box<[(char, u32)]>,
}

impl Alphabet {
    pub(super) fn new(characters: &str) -> Result<Self, Fault> {
        if characters.is_empty() {
            return Err(Fault::SetEmpty);
        }
        if characters.chars().count() > CHARACTERS_MAX {
            return Err(Fault::AlphabetTooLarge {
                characters_max: CHARACTERS_MAX,
            });
        }
        let mut exact = Vec::new();
        let mut folds = Vec::new();
        for (character, rank) in characters.chars().zip(0_u32..) {
            let fold = folded(character).ok_or(Fault::CharacterUnfit { character })?;
            exact.push((character, rank));
            folds.push((fold, rank, character));
        }
        exact.sort_unstable();
        folds.sort_unstable();
        for (&(one, _, first), &(other, _, second)) in folds.iter().zip(folds.iter().skip(1)) {
            if one == other {
                return Err(Fault::CharactersCollide { first, second });
            }
        }
        Ok(Self {
            characters: characters.chars().collect(),
            exact: exact.into(),
            folded: folds.iter().map(|&(fold, rank, _)| (fold, rank)).collect(),
        })
    }

    /// The alphabet of a named class.
    pub(super) fn named(name: &str) -> Option<Result<Self, Fault>> {
        let named = CLASSES.iter().find(|(own, _)| *own == name);
        named.map(|(_, characters)| Self::new(characters))
    }

    pub(super) fn size(&self) -> u32 {
        u32::try_from(self.characters.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn member(&self, rank: u32) -> Option<char> {
        self.characters.get(usize::try_from(rank).ok()?).copied()
    }

    pub(super) fn rank(&self, character: char, reading: Reading) -> Option<u32> {
        let table = match reading {
            Reading::Exact => &self.exact,
            Reading::Folded => &self.folded,
        };
        let place = table.binary_search_by_key(&character, |&(own, _)| own);
        table.get(place.ok()?).map(|&(_, rank)| rank)
    }

    pub(super) fn characters(&self) -> &[char] {
        &self.characters
    }

    /// The characters as they are read, sorted.
    pub(super) fn read_characters(&self, reading: Reading) -> Vec<char> {
        let table = match reading {
            Reading::Exact => &self.exact,
            Reading::Folded => &self.folded,
        };
        table.iter().map(|&(character, _)| character).collect()
    }
}

/// The fold of a character that keeps its place in every text: it is visible, neither combines
/// with its neighbours nor decomposes, and folds to one such character.
pub(super) fn folded(character: char) -> Option<char> {
    if !stands_alone(character) {
        return None;
    }
    let fold = fold(character.encode_utf8(&mut [0; 4]));
    let mut characters = fold.chars();
    let first = characters.next().filter(|&first| stands_alone(first));
    first.filter(|_| characters.next().is_none())
}

fn stands_alone(character: char) -> bool {
    !character.is_control()
        && !character.is_whitespace()
        && canonical_combining_class(character) == 0
        && is_nfc_quick(std::iter::once(character)) == IsNormalized::Yes
        && !is_invisible(character)
}

/// Joiners, direction marks, fillers, variation selectors, and what is reserved for such.
///
/// Source: Unicode 16, DerivedCoreProperties.txt, Default_Ignorable_Code_Point.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The named classes. Frozen: their order is the rank.
pub(super) const CLASSES: [(&str, &str); 9] = [
    ("digit", "0123456789"),
    ("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("lower", "abcdefghijklmnopqrstuvwxyz"),
    ("alnum_upper", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("alnum_lower", "0123456789abcdefghijklmnopqrstuvwxyz"),
    ("hex_upper", "0123456789ABCDEF"),
    ("hex_lower", "0123456789abcdef"),
    // RFC 4648, section 6.
    ("base32", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    // https://www.crockford.com/base32.html, without its check symbols.
    ("crockford32", "0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
];

const CHARACTERS_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_alphabets() {
        for (name, characters) in CLASSES {
            let alphabet = Alphabet::named(name).unwrap().unwrap();
            assert_eq!(alphabet.characters().iter().collect::<String>(), characters);
            for rank in 0..alphabet.size() {
                let character = alphabet.member(rank).unwrap();
                assert_eq!(alphabet.rank(character, Reading::Exact), Some(rank));
                let fold = folded(character).unwrap();
                assert_eq!(alphabet.rank(fold, Reading::Folded), Some(rank));
            }
        }
        assert!(Alphabet::named("digits").is_none());
    }

    #[test]
    fn characters_that_do_not_survive_are_unfit() {
        for character in
            "éßŉﬁ김\u{301} \u{a0}\n\0\u{200b}\u{202e}\u{1161}\u{345}\u{fe0f}\u{3099}".chars()
        {
            let refused = Alphabet::new(&character.to_string()).err();
            assert_eq!(refused, Some(Fault::CharacterUnfit { character }));
        }
        for fit in ['a', 'Я', '山', 'ə', '9', '-', '”', '😀', 'ø'] {
            assert!(folded(fit).is_some(), "{fit}");
        }
    }

    #[test]
    fn characters_with_one_fold_collide() {
        for (text, first, second) in [
            ("abA", 'a', 'A'),
            ("00", '0', '0'),
            ("-–", '-', '–'),
            ("iı", 'i', 'ı'),
            ("σς", 'σ', 'ς'),
        ] {
            let collision = Some(Fault::CharactersCollide { first, second });
            assert_eq!(Alphabet::new(text).err(), collision, "{text}");
        }
    }

    /// Goal: texts of alphabets are NFC and fold character by character, whatever is next to what.
    /// Method: every fit character of the first two planes between starters that could react.
    #[test]
    fn fit_characters_do_not_react_with_their_neighbours() {
        for character in (0..0x2_0000).filter_map(char::from_u32) {
            let Some(fold_of) = folded(character) else {
                continue;
            };
            for neighbour in ['i', 'I', 'A', '\u{5d0}', 'は', '\u{1100}'] {
                let text: String = [neighbour, character, neighbour].iter().collect();
                let neighbour_fold = folded(neighbour).unwrap();
                let expected: String = [neighbour_fold, fold_of, neighbour_fold].iter().collect();
                assert_eq!(*fold(&text), expected);
                assert!(unicode_normalization::is_nfc(&text));
            }
        }
    }
}
