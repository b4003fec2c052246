//! Ranges of days, in a layout.

use super::super::alphabet::Reading;
use super::super::alphabet::folded;
use super::super::calendar::Day;
use super::super::calendar::DayNumber;
use super::super::error::Fault;
use super::integers::push_number;
use super::integers::read_number;
use crate::format::secret_text::SecretText;

/// The days of some ranges, from the earliest to the latest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct Dates {
    ranges: Box<[Range]>,
    pub(in super::super) layout: Box<[Piece]>,
    size: u32,
    length: [usize; 1],
}

/// The first and the last day.
type Range = (DayNumber, DayNumber);

/// A piece of a layout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Piece {
    Day,
    Month,
    Separator { character: char, fold: char },
    Year,
}

impl Dates {
    pub(in super::super) fn new(pairs: &[[String; 2]], layout: &[Piece]) -> Result<Self, Fault> {
        let mut ranges: Vec<Range> = Vec::new();
        let mut size = 0;
        for [first, last] in pairs {
            let (first, last) = (day_number(first)?, day_number(last)?);
            let span = last.checked_sub(first).ok_or(Fault::RangeReversed)?;
            if ranges.last().is_some_and(|&(_, before)| before >= first) {
                return Err(Fault::RangesUnordered);
            }
            ranges.push((first, last));
            size += span + 1;
        }
        if ranges.is_empty() {
            return Err(Fault::SetEmpty);
        }
        let length = layout.iter().map(|piece| piece.width()).sum();
        Ok(Self {
            ranges: ranges.into(),
            layout: layout.into(),
            size,
            length: [length],
        })
    }

    pub(in super::super) fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// The years that have a day in a range, as ranges that do not touch, in order.
    pub(in super::super) fn years(&self) -> Vec<(u32, u32)> {
        let mut years: Vec<(u32, u32)> = Vec::new();
        for &(first, last) in &self.ranges {
            let year = |number| Day::from_number(number).map_or(0, |day| day.year);
            match years.last_mut() {
                Some((_, end)) if *end + 1 >= year(first) => *end = year(last),
                _ => years.push((year(first), year(last))),
            }
        }
        years
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    pub(super) fn lengths(&self) -> &[usize] {
        &self.length
    }

    pub(super) fn rank(&self, text: &[char], reading: Reading) -> Option<u32> {
        let mut rest = text;
        let (mut year, mut month, mut day) = (0, 0, 0);
        for piece in &self.layout {
            let (field, after) = rest.split_at_checked(piece.width())?;
            rest = after;
            let field_number = || u32::try_from(read_number(field)?).ok();
            match *piece {
                Piece::Day => day = field_number()?,
                Piece::Month => month = field_number()?,
                Piece::Separator { character, fold } => {
                    let expected = match reading {
                        Reading::Exact => character,
                        Reading::Folded => fold,
                    };
                    if field != [expected] {
                        return None;
                    }
                }
                Piece::Year => year = field_number()?,
            }
        }
        let number = Day::new(year, month, day)
            .filter(|_| rest.is_empty())?
            .number();
        let mut before = 0;
        for &(first, last) in &self.ranges {
            if (first..=last).contains(&number) {
                return Some(before + number - first);
            }
            before += last - first + 1;
        }
        None
    }

    pub(super) fn write(&self, rank: u32, text: &mut SecretText) -> Option<()> {
        let mut rest = rank;
        for &(first, last) in &self.ranges {
            let size = last - first + 1;
            if let Some(after) = rest.checked_sub(size) {
                rest = after;
                continue;
            }
            let day = Day::from_number(first + rest)?;
            for piece in &self.layout {
                match *piece {
                    Piece::Day => push_number(text, day.day.into(), piece.width()),
                    Piece::Month => push_number(text, day.month.into(), piece.width()),
                    Piece::Separator { character, .. } => text.push(character),
                    Piece::Year => push_number(text, day.year.into(), piece.width()),
                }
            }
            return Some(());
        }
        None
    }
}

impl Piece {
    pub(in super::super) fn width(self) -> usize {
        match self {
            Self::Day | Self::Month => 2,
            Self::Separator { .. } => 1,
            Self::Year => 4,
        }
    }

    /// The pieces of a layout like `YYYY-MM-DD`.
    pub(in super::super) fn parse(layout: &str) -> Result<Vec<Self>, Fault> {
        let mut pieces = Vec::new();
        let mut rest = layout;
        while let Some(character) = rest.chars().next() {
            let fields = [("YYYY", Self::Year), ("MM", Self::Month), ("DD", Self::Day)];
            let field = fields
                .into_iter()
                .find_map(|(name, piece)| Some((piece, rest.strip_prefix(name)?)));
            if let Some((piece, after)) = field {
                if pieces.contains(&piece) {
                    return Err(Fault::LayoutInvalid);
                }
                pieces.push(piece);
                rest = after;
                continue;
            }
            let fold = match character {
                ' ' => ' ',
                _ => folded(character).ok_or(Fault::CharacterUnfit { character })?,
            };
            if fold.is_ascii_alphanumeric() {
                return Err(Fault::LayoutInvalid);
            }
            pieces.push(Self::Separator { character, fold });
            rest = rest.strip_prefix(character).unwrap_or("");
        }
        let is_whole = [Self::Year, Self::Month, Self::Day]
            .iter()
            .all(|field| pieces.contains(field));
        if is_whole && pieces.len() <= PIECES_MAX {
            return Ok(pieces);
        }
        Err(Fault::LayoutInvalid)
    }
}

fn day_number(text: &str) -> Result<DayNumber, Fault> {
    let day = Day::parse(text).ok_or_else(|| Fault::DateInvalid {
        text: text.to_owned(),
    })?;
    Ok(day.number())
}

/// Three fields, and room for words between them.
const PIECES_MAX: usize = 32;
