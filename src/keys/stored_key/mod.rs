//! What is stored of a key: its metadata, and the key itself wrapped under the root key.
//!
//! What is wrapped is bound to purpose, namespace and version; that a state was not turned back is
//! for the audit log to show, which has every change.

mod codec;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::crypto::Entropy;
use crate::crypto::KeyBytes;
use crate::crypto::KeyIdentity;
use crate::crypto::scrub_stack;
use crate::domain::InvalidTransition;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Timestamp;
use crate::keys::KeyError;
use crate::keys::KeyLabel;
use crate::keys::root::HolderError;
use crate::keys::root::RootKeyHolder;

/// How many changes of state are kept with a key, the last ones. The audit log has all.
pub const CHANGES_COUNT_MAX: usize = 64;

/// What is known of a key without opening it, and what stays when it is destroyed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyMetadata {
    purpose: KeyPurpose,
    namespace: Option<Namespace>,
    version: KeyVersion,
    state: KeyState,
    created: Timestamp,
    changes: Vec<(KeyState, Timestamp)>,
}

/// A key as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredKey {
    metadata: KeyMetadata,
    wrapped: Vec<u8>,
}

impl KeyMetadata {
    /// What the key is for.
    #[must_use]
    pub fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// Whose key it is; nothing for a key of the whole vault.
    #[must_use]
    pub fn namespace(&self) -> Option<&Namespace> {
        self.namespace.as_ref()
    }

    /// Which version it is.
    #[must_use]
    pub fn version(&self) -> KeyVersion {
        self.version
    }

    /// The state that it is in.
    #[must_use]
    pub fn state(&self) -> KeyState {
        self.state
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// The last changes of state, the oldest first: which state it came into, and when.
    #[must_use]
    pub fn changes(&self) -> &[(KeyState, Timestamp)] {
        &self.changes
    }

    pub(super) fn label(&self) -> KeyLabel {
        let (purpose, namespace) = (self.purpose, self.namespace.clone());
        KeyLabel {
            purpose,
            namespace,
            version: Some(self.version),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> KeyName {
        KeyName {
            purpose: self.purpose,
            namespace: self.namespace.clone(),
            version: self.version,
        }
    }

    fn identity(&self) -> KeyIdentity<'_> {
        let (purpose, version) = (self.purpose, self.version);
        KeyIdentity {
            purpose,
            namespace: self.namespace.as_ref(),
            version,
        }
    }
}

impl StoredKey {
    /// Draws a new key and wraps it. It is in pre-activation: made, and not yet used.
    ///
    /// # Errors
    ///
    /// If the purpose asks for a namespace and there is none, or the other way round; or if the
    /// root key cannot be used.
    pub fn create(
        root: &dyn RootKeyHolder,
        identity: &KeyIdentity<'_>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyError> {
        let metadata = KeyMetadata {
            purpose: identity.purpose,
            namespace: identity.namespace.cloned(),
            version: identity.version,
            state: KeyState::PreActivation,
            created: now,
            changes: Vec::new(),
        };
        check_place(&metadata)?;
        let wrapped = draw_wrapped(root, identity, entropy);
        // What making the key has left there.
        scrub_stack();
        let wrapped = wrapped?;
        Ok(Self { metadata, wrapped })
    }

    /// The metadata.
    #[must_use]
    pub fn metadata(&self) -> &KeyMetadata {
        &self.metadata
    }

    /// Changes the state; a key that is destroyed is gone from then on. Nothing else changes a
    /// state.
    ///
    /// # Errors
    ///
    /// If the table of transitions does not have it.
    pub fn transition(&mut self, to: KeyState, now: Timestamp) -> Result<(), InvalidTransition> {
        self.metadata.state = self.metadata.state.transition(to)?;
        if self.metadata.changes.len() >= CHANGES_COUNT_MAX {
            self.metadata.changes.remove(0);
        }
        self.metadata.changes.push((to, now));
        if self.metadata.state == KeyState::Destroyed {
            self.wrapped.zeroize();
        }
        Ok(())
    }

    /// Wraps the key under another root key, under the same name.
    ///
    /// # Errors
    ///
    /// If the old root key does not open it, or one of the two cannot be used.
    pub fn rewrap(
        &self,
        from: &dyn RootKeyHolder,
        to: &dyn RootKeyHolder,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyError> {
        let metadata = self.metadata.clone();
        if metadata.state == KeyState::Destroyed {
            return Ok(Self {
                metadata,
                wrapped: Vec::new(),
            });
        }
        let wrapped = to.wrap(&metadata.identity(), &self.unwrap(from)?, entropy)?;
        Ok(Self { metadata, wrapped })
    }

    pub(super) fn unwrap(&self, root: &dyn RootKeyHolder) -> Result<KeyBytes, KeyError> {
        root.unwrap(&self.metadata.identity(), &self.wrapped)
            .map_err(|error| match error {
                HolderError::Opening => KeyError::Unwrapping(self.metadata.label()),
                HolderError::Unavailable { .. } => KeyError::Holder(error),
            })
    }
}

/// In a frame of its own, which is below the caller's.
#[inline(never)]
fn draw_wrapped(
    root: &dyn RootKeyHolder,
    identity: &KeyIdentity<'_>,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, HolderError> {
    root.wrap(identity, &KeyBytes::generate(entropy), entropy)
}

/// Wraps every key under another root key, and proves that it opens each of them to what it was,
/// before anybody gives the old root key up.
///
/// # Errors
///
/// If the old root key does not open one of them, or the new one does not give it back.
pub fn rewrap_all(
    keys: &[StoredKey],
    from: &dyn RootKeyHolder,
    to: &dyn RootKeyHolder,
    entropy: &dyn Entropy,
) -> Result<Vec<StoredKey>, KeyError> {
    let rewrap = |key: &StoredKey| {
        let rewrapped = key.rewrap(from, to, entropy)?;
        if key.metadata.state != KeyState::Destroyed {
            let (before, after) = (key.unwrap(from)?, rewrapped.unwrap(to)?);
            if !bool::from(before.expose().ct_eq(after.expose())) {
                return Err(KeyError::Unwrapping(key.metadata.label()));
            }
        }
        Ok(rewrapped)
    };
    keys.iter().map(rewrap).collect()
}

fn check_place(metadata: &KeyMetadata) -> Result<(), KeyError> {
    if metadata.namespace.is_some() == metadata.purpose.is_of_namespace() {
        Ok(())
    } else {
        Err(KeyError::Corrupt { part: "namespace" })
    }
}

#[cfg(test)]
mod tests;
