//! Identifiers: values of a product format, behind the same face as texts.

mod family;
mod spec;

use zeroize::Zeroizing;

use self::family::Family;
pub use self::spec::IdentifierError;
pub use self::spec::IdentifierSpec;
use super::canonical::BYTES_PER_CHARACTER_MAX;
use super::error::FormatError;
use super::find::Finding;
use super::fold::fold;
use super::frame::Frame;
use super::mask;
use super::mask::IdentifierMask;
use super::outline::Outlined;
use super::outline::is_outline_token;
use super::parsed::Reading;
use super::parsed::Shape;
use super::product::CHARACTERS_MAX;
use super::product::ProductSlice;
use super::product::ProductValue;
use super::slice::Members;
use super::slice::Shaped;
use super::slice::Slice;
use super::spec::FormatKind;
use super::spec::OnInvalid;
use super::style::Style;
use super::summary::FormatSummary;
use crate::domain::FidelityReason;
use crate::domain::Rank;
use crate::domain::Recognition;

/// The identifiers of a field.
pub(super) struct Identifier {
    family: Family,
    mask: IdentifierMask,
    on_invalid: OnInvalid,
}

impl Identifier {
    pub(super) fn new(
        spec: &IdentifierSpec,
        on_invalid: OnInvalid,
    ) -> Result<Self, IdentifierError> {
        Ok(Self {
            family: Family::new(spec)?,
            mask: IdentifierMask::of(spec),
            on_invalid,
        })
    }

    pub(super) fn digest(&self) -> [u8; 16] {
        self.family.digest()
    }

    pub(super) fn plaintext_bytes_max(&self) -> usize {
        CHARACTERS_MAX * BYTES_PER_CHARACTER_MAX
    }

    /// Whether a value is in the format for more than by chance.
    pub(super) fn is_certain(&self) -> bool {
        self.family.is_certain()
    }

    /// Whether a piece of a text is worth trying.
    pub(super) fn may_be(&self, window: &str, finding: Finding) -> bool {
        finding == Finding::Any || self.family.is_certainly_begun(window)
    }

    /// What the format does, for whoever configures it.
    pub(super) fn summary(&self) -> FormatSummary {
        let sample = self.family.sample();
        let counts = sample.as_ref().map(|product| product.slices());
        let mut warnings: Vec<String> = self
            .family
            .warning()
            .map(str::to_owned)
            .into_iter()
            .collect();
        let slices_count = counts.map(|counts| counts.slices_count);
        if slices_count.is_some_and(|count| count >= SLICES_MANY) {
            warnings.push("what tokens keep tells most values apart: keep less".to_owned());
        }
        FormatSummary {
            bits: counts.map(|counts| (counts.smallest_bits, counts.largest_bits)),
            slices_count,
            example: sample.and_then(|product| product.example(EXAMPLE_SEED)),
            example_mask: None,
            reveals: self.family.reveals(),
            warnings,
        }
    }

    /// Reads a value: caps first, then its canonical form, its slice and its rank.
    pub(super) fn parse(&self, text: &str) -> Result<Reading, FormatError> {
        let canonical = self.family.canonical(text)?;
        let product = self.family.product_of(&canonical);
        let value = product
            .and_then(|product| product.parse(&canonical))
            .filter(|_| self.family.is_plausible(&canonical));
        let shape = match (value, self.on_invalid) {
            (Some(value), _) => Ok(shape(value)),
            (None, OnInvalid::Outline) => Err(FidelityReason::Invalid),
            (None, OnInvalid::Reject) => return Err(FormatError::Invalid),
        };
        Ok(Reading {
            shape,
            // Words, whatever the value was: an identifier says no more of itself.
            outlined: Outlined::new(FormatKind::Name, Style::of(&canonical), Frame::default()),
            equality: canonical.clone(),
            whole: canonical,
        })
    }

    /// What may be seen of a value. Nothing of one that is not in the format: what it is, nobody
    /// knows.
    pub(super) fn mask(&self, text: &str, is_token_open: bool) -> Zeroizing<String> {
        let Ok(canonical) = self.family.canonical(text) else {
            return mask::hidden();
        };
        match self.family.product_of(&canonical) {
            Some(product)
                if self.family.is_plausible(&canonical) && product.parse(&canonical).is_some() =>
            {
                self.mask.apply(&canonical, product, is_token_open)
            }
            Some(_) | None => mask::hidden(),
        }
    }

    /// The fold without what the format ignores. A text of no format is an outline.
    pub(super) fn fold(&self, text: &str) -> Zeroizing<String> {
        let folded = fold(text);
        let product = self.family.product_of(&folded);
        let stripped = product.and_then(|product| product.strip_token(&folded));
        stripped.unwrap_or(folded)
    }

    /// The slice and the rank of a token.
    pub(super) fn read_token(&self, text: &str) -> Result<(ProductSlice, Rank), FormatError> {
        let folded = fold(text);
        self.family
            .product_of(&folded)
            .and_then(|product| product.read_token(&folded))
            .ok_or(FormatError::ShapeMismatch { position: 0 })
    }

    /// Says whether a text may be a token.
    pub(super) fn recognize(&self, text: &str) -> Recognition {
        // No token is longer, and reading one must not be a way to burn time.
        if text.len() > self.plaintext_bytes_max() {
            return Recognition::NotToken;
        }
        let folded = fold(text);
        let product = self.family.product_of(&folded);
        let recognized = product.map(|product| product.recognize(&folded));
        let is_token = recognized.is_some_and(|recognized| recognized.is_token);
        let is_value = recognized.is_some_and(|recognized| recognized.is_value);
        // What begins with a mark is in the format of values too, but is nobody's number.
        let is_value = is_value && !self.family.is_marked_by_its_beginning();
        match (is_token, is_value) {
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

/// With as many slices as people, each may have one of their own.
const SLICES_MANY: u64 = 1_000_000;

/// Any number does.
const EXAMPLE_SEED: u64 = 4;
