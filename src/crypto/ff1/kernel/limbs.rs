//! Integers of any length as words, least significant first, on the stack.
//!
//! Every loop runs over the whole length, which is public, and every choice is a mask: the time
//! depends on the lengths alone. Slices that are combined have one length; where one is longer,
//! what is beyond the shorter one is left as it is.

use super::reciprocal::Reciprocal;
use super::words::add;
use super::words::high;
use super::words::low;
use super::words::mask;
use super::words::product;
use super::words::subtract;
use super::words::wide;

/// Becomes `to + from` where all bits of the mask are set, and stays where none is; returns the
/// carry, 0 or 1.
pub(super) fn add_to(to: &mut [u64], from: &[u64], mask: u64) -> u64 {
    let mut carry = 0;
    for (to, from) in to.iter_mut().zip(from) {
        (*to, carry) = add(*to, *from & mask, carry);
    }
    carry
}

/// Becomes `to - from` where all bits of the mask are set, and stays where none is; returns the
/// borrow, 0 or 1.
pub(super) fn subtract_from(to: &mut [u64], from: &[u64], mask: u64) -> u64 {
    let mut borrow = 0;
    for (to, from) in to.iter_mut().zip(from) {
        (*to, borrow) = subtract(*to, *from & mask, borrow);
    }
    borrow
}

/// Whether it is less than the other, which has no more words; those that it has not are zeros.
pub(super) fn is_below(one: &[u64], other: &[u64]) -> bool {
    let mut borrow = 0;
    let others = other.iter().copied().chain(std::iter::repeat(0));
    for (one, other) in one.iter().zip(others) {
        (_, borrow) = subtract(*one, other, borrow);
    }
    borrow == 1
}

/// `to = one × other + to`. `to` has as many words as both together, and room for the sum.
pub(super) fn multiply_add(to: &mut [u64], one: &[u64], other: &[u64]) {
    for (place, factor) in one.iter().enumerate() {
        let mut carry = 0;
        let to = to.get_mut(place..).unwrap_or_default();
        let mut others = other.iter();
        for to in to {
            // Beyond the other's words only the carry is added.
            let word = others.next().copied().unwrap_or(0);
            let sum = product(*factor, word)
                .wrapping_add(u128::from(*to))
                .wrapping_add(u128::from(carry));
            (*to, carry) = (low(sum), high(sum));
        }
    }
}

/// `to = from × 2^bits`, with zeros for the words that `from` does not have.
pub(super) fn shift_up(to: &mut [u64], from: &[u64], bits: u32) {
    let (words, bits) = in_words(bits);
    let mut below = 0;
    let words_below = std::iter::repeat_n(0, words);
    let from = words_below
        .chain(from.iter().copied())
        .chain(std::iter::repeat(0));
    for (to, from) in to.iter_mut().zip(from) {
        *to = high(wide(from, below).wrapping_shl(bits));
        below = from;
    }
}

/// `to = from ÷ 2^bits`, with zeros for the words that `from` does not have.
pub(super) fn shift_down(to: &mut [u64], from: &[u64], bits: u32) {
    let (words, bits) = in_words(bits);
    let mut from = from.iter().copied().skip(words).chain(std::iter::repeat(0));
    let mut this = from.next().unwrap_or(0);
    for (to, above) in to.iter_mut().zip(from) {
        *to = low(wide(above, this).wrapping_shr(bits));
        this = above;
    }
}

fn in_words(bits: u32) -> (usize, u32) {
    (
        usize::try_from(bits / u64::BITS).unwrap_or(0),
        bits % u64::BITS,
    )
}

/// The bytes as a number, the last byte least significant. Missing bytes are zeros.
pub(super) fn from_bytes(to: &mut [u64], bytes: &[u8]) {
    let mut chunks = bytes.rchunks(8);
    for to in to {
        let mut word = [0; 8];
        let chunk = chunks.next().unwrap_or_default();
        for (to, from) in word.iter_mut().rev().zip(chunk.iter().rev()) {
            *to = *from;
        }
        *to = u64::from_be_bytes(word);
    }
}

/// The number as bytes, the last least significant: as many low ones as there is room for.
pub(super) fn to_bytes(bytes: &mut [u8], from: &[u64]) {
    for (chunk, word) in bytes.rchunks_mut(8).zip(from) {
        for (to, from) in chunk.iter_mut().rev().zip(word.to_le_bytes()) {
            *to = from;
        }
    }
}

/// Divides in place by a divisor of at least two words whose highest bit is set: the low words
/// become the remainder, and each word above gives one of the quotient, from the highest.
///
/// The number's highest words, as many as the divisor has, must be below the divisor.
///
/// Source: Knuth, "The art of computer programming", volume 2, section 4.3.1, algorithm D, with
/// the estimate of a quotient word from three words by two, which is at most one too large.
pub(super) fn divide(
    number: &mut [u64],
    divisor: &[u64],
    reciprocal: Reciprocal,
    mut quotient: impl FnMut(u64),
) {
    let steps = number.len().saturating_sub(divisor.len());
    for place in (0..steps).rev() {
        let window = number.get_mut(place..).unwrap_or_default();
        let window = window.get_mut(..=divisor.len()).unwrap_or_default();
        quotient(divide_step(window, divisor, reciprocal));
    }
}

/// Divides a number of one word more than the divisor: the remainder stays, the quotient returns.
fn divide_step(window: &mut [u64], divisor: &[u64], reciprocal: Reciprocal) -> u64 {
    let ([.., u0, u1, u2], [.., d0, d1]) = (&*window, divisor) else {
        return 0;
    };
    let (top, divisor_top) = (wide(*u2, *u1), wide(*d1, *d0));
    let (estimate, _) = reciprocal.divide(top, *u0);
    // The division takes numbers below the divisor. Where the highest words are equal, which the
    // lower ones allow, the quotient is the largest word, or one less.
    let is_equal = mask(top == divisor_top);
    let estimate = estimate | is_equal;
    // The window loses estimate × divisor.
    let (mut carry, mut borrow) = (0, 0);
    let divisors = divisor.iter().copied().chain([0]);
    for (to, word) in window.iter_mut().zip(divisors) {
        let taken = product(estimate, word).wrapping_add(u128::from(carry));
        carry = high(taken);
        (*to, borrow) = subtract(*to, low(taken), borrow);
    }
    // One too much: the divisor is given back.
    let is_too_large = mask(borrow == 1);
    let mut carry = 0;
    let divisors = divisor.iter().copied().chain([0]);
    for (to, word) in window.iter_mut().zip(divisors) {
        (*to, carry) = add(*to, word & is_too_large, carry);
    }
    estimate.wrapping_add(is_too_large)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Words that carries and estimates go wrong at, and random ones.
    fn word() -> impl Strategy<Value = u64> {
        prop_oneof![
            Just(0_u64),
            Just(1),
            Just(u64::MAX),
            Just(u64::MAX - 1),
            Just(1 << 63),
            any::<u64>(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Goal: quotient and remainder are exact, also where the estimate of a word is too large
        /// or its highest words are equal. Method: quotient × divisor + remainder, both ways.
        #[test]
        fn division_undoes_multiplication(
            mut divisor in vec(word(), 2..6), quotient in vec(word(), 1..5),
            mut remainder in vec(word(), 6), repeats: bool,
        ) {
            let length = divisor.len();
            divisor[length - 1] |= 1 << 63;
            remainder.truncate(length);
            if repeats {
                // As near to the divisor as a remainder may be: equal but for the lowest word.
                remainder.clone_from(&divisor);
                remainder[0] = 0;
            }
            prop_assume!(is_below(&remainder, &divisor));
            let mut number = remainder.clone();
            number.resize(length + quotient.len(), 0);
            multiply_add(&mut number, &quotient, &divisor);
            let top = wide(divisor[length - 1], divisor[length - 2]);
            let mut words = Vec::new();
            divide(&mut number, &divisor, Reciprocal::of(top), |word| words.push(word));
            words.reverse();
            prop_assert_eq!(words, quotient);
            prop_assert_eq!(&number[..length], &remainder[..]);
            prop_assert!(number[length..].iter().all(|word| *word == 0));
        }

        #[test]
        fn shifting_down_undoes_shifting_up(from in vec(word(), 1..5), bits in 0_u32..128) {
            let (mut up, mut down) = (vec![0; from.len() + 2], vec![0; from.len()]);
            shift_up(&mut up, &from, bits);
            shift_down(&mut down, &up, bits);
            prop_assert_eq!(down, from);
        }

        #[test]
        fn bytes_are_the_number(from in vec(word(), 1..5), cut in 0_usize..8) {
            let mut bytes = vec![0; 8 * from.len() - cut];
            to_bytes(&mut bytes, &from);
            let mut expected: Vec<u8> = from.iter().rev().flat_map(|word| word.to_be_bytes()).collect();
            expected.drain(..cut);
            prop_assert_eq!(&bytes, &expected);
            let mut back = vec![7; from.len() + 1];
            from_bytes(&mut back, &bytes);
            let mut again = vec![7; bytes.len()];
            to_bytes(&mut again, &back);
            prop_assert_eq!(again, bytes);
            prop_assert_eq!(back[from.len()], 0);
        }
    }
}
