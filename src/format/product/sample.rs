//! Made-up slices, values and tokens: for examples, and for the check of a format when it is
//! loaded. They follow from a seed, and are no secrets.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::grammar::Grammar;
use super::part::Body;
use super::part::Choice;
use super::part::Kept;
use super::side::Side;
use super::size::Extreme;
use super::slice::ProductSlice;
use crate::format::secret_text::SecretText;

/// SplitMix64. Source: S. Vigna, <https://prng.di.unimi.it/splitmix64.c>.
pub(super) struct Sampler(u64);

impl Sampler {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`; 0 if that is 0. Not quite uniform.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let below = mixed.checked_rem(u64::from(end)).unwrap_or(0);
        u32::try_from(below).unwrap_or(0)
    }

    /// Any slice of a format.
    pub(super) fn slice(&mut self, grammar: &Arc<Grammar>) -> Option<ProductSlice> {
        let forms_count = u32::try_from(grammar.forms.len()).ok()?;
        let form = usize::try_from(self.below(forms_count)).ok()?;
        let mut choices = Vec::new();
        for part in &grammar.forms.get(form)?.parts {
            let span = part
                .run()
                .map_or(0, |run| run.length_most - run.length_least);
            let extra = usize::try_from(self.below(u32::try_from(span).ok()? + 1)).ok()?;
            choices.push(match part.run() {
                _ if part.is_optional && self.below(2) == 0 => Choice::Absent,
                Some(run) => Choice::Present(run.length_least + extra),
                None => Choice::Present(0),
            });
        }
        self.kept(grammar, form, choices)
    }

    /// The smallest or largest slice of a form; what is kept is made up.
    pub(super) fn extreme(
        &mut self,
        grammar: &Arc<Grammar>,
        form: usize,
        extreme: Extreme,
    ) -> Option<ProductSlice> {
        let choices = grammar.forms.get(form)?.choices(extreme);
        self.kept(grammar, form, choices)
    }

    /// An index for each unit of a slice.
    pub(super) fn indexes(&mut self, slice: &ProductSlice, side: Side) -> Zeroizing<Vec<u32>> {
        let indexes = slice.sizes(side).map(|size| self.below(size));
        Zeroizing::new(indexes.collect())
    }

    /// A text of a slice; nothing if a check has no symbol.
    pub(super) fn text(&mut self, slice: &ProductSlice, side: Side) -> Option<SecretText> {
        let indexes = self.indexes(slice, side);
        slice.write(side, &indexes)
    }

    /// The slice of these choices, with what is kept made up.
    fn kept(
        &mut self,
        grammar: &Arc<Grammar>,
        form: usize,
        choices: Vec<Choice>,
    ) -> Option<ProductSlice> {
        let mut kept = Vec::new();
        for (part, choice) in grammar.forms.get(form)?.parts.iter().zip(&choices) {
            let mut text = SecretText::with_capacity(0);
            match (&part.body, *choice) {
                (Body::Kept(Kept::Run(run)), Choice::Present(length)) => {
                    for _ in 0..length {
                        text.push(run.value.member(self.below(run.value.size()))?);
                    }
                }
                (Body::Kept(Kept::Whole(set)), Choice::Present(_)) => {
                    set.write(self.below(set.size()), &mut text)?;
                }
                _ => continue,
            }
            kept.push(text.finish());
        }
        Some(ProductSlice::new(Arc::clone(grammar), form, choices, kept))
    }
}
