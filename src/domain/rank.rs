//! The place of a value among the values of its slice, as a number of any size.
//!
//! Only the five operations that mixed-radix ranking needs, on limbs that are overwritten when
//! they are dropped: a big-integer library would leave plaintext in freed memory.

use std::cmp::Ordering;

use zeroize::Zeroizing;

/// NIST SP 800-38G Rev. 1 (second public draft), section 5: the smallest domain for FF1.
pub const DOMAIN_SIZE_MIN: u64 = 1_000_000;

/// The place of a value in its slice, from 0. As secret as the value: no `Debug`, no `Clone`.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Rank(Zeroizing<Vec<u64>>);

/// How many values a slice has. Public: it depends on the skeleton of the value alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DomainSize(Vec<u64>);

impl Rank {
    /// Zero, with room for every rank of the domain, so that no smaller copy is left in memory.
    #[must_use]
    pub fn zero(domain: &DomainSize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(domain.0.len() + 1)))
    }

    /// The rank with this number.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        let mut limbs = Zeroizing::new(Vec::with_capacity(1));
        if number > 0 {
            limbs.push(number);
        }
        Self(limbs)
    }

    /// Becomes `self × factor + addend`.
    pub fn multiply_add(&mut self, factor: u32, addend: u32) {
        multiply_add(&mut self.0, factor, addend);
    }

    /// Becomes `self ÷ divisor` and returns the remainder; 0 where the divisor is 0.
    pub fn divide(&mut self, divisor: u32) -> u32 {
        let mut remainder = 0_u64;
        if divisor == 0 {
            return 0;
        }
        for limb in self.0.iter_mut().rev() {
            // Two steps of 32 bits each keep everything in 64-bit arithmetic.
            let high = (remainder << 32) | (*limb >> 32);
            let low = ((high % u64::from(divisor)) << 32) | (*limb & 0xffff_ffff);
            *limb = ((high / u64::from(divisor)) << 32) | (low / u64::from(divisor));
            remainder = low % u64::from(divisor);
        }
        trim(&mut self.0);
        u32::try_from(remainder).unwrap_or(0)
    }

    /// Takes off a digit of each of these sizes, the last one first, as [`Self::divide`] would one
    /// by one. As many at once as a divisor has room for: a division costs more than the rest.
    pub fn take_digits(&mut self, sizes: &[u32], digits: &mut [u32]) {
        let mut end = sizes.len().min(digits.len());
        while end > 0 {
            let (mut begin, mut product) = (end, 1_u32);
            while let Some(before) = begin.checked_sub(1)
                && let Some(size) = sizes.get(before)
                && let Some(larger) = product.checked_mul(*size)
            {
                (begin, product) = (before, larger);
            }
            let mut rest = self.divide(product);
            let sizes = sizes.get(begin..end).unwrap_or_default();
            let digits = digits.get_mut(begin..end).unwrap_or_default();
            for (size, digit) in sizes.iter().zip(digits).rev() {
                *digit = rest.checked_rem(*size).unwrap_or_default();
                rest = rest.checked_div(*size).unwrap_or_default();
            }
            end = begin;
        }
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is the place of a value in a slice of this size.
    #[must_use]
    pub fn is_in(&self, domain: &DomainSize) -> bool {
        compare(&self.0, &domain.0) == Ordering::Less
    }

    /// Whether two ranks are the same. In time that depends on where they differ: for public use
    /// in drawing again, and for tests.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        compare(&self.0, &other.0) == Ordering::Equal
    }

    /// The limbs, least significant first, without zeros at the end.
    #[must_use]
    pub fn expose_limbs(&self) -> &[u64] {
        &self.0
    }

    /// The rank of these limbs, least significant first.
    #[must_use]
    pub fn from_limbs(mut limbs: Zeroizing<Vec<u64>>) -> Self {
        trim(&mut limbs);
        Self(limbs)
    }
}

/// A rank that grows digit by digit, as [`Rank::multiply_add`] would, of which a few are put
/// together before they touch its limbs.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct RankDigits {
    rank: Rank,
    /// The sizes of the digits that the rank does not have yet, multiplied.
    factor: u32,
    /// Those digits as one.
    addend: u32,
}

impl RankDigits {
    /// No digit yet, with room for every rank of the domain.
    #[must_use]
    pub fn new(domain: &DomainSize) -> Self {
        Self {
            rank: Rank::zero(domain),
            factor: 1,
            addend: 0,
        }
    }

    /// Puts a digit behind the others, which must be below its size.
    pub fn push(&mut self, size: u32, digit: u32) {
        match self.factor.checked_mul(size) {
            Some(factor) => {
                self.factor = factor;
                // Below the factor, as each digit is below its size.
                self.addend = self.addend.wrapping_mul(size).wrapping_add(digit);
            }
            None => {
                self.rank.multiply_add(self.factor, self.addend);
                (self.factor, self.addend) = (size, digit);
            }
        }
    }

    /// The rank of all digits.
    #[must_use]
    pub fn finish(mut self) -> Rank {
        self.rank.multiply_add(self.factor, self.addend);
        self.rank
    }
}

impl DomainSize {
    /// The size of a slice whose values have a digit of each of these sizes.
    #[must_use]
    pub fn of_digits(sizes: impl IntoIterator<Item = u32>) -> Self {
        let (mut domain, mut product) = (Self::one(), 1_u32);
        for size in sizes {
            product = product.checked_mul(size).unwrap_or_else(|| {
                domain.multiply(product);
                size
            });
        }
        domain.multiply(product);
        domain
    }

    /// The size of a slice with one value.
    #[must_use]
    pub fn one() -> Self {
        Self(vec![1])
    }

    /// The size with this number.
    #[must_use]
    pub fn from_u64(number: u64) -> Self {
        let mut limbs = vec![number];
        trim(&mut limbs);
        Self(limbs)
    }

    /// Becomes `self × factor`.
    pub fn multiply(&mut self, factor: u32) {
        multiply_add(&mut self.0, factor, 0);
    }

    /// How many bits the number has.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.last().map_or(0, |top| {
            self.0.len() * 64 - usize::try_from(top.leading_zeros()).unwrap_or(0)
        })
    }

    /// Whether FF1 may serve it: at least [`DOMAIN_SIZE_MIN`].
    #[must_use]
    pub fn is_large_enough(&self) -> bool {
        compare(&self.0, &[DOMAIN_SIZE_MIN]) != Ordering::Less
    }

    /// Compares the sizes.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }

    /// The limbs, least significant first, without zeros at the end.
    #[must_use]
    pub fn limbs(&self) -> &[u64] {
        &self.0
    }
}

fn trim(limbs: &mut Vec<u64>) {
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
}

fn multiply_add(limbs: &mut Vec<u64>, factor: u32, addend: u32) {
    let mut carry = u128::from(addend);
    for limb in limbs.iter_mut() {
        let product = u128::from(*limb) * u128::from(factor) + carry;
        *limb = low(product);
        carry = product >> 64;
    }
    if carry > 0 {
        limbs.push(low(carry));
    }
    trim(limbs);
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low limb is what is wanted"
)]
fn low(wide: u128) -> u64 {
    wide as u64
}

fn compare(left: &[u64], right: &[u64]) -> Ordering {
    left.len()
        .cmp(&right.len())
        .then_with(|| left.iter().rev().cmp(right.iter().rev()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn divide_undoes_multiply_add(
            digits in proptest::collection::vec(
                (prop_oneof![1_u32..70_000, 1_u32..30, Just(u32::MAX)], any::<u32>()),
                1..60,
            ),
        ) {
            let mut domain = DomainSize::one();
            for (factor, _) in &digits {
                domain.multiply(*factor);
            }
            let mut rank = Rank::zero(&domain);
            for (factor, digit) in &digits {
                rank.multiply_add(*factor, digit % factor);
            }
            prop_assert!(rank.is_in(&domain));
            // Several digits at once are the same.
            let sizes: Vec<u32> = digits.iter().map(|(size, _)| *size).collect();
            prop_assert_eq!(&DomainSize::of_digits(sizes.iter().copied()), &domain);
            let mut together = RankDigits::new(&domain);
            for (size, digit) in &digits {
                together.push(*size, digit % size);
            }
            let mut together = together.finish();
            prop_assert!(together.equals(&rank));
            let mut taken = vec![0; sizes.len()];
            together.take_digits(&sizes, &mut taken);
            let expected: Vec<u32> = digits.iter().map(|(size, digit)| digit % size).collect();
            prop_assert_eq!(taken, expected);
            prop_assert!(together.is_zero());
            for (factor, digit) in digits.iter().rev() {
                prop_assert_eq!(rank.divide(*factor), digit % factor);
            }
            prop_assert!(rank.is_zero());
        }
    }

    #[test]
    fn domain_has_its_bits() {
        assert_eq!(DomainSize::one().bits(), 1);
        let mut domain = DomainSize::from_u64(u64::MAX);
        assert_eq!(domain.bits(), 64);
        domain.multiply(2);
        assert_eq!(domain.bits(), 65);
    }

    #[test]
    fn one_million_is_large_enough() {
        assert!(DomainSize::from_u64(1_000_000).is_large_enough());
        assert!(!DomainSize::from_u64(999_999).is_large_enough());
    }
}
