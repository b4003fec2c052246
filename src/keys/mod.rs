//! Keys: what is stored of them, where the root key comes from, and the ring of opened keys.
//!
//! ```text
//! root key                     from a provider
//!  ├─ audit signing key        one per vault
//!  ├─ audit fingerprint key    one per vault
//!  └─ per namespace
//!      ├─ wrapping key
//!      ├─ token fingerprint key
//!      └─ value fingerprint key
//! ```
//!
//! Each is versioned, in one of the states of NIST SP 800-57 part 1 rev. 5, and stored wrapped
//! under the root key.

pub mod hardening;
mod keyring;
mod live;
mod officer_token;
pub mod root;
mod stored_key;
mod table;
mod versions;

use std::fmt;

use thiserror::Error;

use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::keys::root::HolderError;

pub use keyring::Keyring;
pub use keyring::NamespaceKeys;
pub use live::Bygone;
pub use live::LiveKeyring;
pub use live::Ring;
pub use officer_token::OfficerToken;
pub use stored_key::CHANGES_COUNT_MAX;
pub use stored_key::KeyMetadata;
pub use stored_key::StoredKey;
pub use stored_key::rewrap_all;
pub use table::KeyTable;
pub use table::KeyTableError;
pub use versions::Versions;

/// Why keys cannot be made, read or used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum KeyError {
    /// A stored key is not in its form.
    #[error("stored key is damaged, in its {part}\nrestore the vault's keys from a backup")]
    Corrupt {
        /// Which part of it.
        part: &'static str,
    },
    /// The same version is there twice.
    #[error("{0} is there twice\nrestore the vault's keys from a backup")]
    Duplicate(KeyLabel),
    /// The root key did not do its work.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// No version is active.
    #[error("{0} is missing\nrestore the vault's keys from a backup")]
    Missing(KeyLabel),
    /// More than one version is active.
    #[error("{0} is active beside another version\nrestore the vault's keys from a backup")]
    SeveralActive(KeyLabel),
    /// The root key does not open it.
    #[error("{0} does not open\nthe root key is another vault's, or the stored key was changed")]
    Unwrapping(KeyLabel),
}

/// Which key an error is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyLabel {
    /// What the key is for.
    pub purpose: KeyPurpose,
    /// Whose key it is; nothing for a key of the whole vault.
    pub namespace: Option<Namespace>,
    /// Which version; nothing for all of them.
    pub version: Option<KeyVersion>,
}

impl fmt::Display for KeyLabel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.purpose {
            KeyPurpose::AuditFingerprint => "audit fingerprint key",
            KeyPurpose::AuditSigning => "audit signing key",
            KeyPurpose::DomainTag => "domain tag key",
            KeyPurpose::TokenFingerprint => "token fingerprint key",
            KeyPurpose::ValueFingerprint => "value fingerprint key",
            KeyPurpose::Wrapping => "wrapping key",
        })?;
        if let Some(namespace) = &self.namespace {
            write!(formatter, " of namespace {namespace}")?;
        }
        match self.version {
            Some(version) => write!(formatter, ", version {version},"),
            None => write!(formatter, ", active version,"),
        }
    }
}
