//! What the checks of a form cover: whether all of it counts, and which check comes first.

use super::Algorithm;
use super::Check;
use super::Counting;
use crate::format::product::error::Fault;
use crate::format::product::error::GrammarError;
use crate::format::product::error::Place;
use crate::format::product::part::Part;
use crate::format::product::set::Set;
use crate::format::product::side::Side;
use crate::format::secret_text::SecretText;

/// The checks of a form in an order in which they can be written: none before one that it covers.
///
/// # Errors
///
/// If there is no such order, or a check covers what does not count.
pub(in super::super) fn order(
    parts: &[Part],
    place: impl Fn(usize) -> Place,
) -> Result<Vec<usize>, GrammarError> {
    let mut waiting = Vec::new();
    for (own, part) in parts.iter().enumerate() {
        if let Some(check) = part.check() {
            check.refuse_coverage(parts, own, place(own))?;
            waiting.push((own, check));
        }
    }
    let mut ordered = Vec::new();
    while let Some(&(first, _)) = waiting.first() {
        let is_ready = |check: &Check| waiting.iter().all(|(other, _)| !check.over.contains(other));
        let ready = waiting.iter().position(|(_, check)| is_ready(check));
        let ready = ready.ok_or_else(|| Fault::ChecksCircular.at(place(first).key("over")))?;
        ordered.push(waiting.remove(ready).0);
    }
    Ok(ordered)
}

impl Check {
    fn refuse_coverage(
        &self,
        parts: &[Part],
        own: usize,
        place: Place,
    ) -> Result<(), GrammarError> {
        let (mut least, mut most) = (0, 0);
        for &part in &self.over {
            let Some(part) = parts.get(part) else {
                continue;
            };
            let mut counts = Vec::new();
            for side in [Side::Value, Side::Token] {
                self.counts(part, side, &mut counts)
                    .map_err(|fault| fault.at(place.key("values")))?;
            }
            least += match part.is_optional {
                true => 0,
                false => counts.iter().min().copied().unwrap_or(0),
            };
            most += counts.iter().max().copied().unwrap_or(0);
        }
        if most == 0 {
            return Err(Fault::OverEmpty.at(place.key("over")));
        }
        if let Algorithm::Weighted { weights, .. } = &self.algorithm
            && [least, most] != [weights.len(); 2]
        {
            let fault = Fault::WeightsCount {
                weights_count: weights.len(),
                covered_least: least,
                covered_most: most,
            };
            return Err(fault.at(place.key("weights")));
        }
        if self.algorithm == Algorithm::Iban && !begins_with_country(parts, own) {
            return Err(Fault::IbanPlace.at(place));
        }
        Ok(())
    }

    /// Adds how many numbers the texts of a part count as, at least the fewest and the most.
    fn counts(&self, part: &Part, side: Side, counts: &mut Vec<usize>) -> Result<(), Fault> {
        if let Some(run) = part.run() {
            self.refuse_uncounted(run.alphabet(side).characters())?;
            counts.extend([run.length_least, run.length_most]);
        }
        if let Some(check) = part.check() {
            self.refuse_uncounted(check.alphabet.characters())?;
            counts.push(check.length());
        }
        match part.set(side) {
            Some(Set::Texts(texts)) => {
                for text in texts.texts() {
                    counts.push(self.counted(text)?);
                }
            }
            Some(Set::Integers(integers)) => {
                self.refuse_uncounted(&DIGITS)?;
                counts.extend(integers.lengths());
            }
            Some(set @ Set::Dates(_)) => {
                self.refuse_uncounted(&DIGITS)?;
                // All dates of a layout count alike.
                let mut date = SecretText::with_capacity(DATE_BYTES);
                set.write(0, &mut date);
                counts.push(self.counted(&date)?);
            }
            Some(Set::Word(word)) => {
                self.refuse_uncounted(word.alphabet.characters())?;
                counts.push(word.length());
            }
            None => {}
        }
        Ok(())
    }

    /// How many numbers a text counts as.
    fn counted(&self, text: &str) -> Result<usize, Fault> {
        if !self.values.texts.contains_key(text) {
            let is_separator = |c: &char| !c.is_alphanumeric() && self.values.of(*c).is_none();
            let counted: Vec<_> = text.chars().filter(|c| !is_separator(c)).collect();
            self.refuse_uncounted(&counted)?;
        }
        let mut numbers = Vec::new();
        self.count(text, &mut numbers);
        Ok(numbers.len())
    }

    fn refuse_uncounted(&self, characters: &[char]) -> Result<(), Fault> {
        let (number_max, range) = match self.algorithm.counting() {
            Counting::Digit => (9, "from 0 to 9"),
            Counting::Decimal | Counting::Number => (99, "from 0 to 99"),
        };
        let is_counted = |c: char| self.values.of(c).is_some_and(|number| number <= number_max);
        match characters.iter().find(|&&character| !is_counted(character)) {
            Some(&character) => Err(Fault::ValueMissing { character, range }),
            None => Ok(()),
        }
    }
}

/// Whether there are two letters before this part, and nothing else.
fn begins_with_country(parts: &[Part], own: usize) -> bool {
    let mut length = 0;
    for part in parts.iter().take(own) {
        for side in [Side::Value, Side::Token] {
            let (lengths, characters): (Vec<usize>, Vec<char>) = match (part.set(side), part.run())
            {
                (Some(Set::Texts(texts)), _) => {
                    let characters = texts.texts().iter().flat_map(|text| text.chars());
                    let lengths = texts.texts().iter().map(|text| text.chars().count());
                    (lengths.collect(), characters.collect())
                }
                (Some(Set::Word(word)), _) => {
                    (vec![word.length()], word.alphabet.characters().to_vec())
                }
                (None, Some(run)) => (
                    vec![run.length_least, run.length_most],
                    run.alphabet(side).characters().to_vec(),
                ),
                _ => return false,
            };
            let is_fixed = lengths.iter().all(|own| Some(own) == lengths.first());
            if part.is_optional || !is_fixed || !characters.iter().all(|c| c.is_ascii_alphabetic())
            {
                return false;
            }
            if side == Side::Token {
                length += lengths.first().copied().unwrap_or(0);
            } else if lengths.first() != Some(&part.length_most(Side::Token)) {
                return false;
            }
        }
    }
    length == 2
}

const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/// The longest date: ten characters, and separators of four bytes each.
const DATE_BYTES: usize = 128;
