//! Texts: a class or a kept character at each position.
//!
//! Names, addresses, e-mail addresses, free texts and digits are read like this. Their slices are
//! the texts that share a skeleton. Names and addresses in parts are too: their parts are one text,
//! with a separator between them that is part of the skeleton.

mod address;
mod bucket;
mod class;
mod digits;
mod domains;
mod email;
mod name;
mod residue;
mod skeleton;
mod slice;
mod strangers;
mod text;
mod validator;

use zeroize::Zeroizing;

pub(super) use self::address::LINES_MAX;
use self::class::FINAL_SIGMA;
use self::class::SIGMA;
pub(super) use self::domains::Domains;
use self::email::Email;
use self::residue::Form;
use self::residue::Mailbox;
use self::residue::ShapeResidue;
use self::residue::Spelling;
use self::residue::Words;
use self::skeleton::Literals;
#[cfg(test)]
pub(super) use self::skeleton::Position;
use self::skeleton::Skeleton;
pub(super) use self::slice::SkeletalSlice;
pub use self::validator::validators;
use super::canonical;
use super::canonical::BYTES_PER_CHARACTER_MAX;
use super::error::FormatError;
use super::error::FormatSpecError;
use super::fold::fold;
use super::frame::Frame;
use super::mask;
use super::outline::Outlined;
use super::outline::is_outline_token;
use super::parsed::Reading;
use super::parsed::Shape;
use super::secret_text::SecretText;
use super::slice::Members;
use super::slice::Shaped;
use super::slice::Slice;
use super::spec::EmailDomain;
use super::spec::FormatKind;
use super::spec::FormatSpec;
use super::spec::Length;
use super::spec::OnInvalid;
use super::style::Style;
use crate::domain::FidelityReason;
use crate::domain::Rank;
use crate::domain::Recognition;

/// A layout of texts, checked and ready.
pub(super) struct Skeletal {
    kind: FormatKind,
    length: Length,
    on_invalid: OnInvalid,
    /// The domains of an e-mail field, else nothing.
    domains: Option<Domains>,
    /// Whether a text is several parts, with [`PART_SEPARATOR`] between them.
    is_of_parts: bool,
}

/// A text's place in its slice, and what a token of the slice cannot carry.
pub(super) struct Placed {
    pub(super) slice: SkeletalSlice,
    pub(super) rank: Rank,
    pub(super) residue: Zeroizing<Vec<u8>>,
}

impl Skeletal {
    pub(super) fn new(spec: FormatSpec) -> Result<Self, FormatSpecError> {
        let FormatSpec {
            kind,
            fidelity: _,
            token_domain,
            domain,
            length,
            on_invalid,
        } = spec;
        if kind == FormatKind::Digits && length == Length::Bucket {
            return Err(FormatSpecError::LengthUnexpected);
        }
        let domains = match (kind, token_domain, domain) {
            (FormatKind::Email, token_domain, domain) => {
                Some(Domains::new(token_domain.as_deref(), &domain)?)
            }
            (_, Some(_), _) => return Err(FormatSpecError::TokenDomainUnexpected),
            (_, None, EmailDomain::Replace) => None,
            (_, None, EmailDomain::Keep { .. } | EmailDomain::ReplaceTagged) => {
                return Err(FormatSpecError::DomainUnexpected);
            }
        };
        Ok(Self {
            kind,
            length,
            on_invalid,
            domains,
            is_of_parts: false,
        })
    }

    /// The layout of names or addresses in parts, with [`PART_SEPARATOR`] between them.
    pub(super) fn of_parts(kind: FormatKind, length: Length) -> Self {
        Self {
            kind,
            length,
            on_invalid: OnInvalid::Reject,
            domains: None,
            is_of_parts: true,
        }
    }

    pub(super) fn kind(&self) -> FormatKind {
        self.kind
    }

    pub(super) fn length(&self) -> Length {
        self.length
    }

    /// The domains of an e-mail field.
    pub(super) fn domains(&self) -> Option<&Domains> {
        self.domains.as_ref()
    }

    pub(super) fn plaintext_bytes_max(&self) -> usize {
        match self.kind {
            FormatKind::Email => email::OCTETS_MAX,
            FormatKind::Address | FormatKind::Digits | FormatKind::Name | FormatKind::Text => {
                self.characters_max() * BYTES_PER_CHARACTER_MAX
            }
        }
    }

    /// Reads a value: caps first, then its canonical form, its slice and its rank.
    pub(super) fn parse(&self, text: &str) -> Result<Reading, FormatError> {
        match self.kind {
            FormatKind::Address | FormatKind::Digits | FormatKind::Name | FormatKind::Text => {
                Ok(self.plain(self.canonical(text)?))
            }
            FormatKind::Email => {
                let normal = email::normalize(text)?;
                match (Email::parse(&normal), self.on_invalid) {
                    (Ok(email), _) => Ok(self.email(&email)),
                    (Err(_), OnInvalid::Outline) => Ok(self.invalid(normal)),
                    (Err(fault), OnInvalid::Reject) => Err(FormatError::InvalidEmail { fault }),
                }
            }
        }
    }

    /// The slice and the rank of a token, from its text and its record's residue.
    pub(super) fn read_token(
        &self,
        token: &str,
        residue: &[u8],
    ) -> Result<(SkeletalSlice, Rank), FormatError> {
        self.read_folded(&fold(token), residue)
    }

    /// The slice and the rank of a folded token.
    pub(super) fn read_folded(
        &self,
        folded: &str,
        residue: &[u8],
    ) -> Result<(SkeletalSlice, Rank), FormatError> {
        let literals = self.literals();
        let ShapeResidue {
            form,
            domain,
            is_kept,
            ..
        } = residue::read(residue, literals)?;
        let frame = self.frame(|domains| domains.frame_of_token(domain, is_kept));
        let mismatch = FormatError::ShapeMismatch { position: 0 };
        let text = frame.words(folded).ok_or(mismatch)?;
        let skeleton = match form {
            Form::Written(skeleton) => skeleton,
            Form::Styled(style) => Skeleton::of_folded(text, style, literals)
                .filter(|skeleton| self.admits(skeleton))
                .ok_or(mismatch)?,
        };
        let slice = SkeletalSlice::new(self.kind, self.length, skeleton, literals, frame);
        let rank = slice.rank_of_folded(text)?;
        Ok((slice, rank))
    }

    /// The value of a deciphered rank.
    pub(super) fn restore(
        &self,
        slice: &SkeletalSlice,
        rank: &Rank,
        residue: &[u8],
    ) -> Result<SecretText, FormatError> {
        let ShapeResidue {
            words,
            sigmas,
            spelling,
            domain,
            ..
        } = residue::read(residue, self.literals())?;
        let text = slice.text(rank)?;
        let text = match words {
            Words::Exact if sigmas.is_empty() => text,
            Words::Exact => with_sigmas(&text, &sigmas),
            Words::Filled(lengths) => {
                bucket::cut(slice.skeleton(), &text, &lengths).ok_or(FormatError::CorruptResidue)?
            }
            Words::Verbatim(text) => bucket::verbatim(text, self.literals(), slice, rank)
                .ok_or(FormatError::CorruptResidue)?,
        };
        match self.kind {
            FormatKind::Address | FormatKind::Digits | FormatKind::Name | FormatKind::Text => {
                Ok(text)
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
                Ok(address)
            }
        }
    }

    /// What may be seen of a value. Nothing of one that is not valid: what it is, nobody knows.
    pub(super) fn mask(&self, text: &str) -> Zeroizing<String> {
        if self.kind == FormatKind::Email {
            let normal = email::normalize(text);
            let email = normal.ok().and_then(|normal| Email::parse(&normal).ok());
            return email.map_or_else(mask::hidden, |email| {
                mask::email(&email.spelling, &email.domain)
            });
        }
        let Ok(canonical) = self.canonical(text) else {
            return mask::hidden();
        };
        match self.kind {
            FormatKind::Address => mask::words(&canonical, address::MASK_WORDS),
            FormatKind::Digits => mask::ending(&canonical, digits::MASK_DIGITS),
            FormatKind::Email | FormatKind::Text => mask::words(&canonical, text::MASK_WORDS),
            FormatKind::Name => mask::words(&canonical, name::MASK_WORDS),
        }
    }

    /// Says whether a text may be a token of these texts.
    pub(super) fn recognize(&self, text: &str) -> Recognition {
        // No token is longer, and reading one must not be a way to burn time.
        if text.len() > self.plaintext_bytes_max().max(email::OCTETS_MAX) {
            return Recognition::NotToken;
        }
        let folded = fold(text);
        if let Some(domains) = &self.domains {
            return if domains.recognizes(&folded) {
                Recognition::Token
            } else {
                Recognition::NotToken
            };
        }
        if is_outline_token(self.kind, &folded) {
            return Recognition::Token;
        }
        match self
            .canonical(&folded)
            .map(|text| self.shape(&text, Frame::default(), None))
        {
            Ok(Ok(_)) => Recognition::Unsure,
            Ok(Err(_)) | Err(_) => Recognition::NotToken,
        }
    }

    /// The canonical form of a text that is no e-mail address.
    fn canonical(&self, text: &str) -> Result<Zeroizing<String>, FormatError> {
        match self.kind {
            FormatKind::Address | FormatKind::Text => address::parse(text),
            FormatKind::Digits => digits::parse(text),
            FormatKind::Email | FormatKind::Name => name::parse(text),
        }
    }

    /// A text in canonical form that is no e-mail address.
    fn plain(&self, canonical: Zeroizing<String>) -> Reading {
        Reading {
            shape: self.shape(&canonical, Frame::default(), None),
            outlined: Outlined::new(self.kind, Style::of(&canonical), Frame::default()),
            equality: canonical.clone(),
            whole: canonical,
        }
    }

    fn email(&self, email: &Email) -> Reading {
        let frame = self.frame(|domains| domains.frame(&email.domain));
        let mailbox = Mailbox {
            spelling: &email.spelling,
            domain: &email.domain,
        };
        let shape = if !email.local.is_ascii() {
            Err(FidelityReason::NotRepresentable)
        } else {
            self.shape(&email.local, frame.clone(), Some(mailbox))
        };
        Reading {
            equality: email.equality(),
            whole: email.spelled(),
            shape,
            outlined: Outlined::new(self.kind, Style::Lower, frame),
        }
    }

    /// A text that is no e-mail address, of a field that takes it nevertheless.
    fn invalid(&self, text: Zeroizing<String>) -> Reading {
        let frame = self.frame(Domains::frame_of_invalid);
        Reading {
            equality: text.clone(),
            whole: text,
            shape: Err(FidelityReason::Invalid),
            outlined: Outlined::new(self.kind, Style::Lower, frame),
        }
    }

    fn shape(
        &self,
        text: &str,
        frame: Frame,
        mailbox: Option<Mailbox<'_>>,
    ) -> Result<Shape, FidelityReason> {
        let Placed {
            slice,
            rank,
            residue,
        } = self.place(text, frame, mailbox)?;
        if !slice.domain().is_large_enough() {
            return Err(FidelityReason::DomainTooSmall);
        }
        let slice = Slice::new(Members::Skeletal(slice));
        Ok(Shape {
            shaped: Shaped { slice, rank },
            residue,
        })
    }

    /// The place of a text in canonical form, in however small a slice: the caller looks at its
    /// size.
    fn place(
        &self,
        text: &str,
        frame: Frame,
        mailbox: Option<Mailbox<'_>>,
    ) -> Result<Placed, FidelityReason> {
        let literals = self.literals();
        if self.is_too_long(text, &frame) {
            return Err(FidelityReason::TooLong);
        }
        let filled = match self.length {
            Length::Bucket => {
                Some(bucket::fill(text, literals).ok_or(FidelityReason::NotRepresentable)?)
            }
            Length::Exact => None,
        };
        let placed = filled.as_ref().map_or(text, |filled| filled.as_str());
        if self.is_too_long(placed, &frame) {
            return Err(FidelityReason::TooLong);
        }
        let skeleton = Skeleton::of(placed, literals)
            .filter(|skeleton| self.admits(skeleton))
            .ok_or(FidelityReason::NotRepresentable)?;
        let slice = SkeletalSlice::new(self.kind, self.length, skeleton, literals, frame);
        let rank = slice.rank(placed).ok_or(FidelityReason::NotRepresentable)?;
        let words = match self.length {
            Length::Bucket => bucket::words(text, literals, &slice, &rank),
            Length::Exact => Words::Exact,
        };
        let residue = residue::write(&slice, literals, text, &words, mailbox);
        Ok(Placed {
            slice,
            rank,
            residue,
        })
    }

    /// The place of several parts in canonical form, with [`PART_SEPARATOR`] between them.
    pub(super) fn place_parts(&self, text: &str) -> Result<Placed, FidelityReason> {
        self.place(text, Frame::default(), None)
    }

    /// The canonical form of one part, which may be empty.
    pub(super) fn canonical_part(&self, text: &str) -> Zeroizing<String> {
        match self.kind {
            FormatKind::Address | FormatKind::Text => canonical::lines(text),
            FormatKind::Digits | FormatKind::Email | FormatKind::Name => canonical::words(text),
        }
    }

    /// The most characters that a value has.
    pub(super) fn characters_max(&self) -> usize {
        match self.kind {
            FormatKind::Address | FormatKind::Text => address::CHARACTERS_MAX,
            FormatKind::Digits => digits::CHARACTERS_MAX,
            FormatKind::Email => email::OCTETS_MAX,
            FormatKind::Name => name::CHARACTERS_MAX,
        }
    }

    /// Whether a text is longer than what stands for a value in a token may be.
    fn is_too_long(&self, text: &str, frame: &Frame) -> bool {
        match self.kind {
            FormatKind::Address | FormatKind::Text => {
                text.chars().count() > address::CHARACTERS_MAX
            }
            FormatKind::Digits => text.chars().count() > digits::CHARACTERS_MAX,
            FormatKind::Email => {
                text.len() + frame.mark_octets() > email::LOCAL_OCTETS_MAX
                    || text.len() + frame.octets_max() > email::OCTETS_MAX
            }
            FormatKind::Name => text.chars().count() > name::CHARACTERS_MAX,
        }
    }

    /// Whether the kind has all the classes of the skeleton.
    fn admits(&self, skeleton: &Skeleton) -> bool {
        let has_letter = || skeleton.positions().iter().any(|place| place.is_letter());
        self.kind != FormatKind::Digits || !has_letter()
    }

    /// What is around a token's words: something only for e-mail addresses.
    fn frame(&self, of: impl Fn(&Domains) -> Frame) -> Frame {
        self.domains.as_ref().map(of).unwrap_or_default()
    }

    fn literals(&self) -> Literals {
        match self.kind {
            FormatKind::Address if self.is_of_parts => address::PART_LITERALS,
            FormatKind::Name if self.is_of_parts => name::PART_LITERALS,
            FormatKind::Address => address::LITERALS,
            FormatKind::Digits => digits::LITERALS,
            FormatKind::Email => email::LITERALS,
            FormatKind::Name => name::LITERALS,
            FormatKind::Text => text::LITERALS,
        }
    }
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

/// U+001F, the unit separator of ASCII. It is in no value: control characters are refused.
pub(super) const PART_SEPARATOR: char = '\u{1f}';
