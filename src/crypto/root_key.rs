//! Wrapping of the vault's and the namespaces' keys under the root key.
//!
//! AES-256-GCM-SIV with a random nonce that is stored in front; the associated data binds
//! purpose, namespace and version, so that no stored key can be put in another's place.

use std::fmt;

use crate::crypto::CryptoError;
use crate::crypto::Encoding;
use crate::crypto::Entropy;
use crate::crypto::KeyBytes;
use crate::crypto::aead::Aead;
use crate::crypto::aead::NONCE_BYTES;
use crate::crypto::aead::TAG_BYTES;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Namespace;

/// What distinguishes one stored key from every other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyIdentity<'a> {
    /// What the key is for.
    pub purpose: KeyPurpose,
    /// Whose key it is; nothing for a key of the whole vault.
    pub namespace: Option<&'a Namespace>,
    /// The key's version.
    pub version: KeyVersion,
}

impl KeyIdentity<'_> {
    /// The one encoding of the identity: what a wrapped key is bound to.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // A namespace is never empty, so the empty part can only be the whole vault.
        let namespace = self.namespace.map_or("", Namespace::as_str);
        Encoding::begin(Vec::new(), "counterfoil/v1/key")
            .part(&[self.purpose.number()])
            .part(namespace.as_bytes())
            .part(&self.version.number().to_be_bytes())
            .finish()
    }
}

/// The root key: wraps every other key, and is itself kept by a provider.
pub struct RootKey {
    aead: Aead,
}

impl RootKey {
    /// How many bytes a wrapped key has: nonce, key and tag.
    pub const WRAPPED_BYTES: usize = NONCE_BYTES + KeyBytes::LENGTH + TAG_BYTES;

    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &KeyBytes) -> Self {
        Self {
            aead: Aead::new(bytes),
        }
    }

    /// Wraps a key: the nonce, then the sealed key.
    ///
    /// # Errors
    ///
    /// None that can happen: a key is never too long.
    pub fn wrap(
        &self,
        name: &KeyIdentity<'_>,
        key: &KeyBytes,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, CryptoError> {
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce);
        let sealed = self
            .aead
            .seal(&nonce, &name.encode(), &[key.expose()], KeyBytes::LENGTH)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Unwraps a key.
    ///
    /// # Errors
    ///
    /// If it was not wrapped by this key under this name.
    pub fn unwrap(&self, name: &KeyIdentity<'_>, wrapped: &[u8]) -> Result<KeyBytes, CryptoError> {
        let (nonce, sealed) = wrapped
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(CryptoError::Opening)?;
        let opened = self.aead.open(nonce, &name.encode(), sealed)?;
        KeyBytes::from_slice(&opened).ok_or(CryptoError::Opening)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RootKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemEntropy;

    #[test]
    fn key_opens_only_under_its_name() {
        let root = RootKey::new(&KeyBytes::generate(&SystemEntropy));
        let (shop, other) = (
            Namespace::new("shop").unwrap(),
            Namespace::new("other").unwrap(),
        );
        let key = KeyBytes::generate(&SystemEntropy);
        let name = KeyIdentity {
            purpose: KeyPurpose::Wrapping,
            namespace: Some(&shop),
            version: KeyVersion::FIRST,
        };
        let wrapped = root.wrap(&name, &key, &SystemEntropy).unwrap();
        assert_eq!(root.unwrap(&name, &wrapped).unwrap().expose(), key.expose());
        for wrong in [
            KeyIdentity {
                purpose: KeyPurpose::TokenFingerprint,
                ..name
            },
            KeyIdentity {
                namespace: Some(&other),
                ..name
            },
            KeyIdentity {
                namespace: None,
                ..name
            },
            KeyIdentity {
                version: KeyVersion::new(2).unwrap(),
                ..name
            },
        ] {
            assert!(matches!(
                root.unwrap(&wrong, &wrapped),
                Err(CryptoError::Opening)
            ));
        }
        let stranger = RootKey::new(&KeyBytes::generate(&SystemEntropy));
        assert!(stranger.unwrap(&name, &wrapped).is_err());
    }

    #[test]
    fn damaged_key_does_not_open() {
        let root = RootKey::new(&KeyBytes::generate(&SystemEntropy));
        let name = KeyIdentity {
            purpose: KeyPurpose::AuditSigning,
            namespace: None,
            version: KeyVersion::FIRST,
        };
        let wrapped = root
            .wrap(&name, &KeyBytes::generate(&SystemEntropy), &SystemEntropy)
            .unwrap();
        for position in 0..wrapped.len() {
            let mut damaged = wrapped.clone();
            damaged[position] ^= 1;
            assert!(root.unwrap(&name, &damaged).is_err());
            assert!(root.unwrap(&name, &wrapped[..position]).is_err());
        }
    }
}
