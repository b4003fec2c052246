//! Finite sets of texts, numbered as a whole: what a part of a format is made of, but for runs of
//! characters, where each character has its own number.

mod dates;
mod integers;
mod texts;
mod word;

pub(super) use self::dates::Dates;
pub(super) use self::dates::Piece;
pub(super) use self::integers::Integers;
pub(super) use self::integers::push_number;
pub(super) use self::texts::Texts;
pub(super) use self::word::Word;
use super::alphabet::Reading;
use crate::format::secret_text::SecretText;

/// A finite set of texts, numbered from 0.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Set {
    Dates(Dates),
    Integers(Integers),
    Texts(Texts),
    Word(Word),
}

impl Set {
    /// How many texts it has.
    pub(super) fn size(&self) -> u32 {
        match self {
            Self::Dates(dates) => dates.size(),
            Self::Integers(integers) => integers.size(),
            Self::Texts(texts) => texts.size(),
            Self::Word(word) => word.size(),
        }
    }

    /// How long its texts are, in characters: each length once, in order.
    pub(super) fn lengths(&self) -> &[usize] {
        match self {
            Self::Dates(dates) => dates.lengths(),
            Self::Integers(integers) => integers.lengths(),
            Self::Texts(texts) => texts.lengths(),
            Self::Word(word) => word.lengths(),
        }
    }

    /// The number of a text; nothing if it is not in the set.
    pub(super) fn rank(&self, text: &[char], reading: Reading) -> Option<u32> {
        match self {
            Self::Dates(dates) => dates.rank(text, reading),
            Self::Integers(integers) => integers.rank(text),
            Self::Texts(texts) => texts.rank(text, reading),
            Self::Word(word) => word.rank(text, reading),
        }
    }

    /// Adds the text with this number; nothing if there is none.
    pub(super) fn write(&self, rank: u32, text: &mut SecretText) -> Option<()> {
        match self {
            Self::Dates(dates) => dates.write(rank, text),
            Self::Integers(integers) => integers.write(rank, text),
            Self::Texts(texts) => texts.write(rank, text),
            Self::Word(word) => word.write(rank, text),
        }
    }
}
