//! Finding values in free text: a ticket, a chat line, a log.
//!
//! E-mail addresses are found by the crate linkify; identifiers by trying what stands between
//! boundaries of words; names and addresses only where they are known values, since their form
//! says too little. What is found is certain by its form; what is not found may be there: values
//! that are spelled out, split over lines, or without the check that tells them from any number.

mod known;
mod windows;

use std::ops::Range;

use linkify::LinkFinder;
use linkify::LinkKind;

use super::Format;
use super::Layout;
use super::spec::FormatKind;
use crate::domain::FidelityReason;
use crate::domain::Plaintext;
use crate::domain::Recognition;
use crate::domain::Token;
pub use known::find_known;

impl Format {
    /// Whether [`Self::find`] finds anything: the format's values have a form that no other text
    /// has by chance.
    #[must_use]
    pub fn is_findable(&self) -> bool {
        match &self.layout {
            Layout::Product(identifier) => identifier.is_findable(),
            Layout::Skeletal(skeletal) => match skeletal.kind() {
                FormatKind::Email => true,
                FormatKind::Address | FormatKind::Digits | FormatKind::Name | FormatKind::Text => {
                    false
                }
            },
        }
    }

    /// Where a text has values of this format, in bytes, in order, without overlaps. Values that
    /// are tokens by their form are left out.
    ///
    /// Costs a try of the format for each word and the few that follow it, so the caller limits
    /// the text's length.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        if !self.is_findable() {
            return Vec::new();
        }
        match &self.layout {
            Layout::Product(_) => windows::find(text, |window| self.is_value(window)),
            Layout::Skeletal(_) => self.find_emails(text),
        }
    }

    fn find_emails(&self, text: &str) -> Vec<Range<usize>> {
        let mut finder = LinkFinder::new();
        finder.kinds(&[LinkKind::Email]);
        finder
            .links(text)
            .filter(|link| self.is_value(link.as_str()))
            .map(|link| link.start()..link.end())
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
