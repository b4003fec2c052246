//! Product formats: sequences of parts, each a finite set.
//!
//! Operators write them for their own identifiers, and the built-in identifiers are written in the
//! same specification. A value is read into its *slice* (form, lengths, optional parts and what is
//! kept), the rank of its token's place there, and the quotient: what the token cannot carry where
//! values have more texts than tokens. Values and tokens may be of different sets, so that a token
//! can never be a real value.
//!
//! Every specification is checked whole when it is loaded: that values and tokens can be read in
//! one way only, that the smallest slice is large enough for FF1, and that samples come back.

mod alphabet;
mod ambiguity;
mod automaton;
mod calendar;
mod check;
mod compile;
mod digest;
mod error;
mod grammar;
mod matching;
mod openness;
mod part;
mod reading;
mod sample;
mod self_check;
mod set;
mod side;
mod size;
mod slice;
mod spec;
mod spelling;

use std::sync::Arc;

use zeroize::Zeroizing;

use self::alphabet::Reading;
pub use self::error::GrammarError;
use self::grammar::Grammar;
pub(super) use self::openness::Openness;
use self::sample::Sampler;
use self::side::Side;
pub(super) use self::size::SliceCounts;
pub(super) use self::slice::ProductSlice;
pub use self::spec::CaseSpec;
pub use self::spec::CheckToken;
pub use self::spec::DatesSpec;
pub use self::spec::FormSpec;
pub use self::spec::GrammarSpec;
pub use self::spec::IntegersSpec;
pub use self::spec::LengthSpec;
pub use self::spec::PartSpec;
pub use self::spec::SetSpec;
pub use self::spec::TokenSpec;
pub(super) use self::spelling::CHARACTERS_MAX;
use self::spelling::Spelling;
use super::FormatError;
use super::fold;
use crate::domain::Rank;

/// A product format, checked and ready.
#[derive(Clone)]
pub(super) struct Product {
    grammar: Arc<Grammar>,
}

/// A value, read. What its token cannot carry goes into the residue.
pub(super) struct ProductValue {
    /// The values and tokens that share what the token keeps.
    pub(super) slice: ProductSlice,
    /// The place of the value among the tokens of its slice.
    pub(super) rank: Rank,
    /// What tells apart the values that have one rank. Its length depends on the slice only.
    pub(super) quotient: Zeroizing<Vec<u8>>,
}

/// Which of the two languages of a format a text could be of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Recognized {
    pub(super) is_value: bool,
    pub(super) is_token: bool,
}

impl Product {
    /// Compiles and checks a specification.
    ///
    /// # Errors
    ///
    /// Which part of it is wrong, with the remedy.
    pub(super) fn new(spec: &GrammarSpec) -> Result<Self, GrammarError> {
        let grammar = Arc::new(Grammar::compile(spec)?);
        let product = Self { grammar };
        self_check::refuse_open(&product)?;
        Ok(product)
    }

    /// The digest of what the specification means. It is in every tweak, so that a format that
    /// was changed opens no older token.
    pub(super) fn digest(&self) -> [u8; 16] {
        self.grammar.digest
    }

    /// The canonical form of a value.
    ///
    /// # Errors
    ///
    /// If the value is empty, too long or has control characters.
    pub(super) fn canonical(&self, text: &str) -> Result<Zeroizing<String>, FormatError> {
        self.grammar.spelling.canonical(text)
    }

    /// The canonical form of a text as a specification spells it, whatever its parts.
    ///
    /// # Errors
    ///
    /// As [`Self::canonical`].
    pub(super) fn canonical_as(
        spec: &GrammarSpec,
        text: &str,
    ) -> Result<Zeroizing<String>, FormatError> {
        match Spelling::new(spec.case, &spec.ignore) {
            Ok(spelling) => spelling.canonical(text),
            // Only built-in specifications come here, and a test compiles each of them.
            Err(_) => Err(FormatError::Invalid),
        }
    }

    /// What every token says of its value: lengths, and what is kept.
    pub(super) fn reveals(&self) -> Vec<String> {
        size::reveals(&self.grammar)
    }

    /// Whether no token can be a value: a made-up sample tells.
    pub(super) fn is_marked(&self) -> bool {
        let mut sampler = Sampler::new(0);
        (0..EXAMPLE_TRIES_MAX).all(|_| {
            let slice = sampler.slice(&self.grammar);
            let token = slice.and_then(|slice| sampler.text(&slice, Side::Token));
            token.is_none_or(|token| self.parse(&token).is_none())
        })
    }

    /// Whether every value has a check.
    pub(super) fn has_check(&self) -> bool {
        let mut forms = self.grammar.forms.iter();
        forms.all(|form| !form.checks.is_empty())
    }

    /// Reads a value in canonical form; nothing if it is not in the format.
    pub(super) fn parse(&self, canonical: &str) -> Option<ProductValue> {
        let text = Zeroizing::new(characters(canonical));
        let mut reads = reading::read(&self.grammar, Side::Value, Reading::Exact, &text);
        reads.find_map(|read| {
            let (rank, quotient) = read.slice.split(&read.indexes);
            let written = read.slice.write(Side::Value, &read.indexes)?;
            // Only now are its checks right.
            (*written == *canonical).then_some(ProductValue {
                slice: read.slice,
                rank,
                quotient,
            })
        })
    }

    /// Reads a folded token: its slice, and the place to decipher. Nothing if it is no token.
    pub(super) fn read_token(&self, folded: &str) -> Option<(ProductSlice, Rank)> {
        let stripped = self.grammar.spelling.strip(folded);
        let text = Zeroizing::new(characters(&stripped));
        let mut reads = reading::read(&self.grammar, Side::Token, Reading::Folded, &text);
        reads.find_map(|read| {
            let written = read.slice.write(Side::Token, &read.indexes)?;
            let rank = read.slice.join(&read.indexes);
            (*fold(&written) == *stripped).then_some((read.slice, rank))
        })
    }

    /// A folded token without what the format ignores; nothing if it is no token of the format.
    pub(super) fn strip_token(&self, folded: &str) -> Option<Zeroizing<String>> {
        self.read_token(folded)?;
        Some(self.grammar.spelling.strip(folded))
    }

    /// Which of the two languages a folded text could be of. Where values of one fold differ in
    /// letter case, one of them decides.
    pub(super) fn recognize(&self, folded: &str) -> Recognized {
        let stripped = self.grammar.spelling.strip(folded);
        let text = Zeroizing::new(characters(&stripped));
        let mut reads = reading::read(&self.grammar, Side::Value, Reading::Folded, &text);
        let is_value = reads.any(|read| {
            let written = read.slice.write(Side::Value, &read.indexes);
            written.is_some_and(|written| *fold(&written) == *stripped)
        });
        Recognized {
            is_value,
            is_token: self.read_token(folded).is_some(),
        }
    }

    /// How many slices there are, and how large.
    pub(super) fn slices(&self) -> SliceCounts {
        size::count(&self.grammar)
    }

    /// A made-up value and a token of its slice, to show what the format does. No secrets: both
    /// follow from the seed.
    pub(super) fn example(&self, seed: u64) -> Option<(String, String)> {
        let mut sampler = Sampler::new(seed);
        (0..EXAMPLE_TRIES_MAX).find_map(|_| {
            let slice = sampler.slice(&self.grammar)?;
            let value = sampler.text(&slice, Side::Value)?;
            let token = sampler.text(&slice, Side::Token)?;
            Some((value.into_string(), token.into_string()))
        })
    }
}

/// The characters of a text, in memory of their own that holds no more.
fn characters(text: &str) -> Vec<char> {
    let mut characters = Vec::with_capacity(text.chars().count());
    characters.extend(text.chars());
    characters
}

/// Where a number has no check symbol, another one is made up.
const EXAMPLE_TRIES_MAX: usize = 64;

#[cfg(test)]
mod tests;
