//! The Luhn algorithm.
//!
//! Source: ISO/IEC 7812-1:2017, annex B.

/// Whether digits, with their check digit among them, are right.
pub(super) fn holds(digits: impl DoubleEndedIterator<Item = u32>) -> bool {
    let mut sum = 0;
    for (digit, is_doubled) in digits.rev().zip([false, true].into_iter().cycle()) {
        sum += match digit {
            _ if !is_doubled => digit,
            // The sum of the two digits of the double.
            5.. => digit * 2 - 9,
            _ => digit * 2,
        };
    }
    sum % 10 == 0
}
