//! The key of one token.

use std::fmt;

use crate::crypto::Entropy;
use crate::crypto::KeyBytes;
use crate::crypto::mac;
use crate::crypto::mac::Mac;

/// The key of one token: random, one per record, never derived from the value.
///
/// It enciphers nothing itself. Each use (FF1, the residue, the rank of an outline) derives a key
/// of its own from it, so that no key serves two algorithms (NIST SP 800-57 part 1 rev. 5,
/// section 5.2).
pub struct TokenKey(KeyBytes);

impl TokenKey {
    /// Draws a new key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(KeyBytes::generate(entropy))
    }

    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: KeyBytes) -> Self {
        Self(bytes)
    }

    /// The bytes, for wrapping them.
    pub(super) fn bytes(&self) -> &KeyBytes {
        &self.0
    }

    /// A key of its own for the use that the label names, and that the part narrows.
    pub(super) fn derive(&self, label: &'static str, part: &[u8]) -> KeyBytes {
        mac::derive_key(Mac::new(&self.0).begin(label).part(part))
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TokenKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_use_has_a_key_of_its_own() {
        let key = TokenKey::new(KeyBytes::from_array(&[9; 32]));
        let ff1 = key.derive("ff1", b"");
        assert_ne!(ff1.expose(), key.derive("residue", b"").expose());
        assert_ne!(ff1.expose(), key.derive("ff1", b"x").expose());
        assert_ne!(ff1.expose(), key.bytes().expose());
    }
}
