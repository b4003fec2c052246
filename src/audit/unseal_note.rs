//! What a `started` entry says of the officers who unsealed the vault.

use prost::Message;
use serde::Serialize;

use crate::audit::wire::EntryError;
use crate::domain::OfficerName;
use crate::domain::Principal;

/// The most shares that an entry may have.
pub const SHARES_GIVEN_MAX: usize = 16;

/// An officer's share of the root key, and who brought it to the vault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ShareGiven {
    /// Whose share.
    pub officer: OfficerName,
    /// Whose certificate the call had.
    pub principal: Principal,
    /// The SHA-256 fingerprint of that certificate.
    pub credential: [u8; 32],
}

/// `counterfoil.v1.AuditEntry.ShareGiven`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ShareGivenMessage {
    #[prost(string, tag = "1")]
    officer: String,
    #[prost(string, tag = "2")]
    principal: String,
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "3")]
    credential: Vec<u8>,
}

/// A share in an export.
#[derive(Serialize)]
pub(super) struct ShareGivenLine<'a> {
    officer: &'a str,
    principal: &'a str,
    credential: String,
}

impl ShareGiven {
    pub(super) fn message(&self) -> ShareGivenMessage {
        ShareGivenMessage {
            officer: self.officer.as_str().to_owned(),
            principal: self.principal.as_str().to_owned(),
            credential: self.credential.to_vec(),
        }
    }

    /// Reads the messages of an entry.
    pub(super) fn read_all(messages: &[ShareGivenMessage]) -> Result<Vec<Self>, EntryError> {
        if messages.len() > SHARES_GIVEN_MAX {
            return Err(WRONG);
        }
        messages.iter().map(Self::read).collect()
    }

    fn read(message: &ShareGivenMessage) -> Result<Self, EntryError> {
        let credential = message.credential.as_slice().try_into();
        Ok(Self {
            officer: OfficerName::new(&message.officer).map_err(|_| WRONG)?,
            principal: Principal::new(&message.principal).map_err(|_| WRONG)?,
            credential: credential.map_err(|_| WRONG)?,
        })
    }

    pub(super) fn line(&self) -> ShareGivenLine<'_> {
        ShareGivenLine {
            officer: self.officer.as_str(),
            principal: self.principal.as_str(),
            credential: hex::encode(self.credential),
        }
    }
}

const WRONG: EntryError = EntryError::Field { number: 40 };
