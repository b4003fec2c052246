//! Formats: text to a number and back.
//!
//! A format is a family of finite sets, its slices: the values that share a skeleton. A value is
//! its slice and its rank there; the rank is enciphered elsewhere, and the new rank, written out in
//! the same slice, is the token. What a slice cannot carry gets a token of a small language instead
//! ([`Outlined`]), and what a token cannot carry is its [`Residue`]. No keys and no storage here.
//!
//! ```
//! use counterfoil::domain::{Fidelity, Plaintext};
//! use counterfoil::format::{Format, FormatKind, FormatSpec, OnInvalid};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let format = Format::new(FormatSpec {
//!     kind: FormatKind::Name,
//!     fidelity: Fidelity::Shape,
//!     token_domain: None,
//!     on_invalid: OnInvalid::Reject,
//! })?;
//! let parsed = format.parse(&Plaintext::new("Ada  Lovelace".to_owned()))?;
//! assert_eq!(parsed.equality(), b"Ada Lovelace");
//! assert_eq!(parsed.preferred().0, Fidelity::Shape);
//! # Ok(())
//! # }
//! ```

mod address;
#[cfg_attr(not(test), expect(dead_code, reason = "no format is made of it yet"))]
mod builtin;
mod canonical;
mod class;
mod email;
mod error;
mod fold;
mod name;
mod outline;
mod parsed;
#[cfg_attr(not(test), expect(dead_code, reason = "no format is made of it yet"))]
mod product;
mod residue;
mod secret_text;
mod skeleton;
mod slice;
mod spec;
mod style;

use std::fmt;

use self::canonical::BYTES_PER_CHARACTER_MAX;
use self::class::FINAL_SIGMA;
use self::class::SIGMA;
use self::email::Email;
pub use self::error::EmailFault;
pub use self::error::FormatError;
pub use self::error::FormatSpecError;
pub use self::error::LengthUnit;
pub use self::fold::fold;
pub use self::outline::OutlineSize;
pub use self::outline::Outlined;
pub use self::outline::is_outline_token;
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
use self::residue::Form;
pub use self::residue::Residue;
use self::residue::ShapeResidue;
use self::residue::Spelling;
use self::secret_text::SecretText;
use self::skeleton::Literals;
use self::skeleton::Skeleton;
pub use self::slice::Shaped;
pub use self::slice::Slice;
pub use self::spec::FormatKind;
pub use self::spec::FormatSpec;
pub use self::spec::OnInvalid;
use crate::domain::Fidelity;
use crate::domain::Plaintext;
use crate::domain::Rank;
use crate::domain::Token;

/// A format, checked and ready.
pub struct Format {
    kind: FormatKind,
    fidelity: Fidelity,
    on_invalid: OnInvalid,
    /// The `@` and the token domain of an e-mail field, else nothing.
    tail: Box<str>,
}

impl Format {
    /// Checks a specification.
    ///
    /// # Errors
    ///
    /// Which part of it is wrong, with the remedy.
    pub fn new(spec: FormatSpec) -> Result<Self, FormatSpecError> {
        let FormatSpec {
            kind,
            fidelity,
            token_domain,
            on_invalid,
        } = spec;
        match fidelity {
            Fidelity::Shape | Fidelity::Outline => {}
            Fidelity::Opaque => return Err(FormatSpecError::OpaqueUnsupported),
        }
        let tail = match (kind, token_domain) {
            (FormatKind::Email, Some(domain)) => token_tail(&domain)?,
            (FormatKind::Email, None) => return Err(FormatSpecError::TokenDomainMissing),
            (FormatKind::Address | FormatKind::Name, Some(_)) => {
                return Err(FormatSpecError::TokenDomainUnexpected);
            }
            (FormatKind::Address | FormatKind::Name, None) => Box::default(),
        };
        Ok(Self {
            kind,
            fidelity,
            on_invalid,
            tail,
        })
    }

    /// The version of the alphabets and layouts, which goes into every record.
    #[must_use]
    pub fn version(&self) -> u8 {
        VERSION
    }

    /// The kind of text.
    #[must_use]
    pub fn kind(&self) -> FormatKind {
        self.kind
    }

    /// The most bytes that a value may have: more are refused unread.
    #[must_use]
    pub fn plaintext_bytes_max(&self) -> usize {
        match self.kind {
            FormatKind::Address => address::CHARACTERS_MAX * BYTES_PER_CHARACTER_MAX,
            FormatKind::Email => email::OCTETS_MAX,
            FormatKind::Name => name::CHARACTERS_MAX * BYTES_PER_CHARACTER_MAX,
        }
    }

    /// Reads a value: caps first, then its canonical form, its slice and its rank.
    ///
    /// # Errors
    ///
    /// If the value is empty, too long, has control characters, or is no e-mail address where the
    /// field rejects such.
    pub fn parse(&self, value: &Plaintext) -> Result<Parsed, FormatError> {
        // The format must look: it is what the value becomes a number by.
        let text = value.expose();
        let (kind, fidelity) = (self.kind, self.fidelity);
        match kind {
            FormatKind::Address => Ok(Parsed::plain(
                kind,
                fidelity,
                address::parse(text)?,
                self.literals(),
            )),
            FormatKind::Name => Ok(Parsed::plain(
                kind,
                fidelity,
                name::parse(text)?,
                self.literals(),
            )),
            FormatKind::Email => {
                let normal = email::normalize(text)?;
                match (Email::parse(&normal), self.on_invalid) {
                    (Ok(email), _) => {
                        Ok(Parsed::email(fidelity, &email, self.literals(), &self.tail))
                    }
                    (Err(_), OnInvalid::Outline) => {
                        Ok(Parsed::invalid(fidelity, normal, &self.tail))
                    }
                    (Err(fault), OnInvalid::Reject) => Err(FormatError::InvalidEmail { fault }),
                }
            }
        }
    }

    /// Reads the token of a shape record, as applications may have changed it, with the residue of
    /// that record: its slice, and the rank to decipher.
    ///
    /// # Errors
    ///
    /// If the token does not have the shape that the residue says.
    pub fn read_token(&self, token: &Token, residue: &Residue) -> Result<Shaped, FormatError> {
        // The token must be looked at: it is the ciphertext.
        let folded = fold(token.expose());
        let text = match self.kind {
            FormatKind::Email => folded.rsplit_once('@').map_or("", |(local, _)| local),
            FormatKind::Address | FormatKind::Name => &folded,
        };
        let literals = self.literals();
        let skeleton = match residue.read_shape(literals)?.form {
            Form::Written(skeleton) => skeleton,
            Form::Styled(style) => Skeleton::of_folded(text, style, literals)
                .ok_or(FormatError::ShapeMismatch { position: 0 })?,
        };
        let slice = Slice::new(self.kind, skeleton, literals, &self.tail);
        let rank = slice.rank_of_folded(text)?;
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
        let ShapeResidue {
            sigmas,
            spelling,
            domain,
            ..
        } = residue.read_shape(self.literals())?;
        let text = slice.text(rank)?;
        match self.kind {
            FormatKind::Address | FormatKind::Name if sigmas.is_empty() => {
                Ok(Plaintext::new(text.into_string()))
            }
            FormatKind::Address | FormatKind::Name => {
                Ok(Plaintext::new(with_sigmas(&text, &sigmas).into_string()))
            }
            FormatKind::Email => {
                let mut address = SecretText::with_capacity(email::OCTETS_MAX);
                match spelling {
                    Spelling::Styled(style) => address.extend(style.apply(&text)),
                    Spelling::Verbatim(spelling) => {
                        // A rank that belongs to another spelling was deciphered wrongly.
                        if email::canonical_local(spelling).as_deref().map(|s| &**s) != Some(&*text)
                        {
                            return Err(FormatError::CorruptResidue);
                        }
                        address.push_str(spelling);
                    }
                }
                address.push('@');
                address.push_str(domain);
                Ok(Plaintext::new(address.into_string()))
            }
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

    fn literals(&self) -> Literals {
        match self.kind {
            FormatKind::Address => address::LITERALS,
            FormatKind::Email => email::LITERALS,
            FormatKind::Name => name::LITERALS,
        }
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Format")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The `@` and the token domain, if every outline fits before it.
fn token_tail(domain: &str) -> Result<Box<str>, FormatSpecError> {
    let domain = email::ascii_domain(domain).ok_or(FormatSpecError::TokenDomainInvalid)?;
    if domain.len() > TOKEN_DOMAIN_OCTETS_MAX {
        let octets_max = TOKEN_DOMAIN_OCTETS_MAX;
        return Err(FormatSpecError::TokenDomainTooLong { octets_max });
    }
    Ok(format!("@{}", &*domain).into())
}

/// The text with the other sigma at these places.
fn with_sigmas(text: &str, places: &[usize]) -> SecretText {
    let mut changed = SecretText::with_capacity(text.len());
    changed.extend(
        text.chars()
            .enumerate()
            .map(|(place, character)| match character {
                SIGMA if places.contains(&place) => FINAL_SIGMA,
                FINAL_SIGMA if places.contains(&place) => SIGMA,
                _ => character,
            }),
    );
    changed
}

/// Alphabets and layouts are frozen per version.
const VERSION: u8 = 1;

/// Leaves room for the longest outline and the `@`.
const TOKEN_DOMAIN_OCTETS_MAX: usize = email::OCTETS_MAX - 1 - outline::LOCAL_OCTETS_MAX;

#[cfg(test)]
mod tests;
