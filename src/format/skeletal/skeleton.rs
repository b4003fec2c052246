//! Skeletons: what a shape token shares with its value, position by position.

use unicode_normalization::UnicodeNormalization;

use super::class::Class;
use crate::format::fold;
use crate::format::style::Case;
use crate::format::style::Style;

/// One character of a skeleton.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) enum Position {
    /// Any member of a class.
    Class(Class),
    /// A character that value and token share.
    Literal(char),
}

/// The characters that a format keeps, frozen with its version. The first 64 take one byte.
#[derive(Clone, Copy)]
pub(super) struct Literals {
    all: &'static str,
    /// The ids of those of ASCII, by their codes.
    ascii: [u8; 128],
}

/// A class or a literal for each character.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::format) struct Skeleton(Vec<Position>);

impl Position {
    pub(super) fn is_letter(self) -> bool {
        match self {
            Self::Class(class) => class.is_letter(),
            Self::Literal(_) => false,
        }
    }
}

impl Literals {
    /// These characters, in the order of their ids.
    #[expect(
        clippy::indexing_slicing,
        reason = "constants: an index outside does not compile"
    )]
    pub(super) const fn new(all: &'static str) -> Self {
        let bytes = all.as_bytes();
        let mut ascii = [NO_ID; 128];
        let (mut position, mut id) = (0, 0);
        while position < bytes.len() {
            let byte = bytes[position];
            if byte.is_ascii() && ascii[byte as usize] == NO_ID {
                ascii[byte as usize] = id;
            }
            // Where a character begins (UTF-8).
            if byte.is_ascii() || byte & 0b1100_0000 == 0b1100_0000 {
                id += 1;
            }
            position += 1;
        }
        Self { all, ascii }
    }

    fn id(&self, literal: char) -> Option<u8> {
        if literal.is_ascii() {
            let id = self.ascii.get(u32::from(literal) as usize).copied();
            return id.filter(|id| *id != NO_ID);
        }
        let place = self.all.chars().position(|character| character == literal);
        u8::try_from(place?).ok()
    }

    fn literal(&self, id: u8) -> Option<char> {
        self.all.chars().nth(usize::from(id))
    }
}

impl Skeleton {
    /// The skeleton of a text in canonical form, or nothing where a character is not
    /// representable.
    pub(super) fn of(text: &str, literals: Literals) -> Option<Self> {
        // Room for all of it at once: few texts have many characters of more than one byte.
        let mut positions = Vec::with_capacity(text.len());
        for character in text.chars() {
            positions.push(match literals.id(character) {
                Some(_) => Position::Literal(character),
                None => Position::Class(Class::of(character)?),
            });
        }
        Some(Self(positions))
    }

    /// The skeleton of a folded text whose skeleton has this style.
    pub(super) fn of_folded(folded: &str, style: Style, literals: Literals) -> Option<Self> {
        let mut positions = Vec::with_capacity(folded.len());
        for unit in fold::units(folded) {
            let character = match unit.as_bytes() {
                [byte] => char::from(*byte),
                _ => {
                    let mut composed = unit.nfc();
                    let (Some(character), None) = (composed.next(), composed.next()) else {
                        return None;
                    };
                    character
                }
            };
            let follows_letter = positions.last().copied().is_some_and(Position::is_letter);
            positions.push(match literals.id(character) {
                Some(_) => Position::Literal(character),
                None => Position::Class(match style.case(follows_letter) {
                    Case::Lower | Case::None => Class::of(character)?,
                    Case::Upper => Class::of(character)?.uppercase(),
                }),
            });
        }
        Some(Self(positions))
    }

    /// The style from which, with its fold, a text with this skeleton can be read back.
    pub(super) fn style(&self) -> Option<Style> {
        Style::ALL.into_iter().find(|style| {
            let mut follows_letter = false;
            self.0.iter().all(|&position| {
                let case = style.case(follows_letter);
                follows_letter = position.is_letter();
                match position {
                    // Their folds look like other classes'.
                    Position::Class(Class::LATIN_LOWER | Class::LATIN_UPPER) => false,
                    Position::Class(class) => class.case() == Case::None || class.case() == case,
                    Position::Literal(literal) => folded_literal(literal) == literal,
                }
            })
        })
    }

    pub(in crate::format) fn positions(&self) -> &[Position] {
        &self.0
    }

    /// Whether a sigma at this position is written as at the end of a word.
    pub(super) fn ends_word(&self, position: usize) -> bool {
        let is_letter = |position: usize| self.0.get(position).is_some_and(|p| p.is_letter());
        position.checked_sub(1).is_some_and(is_letter) && !is_letter(position + 1)
    }

    /// The skeleton in bytes.
    pub(super) fn encode(&self, literals: Literals) -> Vec<u8> {
        // Few take more bytes than they have positions.
        let mut bytes = Vec::with_capacity(self.0.len());
        self.append_to(&mut bytes, literals);
        bytes
    }

    /// Appends the skeleton in bytes: one byte for a literal, for a capital ASCII letter with up to
    /// 63 small ones, or for a single character of a class; two for up to 255 characters of a
    /// class, or for a literal after the 64th.
    pub(super) fn append_to(&self, bytes: &mut Vec<u8>, literals: Literals) {
        let mut rest = self.0.as_slice();
        while let Some((&first, others)) = rest.split_first() {
            let lowers_count = run(others, Position::Class(Class::LOWER), LOWERS_MAX);
            let (length, word) = match first {
                Position::Literal(literal) => {
                    match literals.id(literal).unwrap_or(u8::MAX) {
                        id @ ..=ID_MASK => bytes.push(LITERAL | id),
                        id => bytes.extend([FURTHER_LITERAL, id]),
                    }
                    (1, None)
                }
                Position::Class(Class::UPPER) if lowers_count > 0 => (
                    usize::from(lowers_count) + 1,
                    Some(CAPITALIZED | lowers_count),
                ),
                Position::Class(class) => {
                    let count = run(rest, first, u8::MAX);
                    if count == 1 {
                        bytes.push(ONE | class.id());
                    } else {
                        bytes.extend([MANY | class.id(), count]);
                    }
                    (usize::from(count), None)
                }
            };
            bytes.extend(word);
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// Reads what [`Self::encode`] wrote.
    pub(super) fn decode(bytes: &[u8], literals: Literals) -> Option<Self> {
        let mut positions = Vec::new();
        let mut bytes = bytes.iter();
        while let Some(byte) = bytes.next() {
            let id = byte & ID_MASK;
            let (position, count) = match byte & !ID_MASK {
                _ if *byte == FURTHER_LITERAL => {
                    (Position::Literal(literals.literal(*bytes.next()?)?), 1)
                }
                LITERAL => (Position::Literal(literals.literal(id)?), 1),
                CAPITALIZED => {
                    positions.push(Position::Class(Class::UPPER));
                    (Position::Class(Class::LOWER), id)
                }
                MANY => (Position::Class(Class::from_id(id)?), *bytes.next()?),
                _ => (Position::Class(Class::from_id(id)?), 1),
            };
            positions.extend((0..count).map(|_| position));
            if positions.len() > POSITIONS_MAX {
                return None;
            }
        }
        Some(Self(positions))
    }
}

/// What a kept literal becomes under the fold.
pub(super) fn folded_literal(literal: char) -> char {
    if literal.is_whitespace() {
        ' '
    } else {
        fold::unify(literal)
    }
}

/// How many positions at the start are like this one.
fn run(positions: &[Position], like: Position, count_max: u8) -> u8 {
    let same = positions
        .iter()
        .take(usize::from(count_max))
        .take_while(|&&p| p == like);
    u8::try_from(same.count()).unwrap_or(count_max)
}

/// No literal has this id.
const NO_ID: u8 = u8::MAX;
/// The two high bits of a byte say what it is, the six low ones are a class, literal or count.
const ID_MASK: u8 = 0b0011_1111;
const ONE: u8 = 0b0000_0000;
const MANY: u8 = 0b0100_0000;
const LITERAL: u8 = 0b1000_0000;
const CAPITALIZED: u8 = 0b1100_0000;
const LOWERS_MAX: u8 = ID_MASK;
/// No class has this id.
const FURTHER_LITERAL: u8 = MANY | Class::COUNT_MAX;

/// The longest value that any format accepts, in characters.
const POSITIONS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    const LITERALS: Literals = Literals::new(" ,'\n’");

    #[test]
    fn skeleton_reads_back_what_it_wrote() {
        let long = format!("{}{}A", "a".repeat(600), "Ab".repeat(100));
        for text in [
            "221B Baker Street,\nLondon NW1 6XE",
            "Ł’山田 太郎",
            "",
            &long,
        ] {
            let skeleton = Skeleton::of(text, LITERALS).unwrap();
            let bytes = skeleton.encode(LITERALS);
            assert!(Skeleton::decode(&bytes, LITERALS) == Some(skeleton));
        }
    }

    /// Goal: a format may keep more than 64 characters. Method: texts keep 74; each is told from
    /// every other, and from every class.
    #[test]
    fn every_literal_of_a_text_reads_back() {
        let literals = crate::format::skeletal::text::LITERALS;
        for (id, literal) in (0..).zip(literals.all.chars()) {
            assert_eq!(literals.id(literal), Some(id));
            let text = format!("a{literal}12{literal}");
            let skeleton = Skeleton::of(&text, literals).unwrap();
            assert_eq!(skeleton.positions()[1], Position::Literal(literal));
            let bytes = skeleton.encode(literals);
            assert!(Skeleton::decode(&bytes, literals) == Some(skeleton));
        }
        for symbol in '!'..='~' {
            assert!(symbol.is_ascii_alphanumeric() || literals.id(symbol).is_some());
        }
    }

    #[test]
    fn capitalized_word_takes_one_byte() {
        let skeleton = Skeleton::of("Baker Street", LITERALS).unwrap();
        assert_eq!(skeleton.encode(LITERALS).len(), 3);
    }

    #[test]
    fn skeleton_of_a_style_is_read_from_the_fold() {
        for text in [
            "Ada O'Neill",
            "ADA",
            "ada",
            "김민준",
            "Γιώργος Й",
            "山田 太郎",
            "12 Main",
        ] {
            let skeleton = Skeleton::of(text, LITERALS).unwrap();
            let style = skeleton.style().unwrap();
            let folded = fold(text);
            assert!(Skeleton::of_folded(&folded, style, LITERALS) == Some(skeleton));
        }
        for text in ["Müller", "McDonald", "Ada\nLane", "O’Neill"] {
            assert_eq!(Skeleton::of(text, LITERALS).unwrap().style(), None);
        }
    }

    /// Goal: a style stands for the skeleton of every token, not just the value's.
    /// Method: each member of each class, by its fold alone.
    #[test]
    fn class_of_every_member_is_read_from_its_fold() {
        for class in (0..Class::COUNT_MAX).map_while(Class::from_id) {
            if matches!(class, Class::LATIN_LOWER | Class::LATIN_UPPER) {
                continue;
            }
            let style = if class.case() == Case::Upper {
                Style::Upper
            } else {
                Style::Lower
            };
            for index in 0..class.size() {
                let member = class.member(index).unwrap().to_string();
                let read = Skeleton::of_folded(&fold(&member), style, LITERALS).unwrap();
                assert_eq!(read.positions(), [Position::Class(class)], "{member}");
            }
        }
    }

    #[test]
    fn malformed_bytes_are_refused() {
        for bytes in [
            &[MANY][..],
            &[LITERAL | 9],
            &[ONE | 60],
            &[FURTHER_LITERAL],
            &[FURTHER_LITERAL, 200],
            &[MANY, 255].repeat(5),
        ] {
            assert!(Skeleton::decode(bytes, LITERALS).is_none());
        }
    }
}
