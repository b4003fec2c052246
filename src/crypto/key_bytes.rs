//! The 256 bits of a key, before it has a purpose.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::Entropy;

/// The 256 bits of a key, on their way from randomness or from unwrapping into a key's own type.
///
/// They are written once, in place on the heap, and overwritten when dropped: moving the value
/// moves a pointer, so that no copy of the key stays behind on the stack.
pub struct KeyBytes(Box<Zeroizing<[u8; KeyBytes::LENGTH]>>);

impl KeyBytes {
    /// How many bytes a key has.
    pub const LENGTH: usize = 32;

    /// Draws a new key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; Self::LENGTH]));
        entropy.fill(&mut **bytes);
        Self(bytes)
    }

    /// Takes over bytes that are a key, or nothing where they are not [`KeyBytes::LENGTH`] many.
    #[must_use]
    pub fn from_slice(slice: &[u8]) -> Option<Self> {
        slice.try_into().ok().map(Self::from_array)
    }

    /// Takes over bytes that are a key. The caller overwrites its own copy.
    #[must_use]
    pub fn from_array(array: &[u8; Self::LENGTH]) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; Self::LENGTH]));
        bytes.copy_from_slice(array);
        Self(bytes)
    }

    /// Opens the key. Only ciphers, and whatever stores keys outside the vault, may look.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyBytes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemEntropy;

    #[test]
    fn key_has_256_bits() {
        assert!(KeyBytes::from_slice(&[7; 32]).is_some());
        assert!(KeyBytes::from_slice(&[7; 31]).is_none());
        assert!(KeyBytes::from_slice(&[7; 33]).is_none());
    }

    #[test]
    fn key_is_never_printed() {
        let key = KeyBytes::generate(&SystemEntropy);
        assert_eq!(format!("{key:?}"), "KeyBytes { .. }");
    }
}
