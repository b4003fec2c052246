//! Checks: characters that follow from others, so that typing errors are caught.
//!
//! A check is written last: it is the character that makes the whole right, wherever it stands.
//! Reading a check is writing it again.

mod algorithm;
mod compile;
mod coverage;
mod iso7064;
mod luhn;
mod quasigroup;

use std::collections::BTreeMap;

pub(super) use self::algorithm::Algorithm;
pub(super) use self::algorithm::Complement;
pub(super) use self::algorithm::Counting;
pub(super) use self::algorithm::Remainder;
pub(super) use self::compile::NAMES;
pub(super) use self::coverage::order;
use super::alphabet::Alphabet;
use super::set::push_number;
use super::side::Side;
use super::spec::CheckToken;
use crate::format::secret_text::SecretText;

/// A check, and how it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Check {
    pub(super) algorithm: Algorithm,
    /// The parts that it covers, from 0, in order.
    pub(super) over: Box<[usize]>,
    pub(super) values: Values,
    pub(super) output: Output,
    pub(super) token: CheckToken,
    /// The characters that it can have.
    pub(super) alphabet: Alphabet,
}

/// How the number of a check is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Output {
    /// In so many decimal digits.
    Digits(usize),
    /// As one of these; two numbers may have one symbol, and a number may have none.
    Symbols(Box<[char]>),
}

/// What characters and texts count as, where it is not what is usual.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Values {
    pub(super) characters: BTreeMap<char, u32>,
    /// Whole texts of parts.
    pub(super) texts: BTreeMap<Box<str>, u32>,
}

impl Check {
    /// How many characters it has.
    pub(super) fn length(&self) -> usize {
        match self.output {
            Output::Digits(digits) => digits,
            Output::Symbols(_) => 1,
        }
    }

    /// Adds what the text of a covered part counts as. Nothing if it counts as nothing.
    pub(super) fn count(&self, text: &str, numbers: &mut Vec<u32>) -> Option<()> {
        let counting = self.algorithm.counting();
        if let Some(&number) = self.values.texts.get(text) {
            push_digits(numbers, number, text.chars().count());
            return Some(());
        }
        for character in text.chars() {
            match (self.values.of(character), counting) {
                (Some(number @ 10..), Counting::Decimal) => push_digits(numbers, number, 2),
                (Some(10..), Counting::Digit) => return None,
                (Some(number), _) => numbers.push(number),
                (None, _) if character.is_alphanumeric() => return None,
                (None, _) => {}
            }
        }
        Some(())
    }

    /// Adds the check that stands between what the numbers are of; nothing if there is none.
    pub(super) fn write(
        &self,
        side: Side,
        before: &[u32],
        after: &[u32],
        text: &mut SecretText,
    ) -> Option<()> {
        let number = self.algorithm.solve(before, after)?;
        let is_wrong = side == Side::Token && self.token == CheckToken::Wrong;
        match &self.output {
            Output::Digits(digits) => {
                let step = u64::from(is_wrong);
                let largest = 10_u64.pow(u32::try_from(*digits).ok()?) - 1;
                // One below the largest is as wrong as one above the others.
                let written = match u64::from(number) {
                    number if number + step > largest => number - step,
                    number => number + step,
                };
                push_number(text, written, *digits);
            }
            Output::Symbols(symbols) => {
                let symbol = *symbols.get(usize::try_from(number).ok()?)?;
                let written = if is_wrong { self.next(symbol)? } else { symbol };
                text.push(written);
            }
        }
        Some(())
    }

    /// The symbol after this one, round about.
    fn next(&self, symbol: char) -> Option<char> {
        let mut after = self.alphabet.characters().iter().copied().cycle();
        after.find(|&own| own == symbol)?;
        after.next()
    }
}

impl Values {
    /// What a character counts as; nothing where it is neither an ASCII letter or digit nor named.
    pub(super) fn of(&self, character: char) -> Option<u32> {
        let usual = character
            .is_ascii()
            .then(|| character.to_digit(36))
            .flatten();
        self.characters.get(&character).copied().or(usual)
    }
}

fn push_digits(numbers: &mut Vec<u32>, number: u32, width: usize) {
    for place in (0..width).rev() {
        let power = u32::try_from(place)
            .ok()
            .and_then(|p| 10_u32.checked_pow(p));
        numbers.push(power.map_or(0, |power| number / power % 10));
    }
}

#[cfg(test)]
mod tests;
