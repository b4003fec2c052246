//! What an entry says of key officers and their ceremonies.

use prost::Message;
use serde::Serialize;

use crate::audit::wire::EntryError;
use crate::ceremony::CeremonyState;
use crate::ceremony::LogPoint;
use crate::ceremony::OperationKind;
use crate::domain::CeremonyId;
use crate::domain::KeyState;
use crate::domain::OfficerName;

/// What an entry says of key officers and their ceremonies.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CeremonyNote {
    /// The ceremony.
    pub id: Option<CeremonyId>,
    /// What it is to do.
    pub operation: Option<OperationKind>,
    /// SHA-256 of its statement.
    pub statement_digest: Option<[u8; 32]>,
    /// The officers who have signed, as far as the entry is about them.
    pub officers: Vec<OfficerName>,
    /// Where the ceremony is after the entry.
    pub state: Option<CeremonyState>,
    /// The state that the entry's key version came into.
    pub key_state: Option<KeyState>,
    /// How many records the entry is about.
    pub records_count: Option<u64>,
    /// SHA-256 of the charter that came into force.
    pub charter_digest: Option<[u8; 32]>,
    /// Of an accepted rollback: the log that the head was signed for. The log that goes on has as
    /// many entries as the index of this one.
    pub lost_head: Option<LogPoint>,
    /// Of a new audit signing key: its public key, by which later checkpoints are signed.
    pub public_key: Option<[u8; 32]>,
    /// Of [`crate::audit::Event::EntryErased`], and of nothing else: the index of the entry that is
    /// erased, which is before it. A log with any other is refused by the verifier.
    pub erased_index: Option<u64>,
    /// Of [`crate::audit::Event::LogPruned`], and of nothing else: the log that an archive has. It
    /// begins behind it from then on.
    pub archived: Option<LogPoint>,
    /// SHA-256 of the register after the entry: the states of all keys, and all ceremonies.
    pub register_digest: Option<[u8; 32]>,
    /// Of [`crate::audit::Event::Started`] and [`crate::audit::Event::Stopped`], and of nothing
    /// else: how many entries an archive has. Nothing, not 0, in entries of older versions.
    pub archived_size: Option<u64>,
}

/// `counterfoil.v1.AuditEntry.Ceremony.LogPoint`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct LogPointMessage {
    #[prost(uint64, tag = "1")]
    size: u64,
    /// A root hash, 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    root: Vec<u8>,
}

/// `counterfoil.v1.AuditEntry.Ceremony`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CeremonyMessage {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(uint32, tag = "2")]
    operation: u32,
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "3")]
    statement_digest: Vec<u8>,
    #[prost(string, repeated, tag = "4")]
    officers: Vec<String>,
    #[prost(uint32, tag = "5")]
    state: u32,
    #[prost(uint32, tag = "6")]
    key_state: u32,
    #[prost(uint64, optional, tag = "7")]
    records_count: Option<u64>,
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "8")]
    charter_digest: Vec<u8>,
    #[prost(message, optional, tag = "20")]
    lost_head: Option<LogPointMessage>,
    /// Ed25519, 32 bytes.
    #[prost(bytes = "vec", tag = "21")]
    public_key: Vec<u8>,
    #[prost(uint64, optional, tag = "22")]
    erased_index: Option<u64>,
    #[prost(message, optional, tag = "23")]
    archived: Option<LogPointMessage>,
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "24")]
    register_digest: Vec<u8>,
    #[prost(uint64, optional, tag = "30")]
    archived_size: Option<u64>,
}

/// The note in an export.
#[derive(Serialize)]
pub(super) struct CeremonyLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement_digest: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    officers: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charter_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_head: Option<LogPointLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<LogPointLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    register_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived_size: Option<u64>,
}

#[derive(Serialize)]
struct LogPointLine {
    size: u64,
    root: String,
}

impl CeremonyNote {
    /// The message; nothing for a note that says nothing.
    pub(super) fn message(&self) -> Option<CeremonyMessage> {
        let officers = self.officers.iter().map(OfficerName::to_string);
        (*self != Self::default()).then(|| CeremonyMessage {
            id: self.id.as_ref().map_or("", CeremonyId::as_str).to_owned(),
            operation: self.operation.map_or(0, OperationKind::number),
            statement_digest: self.statement_digest.map_or_else(Vec::new, Vec::from),
            officers: officers.collect(),
            state: self.state.map_or(0, CeremonyState::number),
            key_state: self.key_state.map_or(0, |state| u32::from(state.number())),
            records_count: self.records_count,
            charter_digest: self.charter_digest.map_or_else(Vec::new, Vec::from),
            lost_head: self.lost_head.map(LogPointMessage::new),
            public_key: self.public_key.map_or_else(Vec::new, Vec::from),
            erased_index: self.erased_index,
            archived: self.archived.map(LogPointMessage::new),
            register_digest: self.register_digest.map_or_else(Vec::new, Vec::from),
            archived_size: self.archived_size,
        })
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// If it is not one that [`Self::message`] makes.
    pub(super) fn read(message: Option<&CeremonyMessage>) -> Result<Self, EntryError> {
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

    fn read_fields(message: &CeremonyMessage) -> Option<Self> {
        let officers = message.officers.iter();
        Some(Self {
            id: match message.id.as_str() {
                "" => None,
                text => Some(CeremonyId::new(text).ok()?),
            },
            operation: present(message.operation, OperationKind::from_number)?,
            statement_digest: read_hash(&message.statement_digest)?,
            officers: officers
                .map(|name| OfficerName::new(name).ok())
                .collect::<Option<_>>()?,
            state: present(message.state, CeremonyState::from_number)?,
            key_state: present(message.key_state, |number| {
                KeyState::from_number(u8::try_from(number).ok()?)
            })?,
            records_count: message.records_count,
            charter_digest: read_hash(&message.charter_digest)?,
            lost_head: read_point(message.lost_head.as_ref())?,
            public_key: read_hash(&message.public_key)?,
            erased_index: message.erased_index,
            archived: read_point(message.archived.as_ref())?,
            register_digest: read_hash(&message.register_digest)?,
            archived_size: message.archived_size,
        })
    }

    /// The note in an export; nothing for one that says nothing.
    pub(super) fn line(&self) -> Option<CeremonyLine<'_>> {
        (*self != Self::default()).then(|| CeremonyLine {
            id: self.id.as_ref().map(CeremonyId::as_str),
            operation: self.operation.map(OperationKind::name),
            statement_digest: self.statement_digest.map(hex::encode),
            officers: self.officers.iter().map(OfficerName::as_str).collect(),
            state: self.state.map(CeremonyState::name),
            key_state: self.key_state.map(KeyState::name),
            records_count: self.records_count,
            charter_digest: self.charter_digest.map(hex::encode),
            lost_head: self.lost_head.map(LogPointLine::new),
            public_key: self.public_key.map(hex::encode),
            erased_index: self.erased_index,
            archived: self.archived.map(LogPointLine::new),
            register_digest: self.register_digest.map(hex::encode),
            archived_size: self.archived_size,
        })
    }
}

impl LogPointMessage {
    fn new(LogPoint { size, root }: LogPoint) -> Self {
        let root = root.to_vec();
        Self { size, root }
    }
}

impl LogPointLine {
    fn new(LogPoint { size, root }: LogPoint) -> Self {
        let root = hex::encode(root);
        Self { size, root }
    }
}

/// Nothing for none; nothing at all for one without a root hash.
fn read_point(message: Option<&LogPointMessage>) -> Option<Option<LogPoint>> {
    let Some(LogPointMessage { size, root }) = message else {
        return Some(None);
    };
    let root = root.as_slice().try_into().ok()?;
    Some(Some(LogPoint { size: *size, root }))
}

/// Nothing for 0; nothing at all for a number that means nothing.
fn present<T>(number: u32, read: impl Fn(u32) -> Option<T>) -> Option<Option<T>> {
    if number == 0 {
        Some(None)
    } else {
        read(number).map(Some)
    }
}

/// Nothing for no bytes; nothing at all for another number of them than 32.
fn read_hash(bytes: &[u8]) -> Option<Option<[u8; 32]>> {
    match bytes {
        [] => Some(None),
        bytes => bytes.try_into().ok().map(Some),
    }
}

/// The number of the message's field in an entry.
const TAG: u32 = 27;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_is_read_as_it_was_written() {
        let note = CeremonyNote {
            id: Some(CeremonyId::of([5; 32])),
            operation: Some(OperationKind::DestroyKey),
            statement_digest: Some([5; 32]),
            officers: vec![OfficerName::new("officer1").unwrap()],
            state: Some(CeremonyState::Waiting),
            key_state: Some(KeyState::Destroyed),
            records_count: Some(0),
            charter_digest: Some([6; 32]),
            lost_head: Some(LogPoint {
                size: 9,
                root: [7; 32],
            }),
            public_key: Some([8; 32]),
            erased_index: Some(0),
            archived: Some(LogPoint {
                size: 256,
                root: [9; 32],
            }),
            register_digest: Some([10; 32]),
            archived_size: Some(0),
        };
        assert_eq!(CeremonyNote::read(note.message().as_ref()), Ok(note));
        assert_eq!(CeremonyNote::default().message(), None);
        let unknown = CeremonyMessage {
            state: 99,
            ..CeremonyMessage::default()
        };
        assert!(CeremonyNote::read(Some(&unknown)).is_err());
        let empty = CeremonyMessage::default();
        assert_eq!(
            CeremonyNote::read(Some(&empty)),
            Err(EntryError::NotCanonical)
        );
    }
}
