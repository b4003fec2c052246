//! Arithmetic modulo m = radix^(n/2), for halves that are one integer of 64 or of 128 bits.
//!
//! FF1 adds a number y of d bytes to a half, modulo m. y is less than 2^64 times as large as m
//! (d bytes are at most 7 more than b, the bytes of the half), so one division with a quotient of
//! one word gives y mod m. All shifts, sizes and masks are public: they depend on the domain.

use zeroize::Zeroize;

use super::number::Number;
use super::reciprocal::Reciprocal;
use super::reciprocal::WordReciprocal;
use super::words::high;
use super::words::low;
use super::words::mask;
use super::words::product;
use super::words::wide;
use super::words::wide_mask;

/// m, with what can be computed of it beforehand.
pub(super) trait Modulus: Copy {
    /// A number below m.
    type Half: Copy + Into<u128> + Zeroize + Default;

    /// The modulus, if its halves fit; 2 is the smallest.
    fn of(modulus: u128) -> Option<Self>;

    /// A = rank div m and B = rank mod m, of a rank below m².
    fn split(&self, rank: Number) -> (Self::Half, Self::Half);

    /// A × m + B.
    fn join(&self, a: Self::Half, b: Self::Half) -> Number;

    /// y mod m, where y is the number of the first d bytes of the block.
    ///
    /// Source: NIST SP 800-38G, algorithm 7, steps 6iii to 6v.
    fn residue(&self, block: u128) -> Self::Half;

    /// `(half + y) mod m`.
    ///
    /// Source: NIST SP 800-38G, algorithm 7, step 6vi.
    fn add(&self, half: Self::Half, y: Self::Half) -> Self::Half;

    /// `(half - y) mod m`.
    ///
    /// Source: NIST SP 800-38G, algorithm 8, step 6vi.
    fn subtract(&self, half: Self::Half, y: Self::Half) -> Self::Half;
}

/// Where y is in a block, so that it is at once a multiple of the shift of m.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The first d bytes.
    mask: u128,
    /// How far they are above y times the shift of m, 1 to 33 bits.
    shift: u32,
}

impl Place {
    /// For m shifted up by so many bits to the top of `word_bits`.
    fn of(modulus: u128, modulus_shift: u32, word_bits: u32) -> Self {
        let number_bits = 8 * number_bytes(half_bytes(modulus));
        // The block's first 64 bits stand for the word above the shifted m.
        Self {
            mask: u128::MAX.wrapping_shl(128 - number_bits),
            shift: word_bits + 64 - number_bits - modulus_shift,
        }
    }

    /// The words of the masked block, shifted down, from the highest: the third has what falls
    /// out of the second.
    #[inline(always)]
    fn words(self, block: u128) -> (u64, u64, u64) {
        let (first, second) = (high(block & self.mask), low(block & self.mask));
        // Neither shift is 0 or 64.
        let (down, up) = (self.shift, 64_u32.wrapping_sub(self.shift));
        (
            first.wrapping_shr(down),
            first.wrapping_shl(up) | second.wrapping_shr(down),
            second.wrapping_shl(up),
        )
    }
}

/// b = ceil(ceil(v × log2(radix)) / 8): the bytes of the largest half, m - 1. Exact, since they
/// are counted, and no logarithm is rounded.
///
/// Source: NIST SP 800-38G, algorithm 7, step 3.
pub(super) fn half_bytes(modulus: u128) -> u32 {
    (u128::BITS - (modulus - 1).leading_zeros()).div_ceil(8)
}

/// d = 4 × ceil(b / 4) + 4.
///
/// Source: NIST SP 800-38G, algorithm 7, step 4.
fn number_bytes(half_bytes: u32) -> u32 {
    4 * half_bytes.div_ceil(4) + 4
}

/// m below 2^64: y has 8 or 12 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct OneWord {
    modulus: u64,
    /// By how much m is shifted so that its highest bit is set.
    shift: u32,
    /// Of the shifted m.
    reciprocal: WordReciprocal,
    place: Place,
}

impl Modulus for OneWord {
    type Half = u64;

    fn of(modulus: u128) -> Option<Self> {
        let word = u64::try_from(modulus).ok().filter(|word| *word > 1)?;
        let shift = word.leading_zeros();
        Some(Self {
            modulus: word,
            shift,
            reciprocal: WordReciprocal::of(word << shift),
            place: Place::of(modulus, shift, 64),
        })
    }

    #[inline(always)]
    fn split(&self, rank: Number) -> (u64, u64) {
        // Below m², so that nothing is shifted out and the quotient is one word.
        let shifted = rank.bottom.wrapping_shl(self.shift);
        let (a, b) = self.reciprocal.divide(high(shifted), low(shifted));
        (a, b.wrapping_shr(self.shift))
    }

    #[inline(always)]
    fn join(&self, a: u64, b: u64) -> Number {
        Number {
            top: 0,
            bottom: product(a, self.modulus).wrapping_add(u128::from(b)),
        }
    }

    #[inline(always)]
    fn residue(&self, block: u128) -> u64 {
        let (top, bottom, _) = self.place.words(block);
        let (_, residue) = self.reciprocal.divide(top, bottom);
        residue.wrapping_shr(self.shift)
    }

    #[inline(always)]
    fn add(&self, half: u64, y: u64) -> u64 {
        // The sum may need a 65th bit, the difference does not.
        self.subtract(half, self.modulus.wrapping_sub(y))
    }

    #[inline(always)]
    fn subtract(&self, half: u64, y: u64) -> u64 {
        let (difference, borrowed) = half.overflowing_sub(y);
        difference.wrapping_add(self.modulus & mask(borrowed))
    }
}

/// m up to 2^96: y has at most 16 bytes, which is one block.
#[derive(Clone, Copy, Debug)]
pub(super) struct TwoWords {
    modulus: u128,
    /// By how much m is shifted so that its highest bit is set.
    shift: u32,
    /// Of the shifted m.
    reciprocal: Reciprocal,
    place: Place,
}

impl Modulus for TwoWords {
    type Half = u128;

    fn of(modulus: u128) -> Option<Self> {
        if !(2..=Self::MAX).contains(&modulus) {
            return None;
        }
        let shift = modulus.leading_zeros();
        Some(Self {
            modulus,
            shift,
            reciprocal: Reciprocal::of(modulus << shift),
            place: Place::of(modulus, shift, 128),
        })
    }

    #[inline(always)]
    fn split(&self, rank: Number) -> (u128, u128) {
        // Below m², so that nothing is shifted out and the quotient is two words. The shift is
        // 31 to 126.
        let (up, down) = (self.shift, 128_u32.wrapping_sub(self.shift));
        let top = rank.top.wrapping_shl(up) | rank.bottom.wrapping_shr(down);
        let bottom = rank.bottom.wrapping_shl(up);
        let (a1, rest) = self.reciprocal.divide(top, high(bottom));
        let (a0, rest) = self.reciprocal.divide(rest, low(bottom));
        (wide(a1, a0), rest.wrapping_shr(up))
    }

    #[inline(always)]
    fn join(&self, a: u128, b: u128) -> Number {
        let m = self.modulus;
        // Each of the two has at most 97 bits.
        let crossed = product(low(a), high(m)).wrapping_add(product(high(a), low(m)));
        let (bottom, first) = product(low(a), low(m)).overflowing_add(wide(low(crossed), 0));
        let (bottom, second) = bottom.overflowing_add(b);
        let top = product(high(a), high(m))
            .wrapping_add(u128::from(high(crossed)))
            .wrapping_add(u128::from(first))
            .wrapping_add(u128::from(second));
        Number { top, bottom }
    }

    #[inline(always)]
    fn residue(&self, block: u128) -> u128 {
        let (first, second, third) = self.place.words(block);
        let (_, residue) = self.reciprocal.divide(wide(first, second), third);
        residue.wrapping_shr(self.shift)
    }

    #[inline(always)]
    fn add(&self, half: u128, y: u128) -> u128 {
        self.subtract(half, self.modulus.wrapping_sub(y))
    }

    #[inline(always)]
    fn subtract(&self, half: u128, y: u128) -> u128 {
        let (difference, borrowed) = half.overflowing_sub(y);
        difference.wrapping_add(self.modulus & wide_mask(borrowed))
    }
}

impl TwoWords {
    /// The largest m: b is at most 12 then, and d at most 16.
    const MAX: u128 = 1 << 96;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<M: Modulus<Half: PartialEq + std::fmt::Debug>>(modulus: u128, block: u128)
    where
        u128: From<M::Half>,
    {
        let m = M::of(modulus).unwrap();
        let bits = 8 * number_bytes(half_bytes(modulus));
        let y = u128::from(m.residue(block));
        assert_eq!(y, (block >> (128 - bits)) % modulus);
        let (y, other) = (m.residue(block), m.residue(!block));
        let sum = (u128::from(y) + u128::from(other)) % modulus;
        assert_eq!(u128::from(m.add(y, other)), sum);
        assert_eq!(m.subtract(m.add(y, other), other), y);
        assert_eq!(m.split(m.join(y, other)), (y, other));
    }

    /// Blocks whose number is near a multiple of m, where an estimate of the quotient fails.
    fn block_near_multiple(modulus: u128, multiple: u64, offset: i128) -> u128 {
        let bits = 8 * number_bytes(half_bytes(modulus));
        let limit = u128::MAX >> (128 - bits);
        let number = u128::from(multiple) % (limit / modulus + 1) * modulus;
        number.wrapping_add_signed(offset).min(limit) << (128 - bits)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn arithmetic_is_exact(
            bits in 2_u32..97, fraction: u128, multiple: u64, offset in -2_i128..3, block: u128,
        ) {
            let modulus = (1_u128 << (bits - 1)) | (fraction >> (129 - bits));
            for block in [block, block_near_multiple(modulus, multiple, offset)] {
                check::<TwoWords>(modulus, block);
                if bits <= 64 {
                    check::<OneWord>(modulus, block);
                }
            }
        }
    }

    #[test]
    fn largest_and_smallest_moduli_are_taken() {
        for modulus in [
            2,
            3,
            1 << 32,
            (1 << 32) + 1,
            (1 << 64) - 1,
            1 << 64,
            1 << 96,
        ] {
            for block in [0, 1, u128::MAX, u128::MAX << 32, u128::MAX << 64, 1 << 127] {
                check::<TwoWords>(modulus, block);
                if modulus < 1 << 64 {
                    check::<OneWord>(modulus, block);
                }
            }
        }
        assert!(TwoWords::of((1 << 96) + 1).is_none());
        assert!(OneWord::of(1 << 64).is_none());
        assert!(OneWord::of(1).is_none());
        assert!(TwoWords::of(1).is_none());
    }
}
