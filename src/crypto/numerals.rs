//! The numeral string that stands for a rank. **Frozen for format version 1.**
//!
//! FF1 enciphers strings of n numerals of radix r, that is, numbers below r^n. For a domain of N
//! values, n is the smallest even count for which a radix of at most 65,536 suffices, and r the
//! smallest radix then: r = ceil(N^(1/n)). So r^n is little larger than N (at most 1.6 % up to
//! 2,000 bits), and hardly ever is a second step of the cycle walk needed; and n is as small as
//! can be, since FF1's cost grows with it. n is even, so that both halves are equally large.
//!
//! Integers only: a root in floating point may be off by one, and a token would then open to
//! something else on another machine. `docs/decisions/0003-ff1-numerals.md` has the alternatives.
//!
//! Whatever changes here changes every token: a change is a new format version.

use std::cmp::Ordering;

use zeroize::Zeroizing;

use crate::domain::DomainSize;
use crate::domain::Rank;

/// How many numerals of which radix stand for the ranks of a domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Numerals {
    /// How many values one numeral has, 2 to 65,536.
    pub(super) radix: u32,
    /// How many numerals the string has: even, at least 2.
    pub(super) count: u32,
}

impl Numerals {
    /// The numerals for a domain. Costs about 15 × count multiplications of the domain's length.
    pub(super) fn of(domain: &DomainSize) -> Self {
        let count = smallest_count(domain);
        Self {
            radix: smallest_radix(count, domain),
            count,
        }
    }

    /// The numerals of a rank, most significant first.
    pub(super) fn string_of(self, rank: &Rank) -> Zeroizing<Vec<u16>> {
        // Dividing destroys its number, so it is done to a copy.
        let mut rest = Rank::from_limbs(Zeroizing::new(rank.expose_limbs().to_vec()));
        let mut numerals: Zeroizing<Vec<u16>> = Zeroizing::new(
            (0..self.count)
                .map(|_| numeral(rest.divide(self.radix)))
                .collect(),
        );
        numerals.reverse();
        numerals
    }

    /// The number that the numerals are, below r^n; it may be outside the domain.
    pub(super) fn rank_of(self, numerals: &[u16], domain: &DomainSize) -> Rank {
        let mut rank = Rank::zero(domain);
        for numeral in numerals {
            rank.multiply_add(self.radix, u32::from(*numeral));
        }
        rank
    }
}

fn smallest_count(domain: &DomainSize) -> u32 {
    // N is at least 2^(bits - 1), so fewer numerals of 16 bits than this cannot do.
    let bits = u32::try_from(domain.bits()).unwrap_or(u32::MAX);
    let count = bits
        .saturating_sub(1)
        .div_ceil(16)
        .next_multiple_of(2)
        .max(2);
    if power_reaches(RADIX_MAX, count, domain) {
        count
    } else {
        count + 2
    }
}

/// The smallest radix with radix^count ≥ N, by halving.
fn smallest_radix(count: u32, domain: &DomainSize) -> u32 {
    let (mut low, mut high) = (RADIX_MIN, RADIX_MAX);
    while low < high {
        let middle = low.midpoint(high);
        if power_reaches(middle, count, domain) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Whether radix^count ≥ N.
fn power_reaches(radix: u32, count: u32, domain: &DomainSize) -> bool {
    let size = match *domain.limbs() {
        [] => return true,
        [low] => u128::from(low),
        [low, high] => (u128::from(high) << 64) | u128::from(low),
        _ => return long_power_reaches(radix, count, domain),
    };
    // Overflow is at least 2^128, which is more than any size of two limbs.
    u128::from(radix)
        .checked_pow(count)
        .is_none_or(|power| power >= size)
}

fn long_power_reaches(radix: u32, count: u32, domain: &DomainSize) -> bool {
    let bits = domain.bits();
    let mut power = DomainSize::one();
    for _ in 0..count {
        power.multiply(radix);
        if power.bits() > bits {
            return true;
        }
    }
    power.compare(domain) != Ordering::Less
}

/// A remainder of division by a radix of at most 65,536.
fn numeral(remainder: u32) -> u16 {
    u16::try_from(remainder).unwrap_or(0)
}

/// NIST SP 800-38G, section 5: the smallest radix.
const RADIX_MIN: u32 = 2;

/// NIST SP 800-38G, section 5: the largest radix.
const RADIX_MAX: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn power(radix: u32, count: u32) -> DomainSize {
        let mut size = DomainSize::one();
        (0..count).for_each(|_| size.multiply(radix));
        size
    }

    fn size(bits: u32, mantissa: u32) -> DomainSize {
        let mut size = DomainSize::from_u64(u64::from(mantissa | 1 << 31));
        (32..bits).for_each(|_| size.multiply(2));
        size
    }

    /// Goal: no domain ever gets other numerals than it had.
    /// Method: values computed with Python's integers.
    #[test]
    fn numerals_are_frozen_for_format_version_1() {
        for (domain, radix, count) in [
            (DomainSize::from_u64(1_000_000), 1_000, 2),
            (DomainSize::from_u64(1_000_001), 1_001, 2),
            (DomainSize::from_u64(1 << 32), 65_536, 2),
            (DomainSize::from_u64((1 << 32) + 1), 257, 4),
            (DomainSize::from_u64(u64::MAX), 65_536, 4),
            (power(26, 12), 17_576, 4),
            (power(26, 20), 52_069, 6),
            (power(65_536, 8), 65_536, 8),
            (power(10, 60), 19_307, 14),
            (power(20_993, 512), 64_664, 460),
        ] {
            let numerals = Numerals::of(&domain);
            assert_eq!(
                numerals,
                Numerals { radix, count },
                "{} bits",
                domain.bits()
            );
        }
    }

    proptest! {
        #[test]
        fn radix_and_count_are_the_smallest(bits in 32_u32..2_000, mantissa: u32) {
            let domain = size(bits, mantissa);
            let Numerals { radix, count } = Numerals::of(&domain);
            prop_assert_eq!(count % 2, 0);
            prop_assert!(power(radix, count).compare(&domain) != Ordering::Less);
            prop_assert!(power(radix - 1, count).compare(&domain) == Ordering::Less);
            if count > 2 {
                prop_assert!(power(RADIX_MAX, count - 2).compare(&domain) == Ordering::Less);
            }
        }

        #[test]
        fn rank_comes_back_from_its_numerals(bits in 32_u32..2_000, mantissa: u32, digits: u64) {
            let domain = size(bits, mantissa);
            let numerals = Numerals::of(&domain);
            let rank = Rank::from_u64(digits % (1 << 31));
            let string = numerals.string_of(&rank);
            prop_assert_eq!(string.len(), numerals.count as usize);
            prop_assert!(numerals.rank_of(&string, &domain).equals(&rank));
        }
    }

    /// The fpe crate computes b = ceil(ceil(v × log2(radix)) / 8) with floating-point numbers,
    /// where the standard's b must be exact. Every pair of radix and v that a domain can lead to
    /// is farther from a whole number of bytes than floating point can be wrong.
    #[test]
    fn byte_length_is_never_close_to_being_rounded_wrongly() {
        let mut nearest = f64::MAX;
        for count in (2..=1_026_u32).step_by(2) {
            // Below this radix, two numerals less would do.
            let smallest = 16.0 * f64::from(count - 2) / f64::from(count);
            let logarithms = (256..65_536_u32).rev().map(|radix| f64::from(radix).log2());
            for logarithm in logarithms.take_while(|logarithm| *logarithm >= smallest) {
                // Powers of two, which are whole numbers here, are computed with integers.
                if logarithm.fract() > 0.0 {
                    let bytes = f64::from(count / 2) * logarithm / 8.0;
                    nearest = nearest.min((bytes - bytes.round()).abs());
                }
            }
        }
        println!("nearest to a whole number of bytes: {nearest:e}");
        // The largest product is below 2^10, so its error is below 2^-40.
        assert!(nearest > 1e-9, "{nearest:e}");
    }
}
