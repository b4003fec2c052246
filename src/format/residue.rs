//! The residue: what a token cannot carry.
//!
//! Each layout writes its own; the residue of an outline is the whole value.

use zeroize::Zeroizing;

use super::error::FormatError;
use super::secret_text::SecretText;

/// What a token cannot carry, in bytes that only this format reads. As secret as the value.
///
/// ```compile_fail,E0277
/// # use counterfoil::format::Residue;
/// println!("{:?}", Residue::from_bytes(Default::default()));
/// ```
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Residue(Zeroizing<Vec<u8>>);

impl Residue {
    /// Takes over bytes that [`Self::expose`] gave.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes, for sealing.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The residue of an outline: the whole value.
    pub(super) fn whole(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// The value that an outline stands for.
    pub(super) fn read_whole(&self) -> Result<SecretText, FormatError> {
        let text = str::from_utf8(&self.0).map_err(|_| FormatError::CorruptResidue)?;
        let mut whole = SecretText::with_capacity(text.len());
        whole.push_str(text);
        Ok(whole)
    }
}
