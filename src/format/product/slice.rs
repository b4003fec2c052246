//! Slices: the values of a format that share the form, the lengths, the optional parts and what
//! is kept, numbered. A token is of the slice of its value.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::grammar::Form;
use super::grammar::Grammar;
use super::part::Body;
use super::part::Choice;
use super::part::Part;
use super::side::Side;
use super::spelling::CHARACTERS_MAX;
use crate::domain::DomainSize;
use crate::domain::Rank;
use crate::format::FormatError;
use crate::format::secret_text::SecretText;

/// The values that share all that their tokens keep. It holds what is kept: no `Debug`.
pub(in crate::format) struct ProductSlice {
    grammar: Arc<Grammar>,
    form: usize,
    choices: Vec<Choice>,
    /// The kept texts, in order.
    kept: Vec<Zeroizing<String>>,
    units: Vec<Unit>,
    domain: DomainSize,
}

/// What is exchanged on its own: a character of a run, or a whole part.
#[derive(Clone, Copy)]
struct Unit {
    values_count: u32,
    tokens_count: u32,
}

impl Unit {
    /// How many bytes the quotient of a value takes.
    fn quotient_bytes(self) -> usize {
        let quotient_max = (self.values_count - 1) / self.tokens_count;
        match quotient_max {
            0 => 0,
            1..=0xff => 1,
            0x100..=0xffff => 2,
            0x1_0000..=0xff_ffff => 3,
            _ => 4,
        }
    }
}

impl ProductSlice {
    /// One choice for each part of the form, and one text for each kept part that is present.
    pub(super) fn new(
        grammar: Arc<Grammar>,
        form: usize,
        choices: Vec<Choice>,
        kept: Vec<Zeroizing<String>>,
    ) -> Self {
        let mut units = Vec::new();
        let parts = grammar.forms.get(form).into_iter();
        for (part, choice) in parts.flat_map(|form| &form.parts).zip(&choices) {
            units.extend(part_units(part, *choice));
        }
        let mut domain = DomainSize::one();
        for unit in &units {
            domain.multiply(unit.tokens_count);
        }
        Self {
            grammar,
            form,
            choices,
            kept,
            units,
            domain,
        }
    }

    /// How many tokens it has, but for those that lack a check symbol.
    pub(in crate::format) fn domain(&self) -> &DomainSize {
        &self.domain
    }

    /// The same for a value and its token. Two slices of one or of several formats have the same
    /// bytes only if they are the same; the caller puts their length before them.
    pub(in crate::format) fn tweak(&self) -> Vec<u8> {
        let mut tweak = self.grammar.digest.to_vec();
        tweak.push(u8::try_from(self.form).unwrap_or(u8::MAX));
        for choice in &self.choices {
            tweak.push(match choice {
                Choice::Absent => 0,
                Choice::Present(length) => u8::try_from(length + 1).unwrap_or(u8::MAX),
            });
        }
        for text in &self.kept {
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            tweak.extend(length.to_be_bytes());
            tweak.extend(text.bytes());
        }
        tweak
    }

    /// The form of its values.
    pub(super) fn form(&self) -> Option<&Form> {
        self.grammar.forms.get(self.form)
    }

    /// Whether it is the same slice, of the same format.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.tweak() == other.tweak()
    }

    /// The token at this place. `None` where no check symbol exists for it: such a token does not
    /// exist, and the caller draws another key.
    ///
    /// # Errors
    ///
    /// If the rank is not below the size of the slice.
    pub(in crate::format) fn unrank(&self, rank: &Rank) -> Result<Option<SecretText>, FormatError> {
        let indexes = self.indexes(rank)?;
        Ok(self.write(Side::Token, &indexes))
    }

    /// The value at this place, with what the token could not carry.
    ///
    /// # Errors
    ///
    /// If the rank is not below the size of the slice, or no value has this place and quotient.
    pub(in crate::format) fn restore(
        &self,
        rank: &Rank,
        quotient: &[u8],
    ) -> Result<SecretText, FormatError> {
        let mut indexes = self.indexes(rank)?;
        let mut rest = quotient;
        for (unit, index) in self.units.iter().zip(indexes.iter_mut()) {
            let bytes = unit.quotient_bytes();
            let (own, after) = rest
                .split_at_checked(bytes)
                .ok_or(FormatError::CorruptResidue)?;
            rest = after;
            let quotient = own
                .iter()
                .fold(0, |quotient, &byte| quotient << 8 | u32::from(byte));
            *index = quotient
                .checked_mul(unit.tokens_count)
                .and_then(|product| product.checked_add(*index))
                .filter(|&value| value < unit.values_count)
                .ok_or(FormatError::CorruptResidue)?;
        }
        if !rest.is_empty() {
            return Err(FormatError::CorruptResidue);
        }
        let value = self.write(Side::Value, &indexes);
        value.ok_or(FormatError::CorruptResidue)
    }

    /// The rank and the quotient of the value with these indexes, one for each unit.
    pub(super) fn split(&self, indexes: &[u32]) -> (Rank, Zeroizing<Vec<u8>>) {
        let mut rank = Rank::zero(&self.domain);
        let bytes = self.units.iter().map(|unit| unit.quotient_bytes()).sum();
        let mut quotient = Zeroizing::new(Vec::with_capacity(bytes));
        for (unit, &index) in self.units.iter().zip(indexes) {
            rank.multiply_add(unit.tokens_count, index % unit.tokens_count);
            let bytes = (index / unit.tokens_count).to_be_bytes();
            let significant = bytes.iter().skip(bytes.len() - unit.quotient_bytes());
            quotient.extend(significant);
        }
        (rank, quotient)
    }

    /// The place of the token with these indexes, one for each unit.
    pub(super) fn join(&self, indexes: &[u32]) -> Rank {
        let mut rank = Rank::zero(&self.domain);
        for (unit, &index) in self.units.iter().zip(indexes) {
            rank.multiply_add(unit.tokens_count, index);
        }
        rank
    }

    /// How many texts of this side each unit has.
    pub(super) fn sizes(&self, side: Side) -> impl Iterator<Item = u32> {
        self.units.iter().map(move |unit| match side {
            Side::Token => unit.tokens_count,
            Side::Value => unit.values_count,
        })
    }

    /// The text of these indexes, one for each unit; nothing where a check has no symbol.
    pub(super) fn write(&self, side: Side, indexes: &[u32]) -> Option<SecretText> {
        let form = self.form()?;
        let mut indexes = indexes.iter().copied();
        let mut kept = self.kept.iter();
        let mut texts = Vec::with_capacity(form.parts.len());
        for (part, choice) in form.parts.iter().zip(&self.choices) {
            // Characters of four bytes, so that the text never moves.
            let mut text = SecretText::with_capacity(part.length_most(side) * 4);
            match (&part.body, *choice) {
                (_, Choice::Absent) | (Body::Check(_), _) => {}
                (Body::Kept(_), _) => text.push_str(kept.next()?),
                (Body::Run(run), Choice::Present(length)) => {
                    for _ in 0..length {
                        text.push(run.alphabet(side).member(indexes.next()?)?);
                    }
                }
                (Body::Whole { .. }, _) => part.set(side)?.write(indexes.next()?, &mut text)?,
            }
            texts.push(text);
        }
        for &check in &form.checks {
            write_check(form, check, side, &mut texts)?;
        }
        let mut whole = SecretText::with_capacity(texts.iter().map(|text| text.len()).sum());
        for text in &texts {
            whole.push_str(text);
        }
        Some(whole)
    }

    /// The index of each unit, from the rank.
    fn indexes(&self, rank: &Rank) -> Result<Zeroizing<Vec<u32>>, FormatError> {
        if !rank.is_in(&self.domain) {
            return Err(FormatError::RankOutsideDomain);
        }
        let mut rest = Rank::from_limbs(Zeroizing::new(rank.expose_limbs().to_vec()));
        let mut indexes = Zeroizing::new(vec![0; self.units.len()]);
        for (unit, index) in self.units.iter().zip(indexes.iter_mut()).rev() {
            *index = rest.divide(unit.tokens_count);
        }
        Ok(indexes)
    }
}

/// The units of a part: none for checks, and for what is kept or absent.
fn part_units(part: &Part, choice: Choice) -> impl Iterator<Item = Unit> {
    let (unit, count) = match (&part.body, choice) {
        (Body::Run(run), Choice::Present(length)) => {
            (unit(run.value.size(), run.token.size()), length)
        }
        (Body::Whole { value, token }, Choice::Present(_)) => (unit(value.size(), token.size()), 1),
        (Body::Check(_) | Body::Kept(_), _) | (_, Choice::Absent) => (unit(1, 1), 0),
    };
    std::iter::repeat_n(unit, count)
}

fn unit(values_count: u32, tokens_count: u32) -> Unit {
    Unit {
        values_count,
        tokens_count,
    }
}

/// Writes one check, where all that it covers is written.
fn write_check(form: &Form, own: usize, side: Side, texts: &mut [SecretText]) -> Option<()> {
    let check = form.parts.get(own)?.check()?;
    let numbers = || Zeroizing::new(Vec::with_capacity(CHARACTERS_MAX * 2));
    let (mut before, mut after) = (numbers(), numbers());
    for &part in &check.over {
        let numbers = if part < own { &mut before } else { &mut after };
        check.count(texts.get(part)?, numbers)?;
    }
    check.write(side, &before, &after, texts.get_mut(own)?)
}
