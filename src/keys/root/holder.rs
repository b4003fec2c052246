//! What is done with a root key, wherever it is: in this process's memory or in an HSM that never
//! gives it away.

use std::fmt;

use thiserror::Error;

use crate::crypto::CryptoError;
use crate::crypto::Entropy;
use crate::crypto::KeyBytes;
use crate::crypto::KeyIdentity;
use crate::crypto::RootKey;

/// Holds a root key and does its one work: it wraps and unwraps other keys under their names.
///
/// A wrapped key has [`RootKey::WRAPPED_BYTES`] bytes, whoever wrapped it.
pub trait RootKeyHolder: fmt::Debug + Send + Sync {
    /// Wraps a key under its name.
    ///
    /// # Errors
    ///
    /// If the root key cannot be used now.
    fn wrap(
        &self,
        name: &KeyIdentity<'_>,
        key: &KeyBytes,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, HolderError>;

    /// Unwraps a key.
    ///
    /// # Errors
    ///
    /// If it was not wrapped by this root key under this name, or the root key cannot be used now.
    fn unwrap(&self, name: &KeyIdentity<'_>, wrapped: &[u8]) -> Result<KeyBytes, HolderError>;
}

/// Why a root key did not wrap or unwrap.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum HolderError {
    /// What should be unwrapped was wrapped by another root key, under another name, or was
    /// changed: which, nobody can tell.
    #[error("wrapped key does not open under this root key and name")]
    Opening,
    /// The root key cannot be used now, and might be later.
    #[error("root key cannot be used: {reason}\ncheck what holds it, and try again")]
    Unavailable {
        /// What its holder says.
        reason: &'static str,
    },
}

impl RootKeyHolder for RootKey {
    fn wrap(
        &self,
        name: &KeyIdentity<'_>,
        key: &KeyBytes,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, HolderError> {
        Ok(RootKey::wrap(self, name, key, entropy)?)
    }

    fn unwrap(&self, name: &KeyIdentity<'_>, wrapped: &[u8]) -> Result<KeyBytes, HolderError> {
        Ok(RootKey::unwrap(self, name, wrapped)?)
    }
}

impl From<CryptoError> for HolderError {
    fn from(error: CryptoError) -> Self {
        match error {
            CryptoError::Domain | CryptoError::Opening | CryptoError::TooLong { .. } => {
                Self::Opening
            }
        }
    }
}
