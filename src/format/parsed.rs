//! Values in canonical form, with what they may become.

use zeroize::Zeroizing;

use super::FormatKind;
use super::email::Email;
use super::email::OCTETS_MAX;
use super::outline::Outlined;
use super::residue::Mailbox;
use super::residue::Residue;
use super::skeleton::Literals;
use super::skeleton::Skeleton;
use super::slice::Shaped;
use super::slice::Slice;
use super::style::Style;
use crate::domain::Fidelity;
use crate::domain::FidelityReason;

/// A value in canonical form.
///
/// ```compile_fail,E0277
/// # use counterfoil::format::Parsed;
/// fn log(parsed: Parsed) {
///     println!("{parsed:?}");
/// }
/// ```
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Parsed {
    configured: Fidelity,
    equality: Zeroizing<String>,
    whole: Zeroizing<String>,
    shape: Result<Shape, FidelityReason>,
    outlined: Outlined,
}

struct Shape {
    shaped: Shaped,
    residue: Zeroizing<Vec<u8>>,
}

impl Parsed {
    /// What is the same for equal values: what the value's fingerprint is made of.
    #[must_use]
    pub fn equality(&self) -> &[u8] {
        self.equality.as_bytes()
    }

    /// The value in its canonical form.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.whole
    }

    /// The fidelity that the value gets as the field is configured, and why. It depends on the
    /// slice only: equal shapes fare equally.
    #[must_use]
    pub fn preferred(&self) -> (Fidelity, FidelityReason) {
        match (self.configured, &self.shape) {
            (Fidelity::Shape, Ok(_)) => (Fidelity::Shape, FidelityReason::Configured),
            (Fidelity::Shape, Err(reason)) => (Fidelity::Outline, *reason),
            (Fidelity::Outline | Fidelity::Opaque, Err(FidelityReason::Invalid)) => {
                (Fidelity::Outline, FidelityReason::Invalid)
            }
            (Fidelity::Outline | Fidelity::Opaque, _) => {
                (Fidelity::Outline, FidelityReason::Configured)
            }
        }
    }

    /// The value's slice and its place there, whatever fidelity is preferred.
    ///
    /// # Errors
    ///
    /// Why shape cannot carry the value.
    pub fn shaped(&self) -> Result<&Shaped, FidelityReason> {
        self.shape
            .as_ref()
            .map(|shape| &shape.shaped)
            .map_err(|reason| *reason)
    }

    /// The outlines that the value may get.
    #[must_use]
    pub fn outlined(&self) -> &Outlined {
        &self.outlined
    }

    /// What a token of this fidelity cannot carry of the value.
    ///
    /// # Errors
    ///
    /// Why shape cannot carry the value.
    pub fn residue(&self, fidelity: Fidelity) -> Result<Residue, FidelityReason> {
        match fidelity {
            Fidelity::Shape => match &self.shape {
                Ok(shape) => Ok(Residue::from_bytes(shape.residue.clone())),
                Err(reason) => Err(*reason),
            },
            Fidelity::Outline | Fidelity::Opaque => Ok(Residue::whole(&self.whole)),
        }
    }

    /// A name or an address in canonical form.
    pub(super) fn plain(
        kind: FormatKind,
        configured: Fidelity,
        canonical: Zeroizing<String>,
        literals: Literals,
    ) -> Self {
        Self {
            configured,
            shape: Shape::new(kind, &canonical, literals, "", None),
            outlined: Outlined::new(kind, Style::of(&canonical), ""),
            equality: canonical.clone(),
            whole: canonical,
        }
    }

    /// An e-mail address; `tail` is the `@` with the token domain.
    pub(super) fn email(
        configured: Fidelity,
        email: &Email,
        literals: Literals,
        tail: &str,
    ) -> Self {
        let mailbox = Mailbox {
            spelling: &email.spelling,
            domain: &email.domain,
        };
        let shape = if !email.local.is_ascii() {
            Err(FidelityReason::NotRepresentable)
        } else if email.local.len() + tail.len() > OCTETS_MAX {
            Err(FidelityReason::TooLong)
        } else {
            Shape::new(
                FormatKind::Email,
                &email.local,
                literals,
                tail,
                Some(mailbox),
            )
        };
        Self {
            configured,
            equality: email.equality(),
            whole: email.spelled(),
            shape,
            outlined: Outlined::new(FormatKind::Email, Style::Lower, tail),
        }
    }

    /// A text that is no e-mail address, of a field that takes it nevertheless.
    pub(super) fn invalid(configured: Fidelity, text: Zeroizing<String>, tail: &str) -> Self {
        Self {
            configured,
            equality: text.clone(),
            whole: text,
            shape: Err(FidelityReason::Invalid),
            outlined: Outlined::new(FormatKind::Email, Style::Lower, tail),
        }
    }
}

impl Shape {
    fn new(
        kind: FormatKind,
        text: &str,
        literals: Literals,
        tail: &str,
        mailbox: Option<Mailbox<'_>>,
    ) -> Result<Self, FidelityReason> {
        let skeleton = Skeleton::of(text, literals).ok_or(FidelityReason::NotRepresentable)?;
        let slice = Slice::new(kind, skeleton, literals, tail);
        if !slice.domain().is_large_enough() {
            return Err(FidelityReason::DomainTooSmall);
        }
        let rank = slice.rank(text).ok_or(FidelityReason::NotRepresentable)?;
        let residue = Residue::of_shape(&slice, literals, text, mailbox).into_bytes();
        Ok(Self {
            shaped: Shaped { slice, rank },
            residue,
        })
    }
}
