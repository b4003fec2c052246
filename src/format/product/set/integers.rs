//! Ranges of integers, in decimal digits.

use zeroize::Zeroizing;

use super::super::error::Fault;
use crate::format::secret_text::SecretText;

/// The integers from `first` to `last`, in order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct Integers {
    pub(in super::super) first: u64,
    pub(in super::super) last: u64,
    /// How many digits, with leading zeros; without it, as many as the integer needs.
    pub(in super::super) width: Option<usize>,
    size: u32,
    lengths: Box<[usize]>,
}

impl Integers {
    pub(in super::super) fn new(
        [first, last]: [u64; 2],
        width: Option<usize>,
    ) -> Result<Self, Fault> {
        let span = last.checked_sub(first).ok_or(Fault::RangeReversed)?;
        let size = u32::try_from(span)
            .ok()
            .and_then(|span| span.checked_add(1));
        let lengths: Vec<_> = match width {
            Some(width) if width < digits_count(last) || width > DIGITS_MAX => {
                return Err(Fault::Width);
            }
            Some(width) => vec![width],
            None => (digits_count(first)..=digits_count(last)).collect(),
        };
        Ok(Self {
            first,
            last,
            width,
            size: size.ok_or(Fault::IntegerSpan)?,
            lengths: lengths.into(),
        })
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    pub(in super::super) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    pub(super) fn rank(&self, text: &[char]) -> Option<u32> {
        let number = read_number(text)?;
        let is_spelled = match self.width {
            Some(width) => text.len() == width,
            None => text.len() == digits_count(number),
        };
        let is_member = is_spelled && (self.first..=self.last).contains(&number);
        let rank = number.checked_sub(self.first).filter(|_| is_member)?;
        u32::try_from(rank).ok()
    }

    pub(super) fn write(&self, rank: u32, text: &mut SecretText) -> Option<()> {
        let number = self.first.checked_add(u64::from(rank))?;
        push_number(text, number, self.width.unwrap_or(0));
        (number <= self.last).then_some(())
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
