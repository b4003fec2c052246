//! Classes: which characters a character may be replaced with.
//!
//! The classes are disjoint, so that a character has one class at most, and every member survives
//! the fold within its class: two members of one class never fold to the same text. What upper
//! and lower case, NFC and NFD do to a token can therefore be undone, once the class of each of
//! its positions is known.

mod tables;

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use self::tables::CLASSES;
use self::tables::Members;
use crate::format::style::Case;

/// A set of characters, by its id: its place in the frozen tables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) struct Class(u8);

impl Class {
    const DIGIT: Self = Self(0);
    pub(super) const LOWER: Self = Self(1);
    pub(super) const UPPER: Self = Self(2);
    pub(super) const LATIN_LOWER: Self = Self(3);
    pub(super) const LATIN_UPPER: Self = Self(4);
    pub(super) const GREEK_LOWER: Self = Self(5);
    pub(super) const RUSSIAN_LOWER: Self = Self(7);
    pub(super) const ARMENIAN_LOWER: Self = Self(11);
    pub(super) const HAN: Self = Self(18);
    pub(super) const HANGUL: Self = Self(19);

    /// The most ids that classes may have: six bits of a skeleton's byte, but for the last one,
    /// which marks something else there.
    pub(super) const COUNT_MAX: u8 = 63;

    /// The class with this id.
    pub(super) fn from_id(id: u8) -> Option<Self> {
        CLASSES.get(usize::from(id)).map(|_| Self(id))
    }

    /// The id, below [`Self::COUNT_MAX`].
    pub(super) fn id(self) -> u8 {
        self.0
    }

    /// The class that the character belongs to.
    pub(super) fn of(character: char) -> Option<Self> {
        match character {
            '0'..='9' => return Some(Self::DIGIT),
            'a'..='z' => return Some(Self::LOWER),
            'A'..='Z' => return Some(Self::UPPER),
            '\0'..='\u{7f}' => return None,
            _ => {}
        }
        // Most classes are ruled out by their first and last member.
        EXTENTS
            .iter()
            .zip(0..Self::COUNT_MAX)
            .filter(|(extent, _)| (extent.first..=extent.last).contains(&character))
            .map(|(_, id)| Self(id))
            .find(|class| class.index(character).is_some())
    }

    /// How many members it has.
    pub(in crate::format) fn size(self) -> u32 {
        EXTENTS
            .get(usize::from(self.0))
            .map_or(1, |extent| extent.size)
    }

    /// The place of the character in the class. A final sigma has the place of σ.
    pub(super) fn index(self, character: char) -> Option<u32> {
        let character = if character == FINAL_SIGMA {
            SIGMA
        } else {
            character
        };
        let members = CLASSES.get(usize::from(self.0))?;
        let mut before = 0;
        for &(first, last) in members.ranges {
            if (first..=last).contains(&character) {
                return Some(before + (u32::from(character) - u32::from(first)));
            }
            before += span((first, last));
        }
        let listed = members
            .listed
            .chars()
            .position(|member| member == character)?;
        Some(before + u32::try_from(listed).ok()?)
    }

    /// The member at this place.
    pub(super) fn member(self, index: u32) -> Option<char> {
        let members = CLASSES.get(usize::from(self.0))?;
        let mut rest = index;
        for &(first, last) in members.ranges {
            if rest < span((first, last)) {
                return char::from_u32(u32::from(first) + rest);
            }
            rest -= span((first, last));
        }
        members.listed.chars().nth(usize::try_from(rest).ok()?)
    }

    /// The place of the member that folds to this text, which may have lost its case and may be
    /// decomposed.
    pub(super) fn index_of_folded(self, folded: &str) -> Option<u32> {
        match (self, folded) {
            // These fold to plain ASCII, where their class has nothing else.
            (Self::LATIN_LOWER, "ss") => self.index('ß'),
            (Self::LATIN_UPPER, "ss") => self.index('ẞ'),
            (Self::LATIN_LOWER, "i") => self.index('ı'),
            (Self::LATIN_UPPER, "i") => self.index('İ'),
            // What is ASCII has no marks.
            (_, _) if folded.len() == 1 => {
                let character = sole(folded.chars())?;
                let upper = || self.index(character.to_ascii_uppercase());
                self.index(character).or_else(upper)
            }
            (_, _) => {
                let composed = sole(folded.nfc())?;
                self.index(composed).or_else(|| {
                    let upper = sole(folded.chars().flat_map(char::to_uppercase).nfc())?;
                    self.index(upper)
                })
            }
        }
    }

    /// Whether a member with a bare `s` as its fold takes a second one: only ß and ẞ do.
    pub(super) fn folds_to_two(self, folded: &str) -> bool {
        matches!(self, Self::LATIN_LOWER | Self::LATIN_UPPER) && folded == "s"
    }

    /// Whether members have a partner in the other case, and which case they have.
    pub(super) fn case(self) -> Case {
        match self.0 {
            1 | 3 | 5 | 7 | 9 | 11 => Case::Lower,
            2 | 4 | 6 | 8 | 10 | 12 => Case::Upper,
            _ => Case::None,
        }
    }

    /// The class of the upper case of its members; itself where it has no case.
    pub(super) fn uppercase(self) -> Self {
        match self.case() {
            Case::Lower => Self(self.0 + 1),
            Case::Upper | Case::None => self,
        }
    }

    /// The class of a script's plain small letters: `a`–`z` for Latin, Russian for Cyrillic; itself
    /// for a script with one class.
    pub(super) fn plain(self) -> Self {
        match self.0 {
            1..=4 => Self::LOWER,
            5 | 6 => Self::GREEK_LOWER,
            7..=10 => Self::RUSSIAN_LOWER,
            11 | 12 => Self::ARMENIAN_LOWER,
            _ => self,
        }
    }

    /// Whether the members are letters, not digits.
    pub(super) fn is_letter(self) -> bool {
        (1..=Self::HANGUL.0).contains(&self.0)
    }
}

/// The small sigma within a word.
pub(super) const SIGMA: char = 'σ';

/// The small sigma at the end of a word. Upper case does not tell the two apart, so they share a
/// place, a token writes it where Greek would, and a value that does not is noted in the residue.
pub(super) const FINAL_SIGMA: char = 'ς';

/// How far a class reaches, counted once.
struct Extent {
    first: char,
    last: char,
    size: u32,
}

static EXTENTS: LazyLock<Vec<Extent>> = LazyLock::new(|| {
    let extent = |members: &Members| {
        let ends = members
            .ranges
            .iter()
            .flat_map(|&(first, last)| [first, last]);
        let ends = || ends.clone().chain(members.listed.chars());
        let ranges: u32 = members.ranges.iter().map(|&range| span(range)).sum();
        Extent {
            first: ends().min().unwrap_or(char::MAX),
            last: ends().max().unwrap_or('\0'),
            size: ranges + u32::try_from(members.listed.chars().count()).unwrap_or(0),
        }
    };
    CLASSES.iter().map(extent).collect()
});

fn span((first, last): (char, char)) -> u32 {
    u32::from(last) - u32::from(first) + 1
}

/// The one character, if it is just one.
fn sole(mut characters: impl Iterator<Item = char>) -> Option<char> {
    match (characters.next(), characters.next()) {
        (sole, None) => sole,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::is_nfc;
    use unicode_segmentation::UnicodeSegmentation;

    use super::*;
    use crate::format::fold::fold;

    fn classes() -> impl Iterator<Item = Class> {
        (0..Class::COUNT_MAX).map_while(Class::from_id)
    }

    fn members(class: Class) -> impl Iterator<Item = char> {
        (0..class.size()).map(move |index| class.member(index).unwrap())
    }

    #[test]
    fn classes_are_disjoint_and_complete() {
        let mut seen = std::collections::HashSet::new();
        for class in classes() {
            for (index, member) in (0..).zip(members(class)) {
                assert!(seen.insert(member), "{member} is in two classes");
                assert_eq!(class.index(member), Some(index));
                assert_eq!(Class::of(member), Some(class));
            }
            assert_eq!(class.member(class.size()), None);
        }
    }

    #[test]
    fn character_of_ascii_has_the_class_whose_member_it_is() {
        for character in '\0'..='\u{7f}' {
            let class = classes().find(|class| class.index(character).is_some());
            assert_eq!(Class::of(character), class, "{character}");
        }
    }

    #[test]
    fn sizes_are_frozen() {
        let sizes: Vec<_> = classes().map(Class::size).collect();
        let named = [
            10, 26, 26, 143, 142, 35, 33, 33, 33, 74, 74, 38, 38, 33, 27, 53, 86, 87, 20_993,
            11_172,
        ];
        assert_eq!(sizes[..20], named);
        assert_eq!(sizes[20..], [10; 35]);
    }

    /// Goal: no member may change its place. Method: FNV-1a over all members in order.
    #[test]
    fn members_are_frozen() {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for member in classes().flat_map(members) {
            hash = (hash ^ u64::from(u32::from(member))).wrapping_mul(0x0100_0000_01b3);
        }
        assert_eq!(hash, 3_939_382_886_045_349_089);
    }

    #[test]
    fn member_is_found_by_its_fold_alone() {
        for class in classes() {
            for (index, member) in (0..).zip(members(class)) {
                let folded = fold(member.encode_utf8(&mut [0; 4]));
                assert_eq!(class.index_of_folded(&folded), Some(index), "{member}");
            }
        }
    }

    #[test]
    fn members_of_one_class_have_different_folds() {
        for class in classes() {
            let folds: std::collections::HashSet<_> = members(class)
                .map(|member| fold(member.encode_utf8(&mut [0; 4])).to_string())
                .collect();
            assert_eq!(folds.len(), usize::try_from(class.size()).unwrap());
        }
    }

    #[test]
    fn upper_case_of_a_lower_class_is_in_the_upper_class() {
        for class in classes().filter(|class| class.case() == Case::Lower) {
            for member in members(class) {
                let upper = sole(member.to_uppercase());
                if upper.is_some_and(|upper| upper != member) && member != 'ı' {
                    let in_class = upper.and_then(|upper| class.uppercase().index(upper));
                    // ΐ and ΰ have no upper case of one character.
                    assert!(in_class.is_some(), "{member}");
                }
            }
        }
    }

    #[test]
    fn any_two_members_side_by_side_are_normal_and_two_graphemes() {
        let samples: Vec<char> = classes()
            .flat_map(|class| [0, class.size() / 2, class.size() - 1].map(|i| class.member(i)))
            .flatten()
            .collect();
        for member in classes().flat_map(members) {
            for &other in &samples {
                for text in [format!("{member}{other}"), format!("{other}{member}")] {
                    assert!(is_nfc(&text), "{text}");
                    assert_eq!(text.graphemes(true).count(), 2, "{text}");
                }
            }
        }
    }
}
