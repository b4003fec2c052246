//! Reading: from a text to its slice, and to the index of each of its units.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::alphabet::Reading;
use super::grammar::Grammar;
use super::matching;
use super::part::Body;
use super::part::Choice;
use super::part::Kept;
use super::side::Side;
use super::slice::ProductSlice;
use crate::format::secret_text::SecretText;

/// A text of a form, but for whether its checks are right.
pub(super) struct Read {
    pub(super) slice: ProductSlice,
    /// The index of each unit of the slice.
    pub(super) indexes: Zeroizing<Vec<u32>>,
}

/// Every form's reading of a text.
pub(super) fn read<'text>(
    grammar: &'text Arc<Grammar>,
    side: Side,
    reading: Reading,
    text: &'text [char],
) -> impl Iterator<Item = Read> {
    let forms = grammar.forms.iter().enumerate();
    forms.filter_map(move |(number, form)| {
        let extents = matching::extents(form, side, reading, text)?;
        let mut indexes = Zeroizing::new(Vec::with_capacity(text.len()));
        let mut choices = Vec::with_capacity(form.parts.len());
        let mut kept = Vec::new();
        for (part, extent) in form.parts.iter().zip(extents) {
            let Some(extent) = extent else {
                choices.push(Choice::Absent);
                continue;
            };
            choices.push(Choice::Present(part.run().map_or(0, |_| extent.len())));
            match &part.body {
                Body::Check(_) => {}
                Body::Kept(own) => kept.push(kept_text(own, side, reading, extent)?),
                Body::Run(run) => {
                    for &character in extent {
                        indexes.push(run.alphabet(side).rank(character, reading)?);
                    }
                }
                Body::Whole { .. } => indexes.push(part.set(side)?.rank(extent, reading)?),
            }
        }
        let slice = ProductSlice::new(Arc::clone(grammar), number, choices, kept);
        Some(Read { slice, indexes })
    })
}

/// What is kept, as the specification spells it.
fn kept_text(
    kept: &Kept,
    side: Side,
    reading: Reading,
    extent: &[char],
) -> Option<Zeroizing<String>> {
    let mut text = SecretText::with_capacity(extent.len() * 4);
    match kept {
        Kept::Run(run) => {
            let alphabet = run.alphabet(side);
            for &character in extent {
                text.push(alphabet.member(alphabet.rank(character, reading)?)?);
            }
        }
        Kept::Whole(set) => set.write(set.rank(extent, reading)?, &mut text)?,
    }
    Some(text.finish())
}
