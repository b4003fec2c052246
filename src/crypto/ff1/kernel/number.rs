//! Ranks of up to 256 bits, on the stack.

use zeroize::Zeroize;

use super::words::high;
use super::words::low;
use super::words::wide;

/// A number of up to 256 bits.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) top: u128,
    pub(super) bottom: u128,
}

impl Number {
    /// The number of at most four words, least significant first.
    #[inline(always)]
    pub(super) fn from_limbs(limbs: &[u64]) -> Option<Self> {
        let (top, bottom) = match *limbs {
            [] => (0, 0),
            [n0] => (0, u128::from(n0)),
            [n0, n1] => (0, wide(n1, n0)),
            [n0, n1, n2] => (u128::from(n2), wide(n1, n0)),
            [n0, n1, n2, n3] => (wide(n3, n2), wide(n1, n0)),
            _ => return None,
        };
        Some(Self { top, bottom })
    }

    /// Its words, least significant first.
    #[inline(always)]
    pub(super) fn limbs(self) -> [u64; 4] {
        let Self { top, bottom } = self;
        [low(bottom), high(bottom), low(top), high(top)]
    }

    /// Whether it is below the other, in time that does not depend on where they differ.
    #[inline(always)]
    pub(super) fn is_below(self, other: Self) -> bool {
        let (_, borrowed) = self.bottom.overflowing_sub(other.bottom);
        let (difference, first) = self.top.overflowing_sub(other.top);
        let (_, second) = difference.overflowing_sub(u128::from(borrowed));
        first | second
    }
}

impl Zeroize for Number {
    fn zeroize(&mut self) {
        self.top.zeroize();
        self.bottom.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_every_word() {
        let number = |limbs: [u64; 4]| Number::from_limbs(&limbs).unwrap();
        for place in 0..4 {
            let (mut less, mut more) = ([7; 4], [7; 4]);
            (less[place], more[place]) = (6, u64::MAX);
            // Whatever is below that word does not matter.
            (0..place).for_each(|below| less[below] = u64::MAX);
            assert!(number(less).is_below(number(more)));
            assert!(!number(more).is_below(number(less)));
        }
        assert!(!number([7; 4]).is_below(number([7; 4])));
        assert_eq!(number([1, 2, 3, 4]).limbs(), [1, 2, 3, 4]);
        assert!(Number::from_limbs(&[0; 5]).is_none());
    }
}
