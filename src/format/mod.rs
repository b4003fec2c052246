//! Formats: text to a number and back.
//!
//! A format is a family of finite sets, its slices: the values that share a skeleton. A value is
//! its slice and its rank there; the rank is enciphered elsewhere, and the new rank, written out in
//! the same slice, is the token. What a slice cannot carry gets a token of a small language instead
//! ([`Outlined`]), and what a token cannot carry is its [`Residue`]. No keys and no storage here.
//!
//! ```
//! use counterfoil::domain::{Fidelity, Plaintext};
//! use counterfoil::format::{Format, FormatKind, FormatSpec};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let format = Format::new(FormatSpec::new(FormatKind::Name))?;
//! let parsed = format.parse(&Plaintext::new("Ada  Lovelace".to_owned()))?;
//! assert_eq!(parsed.equality(), b"Ada Lovelace");
//! assert_eq!(parsed.preferred().0, Fidelity::Shape);
//! # Ok(())
//! # }
//! ```

mod builtin;
mod canonical;
mod error;
mod find;
mod fold;
mod frame;
mod identifier;
mod mask;
mod outline;
mod parsed;
mod product;
mod residue;
mod secret_text;
mod skeletal;
mod slice;
mod spec;
mod structured;
mod style;
mod summary;

use std::fmt;

use zeroize::Zeroizing;

pub use self::builtin::Mode;
pub use self::builtin::card::BOTH_ENDS_REFUSED;
pub use self::builtin::card::CardKeep;
pub use self::builtin::date_of_birth::DateLayout;
pub use self::error::EmailFault;
pub use self::error::FormatError;
pub use self::error::FormatSpecError;
pub use self::error::LengthUnit;
pub use self::find::Finding;
pub use self::find::TooManyKnown;
pub use self::find::find_known;
pub use self::fold::fold;
use self::identifier::Identifier;
pub use self::identifier::IdentifierError;
pub use self::identifier::IdentifierSpec;
pub use self::outline::OutlineSize;
pub use self::outline::Outlined;
pub use self::parsed::Parsed;
pub use self::product::CaseSpec;
pub use self::product::CheckToken;
pub use self::product::DatesSpec;
pub use self::product::FormSpec;
pub use self::product::GrammarError;
pub use self::product::GrammarSpec;
pub use self::product::IntegersSpec;
pub use self::product::LengthSpec;
pub use self::product::PartSpec;
pub use self::product::SetSpec;
pub use self::product::TokenSpec;
pub use self::residue::Residue;
use self::skeletal::Skeletal;
pub use self::skeletal::validators;
use self::slice::Members;
pub use self::slice::Shaped;
pub use self::slice::Slice;
pub use self::spec::EmailDomain;
pub use self::spec::FormatKind;
pub use self::spec::FormatSpec;
pub use self::spec::Length;
pub use self::spec::OnInvalid;
pub use self::structured::CountryPart;
pub use self::structured::PostalCodes;
use self::structured::Structured;
pub use self::structured::StructuredError;
pub use self::structured::StructuredKind;
pub use self::structured::StructuredSpec;
pub use self::summary::FormatSummary;
use crate::domain::Fidelity;
use crate::domain::Plaintext;
use crate::domain::Rank;
use crate::domain::Recognition;
use crate::domain::Token;
use crate::domain::is_of_parts;

/// A format, checked and ready.
pub struct Format {
    layout: Layout,
    fidelity: Fidelity,
}

/// How a format reads its texts.
enum Layout {
    /// Part by part.
    Product(Identifier),
    /// Position by position.
    Skeletal(Skeletal),
    /// Part by part, each position by position.
    Structured(Structured),
}

impl Format {
    /// Checks a specification.
    ///
    /// # Errors
    ///
    /// Which part of it is wrong, with the remedy.
    pub fn new(spec: FormatSpec) -> Result<Self, FormatSpecError> {
        let fidelity = spec.fidelity;
        match fidelity {
            Fidelity::Shape | Fidelity::Outline => {}
            Fidelity::Imported | Fidelity::Opaque => {
                return Err(FormatSpecError::OpaqueUnsupported);
            }
        }
        let layout = Layout::Skeletal(Skeletal::new(spec)?);
        Ok(Self { layout, fidelity })
    }

    /// Checks the specification of identifiers.
    ///
    /// # Errors
    ///
    /// Which part of it is wrong, with the remedy.
    pub fn identifier(
        spec: &IdentifierSpec,
        fidelity: Fidelity,
        on_invalid: OnInvalid,
    ) -> Result<Self, IdentifierError> {
        match fidelity {
            Fidelity::Shape | Fidelity::Outline => {}
            Fidelity::Imported | Fidelity::Opaque => {
                return Err(IdentifierError::OpaqueUnsupported);
            }
        }
        let layout = Layout::Product(Identifier::new(spec, on_invalid)?);
        Ok(Self { layout, fidelity })
    }

    /// Checks the specification of names or addresses in parts.
    ///
    /// # Errors
    ///
    /// Which part of it is wrong, with the remedy.
    pub fn structured(
        spec: &StructuredSpec,
        fidelity: Fidelity,
        length: Length,
    ) -> Result<Self, StructuredError> {
        match fidelity {
            Fidelity::Shape | Fidelity::Outline => {}
            Fidelity::Imported | Fidelity::Opaque => {
                return Err(StructuredError::OpaqueUnsupported);
            }
        }
        let layout = Layout::Structured(Structured::new(spec, length)?);
        Ok(Self { layout, fidelity })
    }

    /// What a format of identifiers means, in bytes: it must not change while there are tokens.
    /// Nothing for texts, whose meaning the version fixes.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 16]> {
        match &self.layout {
            Layout::Product(identifier) => Some(identifier.digest()),
            Layout::Skeletal(_) | Layout::Structured(_) => None,
        }
    }

    /// The version of the alphabets and layouts, which goes into every record.
    #[must_use]
    pub fn version(&self) -> u8 {
        VERSION
    }

    /// The most bytes that a value may have: more are refused unread.
    #[must_use]
    pub fn plaintext_bytes_max(&self) -> usize {
        match &self.layout {
            Layout::Product(identifier) => identifier.plaintext_bytes_max(),
            Layout::Skeletal(skeletal) => skeletal.plaintext_bytes_max(),
            Layout::Structured(structured) => structured.plaintext_bytes_max(),
        }
    }

    /// Reads a value: caps first, then its canonical form, its slice and its rank.
    ///
    /// # Errors
    ///
    /// If the value is empty, too long, has control characters, or is not valid where the field
    /// rejects such.
    pub fn parse(&self, value: &Plaintext) -> Result<Parsed, FormatError> {
        // The format must look: it is what the value becomes a number by.
        let text = value.expose();
        let reading = match &self.layout {
            Layout::Structured(structured) => structured.parse(text)?,
            Layout::Product(_) | Layout::Skeletal(_) if is_of_parts(text) => {
                return Err(FormatError::PartsUnexpected);
            }
            Layout::Product(identifier) => identifier.parse(text)?,
            Layout::Skeletal(skeletal) => skeletal.parse(text)?,
        };
        Ok(Parsed::new(self.fidelity, reading))
    }

    /// Reads the token of a shape record, as applications may have changed it, with the residue of
    /// that record: its slice, and the rank to decipher.
    ///
    /// # Errors
    ///
    /// If the token does not have the shape that the residue says.
    pub fn read_token(&self, token: &Token, residue: &Residue) -> Result<Shaped, FormatError> {
        // The token must be looked at: it is the ciphertext. So must what was sealed with it.
        let (text, residue) = (token.expose(), residue.expose());
        let (members, rank) = match &self.layout {
            Layout::Product(identifier) => {
                let (slice, rank) = identifier.read_token(text)?;
                (Members::Product(slice), rank)
            }
            Layout::Skeletal(skeletal) => {
                let (slice, rank) = skeletal.read_token(text, residue)?;
                (Members::Skeletal(slice), rank)
            }
            Layout::Structured(structured) => {
                let (slice, rank) = structured.read_token(text, residue)?;
                (Members::Structured(slice), rank)
            }
        };
        let slice = Slice::new(members);
        Ok(Shaped { slice, rank })
    }

    /// The value of a deciphered rank.
    ///
    /// # Errors
    ///
    /// If the rank is not in the slice, or the residue belongs to another value.
    pub fn restore(
        &self,
        slice: &Slice,
        rank: &Rank,
        residue: &Residue,
    ) -> Result<Plaintext, FormatError> {
        // What was sealed with the token completes the value.
        let residue = residue.expose();
        let text = match (&self.layout, slice.members()) {
            (Layout::Product(_), Members::Product(slice)) => slice.restore(rank, residue)?,
            (Layout::Skeletal(skeletal), Members::Skeletal(slice)) => {
                skeletal.restore(slice, rank, residue)?
            }
            (Layout::Structured(structured), Members::Structured(slice)) => {
                structured.restore(slice, rank, residue)?
            }
            (Layout::Product(_) | Layout::Skeletal(_) | Layout::Structured(_), _) => {
                return Err(FormatError::CorruptResidue);
            }
        };
        Ok(Plaintext::new(text.into_string()))
    }

    /// What may be seen of a value by who shall not see it: a few characters, the rest hidden in a
    /// way that does not say how long it is. Nothing of a value that is not in the format.
    #[must_use]
    pub fn mask(&self, value: &Plaintext) -> Plaintext {
        // The mask is made of the value.
        let text = value.expose();
        let mut mask = match &self.layout {
            Layout::Product(identifier) => identifier.mask(text, self.fidelity == Fidelity::Shape),
            Layout::Skeletal(skeletal) => skeletal.mask(text),
            Layout::Structured(structured) => structured.mask(text),
        };
        Plaintext::new(std::mem::take(&mut *mask))
    }

    /// The form under which a token of this format is found again, whatever applications did to
    /// it: its [`fold()`], for identifiers without the separators that the format ignores, and of a
    /// token in parts the folds of its parts.
    #[must_use]
    pub fn fold(&self, text: &str) -> Zeroizing<String> {
        match &self.layout {
            Layout::Product(identifier) => identifier.fold(text),
            Layout::Skeletal(_) => fold(text),
            Layout::Structured(structured) => structured.fold(text),
        }
    }

    /// A token that was made elsewhere, as tokens of this format are given out: whole, or with
    /// every part.
    ///
    /// # Errors
    ///
    /// If it has other parts than the format has.
    pub fn arrange(&self, token: &Token) -> Result<Token, FormatError> {
        // Its parts must be told apart. They are put in order, and change in nothing.
        let text = token.expose();
        match &self.layout {
            Layout::Structured(structured) => structured
                .arrange(text)
                .map(|arranged| Token::new(arranged.into_string())),
            Layout::Product(_) | Layout::Skeletal(_) if is_of_parts(text) => {
                Err(FormatError::PartsUnexpected)
            }
            Layout::Product(_) | Layout::Skeletal(_) => Ok(Token::new(text.to_owned())),
        }
    }

    /// Says whether a text may be a token, by its form alone.
    #[must_use]
    pub fn recognize(&self, text: &Token) -> Recognition {
        // No key is here to ask: the form is all that there is to look at.
        let text = text.expose();
        match &self.layout {
            Layout::Structured(structured) => structured.recognize(text),
            Layout::Product(_) | Layout::Skeletal(_) if is_of_parts(text) => Recognition::NotToken,
            Layout::Product(identifier) => identifier.recognize(text),
            Layout::Skeletal(skeletal) => skeletal.recognize(text),
        }
    }

    /// The value of an outline record.
    ///
    /// # Errors
    ///
    /// If the residue is not one of an outline.
    pub fn restore_outline(&self, residue: &Residue) -> Result<Plaintext, FormatError> {
        residue
            .read_whole()
            .map(|text| Plaintext::new(text.into_string()))
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Format").finish_non_exhaustive()
    }
}

/// Alphabets and layouts are frozen per version.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
