//! An export of the log: JSON Lines that can be read by anybody and verified without the vault.
//!
//! Each line has the entry's fields and its leaf (salt and entry, base64), or of an entry that was
//! erased the hash of its leaf; the last line has the signed checkpoint. Checkpoints that tell more
//! stand between the entries, where the tree has their size. The fields are a rendering
//! of the leaf and nothing else: the verifier renders each leaf again and compares the lines.

use std::io;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;

use crate::audit::Entry;
use crate::audit::EntryItem;
use crate::audit::ShareGiven;
use crate::audit::SharingNote;
use crate::audit::access_note::AccessLine;
use crate::audit::archive_lines;
use crate::audit::archive_lines::SegmentEnd;
use crate::audit::ceremony_note::CeremonyLine;
use crate::audit::sharing_note::SharingLine;
use crate::audit::unseal_note::ShareGivenLine;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Level;
use crate::store::SALT_BYTES;
use crate::store::StoredEntry;
use crate::store::StoredLeaf;

/// A line of an export, or of a segment of an archive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum ExportLine {
    /// The tree before the first entry: the first line of what begins behind others.
    Archived(Frontier),
    /// The signed checkpoint: the last line.
    Checkpoint(String),
    /// The latest checkpoint that a witness has cosigned: where the tree has its size.
    Cosigned(String),
    /// An entry.
    Entry(StoredEntry),
    /// What is left of an entry that was erased.
    Erased {
        /// The place in the log, from 0.
        index: u64,
        /// The hash of its leaf.
        hash: Hash,
    },
    /// The checkpoint at which the log came under another key: between the entries.
    Handover(String),
    /// The end of a segment.
    Segment(SegmentEnd),
}

/// Writes one entry as a line, or what is left of it.
///
/// # Errors
///
/// If the entry does not decode, or the writer fails.
pub(super) fn write_leaf(writer: &mut dyn Write, stored: &StoredLeaf) -> io::Result<()> {
    match stored {
        StoredLeaf::Kept(stored) => {
            let entry = Entry::decode(&stored.entry).map_err(io::Error::other)?;
            write_line(writer, &EntryLine::new(&entry, stored))
        }
        StoredLeaf::Erased { index, hash } => {
            write_line(writer, &ErasedLine::new(*index, Hash::from_bytes(*hash)))
        }
    }
}

/// What is left of an erased entry as a line, without its end.
///
/// # Errors
///
/// None that can happen: it is a number and a text.
pub(super) fn erased_line(index: u64, hash: Hash) -> serde_json::Result<String> {
    serde_json::to_string(&ErasedLine::new(index, hash))
}

/// An entry as a line, without its end.
///
/// # Errors
///
/// None that can happen: every field is text or a number.
pub(super) fn line(entry: &Entry, stored: &StoredEntry) -> serde_json::Result<String> {
    serde_json::to_string(&EntryLine::new(entry, stored))
}

/// Writes the signed checkpoint as the last line.
///
/// # Errors
///
/// If the writer fails.
pub(super) fn write_checkpoint(writer: &mut dyn Write, note: &str) -> io::Result<()> {
    write_line(
        writer,
        &CheckpointLine {
            checkpoint: note.to_owned(),
        },
    )
}

/// Writes the latest checkpoint that a witness has cosigned.
///
/// # Errors
///
/// If the writer fails.
pub(super) fn write_cosigned(writer: &mut dyn Write, note: &str) -> io::Result<()> {
    write_line(
        writer,
        &CosignedLine {
            cosigned: note.to_owned(),
        },
    )
}

/// Writes the checkpoint at which the log came under another key.
///
/// # Errors
///
/// If the writer fails.
pub(super) fn write_handover(writer: &mut dyn Write, note: &str) -> io::Result<()> {
    write_line(
        writer,
        &HandoverLine {
            handover: note.to_owned(),
        },
    )
}

/// Writes the tree before the first entry.
///
/// # Errors
///
/// If the writer fails.
pub(super) fn write_archived(writer: &mut dyn Write, before: &Frontier) -> io::Result<()> {
    let line = archive_lines::archived_line(before).map_err(io::Error::other)?;
    writeln!(writer, "{line}")
}

/// Reads a line without its end, or nothing if it is none that an export has: the fields of an
/// entry must be those of its leaf.
#[must_use]
pub(super) fn read_line(line: &str) -> Option<ExportLine> {
    if let Ok(checkpoint) = serde_json::from_str::<CheckpointLine>(line) {
        let rendered = serde_json::to_string(&checkpoint).ok()?;
        return (rendered == line).then_some(ExportLine::Checkpoint(checkpoint.checkpoint));
    }
    if let Ok(cosigned) = serde_json::from_str::<CosignedLine>(line) {
        let rendered = serde_json::to_string(&cosigned).ok()?;
        return (rendered == line).then_some(ExportLine::Cosigned(cosigned.cosigned));
    }
    if let Ok(handover) = serde_json::from_str::<HandoverLine>(line) {
        let rendered = serde_json::to_string(&handover).ok()?;
        return (rendered == line).then_some(ExportLine::Handover(handover.handover));
    }
    if let Ok(erased) = serde_json::from_str::<ErasedLine>(line) {
        let rendered = serde_json::to_string(&erased).ok()?;
        let hash = STANDARD.decode(&erased.leaf_hash).ok()?.try_into().ok()?;
        let (index, hash) = (erased.erased, Hash::from_bytes(hash));
        return (rendered == line).then_some(ExportLine::Erased { index, hash });
    }
    if line.starts_with("{\"archived\":") {
        return archive_lines::read_archived(line).map(ExportLine::Archived);
    }
    if line.starts_with("{\"segment\":") {
        return archive_lines::read_segment(line).map(ExportLine::Segment);
    }
    let leaf: LeafOfLine = serde_json::from_str(line).ok()?;
    let leaf = STANDARD.decode(leaf.leaf).ok()?;
    let (salt, bytes) = leaf.split_first_chunk::<SALT_BYTES>()?;
    let entry = Entry::decode(bytes).ok()?;
    let stored = StoredEntry {
        index: entry.index,
        salt: *salt,
        entry: bytes.to_vec(),
    };
    let rendered = self::line(&entry, &stored).ok()?;
    (rendered == line).then_some(ExportLine::Entry(stored))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine {
    checkpoint: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CosignedLine {
    cosigned: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HandoverLine {
    handover: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ErasedLine {
    erased: u64,
    leaf_hash: String,
}

#[derive(Deserialize)]
struct LeafOfLine {
    leaf: String,
}

/// An entry's line.
#[derive(Serialize)]
pub(super) struct EntryLine<'a> {
    index: u64,
    time_unix_ms: u64,
    uptime_ms: u64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    methods: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<ItemLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_key_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<AccessLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ceremony: Option<CeremonyLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shares_given: Vec<ShareGivenLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sharing: Option<SharingLine<'a>>,
    leaf: String,
}

#[derive(Serialize)]
struct ItemLine<'a> {
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_version: Option<u32>,
    outcome: &'static str,
}

impl ErasedLine {
    fn new(index: u64, hash: Hash) -> Self {
        Self {
            erased: index,
            leaf_hash: STANDARD.encode(hash.as_bytes()),
        }
    }
}

impl<'a> EntryLine<'a> {
    pub(super) fn new(entry: &'a Entry, stored: &StoredEntry) -> Self {
        let draft = &entry.draft;
        Self {
            index: entry.index,
            time_unix_ms: entry.time.unix_ms(),
            uptime_ms: entry.uptime_ms,
            event: draft.event.name(),
            principal: draft.principal.as_ref().map(|name| name.as_str()),
            credential: draft.credential.map(hex::encode),
            person: draft.person.as_ref().map(|name| name.as_str()),
            login: draft.login.map(hex::encode),
            methods: draft.methods.iter().map(|name| name.as_str()).collect(),
            case_id: draft.case_id.as_ref().map(|name| name.as_str()),
            purpose: draft.purpose.as_ref().map(|name| name.as_str()),
            namespace: draft.namespace.as_ref().map(|name| name.as_str()),
            items: draft.items.iter().map(ItemLine::new).collect(),
            token_key_version: Some(draft.token_key_version)
                .filter(|version| *version != KeyVersion::FIRST)
                .map(KeyVersion::number),
            policy_hash: draft.policy_hash.map(hex::encode),
            decision: draft.decision.map(|decision| decision.name()),
            error: draft.error.map(|error| error.name()),
            request_id: draft.request_id.as_ref().map(|name| name.as_str()),
            level: draft.level.map(Level::name),
            intent_index: draft.intent_index,
            key_purpose: draft.key.map(|(purpose, _)| key_purpose_name(purpose)),
            key_version: draft.key.map(|(_, version)| version.number()),
            access: draft.access.line(),
            ceremony: draft.ceremony.line(),
            shares_given: draft.shares_given.iter().map(ShareGiven::line).collect(),
            sharing: draft.sharing.as_ref().map(SharingNote::line),
            leaf: STANDARD.encode([&stored.salt, stored.entry.as_slice()].concat()),
        }
    }
}

impl<'a> ItemLine<'a> {
    fn new(item: &'a EntryItem) -> Self {
        Self {
            field: item.field.as_ref().map(|field| field.as_str()),
            subject: item.subject.as_ref().map(|subject| subject.as_str()),
            token: item.token.map(|token| hex::encode(token.as_bytes())),
            key_version: item.key_version.map(|version| version.number()),
            outcome: item.outcome.name(),
        }
    }
}

fn write_line(writer: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, line)?;
    writer.write_all(b"\n")
}

const fn key_purpose_name(purpose: KeyPurpose) -> &'static str {
    match purpose {
        KeyPurpose::AuditFingerprint => "audit_fingerprint",
        KeyPurpose::AuditSigning => "audit_signing",
        KeyPurpose::DomainTag => "domain_tag",
        KeyPurpose::TokenFingerprint => "token_fingerprint",
        KeyPurpose::ValueFingerprint => "value_fingerprint",
        KeyPurpose::Wrapping => "wrapping",
    }
}
