//! What every token of a value's slice says of the value, character by character.

use zeroize::Zeroizing;

use super::Product;
use super::alphabet::Reading;
use super::characters;
use super::matching;
use super::part::Body;
use super::part::Part;
use super::set::Set;
use super::side::Side;

/// What is said of one character of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) enum Openness {
    /// It is one of several that follow each other without meaning together.
    Characters,
    /// Every token of the slice shows it, or every value has it.
    Known,
    /// It is of a part that means something as a whole: a date, one of several words.
    Whole,
}

impl Product {
    /// What every token of the slice of a value in canonical form says of each of its characters;
    /// nothing if it is not in the format.
    pub(in crate::format) fn openness(&self, canonical: &str) -> Option<Vec<Openness>> {
        let value = self.parse(canonical)?;
        let form = value.slice.form()?;
        let text = Zeroizing::new(characters(canonical));
        let extents = matching::extents(form, Side::Value, Reading::Exact, &text)?;
        let mut each = Vec::with_capacity(text.len());
        for (part, extent) in form.parts.iter().zip(extents) {
            let count = extent.map_or(0, <[char]>::len);
            each.extend(std::iter::repeat_n(of(part), count));
        }
        Some(each)
    }
}

fn of(part: &Part) -> Openness {
    match &part.body {
        Body::Kept(_) => Openness::Known,
        Body::Check(_) | Body::Run(_) => Openness::Characters,
        Body::Whole { value, .. } if value.size() == 1 => Openness::Known,
        Body::Whole { value, .. } => match value {
            Set::Integers(_) | Set::Word(_) => Openness::Characters,
            Set::Dates(_) | Set::Texts(_) => Openness::Whole,
        },
    }
}
