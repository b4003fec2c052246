//! What an entry says of grants and freezes.

use prost::Message;
use serde::Serialize;

use crate::access::Cause;
use crate::access::Effect;
use crate::audit::wire::EntryError;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;

/// What an entry says of grants and freezes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccessNote {
    /// The grant that the call was about, or made under.
    pub grant_id: Option<GrantId>,
    /// SHA-256 of the grant's scope: what was asked for, or approved.
    pub scope_digest: Option<[u8; 32]>,
    /// What was frozen or unfrozen.
    pub freeze: Option<FreezeTarget>,
    /// Why it was frozen.
    pub cause: Option<Cause>,
    /// Whether what needs two has taken effect. Only the sequencer knows, and sets it.
    pub effect: Option<Effect>,
}

/// `counterfoil.v1.AuditEntry.Access`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AccessMessage {
    #[prost(string, tag = "1")]
    grant_id: String,
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    scope_digest: Vec<u8>,
    /// As `domain::FreezeTarget` writes it.
    #[prost(string, tag = "3")]
    freeze: String,
    #[prost(uint32, tag = "4")]
    cause: u32,
    #[prost(uint32, tag = "5")]
    effect: u32,
}

/// The note in an export.
#[derive(Serialize)]
pub(super) struct AccessLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<&'static str>,
}

impl AccessNote {
    /// The message; nothing for a note that says nothing.
    pub(super) fn message(&self) -> Option<AccessMessage> {
        (*self != Self::default()).then(|| AccessMessage {
            grant_id: self
                .grant_id
                .as_ref()
                .map_or("", GrantId::as_str)
                .to_owned(),
            scope_digest: self.scope_digest.map_or_else(Vec::new, Vec::from),
            freeze: self
                .freeze
                .as_ref()
                .map(FreezeTarget::to_string)
                .unwrap_or_default(),
            cause: self.cause.map_or(0, Cause::number),
            effect: self.effect.map_or(0, Effect::number),
        })
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// If it is not one that [`Self::message`] makes.
    pub(super) fn read(message: Option<&AccessMessage>) -> Result<Self, EntryError> {
        let Some(message) = message else {
            return Ok(Self::default());
        };
        let note = Self::read_fields(message).ok_or(EntryError::Field { number: TAG })?;
        if note.message().as_ref() == Some(message) {
            Ok(note)
        } else {
            Err(EntryError::NotCanonical)
        }
    }

    fn read_fields(message: &AccessMessage) -> Option<Self> {
        Some(Self {
            grant_id: present(message.grant_id.as_str(), |text| GrantId::new(text).ok())?,
            scope_digest: match message.scope_digest.as_slice() {
                [] => None,
                bytes => Some(bytes.try_into().ok()?),
            },
            freeze: present(message.freeze.as_str(), FreezeTarget::read)?,
            cause: match message.cause {
                0 => None,
                number => Some(Cause::from_number(number)?),
            },
            effect: match message.effect {
                0 => None,
                number => Some(Effect::from_number(number)?),
            },
        })
    }

    /// The note in an export; nothing for one that says nothing.
    pub(super) fn line(&self) -> Option<AccessLine<'_>> {
        (*self != Self::default()).then(|| AccessLine {
            grant_id: self.grant_id.as_ref().map(GrantId::as_str),
            scope_digest: self.scope_digest.map(hex::encode),
            freeze: self.freeze.as_ref().map(FreezeTarget::to_string),
            cause: self.cause.map(Cause::name),
            effect: self.effect.map(Effect::name),
        })
    }
}

/// Nothing for an empty text; nothing at all for one that cannot be read.
fn present<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() {
        Some(None)
    } else {
        read(text).map(Some)
    }
}

/// The number of the message's field in an entry.
const TAG: u32 = 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_is_read_as_it_was_written() {
        let note = AccessNote {
            grant_id: Some(GrantId::new("g-1").unwrap()),
            scope_digest: Some([7; 32]),
            freeze: FreezeTarget::read("grant:g-1"),
            cause: Some(Cause::BudgetSpent),
            effect: Some(Effect::Pending),
        };
        let message = note.message();
        assert_eq!(AccessNote::read(message.as_ref()), Ok(note));
        assert_eq!(AccessNote::default().message(), None);
        let empty = AccessMessage::default();
        assert_eq!(
            AccessNote::read(Some(&empty)),
            Err(EntryError::NotCanonical)
        );
        let unknown = AccessMessage {
            cause: 99,
            ..AccessMessage::default()
        };
        assert!(AccessNote::read(Some(&unknown)).is_err());
    }
}
