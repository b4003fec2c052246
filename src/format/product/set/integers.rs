//! Ranges of integers, in decimal digits.

use zeroize::Zeroizing;

use super::super::error::Fault;
use crate::format::secret_text::SecretText;

/// The integers of some ranges, from the least to the greatest.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct Integers {
    ranges: Box<[Range]>,
    /// How many digits, with leading zeros; without it, as many as the integer needs.
    pub(in super::super) width: Option<usize>,
    size: u32,
    lengths: Box<[usize]>,
}

/// The first and the last integer.
type Range = (u64, u64);

impl Integers {
    pub(in super::super) fn new(pairs: &[[u64; 2]], width: Option<usize>) -> Result<Self, Fault> {
        let mut ranges: Vec<Range> = Vec::new();
        let mut lengths = Vec::new();
        let mut size = 0_u32;
        for &[first, last] in pairs {
            let span = last.checked_sub(first).ok_or(Fault::RangeReversed)?;
            if ranges.last().is_some_and(|&(_, before)| before >= first) {
                return Err(Fault::RangesUnordered);
            }
            let own = u32::try_from(span)
                .ok()
                .and_then(|span| span.checked_add(1));
            let sum = own.and_then(|own| size.checked_add(own));
            size = sum.ok_or(Fault::IntegerSpan)?;
            ranges.push((first, last));
            lengths.extend(digits_count(first)..=digits_count(last));
        }
        let &(_, most) = ranges.last().ok_or(Fault::SetEmpty)?;
        if let Some(width) = width {
            if width < digits_count(most) || width > DIGITS_MAX {
                return Err(Fault::Width);
            }
            lengths = vec![width];
        }
        lengths.dedup();
        Ok(Self {
            ranges: ranges.into(),
            width,
            size,
            lengths: lengths.into(),
        })
    }

    pub(in super::super) fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    pub(in super::super) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    pub(super) fn rank(&self, text: &[char]) -> Option<u32> {
        let number = read_number(text)?;
        if text.len() != self.width.unwrap_or(digits_count(number)) {
            return None;
        }
        let mut before = 0;
        for &(first, last) in &self.ranges {
            if (first..=last).contains(&number) {
                return u32::try_from(before + (number - first)).ok();
            }
            before += last - first + 1;
        }
        None
    }

    pub(super) fn write(&self, rank: u32, text: &mut SecretText) -> Option<()> {
        let mut rest = u64::from(rank);
        for &(first, last) in &self.ranges {
            if rest <= last - first {
                push_number(text, first + rest, self.width.unwrap_or(0));
                return Some(());
            }
            rest -= last - first + 1;
        }
        None
    }
}

/// Reads a number of decimal digits of ASCII, with or without leading zeros.
pub(super) fn read_number(text: &[char]) -> Option<u64> {
    let mut digits = text.iter().map(|character| character.to_digit(10));
    let number = digits.try_fold(0_u64, |number, digit| {
        number.checked_mul(10)?.checked_add(u64::from(digit?))
    });
    number.filter(|_| !text.is_empty())
}

/// Adds a number with at least `width` digits, without a copy elsewhere.
pub(in super::super) fn push_number(text: &mut SecretText, number: u64, width: usize) {
    let mut digits = Zeroizing::new([0_u32; DIGITS_MAX]);
    let mut rest = Zeroizing::new(number);
    for digit in digits.iter_mut().rev() {
        *digit = u32::try_from(*rest % 10).unwrap_or(0);
        *rest /= 10;
    }
    let count = digits_count(number).max(width);
    for &digit in digits.iter().skip(DIGITS_MAX - count.min(DIGITS_MAX)) {
        text.extend(char::from_digit(digit, 10).into_iter());
    }
}

pub(super) fn digits_count(number: u64) -> usize {
    let logarithm = number.checked_ilog10().unwrap_or(0);
    usize::try_from(logarithm).map_or(DIGITS_MAX, |digits| digits + 1)
}

/// `u64::MAX` has so many digits.
const DIGITS_MAX: usize = 20;
