//! Integers of any length as words, least significant first, on the stack.
//!
//! Every loop runs over the whole length, which is public, and every choice is a mask: the time
//! depends on the lengths alone. Slices that are combined have one length; where one is longer,
//! what is beyond the shorter one is left as it is.

use std::hint::black_box;

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
    let mask = black_box(mask);
    let mut carry = 0;
    for (to, from) in to.iter_mut().zip(from) {
        (*to, carry) = add(*to, *from & mask, carry);
    }
    carry
}

/// Becomes `to - from` where all bits of the mask are set, and stays where none is; returns the
/// borrow, 0 or 1.
pub(super) fn subtract_from(to: &mut [u64], from: &[u64], mask: u64) -> u64 {
    let mask = black_box(mask);
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
    let (below, to) = to.split_at_mut_checked(words).unwrap_or_default();
    below.fill(0);
    let mut last = 0_u64;
    let mut places = to.iter_mut();
    // The shorter one first: it must not take a place that it has no word for.
    for (from, to) in from.iter().zip(places.by_ref()) {
        *to = from.wrapping_shl(bits) | (last >> 1).wrapping_shr(63_u32.wrapping_sub(bits));
        last = *from;
    }
    for to in places {
        *to = (last >> 1).wrapping_shr(63_u32.wrapping_sub(bits));
        last = 0;
    }
}

/// `to = from ÷ 2^bits`, with zeros for the words that `from` does not have.
pub(super) fn shift_down(to: &mut [u64], from: &[u64], bits: u32) {
    let (words, bits) = in_words(bits);
    let from = from.get(words..).unwrap_or_default();
    let above = from.get(1..).unwrap_or_default().iter().chain([&0]);
    let mut places = to.iter_mut();
    for ((from, above), to) in from.iter().zip(above).zip(places.by_ref()) {
        *to = from.wrapping_shr(bits) | (above << 1).wrapping_shl(63_u32.wrapping_sub(bits));
    }
    places.for_each(|to| *to = 0);
}

fn in_words(bits: u32) -> (usize, u32) {
    let words = usize::try_from(bits / u64::BITS).unwrap_or(0);
    (words, bits % u64::BITS)
}

/// The bytes as a number, the last byte least significant. Missing bytes are zeros.
pub(super) fn from_bytes(to: &mut [u64], bytes: &[u8]) {
    let (first, chunks) = bytes.as_rchunks::<WORD_BYTES>();
    let mut top = [0; WORD_BYTES];
    for (to, from) in top.iter_mut().rev().zip(first.iter().rev()) {
        *to = *from;
    }
    let words = chunks.iter().rev().chain([&top]);
    let mut places = to.iter_mut();
    for (word, to) in words.zip(places.by_ref()) {
        *to = u64::from_be_bytes(*word);
    }
    places.for_each(|to| *to = 0);
}

/// The number as bytes, the last least significant: as many low ones as there is room for.
pub(super) fn to_bytes(bytes: &mut [u8], from: &[u64]) {
    let (first, chunks) = bytes.as_rchunks_mut::<WORD_BYTES>();
    let mut words = from.iter();
    for (chunk, word) in chunks.iter_mut().rev().zip(words.by_ref()) {
        *chunk = word.to_be_bytes();
    }
    let top = words.next().copied().unwrap_or(0).to_le_bytes();
    for (to, from) in first.iter_mut().rev().zip(top) {
        *to = from;
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
    let is_equal = black_box(mask(top == divisor_top));
    let estimate = estimate | is_equal;
    // The window loses estimate × divisor.
    let Some((highest, words)) = window.split_last_mut() else {
        return 0;
    };
    let (mut carry, mut borrow) = (0, 0);
    for (to, word) in words.iter_mut().zip(divisor) {
        let taken = product(estimate, *word).wrapping_add(u128::from(carry));
        carry = high(taken);
        (*to, borrow) = subtract(*to, low(taken), borrow);
    }
    (*highest, borrow) = subtract(*highest, carry, borrow);
    // One too much: the divisor is given back.
    let is_too_large = mask(borrow == 1);
    let carry = add_to(words, divisor, is_too_large);
    *highest = highest.wrapping_add(carry);
    estimate.wrapping_add(is_too_large)
}

const WORD_BYTES: usize = 8;

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
            let words = from.iter().rev();
            let mut expected: Vec<u8> = words.flat_map(|word| word.to_be_bytes()).collect();
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
