//! The public check of an outline token: one inner syllable, made of all the others.
//!
//! A weighted sum modulo 265, the number of syllables of a cluster and a vowel. Every weight is
//! coprime to 265, so that a change in one symbol always shows; other mistakes are missed once in
//! 265 times. It needs no key: anyone can tell a token, or a typing error in one.

use super::word::CLUSTERS;
use super::word::VOWELS;

/// The syllable that belongs to a house number and the symbols of words: a cluster and a vowel.
pub(super) fn syllable(number: Option<u32>, symbols: &[u32]) -> [u32; 2] {
    let mut weight = WEIGHT;
    let mut sum = OFFSET;
    for &symbol in number.iter().chain(symbols) {
        sum = (sum + weight * (symbol % SYLLABLES)) % SYLLABLES;
        weight = weight * WEIGHT % SYLLABLES;
    }
    [sum / VOWELS, sum % VOWELS]
}

const SYLLABLES: u32 = CLUSTERS * VOWELS;

/// The powers of 3 are coprime to 265 = 5 × 53, and the first 52 of them differ.
const WEIGHT: u32 = 3;

/// Keeps the lowest ranks from having the lowest syllable.
const OFFSET: u32 = 101;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_in_one_symbol_always_shows() {
        let symbols = [3, 4, 52, 1, 13, 2, 6, 7, 0, 4, 31, 2, 5];
        for place in 0..symbols.len() {
            for change in 1..=52 {
                let mut changed = symbols;
                changed[place] += change;
                assert_ne!(syllable(Some(7), &changed), syllable(Some(7), &symbols));
            }
        }
    }
}
