//! The bytes of an entry: a protobuf message with frozen field numbers.
//!
//! An entry has exactly one encoding. Decoding makes the typed entry and encodes it again: bytes
//! that differ (an unknown field, another order, a padded number) are refused, so that what is
//! hashed, what is shown and what is meant are the same thing.

use prost::Message;
use thiserror::Error;

use crate::audit::AccessNote;
use crate::audit::CeremonyNote;
use crate::audit::Decision;
use crate::audit::Entry;
use crate::audit::EntryDraft;
use crate::audit::EntryItem;
use crate::audit::ErrorClass;
use crate::audit::Event;
use crate::audit::ITEMS_MAX;
use crate::audit::ItemOutcome;
use crate::audit::ShareGiven;
use crate::audit::SharingNote;
use crate::audit::access_note::AccessMessage;
use crate::audit::ceremony_note::CeremonyMessage;
use crate::audit::sharing_note::SharingMessage;
use crate::audit::unseal_note::ShareGivenMessage;
use crate::crypto::Fingerprint;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::Group;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// Why bytes are not an entry.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum EntryError {
    /// A field is missing, unknown, or does not hold what it must.
    #[error("entry field {number} does not hold what it must")]
    Field {
        /// The number of the field in the message.
        number: u32,
    },
    /// The bytes are not a protobuf message.
    #[error("entry is not a protobuf message")]
    Message,
    /// The bytes are not the one encoding of the entry that they say.
    #[error("entry is not in its one encoding")]
    NotCanonical,
}

/// `counterfoil.v1.AuditEntry`. Reserved: 8 for the context of the authentication.
#[derive(Clone, PartialEq, Message)]
struct EntryMessage {
    /// The place in the log, from 0.
    #[prost(uint64, tag = "1")]
    index: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[prost(uint64, tag = "2")]
    time_unix_ms: u64,
    /// Milliseconds since the start of the process.
    #[prost(uint64, tag = "3")]
    uptime_ms: u64,
    #[prost(int32, tag = "4")]
    event: i32,
    #[prost(string, tag = "5")]
    principal: String,
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "6")]
    credential: Vec<u8>,
    /// RFC 8176, each once, in the order of their bytes.
    #[prost(string, repeated, tag = "7")]
    methods: Vec<String>,
    #[prost(string, tag = "10")]
    case_id: String,
    #[prost(string, tag = "11")]
    purpose: String,
    #[prost(string, tag = "12")]
    namespace: String,
    /// Each field name that an item has, once, in the order of their first items.
    #[prost(string, repeated, tag = "13")]
    fields: Vec<String>,
    /// Each subject that an item has, once, in the order of their first items.
    #[prost(string, repeated, tag = "14")]
    subjects: Vec<String>,
    #[prost(message, repeated, tag = "15")]
    items: Vec<ItemMessage>,
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "16")]
    policy_hash: Vec<u8>,
    #[prost(int32, tag = "17")]
    decision: i32,
    #[prost(int32, tag = "18")]
    error: i32,
    #[prost(string, tag = "19")]
    request_id: String,
    #[prost(uint64, optional, tag = "20")]
    intent_index: Option<u64>,
    #[prost(int32, tag = "21")]
    key_purpose: i32,
    #[prost(uint32, tag = "22")]
    key_version: u32,
    /// `issuer/subject`.
    #[prost(string, tag = "23")]
    person: String,
    /// SHA-256, 32 bytes.
    #[prost(bytes = "vec", tag = "24")]
    login: Vec<u8>,
    /// As `counterfoil.v1.Level`; 0 for none.
    #[prost(int32, tag = "25")]
    level: i32,
    #[prost(message, optional, tag = "26")]
    access: Option<AccessMessage>,
    #[prost(message, optional, tag = "27")]
    ceremony: Option<CeremonyMessage>,
    /// From 2; 0 for the first, which entries from before there was another do not say.
    #[prost(uint32, tag = "28")]
    token_key_version: u32,
    #[prost(message, repeated, tag = "40")]
    shares_given: Vec<ShareGivenMessage>,
    #[prost(message, optional, tag = "41")]
    sharing: Option<SharingMessage>,
}

/// `counterfoil.v1.AuditEntry.Item`.
#[derive(Clone, PartialEq, Message)]
struct ItemMessage {
    /// The position in `fields`, from 1; 0 for none.
    #[prost(uint32, tag = "1")]
    field: u32,
    /// The position in `subjects`, from 1; 0 for none.
    #[prost(uint32, tag = "2")]
    subject: u32,
    /// 16 bytes, or none.
    #[prost(bytes = "vec", tag = "3")]
    token: Vec<u8>,
    /// From 1; 0 for none.
    #[prost(uint32, tag = "4")]
    key_version: u32,
    #[prost(int32, tag = "5")]
    outcome: i32,
}

impl Entry {
    /// The bytes of the entry.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let draft = &self.draft;
        let mut fields = NameTable::default();
        let mut subjects = NameTable::default();
        let items = draft.items.iter().map(|item| ItemMessage {
            field: item
                .field
                .as_ref()
                .map_or(0, |name| fields.position(name.as_str())),
            subject: item
                .subject
                .as_ref()
                .map_or(0, |name| subjects.position(name.as_str())),
            token: item
                .token
                .map_or_else(Vec::new, |token| token.as_bytes().to_vec()),
            key_version: item.key_version.map_or(0, KeyVersion::number),
            outcome: item.outcome.number(),
        });
        let items = items.collect();
        let message = EntryMessage {
            index: self.index,
            time_unix_ms: self.time.unix_ms(),
            uptime_ms: self.uptime_ms,
            event: draft.event.number(),
            principal: text(draft.principal.as_ref().map(Principal::as_str)),
            credential: draft.credential.map_or_else(Vec::new, Vec::from),
            methods: draft.methods.iter().map(Group::to_string).collect(),
            case_id: text(draft.case_id.as_ref().map(CaseId::as_str)),
            purpose: text(draft.purpose.as_ref().map(Purpose::as_str)),
            namespace: text(draft.namespace.as_ref().map(Namespace::as_str)),
            fields: fields.names.iter().map(|name| (*name).to_owned()).collect(),
            subjects: subjects
                .names
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            items,
            policy_hash: draft.policy_hash.map_or_else(Vec::new, Vec::from),
            decision: draft.decision.map_or(0, Decision::number),
            error: draft.error.map_or(0, ErrorClass::number),
            request_id: text(draft.request_id.as_ref().map(RequestId::as_str)),
            intent_index: draft.intent_index,
            key_purpose: draft
                .key
                .map_or(0, |(purpose, _)| key_purpose_number(purpose)),
            key_version: draft.key.map_or(0, |(_, version)| version.number()),
            person: text(draft.person.as_ref().map(PersonId::as_str)),
            login: draft.login.map_or_else(Vec::new, Vec::from),
            level: draft.level.map_or(0, level_number),
            access: draft.access.message(),
            ceremony: draft.ceremony.message(),
            token_key_version: token_key_number(draft.token_key_version),
            shares_given: draft.shares_given.iter().map(ShareGiven::message).collect(),
            sharing: draft.sharing.as_ref().map(SharingNote::message),
        };
        message.encode_to_vec()
    }

    /// Reads the bytes of an entry.
    ///
    /// # Errors
    ///
    /// If they are not exactly what [`Entry::encode`] makes of an entry.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let message = EntryMessage::decode(bytes).map_err(|_| EntryError::Message)?;
        if message.items.len() > ITEMS_MAX {
            return Err(EntryError::Field { number: 15 });
        }
        let items = message.items.iter().map(|item| read_item(&message, item));
        let items = items.collect::<Result<_, _>>()?;
        let key_version = KeyVersion::new(message.key_version);
        let draft = EntryDraft {
            event: required(4, Event::from_number(message.event))?,
            principal: optional(5, &message.principal, |text| Principal::new(text).ok())?,
            credential: read_hash(6, &message.credential)?,
            person: optional(23, &message.person, |text| PersonId::read(text).ok())?,
            login: read_hash(24, &message.login)?,
            methods: message
                .methods
                .iter()
                .map(|text| required(7, Group::new(text).ok()))
                .collect::<Result<_, _>>()?,
            case_id: optional(10, &message.case_id, |text| CaseId::new(text).ok())?,
            purpose: optional(11, &message.purpose, |text| Purpose::new(text).ok())?,
            namespace: optional(12, &message.namespace, |text| Namespace::new(text).ok())?,
            items,
            // Who says that it is the first has not the one encoding.
            token_key_version: KeyVersion::new(message.token_key_version)
                .unwrap_or(KeyVersion::FIRST),
            policy_hash: read_hash(16, &message.policy_hash)?,
            decision: read_number(17, message.decision, Decision::from_number)?,
            error: read_number(18, message.error, ErrorClass::from_number)?,
            request_id: optional(19, &message.request_id, |text| RequestId::new(text).ok())?,
            level: read_number(25, message.level, level)?,
            intent_index: message.intent_index,
            key: read_number(21, message.key_purpose, key_purpose)?.zip(key_version),
            access: AccessNote::read(message.access.as_ref())?,
            ceremony: CeremonyNote::read(message.ceremony.as_ref())?,
            shares_given: ShareGiven::read_all(&message.shares_given)?,
            sharing: message
                .sharing
                .as_ref()
                .map(SharingNote::read)
                .transpose()?,
        };
        let entry = Self {
            index: message.index,
            time: Timestamp::from_unix_ms(message.time_unix_ms),
            uptime_ms: message.uptime_ms,
            draft,
        };
        if entry.encode() == bytes {
            Ok(entry)
        } else {
            Err(EntryError::NotCanonical)
        }
    }
}

/// Names, each once, in the order in which they first appear; positions count from 1.
#[derive(Default)]
struct NameTable<'a> {
    names: Vec<&'a str>,
    positions: std::collections::HashMap<&'a str, u32>,
}

impl<'a> NameTable<'a> {
    fn position(&mut self, name: &'a str) -> u32 {
        *self.positions.entry(name).or_insert_with(|| {
            self.names.push(name);
            u32::try_from(self.names.len()).unwrap_or(u32::MAX)
        })
    }
}

fn read_item(message: &EntryMessage, item: &ItemMessage) -> Result<EntryItem, EntryError> {
    let field = name_at(13, &message.fields, item.field, |text| {
        FieldName::new(text).ok()
    })?;
    let subject = name_at(14, &message.subjects, item.subject, |text| {
        Subject::new(text).ok()
    })?;
    let token = match item.token.as_slice() {
        [] => None,
        bytes => Some(required(
            15,
            bytes.try_into().ok().map(Fingerprint::from_bytes),
        )?),
    };
    Ok(EntryItem {
        field,
        subject,
        token,
        key_version: KeyVersion::new(item.key_version),
        outcome: required(15, ItemOutcome::from_number(item.outcome))?,
    })
}

/// The name at a position from 1; nothing at 0.
fn name_at<T>(
    number: u32,
    names: &[String],
    position: u32,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, EntryError> {
    let Some(position) = position.checked_sub(1) else {
        return Ok(None);
    };
    let text = usize::try_from(position)
        .ok()
        .and_then(|position| names.get(position));
    required(number, text.and_then(|text| parse(text))).map(Some)
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

fn required<T>(number: u32, value: Option<T>) -> Result<T, EntryError> {
    value.ok_or(EntryError::Field { number })
}

fn optional<T>(
    number: u32,
    text: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, EntryError> {
    if text.is_empty() {
        Ok(None)
    } else {
        required(number, read(text)).map(Some)
    }
}

fn read_hash(number: u32, bytes: &[u8]) -> Result<Option<[u8; 32]>, EntryError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    required(number, bytes.try_into().ok()).map(Some)
}

fn read_number<T>(
    number: u32,
    value: i32,
    read: impl Fn(i32) -> Option<T>,
) -> Result<Option<T>, EntryError> {
    if value == 0 {
        Ok(None)
    } else {
        required(number, read(value)).map(Some)
    }
}

fn token_key_number(version: KeyVersion) -> u32 {
    match version {
        KeyVersion::FIRST => 0,
        later => later.number(),
    }
}

const fn level_number(level: Level) -> i32 {
    match level {
        Level::Full => 1,
        Level::Masked => 2,
    }
}

const fn level(number: i32) -> Option<Level> {
    match number {
        1 => Some(Level::Full),
        2 => Some(Level::Masked),
        _ => None,
    }
}

const fn key_purpose_number(purpose: KeyPurpose) -> i32 {
    match purpose {
        KeyPurpose::AuditFingerprint => 1,
        KeyPurpose::AuditSigning => 2,
        KeyPurpose::TokenFingerprint => 3,
        KeyPurpose::ValueFingerprint => 4,
        KeyPurpose::Wrapping => 5,
        KeyPurpose::DomainTag => 6,
    }
}

const fn key_purpose(number: i32) -> Option<KeyPurpose> {
    match number {
        1 => Some(KeyPurpose::AuditFingerprint),
        2 => Some(KeyPurpose::AuditSigning),
        3 => Some(KeyPurpose::TokenFingerprint),
        4 => Some(KeyPurpose::ValueFingerprint),
        5 => Some(KeyPurpose::Wrapping),
        6 => Some(KeyPurpose::DomainTag),
        _ => None,
    }
}

#[cfg(test)]
#[path = "tests/wire.rs"]
mod tests;
