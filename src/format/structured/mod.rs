//! Names and addresses in parts: given and family name; lines, city, postal code and country.
//!
//! The parts are one value with one token, which has as many parts. Nothing is enciphered alone: a
//! code of a region or a postal code has too few possibilities for that. The words of all parts are
//! one text with separators between them, read as any text is; what is aside of them is a country
//! that tokens keep, and a postal code that has the pattern of that country. In and out, parts are
//! one text as [`join_parts`](crate::domain::join_parts) writes it.

mod countries;
mod outline;
mod postal_code;
mod residue;
mod slice;
mod spec;

use zeroize::Zeroizing;

use self::countries::Country;
pub(super) use self::postal_code::Pattern;
use self::slice::Aside;
pub(super) use self::slice::StructuredSlice;
pub(super) use self::slice::join;
pub use self::spec::CountryPart;
use self::spec::PartName;
pub use self::spec::PostalCodes;
pub(super) use self::spec::Role;
pub use self::spec::StructuredError;
pub use self::spec::StructuredKind;
pub use self::spec::StructuredSpec;
use super::canonical;
use super::canonical::BYTES_PER_CHARACTER_MAX;
use super::error::FormatError;
use super::error::LengthUnit;
use super::fold::fold;
use super::frame::Frame;
use super::mask;
use super::outline::Outlined;
use super::parsed::Reading;
use super::parsed::Shape;
use super::secret_text::SecretText;
use super::skeletal::LINES_MAX;
use super::skeletal::PART_SEPARATOR;
use super::skeletal::Placed;
use super::skeletal::Skeletal;
use super::slice::Members;
use super::slice::Shaped;
use super::slice::Slice;
use super::spec::Length;
use super::style::Style;
use crate::domain::FidelityReason;
use crate::domain::PARTS_MAX;
use crate::domain::Rank;
use crate::domain::Recognition;
use crate::domain::split_parts;

/// A layout of parts, checked and ready.
pub(super) struct Structured {
    kind: StructuredKind,
    parts: Vec<PartName>,
    country: CountryPart,
    postal_code: PostalCodes,
    /// How the words of all parts are read.
    words: Skeletal,
}

/// The texts of a value's parts, in the order of the configuration.
type Texts = Vec<Zeroizing<String>>;

impl Structured {
    pub(super) fn new(spec: &StructuredSpec, length: Length) -> Result<Self, StructuredError> {
        Ok(Self {
            kind: spec.kind,
            parts: spec.parts()?,
            country: spec.country,
            postal_code: spec.postal_code,
            words: Skeletal::of_parts(spec.kind.text(), length),
        })
    }

    pub(super) fn plaintext_bytes_max(&self) -> usize {
        self.words.characters_max() * BYTES_PER_CHARACTER_MAX + PARTS_MAX * PART_OVERHEAD_BYTES
    }

    pub(super) fn length(&self) -> Length {
        self.words.length()
    }

    /// A made-up value, for whoever configures the field.
    pub(super) fn example(&self) -> String {
        let parts: Vec<(&str, &str)> = self
            .parts
            .iter()
            .map(|part| (part.name, part.example))
            .collect();
        join(&parts)
            .map(SecretText::into_string)
            .unwrap_or_default()
    }

    /// What every token says of its value, besides the shape of its words.
    pub(super) fn reveals(&self) -> Vec<String> {
        let mut reveals = self.reveals_as_outline();
        if self.postal_code == PostalCodes::Pattern {
            reveals.push("which of its country's patterns the postal code has".to_owned());
        }
        reveals
    }

    /// What every token says of its value, be it an outline.
    pub(super) fn reveals_as_outline(&self) -> Vec<String> {
        let mut reveals = vec!["which parts are empty".to_owned()];
        if self.country == CountryPart::Kept {
            reveals.push("the country".to_owned());
        }
        reveals
    }

    /// What may be seen of a value: of the words of each part as of a whole, of a postal code
    /// nothing, and the country where every token shows it.
    pub(super) fn mask(&self, text: &str) -> Zeroizing<String> {
        let masked = || {
            let texts = self.canonical(text).ok()?;
            let (aside, _) = self.aside(&texts);
            let masks: Texts = self
                .parts
                .iter()
                .zip(&texts)
                .map(|(part, text)| match part.role {
                    _ if text.is_empty() => Zeroizing::new(String::new()),
                    Role::Country if aside.country.is_some() => text.clone(),
                    Role::Country | Role::Number | Role::PostalCode | Role::Region => {
                        mask::hidden()
                    }
                    Role::Lead | Role::Words => self.words.mask(text),
                })
                .collect();
            self.join(&masks).ok()
        };
        masked().map_or_else(mask::hidden, SecretText::finish)
    }

    /// Reads a value: caps first, then its canonical form, its slice and its rank.
    pub(super) fn parse(&self, text: &str) -> Result<Reading, FormatError> {
        let texts = self.canonical(text)?;
        let (aside, code) = self.aside(&texts);
        let is_enciphered = |(part, text): (&PartName, &Zeroizing<String>)| {
            let is_kept = part.role == Role::Country && aside.country.is_some();
            !text.is_empty() && !is_kept
        };
        // A country alone would be its own token.
        if !self.parts.iter().zip(&texts).any(is_enciphered) {
            return Err(FormatError::Empty);
        }
        let words = self.words_of(&texts, &aside);
        let whole = self.join(&texts)?.finish();
        let pieces = outline::pieces(self.kind, &self.parts, &texts, &aside);
        let outlined = Outlined::new(self.kind.text(), Style::of(&words), Frame::default());
        Ok(Reading {
            outlined: outlined.in_parts(pieces),
            shape: self.shape(&words, aside, &code),
            equality: whole.clone(),
            whole,
        })
    }

    /// The slice and the rank of a token, from its text and its record's residue.
    pub(super) fn read_token(
        &self,
        token: &str,
        residue: &[u8],
    ) -> Result<(StructuredSlice, Rank), FormatError> {
        let mismatch = FormatError::ShapeMismatch { position: 0 };
        let texts = self.folded(token).ok_or(mismatch)?;
        let (aside, words_residue) = residue::read(residue)?;
        let text_of = |role: Role| {
            let mut parts = self.parts.iter().zip(&texts);
            parts.find_map(|(part, text)| (part.role == role).then_some(text.as_str()))
        };
        if let Some(country) = &aside.country
            && text_of(Role::Country) != Some(fold(country).as_str())
        {
            return Err(mismatch);
        }
        let code = match aside.pattern {
            Some((_, pattern)) => {
                let code = text_of(Role::PostalCode).ok_or(mismatch)?;
                pattern.indexes_of_folded(code).ok_or(mismatch)?
            }
            None => Vec::new(),
        };
        let words = self.words_of(&texts, &aside);
        let (words, words_rank) = self.words.read_folded(&words, words_residue)?;
        let slice = StructuredSlice::new(&self.parts, words, aside);
        let rank = slice.rank(&words_rank, &code);
        Ok((slice, rank))
    }

    /// The value of a deciphered rank.
    pub(super) fn restore(
        &self,
        slice: &StructuredSlice,
        rank: &Rank,
        residue: &[u8],
    ) -> Result<SecretText, FormatError> {
        let (_, words_residue) = residue::read(residue)?;
        let (words_rank, code) = slice.places(rank)?;
        let words = self
            .words
            .restore(slice.words(), &words_rank, words_residue)?;
        slice.write(&words, code.as_deref().map(String::as_str))
    }

    /// A token that was made elsewhere, with every part in the order of the configuration.
    pub(super) fn arrange(&self, token: &str) -> Result<SecretText, FormatError> {
        let names = self.parts.iter().map(|part| part.name);
        let parts: Vec<(&str, &str)> = names.zip(self.ordered(token)?).collect();
        join(&parts)
    }

    /// The form under which a token is found again: the folds of its parts, in order.
    pub(super) fn fold(&self, text: &str) -> Zeroizing<String> {
        match self.folded(text) {
            Some(texts) => joined(texts.iter().map(|text| text.as_str())),
            // Not the fold of any parts: they have no separator of this kind.
            None => {
                let folded = fold(text);
                let mut other = Zeroizing::new(String::with_capacity(folded.len() + 1));
                other.push(FOREIGN);
                other.push_str(&folded);
                other
            }
        }
    }

    /// Says whether a text may be a token of these parts.
    pub(super) fn recognize(&self, text: &str) -> Recognition {
        // No token is longer, and reading one must not be a way to burn time.
        if text.len() > self.plaintext_bytes_max() {
            return Recognition::NotToken;
        }
        let Some(texts) = self.folded(text) else {
            return Recognition::NotToken;
        };
        let (aside, _) = self.aside(&texts);
        if outline::is_outline_token(self.kind, &self.parts, &texts, &aside) {
            return Recognition::Token;
        }
        match self.parse(text).map(|reading| reading.shape.is_ok()) {
            Ok(true) => Recognition::Unsure,
            Ok(false) | Err(_) => Recognition::NotToken,
        }
    }

    /// The parts of a value in canonical form.
    fn canonical(&self, text: &str) -> Result<Texts, FormatError> {
        let characters_max = self.words.characters_max();
        let too_long = |length_max, unit| FormatError::TooLong { length_max, unit };
        if text.len() > self.plaintext_bytes_max() {
            return Err(too_long(characters_max, LengthUnit::Characters));
        }
        let given = self.ordered(text)?;
        for (part, text) in (1..).zip(&given) {
            if let Err(FormatError::ControlCharacter { position }) =
                canonical::refuse_controls(text, &['\t', '\n', '\r'])
            {
                return Err(FormatError::PartControlCharacter { part, position });
            }
        }
        let canonical = |part: &&str| self.words.canonical_part(part);
        let texts: Texts = given.iter().map(canonical).collect();
        // With the separators between them, as all parts are one text.
        let characters = |text: &Zeroizing<String>| text.chars().count() + 1;
        if texts.iter().map(characters).sum::<usize>() > characters_max + 1 {
            return Err(too_long(characters_max, LengthUnit::Characters));
        }
        let lines = texts.iter().map(|text| text.lines().count());
        if lines.max().unwrap_or(0) > LINES_MAX {
            return Err(too_long(LINES_MAX, LengthUnit::Lines));
        }
        Ok(texts)
    }

    /// The parts of a text in the order of the configuration, empty where there are none.
    fn ordered<'text>(&self, text: &'text str) -> Result<Vec<&'text str>, FormatError> {
        let given = split_parts(text).ok_or(FormatError::PartsMissing)?;
        let is_known = |(name, _): &(&str, &str)| self.parts.iter().any(|own| own.name == *name);
        if !given.iter().all(is_known) {
            return Err(FormatError::PartUnknown);
        }
        let text_of = |part: &PartName| {
            let found = given.iter().find(|(name, _)| *name == part.name);
            found.map_or("", |(_, text)| *text)
        };
        Ok(self.parts.iter().map(text_of).collect())
    }

    /// The folds of a token's parts.
    fn folded(&self, token: &str) -> Option<Texts> {
        let texts = self.ordered(token).ok()?;
        Some(texts.into_iter().map(fold).collect())
    }

    /// What of a value is not among its words, and the numbers of its postal code's characters.
    fn aside(&self, texts: &Texts) -> (Aside, Vec<u32>) {
        let text_of = |role: Role| {
            let mut parts = self.parts.iter().zip(texts);
            parts.find_map(|(part, text)| (part.role == role).then_some(text))
        };
        let country = match self.country {
            CountryPart::Kept => text_of(Role::Country),
            CountryPart::Enciphered => None,
        };
        let found = country.and_then(|text| Some((text, Country::named(text)?)));
        let code = match self.postal_code {
            PostalCodes::Pattern => text_of(Role::PostalCode),
            PostalCodes::Shape => None,
        };
        let code = found
            .zip(code)
            .and_then(|((_, country), code)| country.pattern_of(code));
        let country = found.map(|(text, _)| text.clone());
        match code {
            Some((number, pattern, indexes)) => {
                let pattern = Some((number, pattern));
                (Aside { country, pattern }, indexes)
            }
            None => {
                let pattern = None;
                (Aside { country, pattern }, Vec::new())
            }
        }
    }

    /// The words of all parts as one text. What is aside leaves its place empty.
    fn words_of(&self, texts: &Texts, aside: &Aside) -> Zeroizing<String> {
        let each = self.parts.iter().zip(texts);
        joined(each.map(|(part, text)| match aside.has(part.role) {
            true => "",
            false => text.as_str(),
        }))
    }

    fn shape(&self, words: &str, aside: Aside, code: &[u32]) -> Result<Shape, FidelityReason> {
        let Placed {
            slice: words,
            rank,
            residue: words_residue,
        } = self.words.place_parts(words)?;
        let residue = residue::write(&aside, &words_residue);
        let slice = StructuredSlice::new(&self.parts, words, aside);
        if !slice.domain().is_large_enough() {
            return Err(FidelityReason::DomainTooSmall);
        }
        let rank = slice.rank(&rank, code);
        let slice = Slice::new(Members::Structured(slice));
        Ok(Shape {
            shaped: Shaped { slice, rank },
            residue,
        })
    }

    fn join(&self, texts: &Texts) -> Result<SecretText, FormatError> {
        let names = self.parts.iter().map(|part| part.name);
        let parts: Vec<(&str, &str)> = names.zip(texts.iter().map(|text| text.as_str())).collect();
        join(&parts)
    }
}

/// Texts with [`PART_SEPARATOR`] between them.
fn joined<'text>(texts: impl Iterator<Item = &'text str> + Clone) -> Zeroizing<String> {
    let bytes: usize = texts.clone().map(|text| text.len() + 1).sum();
    let mut joined = Zeroizing::new(String::with_capacity(bytes));
    for (place, text) in texts.enumerate() {
        if place > 0 {
            joined.push(PART_SEPARATOR);
        }
        joined.push_str(text);
    }
    joined
}

/// Begins the fold of a text without parts.
const FOREIGN: char = '\u{1d}';

/// Room for a part's name and its separators.
const PART_OVERHEAD_BYTES: usize = 40;

#[cfg(test)]
mod tests;
