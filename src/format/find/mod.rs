//! Finding values in free text: a ticket, a chat line, a log.
//!
//! E-mail addresses are found by the crate linkify; identifiers by trying what stands between
//! boundaries of words; names and addresses only where they are known values, since their form
//! says too little. What is found is a value by its form; what is not found may be there: values
//! that are spelled out, split over lines, or without the check that tells them from any number.
//!
//! Finds may overlap; the caller decides.

mod emails;
mod known;
mod script;
mod windows;

use std::ops::Range;

use super::Format;
use super::Layout;
use super::Parsed;
use super::spec::FormatKind;
use crate::domain::FidelityReason;
use crate::domain::Plaintext;
use crate::domain::Recognition;
use crate::domain::Token;
pub use known::TooManyKnown;
pub use known::find_known;

/// How sure a find has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Finding {
    /// Whatever is in the format: somebody asked for this very field.
    Any,
    /// Only what is in the format for more than by chance.
    Certain,
}

impl Format {
    /// Whether [`Self::find`] can find anything.
    #[must_use]
    pub fn is_findable(&self, finding: Finding) -> bool {
        match &self.layout {
            Layout::Product(identifier) => finding == Finding::Any || identifier.is_certain(),
            Layout::Skeletal(skeletal) => skeletal.kind() == FormatKind::Email,
            Layout::Structured(_) => false,
        }
    }

    /// Where a text has values of this format, in bytes. Tokens of the format are left out.
    ///
    /// Costs a try of the format for each word with the few that follow it, some microseconds
    /// each, so the caller limits the text's length.
    #[must_use]
    pub fn find(&self, text: &str, finding: Finding) -> Vec<Range<usize>> {
        if !self.is_findable(finding) {
            return Vec::new();
        }
        match &self.layout {
            Layout::Product(identifier) => windows::find(text, |window| {
                identifier.may_be(window, finding) && self.is_value(window)
            }),
            Layout::Skeletal(_) => {
                let mut found = emails::candidates(text);
                found.retain(|place| text.get(place.clone()).is_some_and(|it| self.is_value(it)));
                found
            }
            Layout::Structured(_) => Vec::new(),
        }
    }

    /// Where a text has one of these identifiers, each with its number, in whatever groups;
    /// nothing for texts. The text is tried once, however many values there are.
    #[must_use]
    pub fn find_equal(
        &self,
        text: &str,
        values: &[(usize, &Plaintext)],
    ) -> Vec<(usize, Range<usize>)> {
        let wanted: Vec<(usize, Parsed)> = match &self.layout {
            Layout::Product(_) => values
                .iter()
                .filter_map(|(number, value)| Some((*number, self.parse(value).ok()?)))
                .collect(),
            Layout::Skeletal(_) | Layout::Structured(_) => Vec::new(),
        };
        if wanted.is_empty() {
            return Vec::new();
        }
        let number_of = |window: &str| {
            let parsed = self.parse(&Plaintext::new(window.to_owned())).ok()?;
            let mut wanted = wanted.iter();
            let (number, _) = wanted.find(|(_, it)| it.equality() == parsed.equality())?;
            Some(*number)
        };
        windows::find(text, |window| number_of(window).is_some())
            .into_iter()
            .filter_map(|place| Some((number_of(text.get(place.clone())?)?, place)))
            .collect()
    }

    /// Whether a text is a value, in shape or not, and no token itself.
    fn is_value(&self, text: &str) -> bool {
        let parsed = self.parse(&Plaintext::new(text.to_owned()));
        let is_valid =
            parsed.is_ok_and(|parsed| !matches!(parsed.shaped(), Err(FidelityReason::Invalid)));
        is_valid && self.recognize(&Token::new(text.to_owned())) != Recognition::Token
    }
}

#[cfg(test)]
mod tests;
