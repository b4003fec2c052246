//! The ring of opened keys: what the vault works with while it runs.

mod rows;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use crate::crypto::AuditFingerprintKey;
use crate::crypto::AuditSigningKey;
use crate::crypto::DomainTagKey;
use crate::crypto::Entropy;
use crate::crypto::KeyBytes;
use crate::crypto::KeyIdentity;
use crate::crypto::TokenFingerprintKey;
use crate::crypto::ValueFingerprintKey;
use crate::crypto::WrappingKey;
use crate::crypto::scrub_stack;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Timestamp;
use crate::keys::KeyError;
use crate::keys::KeyLabel;
use crate::keys::StoredKey;
use crate::keys::Versions;
use crate::keys::root::RootKeyHolder;

/// Every key of the vault that processes, opened.
pub struct Keyring {
    audit_fingerprint: Versions<AuditFingerprintKey>,
    audit_signing: Versions<AuditSigningKey>,
    /// Versions of the signing key that are deactivated, and nothing worse.
    audit_cosigning: BTreeSet<KeyVersion>,
    namespaces: BTreeMap<Namespace, NamespaceKeys>,
}

/// Every key of one namespace that processes, opened.
pub struct NamespaceKeys {
    domain_tag: Versions<DomainTagKey>,
    token_fingerprint: Versions<TokenFingerprintKey>,
    value_fingerprint: Versions<ValueFingerprintKey>,
    wrapping: Versions<WrappingKey>,
}

impl Keyring {
    /// Opens stored keys with the root key. Only those that process are opened.
    ///
    /// # Errors
    ///
    /// If a key does not open, is there twice, or has no active version, or more than one: each
    /// names the key. Whoever starts a vault then refuses to serve.
    pub fn open(root: &dyn RootKeyHolder, keys: &[StoredKey]) -> Result<Self, KeyError> {
        let opened = Self::open_all(root, keys);
        // What the key schedules of the ciphers have left there.
        scrub_stack();
        opened
    }

    #[inline(never)]
    fn open_all(root: &dyn RootKeyHolder, keys: &[StoredKey]) -> Result<Self, KeyError> {
        let opener = Opener { root, keys };
        let names: BTreeSet<_> = keys
            .iter()
            .filter_map(|key| key.metadata().namespace().cloned())
            .collect();
        let namespaces = names
            .into_iter()
            .map(|namespace| Ok((namespace.clone(), opener.open_namespace(&namespace)?)))
            .collect::<Result<_, KeyError>>()?;
        let vault = |purpose| (purpose, None);
        Ok(Self {
            audit_fingerprint: opener.open(vault(KeyPurpose::AuditFingerprint), |key, _| {
                AuditFingerprintKey::new(key)
            })?,
            audit_signing: opener.open(vault(KeyPurpose::AuditSigning), |key, _| {
                AuditSigningKey::new(key)
            })?,
            audit_cosigning: keys
                .iter()
                .map(StoredKey::metadata)
                .filter(|key| key.purpose() == KeyPurpose::AuditSigning)
                .filter(|key| key.state() == KeyState::Deactivated)
                .map(|key| key.version())
                .collect(),
            namespaces,
        })
    }

    /// Makes the first versions of every key of a new vault, active at once.
    ///
    /// # Errors
    ///
    /// If the root key cannot be used.
    pub fn create(
        root: &dyn RootKeyHolder,
        namespaces: &[Namespace],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<StoredKey>, KeyError> {
        let mut keys = [KeyPurpose::AuditFingerprint, KeyPurpose::AuditSigning]
            .map(|purpose| create_active(root, purpose, None, now, entropy))
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        for namespace in namespaces {
            keys.extend(Self::create_namespace(root, namespace, now, entropy)?);
        }
        Ok(keys)
    }

    /// Makes the first versions of every key of one more namespace, active at once.
    ///
    /// # Errors
    ///
    /// If the root key cannot be used.
    pub fn create_namespace(
        root: &dyn RootKeyHolder,
        namespace: &Namespace,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<StoredKey>, KeyError> {
        [
            KeyPurpose::Wrapping,
            KeyPurpose::TokenFingerprint,
            KeyPurpose::ValueFingerprint,
            KeyPurpose::DomainTag,
        ]
        .map(|purpose| create_active(root, purpose, Some(namespace), now, entropy))
        .into_iter()
        .collect()
    }

    /// The keys of a namespace, if the vault has it.
    #[must_use]
    pub fn namespace(&self, namespace: &Namespace) -> Option<&NamespaceKeys> {
        self.namespaces.get(namespace)
    }

    /// The namespaces that the vault has keys of.
    pub fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.namespaces.keys()
    }

    /// The keys that make the fingerprints of tokens in audit entries.
    #[must_use]
    pub fn audit_fingerprint(&self) -> &Versions<AuditFingerprintKey> {
        &self.audit_fingerprint
    }

    /// The keys that sign checkpoints beside the active one: those that were replaced, and that
    /// nobody has reason to doubt.
    pub fn audit_cosigning(&self) -> impl Iterator<Item = &AuditSigningKey> {
        let versions = self.audit_signing.iter();
        let cosigning = versions.filter(|(version, _)| self.audit_cosigning.contains(version));
        cosigning.map(|(_, key)| key)
    }

    /// The keys that sign checkpoints.
    #[must_use]
    pub fn audit_signing(&self) -> &Versions<AuditSigningKey> {
        &self.audit_signing
    }
}

impl NamespaceKeys {
    /// The keys that make the tags of e-mail domains.
    #[must_use]
    pub fn domain_tag(&self) -> &Versions<DomainTagKey> {
        &self.domain_tag
    }

    /// The keys that find records by their tokens.
    #[must_use]
    pub fn token_fingerprint(&self) -> &Versions<TokenFingerprintKey> {
        &self.token_fingerprint
    }

    /// The keys that find records by their values.
    #[must_use]
    pub fn value_fingerprint(&self) -> &Versions<ValueFingerprintKey> {
        &self.value_fingerprint
    }

    /// The keys that wrap token keys.
    #[must_use]
    pub fn wrapping(&self) -> &Versions<WrappingKey> {
        &self.wrapping
    }
}

struct Opener<'a> {
    root: &'a dyn RootKeyHolder,
    keys: &'a [StoredKey],
}

impl Opener<'_> {
    fn open_namespace(&self, namespace: &Namespace) -> Result<NamespaceKeys, KeyError> {
        let of = |purpose| (purpose, Some(namespace));
        Ok(NamespaceKeys {
            domain_tag: self.open(of(KeyPurpose::DomainTag), |key, _| DomainTagKey::new(key))?,
            token_fingerprint: self.open(of(KeyPurpose::TokenFingerprint), |key, _| {
                TokenFingerprintKey::new(key)
            })?,
            value_fingerprint: self.open(of(KeyPurpose::ValueFingerprint), |key, _| {
                ValueFingerprintKey::new(key)
            })?,
            wrapping: self.open(of(KeyPurpose::Wrapping), WrappingKey::new)?,
        })
    }

    /// Opens every version of one key that processes.
    fn open<K>(
        &self,
        (purpose, namespace): (KeyPurpose, Option<&Namespace>),
        new: impl Fn(&KeyBytes, KeyVersion) -> K,
    ) -> Result<Versions<K>, KeyError> {
        let (mut active, mut others) = (None, Vec::new());
        let mut versions = BTreeSet::new();
        let is_it = |key: &&StoredKey| {
            key.metadata().purpose() == purpose && key.metadata().namespace() == namespace
        };
        for key in self.keys.iter().filter(is_it) {
            let metadata = key.metadata();
            let version = metadata.version();
            if !versions.insert(version) {
                return Err(KeyError::Duplicate(metadata.label()));
            }
            if !metadata.state().processes() {
                continue;
            }
            let opened = (version, Box::new(new(&key.unwrap(self.root)?, version)));
            if !metadata.state().protects() {
                others.push(opened);
            } else if active.replace(opened).is_some() {
                return Err(KeyError::SeveralActive(metadata.label()));
            }
        }
        let active = active.ok_or_else(|| {
            let namespace = namespace.cloned();
            KeyError::Missing(KeyLabel {
                purpose,
                namespace,
                version: None,
            })
        })?;
        Ok(Versions::new(active, others))
    }
}

fn create_active(
    root: &dyn RootKeyHolder,
    purpose: KeyPurpose,
    namespace: Option<&Namespace>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<StoredKey, KeyError> {
    let identity = KeyIdentity {
        purpose,
        namespace,
        version: KeyVersion::FIRST,
    };
    let mut key = StoredKey::create(root, &identity, now, entropy)?;
    key.transition(KeyState::Active, now)
        .map_err(|_| KeyError::Corrupt { part: "state" })?;
    Ok(key)
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keyring").finish_non_exhaustive()
    }
}

impl fmt::Debug for NamespaceKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NamespaceKeys")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
