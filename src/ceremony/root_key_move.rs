//! From one root key to another.

use std::fmt;

/// What holds a root key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RootKeyKind {
    /// A file under a passphrase.
    PassphraseFile,
    /// A PKCS#11 token.
    Pkcs11,
    /// Officers' shares.
    Shares,
}

impl RootKeyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::PassphraseFile, Self::Pkcs11, Self::Shares];

    /// The name, as a configuration says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PassphraseFile => "passphrase-file",
            Self::Pkcs11 => "pkcs11",
            Self::Shares => "shares",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Which keys are wrapped anew, and what holds the root key before and after: a vault must not come
/// from an HSM into a file without its officers' knowledge.
///
/// As a statement says it: `keys <64 hexadecimal digits> from shares to pkcs11`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RootKeyMove {
    /// SHA-256 of all stored keys, as they are wrapped now: the statement is of no use afterwards.
    pub keys: [u8; 32],
    /// What holds the root key now.
    pub from: RootKeyKind,
    /// What is to hold it.
    pub to: RootKeyKind,
}

impl RootKeyMove {
    /// Reads what [`fmt::Display`] writes; the statement around it is compared with its text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(' ').collect();
        let ["keys", keys, "from", from, "to", to] = parts.as_slice() else {
            return None;
        };
        Some(Self {
            keys: hex::decode(keys).ok()?.try_into().ok()?,
            from: RootKeyKind::from_name(from)?,
            to: RootKeyKind::from_name(to)?,
        })
    }
}

impl fmt::Display for RootKeyMove {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, from, to) = (hex::encode(self.keys), self.from.name(), self.to.name());
        write!(formatter, "keys {keys} from {from} to {to}")
    }
}
