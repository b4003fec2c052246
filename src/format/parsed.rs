//! Values in canonical form, with what they may become.

use zeroize::Zeroizing;

use super::error::FormatError;
use super::outline::DomainTag;
use super::outline::Outlined;
use super::residue::Residue;
use super::slice::Shaped;
use crate::domain::DomainSize;
use crate::domain::Fidelity;
use crate::domain::FidelityReason;
use crate::domain::Rank;

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
    reading: Reading,
}

/// What a layout reads in a value.
pub(super) struct Reading {
    /// What is the same for equal values.
    pub(super) equality: Zeroizing<String>,
    /// The value in its canonical form.
    pub(super) whole: Zeroizing<String>,
    /// Its place in its slice, or why shape cannot carry it.
    pub(super) shape: Result<Shape, FidelityReason>,
    /// The outlines that it may get.
    pub(super) outlined: Outlined,
}

/// A value as its shape carries it.
pub(super) struct Shape {
    /// Its slice, and the place there.
    pub(super) shaped: Shaped,
    /// What a token of the slice cannot carry.
    pub(super) residue: Zeroizing<Vec<u8>>,
}

impl Parsed {
    /// What is the same for equal values: what the value's fingerprint is made of.
    #[must_use]
    pub fn equality(&self) -> &[u8] {
        self.reading.equality.as_bytes()
    }

    /// The value in its canonical form.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.reading.whole
    }

    /// The fidelity that the value gets as the field is configured, and why. It depends on the
    /// slice only: equal shapes fare equally.
    #[must_use]
    pub fn preferred(&self) -> (Fidelity, FidelityReason) {
        match (self.configured, &self.reading.shape) {
            (Fidelity::Shape, Ok(_)) => (Fidelity::Shape, FidelityReason::Configured),
            (Fidelity::Shape, Err(reason)) => (Fidelity::Outline, *reason),
            (
                Fidelity::Imported | Fidelity::Outline | Fidelity::Opaque,
                Err(FidelityReason::Invalid),
            ) => (Fidelity::Outline, FidelityReason::Invalid),
            (Fidelity::Imported | Fidelity::Outline | Fidelity::Opaque, _) => {
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
        self.reading
            .shape
            .as_ref()
            .map(|shape| &shape.shaped)
            .map_err(|reason| *reason)
    }

    /// The outlines that the value may get.
    #[must_use]
    pub fn outlined(&self) -> &Outlined {
        &self.reading.outlined
    }

    /// What a token of this fidelity cannot carry of the value.
    ///
    /// # Errors
    ///
    /// Why shape cannot carry the value.
    pub fn residue(&self, fidelity: Fidelity) -> Result<Residue, FidelityReason> {
        match fidelity {
            Fidelity::Shape => match &self.reading.shape {
                Ok(shape) => Ok(Residue::from_bytes(shape.residue.clone())),
                Err(reason) => Err(*reason),
            },
            Fidelity::Imported | Fidelity::Outline | Fidelity::Opaque => {
                Ok(Residue::whole(&self.reading.whole))
            }
        }
    }

    /// What the tag in the value's token has to be made of: the domain of an e-mail address, where
    /// the field tags domains and no tag is set yet.
    ///
    /// The caller makes it, since there are no keys here: a keyed rank below
    /// [`Self::domain_tags`], the same for equal bytes for as long as tokens shall be found.
    #[must_use]
    pub fn domain_tag(&self) -> Option<&[u8]> {
        self.reading
            .outlined
            .frame()
            .tagged_domain()
            .map(str::as_bytes)
    }

    /// How many tags there are.
    #[must_use]
    pub fn domain_tags() -> DomainSize {
        DomainTag::domain()
    }

    /// Sets the tag at this place, which every token of the value has from now on. Where the field
    /// has no tags nothing changes.
    ///
    /// # Errors
    ///
    /// If the rank is not below [`Self::domain_tags`].
    pub fn set_domain_tag(&mut self, rank: &Rank) -> Result<(), FormatError> {
        let tag = DomainTag::unrank(rank)?;
        self.reading.outlined.set_tag(&tag);
        if let Ok(shape) = &mut self.reading.shape {
            shape.shaped.slice.set_tag(&tag);
        }
        Ok(())
    }

    /// A value as its layout read it.
    pub(super) fn new(configured: Fidelity, reading: Reading) -> Self {
        Self {
            configured,
            reading,
        }
    }
}
