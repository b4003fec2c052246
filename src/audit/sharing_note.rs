//! What an entry says of new shares of the root key.

use prost::Message;
use serde::Serialize;

use crate::audit::unseal_note::SHARES_GIVEN_MAX;
use crate::audit::wire::EntryError;
use crate::domain::OfficerName;

/// Shares that were made of the root key: nothing that helps to put it together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SharingNote {
    /// The SHA-256 hash that each of the shares names their sharing file by.
    pub digest: [u8; 32],
    /// How many of them are needed.
    pub needed: u32,
    /// Who got one.
    pub officers: Vec<OfficerName>,
}

/// `counterfoil.v1.AuditEntry.Sharing`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SharingMessage {
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    digest: Vec<u8>,
    #[prost(uint32, tag = "2")]
    needed: u32,
    #[prost(string, repeated, tag = "3")]
    officers: Vec<String>,
}

/// The note in an export.
#[derive(Serialize)]
pub(super) struct SharingLine<'a> {
    digest: String,
    needed: u32,
    officers: Vec<&'a str>,
}

impl SharingNote {
    pub(super) fn message(&self) -> SharingMessage {
        SharingMessage {
            digest: self.digest.to_vec(),
            needed: self.needed,
            officers: self.officers.iter().map(OfficerName::to_string).collect(),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// If it is not one that [`Self::message`] makes of shares that there can be.
    pub(super) fn read(message: &SharingMessage) -> Result<Self, EntryError> {
        let officers = message.officers.iter().map(|name| OfficerName::new(name));
        let officers: Vec<OfficerName> = officers.collect::<Result<_, _>>().map_err(|_| WRONG)?;
        let needed = usize::try_from(message.needed).map_err(|_| WRONG)?;
        let is_possible =
            officers.len() <= SHARES_GIVEN_MAX && (1..=officers.len()).contains(&needed);
        if !is_possible {
            return Err(WRONG);
        }
        Ok(Self {
            digest: message.digest.as_slice().try_into().map_err(|_| WRONG)?,
            needed: message.needed,
            officers,
        })
    }

    pub(super) fn line(&self) -> SharingLine<'_> {
        SharingLine {
            digest: hex::encode(self.digest),
            needed: self.needed,
            officers: self.officers.iter().map(OfficerName::as_str).collect(),
        }
    }
}

const WRONG: EntryError = EntryError::Field { number: 41 };

#[cfg(test)]
mod tests {
    use super::*;

    fn note(needed: u32, count: usize) -> SharingNote {
        let officer = |number| OfficerName::new(&format!("officer{number}")).unwrap();
        SharingNote {
            digest: [7; 32],
            needed,
            officers: (0..count).map(officer).collect(),
        }
    }

    #[test]
    fn shares_that_there_cannot_be_are_refused() {
        for (needed, count) in [(1, 1), (2, 3), (16, 16)] {
            let note = note(needed, count);
            assert_eq!(SharingNote::read(&note.message()), Ok(note));
        }
        for (needed, count) in [(0, 3), (4, 3), (2, 17), (0, 0)] {
            assert_eq!(
                SharingNote::read(&note(needed, count).message()),
                Err(WRONG)
            );
        }
        let short = SharingMessage {
            digest: vec![7; 31],
            ..note(2, 3).message()
        };
        assert_eq!(SharingNote::read(&short), Err(WRONG));
    }
}
