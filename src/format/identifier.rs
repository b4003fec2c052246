//! Identifiers: values of a product format, behind the same face as texts.

use super::canonical::BYTES_PER_CHARACTER_MAX;
use super::error::FormatError;
use super::fold::fold;
use super::outline::Outlined;
use super::outline::is_outline_token;
use super::parsed::Reading;
use super::parsed::Shape;
use super::product::Product;
use super::product::ProductSlice;
use super::product::ProductValue;
use super::slice::Members;
use super::slice::Shaped;
use super::slice::Slice;
use super::spec::FormatKind;
use super::spec::OnInvalid;
use super::style::Style;
use crate::domain::FidelityReason;
use crate::domain::Rank;
use crate::domain::Recognition;

/// A product format in use.
pub(super) struct Identifier {
    product: Product,
    on_invalid: OnInvalid,
}

impl Identifier {
    pub(super) fn new(product: Product, on_invalid: OnInvalid) -> Self {
        Self {
            product,
            on_invalid,
        }
    }

    pub(super) fn digest(&self) -> [u8; 16] {
        self.product.digest()
    }

    pub(super) fn plaintext_bytes_max(&self) -> usize {
        self.product.characters_max() * BYTES_PER_CHARACTER_MAX
    }

    /// Whether a text is a value for more than by chance: checks tell.
    pub(super) fn is_findable(&self) -> bool {
        self.product.has_check()
    }

    /// Reads a value: caps first, then its canonical form, its slice and its rank.
    pub(super) fn parse(&self, text: &str) -> Result<Reading, FormatError> {
        let canonical = self.product.canonical(text)?;
        let shape = match (self.product.parse(&canonical), self.on_invalid) {
            (Some(value), _) => Ok(shape(value)),
            (None, OnInvalid::Outline) => Err(FidelityReason::Invalid),
            (None, OnInvalid::Reject) => return Err(FormatError::Invalid),
        };
        Ok(Reading {
            shape,
            // Words, whatever the value was: an identifier says no more of itself.
            outlined: Outlined::new(FormatKind::Name, Style::of(&canonical), ""),
            equality: canonical.clone(),
            whole: canonical,
        })
    }

    /// The slice and the rank of a token.
    pub(super) fn read_token(&self, text: &str) -> Result<(ProductSlice, Rank), FormatError> {
        self.product
            .read_token(&fold(text))
            .ok_or(FormatError::ShapeMismatch { position: 0 })
    }

    /// Says whether a text may be a token.
    pub(super) fn recognize(&self, text: &str) -> Recognition {
        // No token is longer, and reading one must not be a way to burn time.
        if text.len() > self.plaintext_bytes_max() {
            return Recognition::NotToken;
        }
        let folded = fold(text);
        let recognized = self.product.recognize(&folded);
        match (recognized.is_token, recognized.is_value) {
            (true, false) => Recognition::Token,
            (true, true) => Recognition::Unsure,
            (false, _) if is_outline_token(FormatKind::Name, &folded) => Recognition::Token,
            (false, _) => Recognition::NotToken,
        }
    }
}

fn shape(value: ProductValue) -> Shape {
    let ProductValue {
        slice,
        rank,
        quotient,
    } = value;
    let slice = Slice::new(Members::Product(slice));
    Shape {
        shaped: Shaped { slice, rank },
        residue: quotient,
    }
}
