//! Slices: the values that share a skeleton or the free choices of a product format, numbered.
//!
//! The law is closure: for every rank below the size, the text is of the same slice, is NFC, and
//! its fold gives the rank back.

use super::error::FormatError;
use super::outline::DomainTag;
use super::product::ProductSlice;
use super::skeletal::SkeletalSlice;
use super::structured::StructuredSlice;
use crate::domain::DomainSize;
use crate::domain::Rank;
use crate::domain::Token;

/// The values that a token does not tell apart: what a shape token says of its value.
#[expect(
    missing_debug_implementations,
    reason = "the shape of a value must not reach a log"
)]
pub struct Slice {
    members: Members,
    /// Of a product format; others have their own.
    product_tweak: Vec<u8>,
}

/// Whose slice it is.
pub(super) enum Members {
    /// A product format's.
    Product(ProductSlice),
    /// A text's.
    Skeletal(SkeletalSlice),
    /// A value's in parts.
    Structured(StructuredSlice),
}

/// A slice, and the place of a value or a token in it.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Shaped {
    /// The values that share the skeleton or the form.
    pub slice: Slice,
    /// The place among them.
    pub rank: Rank,
}

impl Slice {
    pub(super) fn new(members: Members) -> Self {
        let product_tweak = match &members {
            Members::Product(slice) => [&[PRODUCT], slice.tweak().as_slice()].concat(),
            Members::Skeletal(_) | Members::Structured(_) => Vec::new(),
        };
        Self {
            members,
            product_tweak,
        }
    }

    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// How many tokens it has.
    #[must_use]
    pub fn domain(&self) -> &DomainSize {
        match &self.members {
            Members::Product(slice) => slice.domain(),
            Members::Skeletal(slice) => slice.domain(),
            Members::Structured(slice) => slice.domain(),
        }
    }

    /// The slice in bytes, the same for a value and its token. Two slices have the same bytes
    /// only if they are the same; the caller puts their length before them.
    #[must_use]
    pub fn tweak(&self) -> &[u8] {
        match &self.members {
            Members::Product(_) => &self.product_tweak,
            Members::Skeletal(slice) => slice.tweak(),
            Members::Structured(slice) => slice.tweak(),
        }
    }

    /// The token at this place, or nothing where there is none and another rank has to be drawn:
    /// no check character makes this number right.
    ///
    /// # Errors
    ///
    /// If the rank is not below the size of the slice, or the token has to have a tag for its
    /// value's domain and none was set.
    pub fn unrank(&self, rank: &Rank) -> Result<Option<Token>, FormatError> {
        let text = match &self.members {
            Members::Product(slice) => slice.unrank(rank)?,
            Members::Skeletal(slice) => Some(slice.unrank(rank)?),
            Members::Structured(slice) => Some(slice.unrank(rank)?),
        };
        Ok(text.map(|text| Token::new(text.into_string())))
    }

    pub(super) fn set_tag(&mut self, tag: &DomainTag) {
        match &mut self.members {
            Members::Product(_) | Members::Structured(_) => {}
            Members::Skeletal(slice) => slice.set_tag(tag),
        }
    }
}

/// Begins the tweak of a product format, where that of a text has its kind.
const PRODUCT: u8 = 0xf0;
