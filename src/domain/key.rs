//! What keys are for, their versions, and the states that they pass through.

use std::fmt;
use std::num::NonZeroU32;

use thiserror::Error;

use crate::domain::Namespace;

/// What a key is for. A key serves one purpose only (NIST SP 800-57 part 1 rev. 5, section 5.2).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyPurpose {
    /// Makes the fingerprints of tokens that audit entries carry. One per vault.
    AuditFingerprint,
    /// Signs checkpoints of the audit log. One per vault.
    AuditSigning,
    /// Makes the tags of e-mail domains in tokens. One per namespace, and never rotated.
    DomainTag,
    /// Finds a record by its token. One per namespace.
    TokenFingerprint,
    /// Finds a record by its value. One per namespace.
    ValueFingerprint,
    /// Wraps token keys. One per namespace.
    Wrapping,
}

impl KeyPurpose {
    /// Every purpose, for tests and listings.
    pub const ALL: [Self; 6] = [
        Self::AuditFingerprint,
        Self::AuditSigning,
        Self::DomainTag,
        Self::TokenFingerprint,
        Self::ValueFingerprint,
        Self::Wrapping,
    ];

    /// The name that statements and commands use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuditFingerprint => "audit-fingerprint",
            Self::AuditSigning => "audit-signing",
            Self::DomainTag => "domain-tag",
            Self::TokenFingerprint => "token-fingerprint",
            Self::ValueFingerprint => "value-fingerprint",
            Self::Wrapping => "wrapping",
        }
    }

    /// The purpose with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }

    /// Whether each namespace has a key of its own for it; else there is one for the vault.
    #[must_use]
    pub const fn is_of_namespace(self) -> bool {
        match self {
            Self::AuditFingerprint | Self::AuditSigning => false,
            Self::DomainTag | Self::TokenFingerprint | Self::ValueFingerprint | Self::Wrapping => {
                true
            }
        }
    }

    /// Whether the vault moves by itself what is under an older version. What the other fingerprint
    /// keys find, only who brings the token or the value can move.
    #[must_use]
    pub const fn has_job(self) -> bool {
        match self {
            Self::AuditFingerprint | Self::Wrapping => true,
            Self::AuditSigning
            | Self::DomainTag
            | Self::TokenFingerprint
            | Self::ValueFingerprint => false,
        }
    }

    /// The number in stored keys. Frozen.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::AuditFingerprint => 1,
            Self::AuditSigning => 2,
            Self::TokenFingerprint => 3,
            Self::ValueFingerprint => 4,
            Self::Wrapping => 5,
            Self::DomainTag => 6,
        }
    }
}

/// The version of a key, from 1.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyVersion(NonZeroU32);

impl KeyVersion {
    /// The first version of a key.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The version with this number, or nothing for 0.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number, from 1.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.get()
    }

    /// The version after this one, or nothing after the last.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// The state of a key version.
///
/// Source: NIST SP 800-57 part 1 rev. 5, section 7.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyState {
    /// Protects and processes.
    Active,
    /// Processes what is already protected, under suspicion; protects nothing new.
    Compromised,
    /// Processes what is already protected; protects nothing new.
    Deactivated,
    /// The key is gone; only its metadata is kept. Final.
    Destroyed,
    /// Made, and not yet used.
    PreActivation,
    /// Like deactivated, but may come back.
    Suspended,
}

/// A change of state that the table does not have.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a key cannot go from this state to that one")]
pub struct InvalidTransition {
    /// The state that the key is in.
    pub from: KeyState,
    /// The state that was asked for.
    pub to: KeyState,
}

impl KeyState {
    /// Every state, for tests and listings.
    pub const ALL: [Self; 6] = [
        Self::PreActivation,
        Self::Active,
        Self::Suspended,
        Self::Deactivated,
        Self::Compromised,
        Self::Destroyed,
    ];

    /// Returns `to`, if a key in this state may go there. The one table of transitions.
    ///
    /// Source: NIST SP 800-57 part 1 rev. 5, section 7, figure 3.
    ///
    /// # Errors
    ///
    /// If the table does not have the transition; staying in a state is none.
    pub fn transition(self, to: Self) -> Result<Self, InvalidTransition> {
        use KeyState::Active;
        use KeyState::Compromised;
        use KeyState::Deactivated;
        use KeyState::Destroyed;
        use KeyState::PreActivation;
        use KeyState::Suspended;
        let allowed = match self {
            PreActivation => matches!(to, Active | Suspended | Compromised | Destroyed),
            Active => matches!(to, Suspended | Deactivated | Compromised),
            Suspended => matches!(to, Active | Deactivated | Compromised | Destroyed),
            Deactivated => matches!(to, Compromised | Destroyed),
            Compromised => matches!(to, Destroyed),
            Destroyed => false,
        };
        if allowed {
            Ok(to)
        } else {
            Err(InvalidTransition { from: self, to })
        }
    }

    /// The name in listings and exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Compromised => "compromised",
            Self::Deactivated => "deactivated",
            Self::Destroyed => "destroyed",
            Self::PreActivation => "pre-activation",
            Self::Suspended => "suspended",
        }
    }

    /// The number in stored keys and entries, from 1. Frozen.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::PreActivation => 1,
            Self::Active => 2,
            Self::Suspended => 3,
            Self::Deactivated => 4,
            Self::Compromised => 5,
            Self::Destroyed => 6,
        }
    }

    /// The state with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// Whether a key in this state may protect something new.
    #[must_use]
    pub fn protects(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Whether a key in this state may open what it protected.
    #[must_use]
    pub fn processes(self) -> bool {
        match self {
            Self::Active | Self::Suspended | Self::Deactivated | Self::Compromised => true,
            Self::PreActivation | Self::Destroyed => false,
        }
    }
}

/// One version of one key, by its name.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyName {
    /// What the key is for.
    pub purpose: KeyPurpose,
    /// Whose key it is; nothing for a key of the whole vault.
    pub namespace: Option<Namespace>,
    /// Which version.
    pub version: KeyVersion,
}

impl KeyName {
    /// The name of the next version; nothing after the last.
    #[must_use]
    pub fn next(&self) -> Option<Self> {
        Some(Self {
            version: self.version.next()?,
            ..self.clone()
        })
    }
}

/// `wrapping/dev/1`, or `audit-signing/1` for a key of the whole vault.
impl fmt::Display for KeyName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.purpose.name())?;
        if let Some(namespace) = &self.namespace {
            write!(formatter, "/{namespace}")?;
        }
        write!(formatter, "/{}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destroyed_is_final() {
        for to in KeyState::ALL {
            assert!(KeyState::Destroyed.transition(to).is_err());
        }
    }

    #[test]
    fn active_key_is_never_destroyed_at_once() {
        assert!(KeyState::Active.transition(KeyState::Destroyed).is_err());
        let deactivated = KeyState::Active.transition(KeyState::Deactivated).unwrap();
        assert_eq!(
            deactivated.transition(KeyState::Destroyed),
            Ok(KeyState::Destroyed)
        );
    }

    #[test]
    fn only_active_protects() {
        let protecting: Vec<_> = KeyState::ALL.into_iter().filter(|s| s.protects()).collect();
        assert_eq!(protecting, [KeyState::Active]);
    }
}
