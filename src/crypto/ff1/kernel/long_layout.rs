//! What is public of numeral strings of any length, computed before a value is known.

use zeroize::Zeroizing;

use super::Words;
use super::limbs::shift_up;
use super::message::BLOCK_BYTES;
use super::message::Shape;
use super::reciprocal::Reciprocal;
use super::words::low;
use super::words::wide;

/// The longest half, in bits: of the largest domain, and more than any text of interchange needs
/// that is not very long.
pub(super) const HALF_BITS_MAX: usize = 8_192;

/// What is public of numeral strings of any length.
#[derive(Clone, Debug)]
pub(super) struct LongLayout {
    pub(super) shape: Shape,
    /// d, the bytes of S.
    pub(super) number_bytes: usize,
    /// radix^u, for rounds of an even number.
    pub(super) even: LongModulus,
    /// radix^v, for rounds of an odd number.
    pub(super) odd: LongModulus,
}

/// A modulus with what can be computed of it beforehand.
#[derive(Clone, Debug)]
pub(super) struct LongModulus {
    /// m, in as few words as it has, but at least one.
    pub(super) words: Vec<u64>,
    /// m shifted up so that the highest bit of its highest word is set; at least two words.
    pub(super) shifted: Vec<u64>,
    pub(super) shift: u32,
    /// Of the two highest words of the shifted m.
    pub(super) reciprocal: Reciprocal,
}

impl LongLayout {
    /// The layout of strings of so many numerals, at least 2; nothing, if a half is too long.
    pub(super) fn of(radix: u32, count: u32) -> Option<Self> {
        // 1. Let u = floor(n / 2); v = n - u.
        let u = count / 2;
        let even = power(radix, u)?;
        let odd = power(radix, count - u)?;
        // 3. b = ceil(ceil(v × log2(radix)) / 8): the bytes of the largest half, radix^v - 1.
        let half_bytes = bits(&one_less(&odd)).div_ceil(8);
        // 4. d = 4 × ceil(b / 4) + 4.
        let number_bytes = 4 * half_bytes.div_ceil(4) + 4;
        if u == 0 || 8 * half_bytes > HALF_BITS_MAX {
            return None;
        }
        Some(Self {
            shape: Shape {
                radix,
                count,
                half_bytes,
            },
            number_bytes,
            even: LongModulus::of(even)?,
            odd: LongModulus::of(odd)?,
        })
    }

    /// Zeros, as many words as any rank may have.
    pub(super) fn room(&self) -> Words {
        let words = self.even.words.len() + self.odd.words.len();
        Zeroizing::new(vec![0; words])
    }

    /// The bytes of P || Q that differ between rounds, with what is left of the tweak before them.
    pub(super) fn message_bytes(&self, rest: &[u8]) -> usize {
        (rest.len() + self.shape.half_bytes + 1).next_multiple_of(BLOCK_BYTES)
    }

    /// How many words each half has room for.
    pub(super) fn half_words(&self) -> usize {
        self.odd.words.len()
    }
}

impl LongModulus {
    fn of(words: Vec<u64>) -> Option<Self> {
        let length = words.len().max(2);
        let shift = u32::try_from(64 * length - bits(&words)).ok()?;
        let mut shifted = vec![0; length];
        shift_up(&mut shifted, &words, shift);
        let [.., d0, d1] = *shifted else {
            return None;
        };
        Some(Self {
            words,
            shifted,
            shift,
            reciprocal: Reciprocal::of(wide(d1, d0)),
        })
    }

    /// How many words of a quotient there may be, where a number of so many bits is divided.
    pub(super) fn quotient_words(&self, number_bits: usize) -> usize {
        let shift = usize::try_from(self.shift).unwrap_or(0);
        let modulus_bits = 64 * self.shifted.len() - shift;
        // The number is below 2^number_bits, and m at least 2^(modulus_bits - 1).
        (number_bits + 1)
            .saturating_sub(modulus_bits)
            .div_ceil(64)
            .max(1)
    }
}

/// radix^exponent, in as few words as it has; nothing, if it is longer than a half may be.
fn power(radix: u32, exponent: u32) -> Option<Vec<u64>> {
    let mut words = vec![1];
    for _ in 0..exponent {
        let mut carry = 0_u128;
        for word in &mut words {
            let sum = u128::from(*word) * u128::from(radix) + carry;
            *word = low(sum);
            carry = sum >> 64;
        }
        if carry > 0 {
            words.push(low(carry));
        }
        // radix^v itself may be one bit longer than the largest half.
        if bits(&words) > HALF_BITS_MAX + 1 {
            return None;
        }
    }
    Some(words)
}

/// The words of `number - 1`; the number is not zero.
fn one_less(number: &[u64]) -> Vec<u64> {
    let mut less = number.to_vec();
    for word in &mut less {
        let (difference, borrowed) = word.overflowing_sub(1);
        *word = difference;
        if !borrowed {
            break;
        }
    }
    less
}

/// How many bits a public number has.
fn bits(words: &[u64]) -> usize {
    let is_set = |word: &u64| *word != 0;
    let Some(last) = words.iter().rposition(is_set) else {
        return 0;
    };
    let top = words.get(last).map_or(0, |word| word.leading_zeros());
    64 * (last + 1) - usize::try_from(top).unwrap_or(0)
}
