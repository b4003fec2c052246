//! What officers can do, each with the line that a statement says it in.

use crate::ceremony::LogPoint;
use crate::ceremony::Retokenization;
use crate::ceremony::Rollback;
use crate::ceremony::RootKeyMove;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Namespace;

/// What officers want done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Operation {
    /// Go on with a database that is not the one that its head was signed for.
    AcceptRollback(Rollback),
    /// Put other officers and rules in force: those of the charter with this SHA-256.
    ChangeCharter([u8; 32]),
    /// Protect nothing new under a key version, which others may know.
    CompromiseKey(KeyName),
    /// Make a key version open nothing, for ever.
    DestroyKey(KeyName),
    /// Erase the content of the entry of the log with this index, for ever.
    EraseEntry(u64),
    /// Take the beginning of the log out of the vault: this much of it, which an archive has.
    PruneLog(LogPoint),
    /// Take a suspended key version back among those that open what they protected.
    ResumeKey(KeyName),
    /// Let tokens be replaced by others for the same values, by who may retokenize.
    Retokenize(Retokenization),
    /// Make a new version of the key, active from now on, in the place of this one.
    RotateKey(KeyName),
    /// Wrap every key of the vault under another root key.
    RotateRootKey(RootKeyMove),
    /// Protect nothing new under a key version for now.
    SuspendKey(KeyName),
}

/// The kind of an operation, which rules are about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum OperationKind {
    /// [`Operation::AcceptRollback`]
    AcceptRollback,
    /// [`Operation::ChangeCharter`]
    ChangeCharter,
    /// [`Operation::CompromiseKey`]
    CompromiseKey,
    /// [`Operation::DestroyKey`]
    DestroyKey,
    /// [`Operation::EraseEntry`]
    EraseEntry,
    /// [`Operation::PruneLog`]
    PruneLog,
    /// [`Operation::ResumeKey`]
    ResumeKey,
    /// [`Operation::Retokenize`]
    Retokenize,
    /// [`Operation::RotateKey`]
    RotateKey,
    /// [`Operation::RotateRootKey`]
    RotateRootKey,
    /// [`Operation::SuspendKey`]
    SuspendKey,
}

impl OperationKind {
    /// Every kind, in the order of their names.
    pub const ALL: [Self; 11] = [
        Self::AcceptRollback,
        Self::ChangeCharter,
        Self::CompromiseKey,
        Self::DestroyKey,
        Self::EraseEntry,
        Self::PruneLog,
        Self::ResumeKey,
        Self::Retokenize,
        Self::RotateKey,
        Self::RotateRootKey,
        Self::SuspendKey,
    ];

    /// The name in statements, charters and listings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcceptRollback => "accept-rollback",
            Self::ChangeCharter => "change-charter",
            Self::CompromiseKey => "compromise-key",
            Self::DestroyKey => "destroy-key",
            Self::EraseEntry => "erase-entry",
            Self::PruneLog => "prune-log",
            Self::ResumeKey => "resume-key",
            Self::Retokenize => "retokenize",
            Self::RotateKey => "rotate-key",
            Self::RotateRootKey => "rotate-root-key",
            Self::SuspendKey => "suspend-key",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The number in audit entries, from 1. Frozen.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::ChangeCharter => 1,
            Self::CompromiseKey => 2,
            Self::DestroyKey => 3,
            Self::ResumeKey => 4,
            Self::RotateKey => 5,
            Self::SuspendKey => 6,
            Self::AcceptRollback => 7,
            Self::RotateRootKey => 8,
            Self::Retokenize => 9,
            Self::EraseEntry => 10,
            Self::PruneLog => 11,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// How many must sign at the least, whatever a charter says: what cannot be taken back is never
    /// one officer's to do.
    #[must_use]
    pub const fn approvals_min(self) -> usize {
        match self {
            Self::CompromiseKey | Self::RotateKey | Self::SuspendKey => 1,
            Self::AcceptRollback
            | Self::ChangeCharter
            | Self::DestroyKey
            | Self::EraseEntry
            | Self::PruneLog
            | Self::ResumeKey
            | Self::Retokenize
            | Self::RotateRootKey => 2,
        }
    }

    /// How many must sign where a charter says nothing: nobody takes a key out of use alone, be it
    /// for good or not, unless officers have agreed that haste is worth it.
    #[must_use]
    pub const fn approvals_usual(self) -> usize {
        match self {
            Self::CompromiseKey | Self::SuspendKey => 2,
            Self::AcceptRollback
            | Self::ChangeCharter
            | Self::DestroyKey
            | Self::EraseEntry
            | Self::PruneLog
            | Self::ResumeKey
            | Self::Retokenize
            | Self::RotateKey
            | Self::RotateRootKey => self.approvals_min(),
        }
    }

    /// Whether it is done to a vault that does not run, by a command on its machine.
    #[must_use]
    pub const fn is_offline(self) -> bool {
        match self {
            Self::AcceptRollback | Self::RotateRootKey => true,
            Self::ChangeCharter
            | Self::CompromiseKey
            | Self::DestroyKey
            | Self::EraseEntry
            | Self::PruneLog
            | Self::ResumeKey
            | Self::Retokenize
            | Self::RotateKey
            | Self::SuspendKey => false,
        }
    }

    /// Whether every charter has a rule for it. One that was founded before an operation was known
    /// has none, and the usual one holds.
    #[must_use]
    pub const fn is_in_every_charter(self) -> bool {
        match self {
            Self::AcceptRollback
            | Self::EraseEntry
            | Self::PruneLog
            | Self::Retokenize
            | Self::RotateRootKey => false,
            Self::ChangeCharter
            | Self::CompromiseKey
            | Self::DestroyKey
            | Self::ResumeKey
            | Self::RotateKey
            | Self::SuspendKey => true,
        }
    }
}

impl Operation {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        match self {
            Self::AcceptRollback(_) => OperationKind::AcceptRollback,
            Self::ChangeCharter(_) => OperationKind::ChangeCharter,
            Self::CompromiseKey(_) => OperationKind::CompromiseKey,
            Self::DestroyKey(_) => OperationKind::DestroyKey,
            Self::EraseEntry(_) => OperationKind::EraseEntry,
            Self::PruneLog(_) => OperationKind::PruneLog,
            Self::ResumeKey(_) => OperationKind::ResumeKey,
            Self::Retokenize(_) => OperationKind::Retokenize,
            Self::RotateKey(_) => OperationKind::RotateKey,
            Self::RotateRootKey(_) => OperationKind::RotateRootKey,
            Self::SuspendKey(_) => OperationKind::SuspendKey,
        }
    }

    /// The key version that it is about, if it is about one.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyName> {
        match self {
            Self::AcceptRollback(_)
            | Self::ChangeCharter(_)
            | Self::EraseEntry(_)
            | Self::PruneLog(_)
            | Self::Retokenize(_)
            | Self::RotateRootKey(_) => None,
            Self::CompromiseKey(key)
            | Self::DestroyKey(key)
            | Self::ResumeKey(key)
            | Self::RotateKey(key)
            | Self::SuspendKey(key) => Some(key),
        }
    }

    /// What it allows who retokenizes, if that is what it is.
    #[must_use]
    pub const fn retokenization(&self) -> Option<&Retokenization> {
        match self {
            Self::Retokenize(allowed) => Some(allowed),
            Self::AcceptRollback(_)
            | Self::ChangeCharter(_)
            | Self::CompromiseKey(_)
            | Self::DestroyKey(_)
            | Self::EraseEntry(_)
            | Self::PruneLog(_)
            | Self::ResumeKey(_)
            | Self::RotateKey(_)
            | Self::RotateRootKey(_)
            | Self::SuspendKey(_) => None,
        }
    }

    /// What it is about, as a statement says it.
    pub(super) fn object(&self) -> String {
        match self {
            Self::AcceptRollback(rollback) => rollback.to_string(),
            Self::ChangeCharter(digest) => hex::encode(digest),
            Self::EraseEntry(index) => format!("{ENTRY}{index}"),
            Self::PruneLog(LogPoint { size, root }) => {
                format!("{LOG}{size} {}", hex::encode(root))
            }
            Self::Retokenize(allowed) => allowed.to_string(),
            Self::RotateRootKey(moved) => moved.to_string(),
            Self::CompromiseKey(key)
            | Self::DestroyKey(key)
            | Self::ResumeKey(key)
            | Self::RotateKey(key)
            | Self::SuspendKey(key) => key.to_string(),
        }
    }

    /// Reads what a statement says.
    pub(super) fn read(kind: &str, object: &str) -> Option<Self> {
        let kind = OperationKind::from_name(kind)?;
        let key = || read_key(object);
        Some(match kind {
            OperationKind::AcceptRollback => Self::AcceptRollback(Rollback::read(object)?),
            OperationKind::ChangeCharter => {
                Self::ChangeCharter(hex::decode(object).ok()?.try_into().ok()?)
            }
            OperationKind::CompromiseKey => Self::CompromiseKey(key()?),
            OperationKind::DestroyKey => Self::DestroyKey(key()?),
            OperationKind::EraseEntry => {
                Self::EraseEntry(object.strip_prefix(ENTRY)?.parse().ok()?)
            }
            OperationKind::PruneLog => {
                let (size, root) = object.strip_prefix(LOG)?.split_once(' ')?;
                Self::PruneLog(LogPoint {
                    size: size.parse().ok()?,
                    root: hex::decode(root).ok()?.try_into().ok()?,
                })
            }
            OperationKind::ResumeKey => Self::ResumeKey(key()?),
            OperationKind::Retokenize => Self::Retokenize(Retokenization::read(object)?),
            OperationKind::RotateKey => Self::RotateKey(key()?),
            OperationKind::RotateRootKey => Self::RotateRootKey(RootKeyMove::read(object)?),
            OperationKind::SuspendKey => Self::SuspendKey(key()?),
        })
    }
}

/// Reads `wrapping/dev/1` or `audit-signing/1`.
fn read_key(text: &str) -> Option<KeyName> {
    let parts: Vec<&str> = text.split('/').collect();
    let (purpose, namespace, version) = match parts.as_slice() {
        [purpose, version] => (purpose, None, version),
        [purpose, namespace, version] => (purpose, Some(Namespace::new(namespace).ok()?), version),
        _ => return None,
    };
    let purpose = KeyPurpose::from_name(purpose)?;
    let key = KeyName {
        purpose,
        namespace,
        version: KeyVersion::new(version.parse().ok()?)?,
    };
    (purpose.is_of_namespace() == key.namespace.is_some()).then_some(key)
}

/// What an entry of the log is called in statements, before its index.
const ENTRY: &str = "entry/";
/// What the beginning of the log is called in statements, before its size.
const LOG: &str = "log/";
