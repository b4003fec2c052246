//! Entries as events of the Open Cybersecurity Schema Framework, for whatever collects those.
//!
//! Source: OCSF 1.7.0 (<https://schema.ocsf.io/1.7.0>). What touches values and tokens is Datastore
//! Activity (6005), everything else API Activity (6003). What the schema has no place for is in
//! `unmapped`, as in the log's own export. Events are a rendering: they are not evidence, but
//! `metadata.sequence` is the index of the entry that is.

use serde::Serialize;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::audit::Decision;
use crate::audit::Entry;
use crate::audit::Event;
use crate::audit::export::EntryLine;
use crate::store::StoredEntry;

/// An event of OCSF, as a line of JSON without its end; nothing if the entry does not decode.
pub(super) fn line(stored: &StoredEntry, origin: &str) -> Option<String> {
    let entry = Entry::decode(&stored.entry).ok()?;
    let unmapped = unmapped(&entry, stored)?;
    serde_json::to_string(&OcsfEvent::new(&entry, origin, unmapped)).ok()
}

#[derive(Serialize)]
struct OcsfEvent {
    class_uid: u32,
    class_name: &'static str,
    category_uid: u32,
    category_name: &'static str,
    activity_id: u32,
    activity_name: &'static str,
    type_uid: u32,
    type_name: String,
    time: u64,
    severity_id: u32,
    severity: &'static str,
    status_id: u32,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<&'static str>,
    metadata: Value,
    actor: Value,
    src_endpoint: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<Value>,
    unmapped: Map<String, Value>,
}

impl OcsfEvent {
    fn new(entry: &Entry, origin: &str, unmapped: Map<String, Value>) -> Self {
        let draft = &entry.draft;
        let Activity { class, id, name } = Activity::of(draft.event);
        let (severity_id, severity) = severity(entry);
        let is_failure = draft.error.is_some() || draft.decision == Some(Decision::Deny);
        let (status_id, status) = if is_failure {
            (2, "Failure")
        } else {
            (1, "Success")
        };
        let principal = draft.principal.as_ref().map_or(VAULT, |name| name.as_str());
        Self {
            class_uid: class.uid(),
            class_name: class.name(),
            category_uid: 6,
            category_name: "Application Activity",
            activity_id: id,
            activity_name: name,
            type_uid: class.uid() * 100 + id,
            type_name: format!("{}: {name}", class.name()),
            time: entry.time.unix_ms(),
            severity_id,
            severity,
            status_id,
            status,
            status_detail: draft.error.map(|error| error.name()),
            metadata: metadata(entry, origin),
            actor: actor(entry, principal),
            src_endpoint: json!({ "svc_name": principal }),
            api: (class == Class::Api).then(|| api(entry)),
            database: (class == Class::Datastore).then(|| database(entry)),
            unmapped,
        }
    }
}

/// The class of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Api,
    Datastore,
}

impl Class {
    const fn uid(self) -> u32 {
        match self {
            Self::Api => 6003,
            Self::Datastore => 6005,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Api => "API Activity",
            Self::Datastore => "Datastore Activity",
        }
    }
}

/// What was done, in the words of its class.
struct Activity {
    class: Class,
    id: u32,
    name: &'static str,
}

impl Activity {
    const fn api(id: u32, name: &'static str) -> Self {
        let class = Class::Api;
        Self { class, id, name }
    }

    const fn datastore(id: u32, name: &'static str) -> Self {
        let class = Class::Datastore;
        Self { class, id, name }
    }

    const fn of(event: Event) -> Self {
        match event {
            Event::Detokenize | Event::DetokenizeOutcome => Self::datastore(10, "Decrypt"),
            Event::ImportTokens | Event::Tokenize => Self::datastore(9, "Encrypt"),
            Event::Inspect | Event::Lookup | Event::VerifyMatch => Self::datastore(4, "Query"),
            Event::Reindex
            | Event::ReindexOutcome
            | Event::Retokenize
            | Event::RetokenizeOutcome => Self::datastore(2, "Update"),
            Event::SubjectDescribed => Self::datastore(8, "List"),
            Event::EntryErased | Event::LogPruned | Event::SubjectErased => {
                Self::datastore(7, "Delete")
            }
            Event::BackupCreated
            | Event::CharterFounded
            | Event::DecoysCreated
            | Event::Frozen
            | Event::GrantRequested
            | Event::KeyCreated
            | Event::NamespaceCreated
            | Event::OperationProposed => Self::api(1, "Create"),
            Event::AccessRead | Event::AuditRead | Event::ExposureReported | Event::KeysRead => {
                Self::api(2, "Read")
            }
            Event::CharterChanged
            | Event::GrantApproved
            | Event::GrantDenied
            | Event::KeyStateChanged
            | Event::OperationApproved
            | Event::PolicyLoaded
            | Event::RecordsRewrapped
            | Event::RollbackAccepted
            | Event::RootKeyReshared
            | Event::RootKeyRotated => Self::api(3, "Update"),
            Event::GrantRevoked | Event::OperationCancelled | Event::Unfreeze => {
                Self::api(4, "Delete")
            }
            Event::OperationEnded | Event::PersonRefused | Event::Started | Event::Stopped => {
                Self::api(99, "Other")
            }
        }
    }
}

/// How much an event asks for a look, by OCSF's numbers.
pub(super) fn severity(entry: &Entry) -> (u32, &'static str) {
    let draft = &entry.draft;
    if draft.event == Event::RollbackAccepted {
        (5, "Critical")
    } else if matches!(draft.event, Event::Frozen | Event::PersonRefused) {
        (4, "High")
    } else if draft.decision == Some(Decision::Deny) {
        (3, "Medium")
    } else if draft.error.is_some() {
        (2, "Low")
    } else {
        (1, "Informational")
    }
}

fn metadata(entry: &Entry, origin: &str) -> Value {
    let draft = &entry.draft;
    let mut metadata = json!({
        "version": SCHEMA_VERSION,
        "product": {
            "name": "Counterfoil",
            "vendor_name": "Counterfoil",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "log_name": origin,
        "uid": format!("{origin}/{}", entry.index),
        "sequence": entry.index,
        "event_code": draft.event.name(),
    });
    if let Some(members) = metadata.as_object_mut() {
        let tenant = draft.namespace.as_ref().map(|name| name.as_str().into());
        members.extend(tenant.map(|tenant| ("tenant_uid".to_owned(), tenant)));
        let request = draft.request_id.as_ref().map(|id| id.as_str().into());
        members.extend(request.map(|id| ("correlation_uid".to_owned(), id)));
    }
    metadata
}

fn actor(entry: &Entry, principal: &str) -> Value {
    let draft = &entry.draft;
    let mut actor = Map::new();
    actor.insert("app_name".to_owned(), principal.into());
    if let Some(person) = &draft.person {
        let user = json!({ "uid": person.as_str(), "type_id": 1, "type": "User" });
        actor.insert("user".to_owned(), user);
    }
    let mut session = Map::new();
    if let Some(login) = draft.login {
        session.insert("uid".to_owned(), hex::encode(login).into());
    }
    if let Some(credential) = draft.credential {
        session.insert("credential_uid".to_owned(), hex::encode(credential).into());
    }
    if !session.is_empty() {
        actor.insert("session".to_owned(), session.into());
    }
    actor.into()
}

fn api(entry: &Entry) -> Value {
    let mut api = json!({
        "operation": entry.draft.event.name(),
        "service": { "name": "counterfoil.v1" },
    });
    if let (Some(members), Some(id)) = (api.as_object_mut(), &entry.draft.request_id) {
        members.insert("request".to_owned(), json!({ "uid": id.as_str() }));
    }
    api
}

fn database(entry: &Entry) -> Value {
    let namespace = entry.draft.namespace.as_ref();
    json!({
        "name": namespace.map_or(VAULT, |name| name.as_str()),
        "type_id": 99,
        "type": "Token vault",
    })
}

/// What is left of an entry, under the names of its own export.
fn unmapped(entry: &Entry, stored: &StoredEntry) -> Option<Map<String, Value>> {
    let line = serde_json::to_value(EntryLine::new(entry, stored)).ok()?;
    let Value::Object(members) = line else {
        return None;
    };
    let members = members.into_iter();
    let left = members.filter(|(name, _)| !MAPPED.contains(&name.as_str()));
    Some(left.collect())
}

/// Members of an export's line that have a place in the schema, and the leaf.
const MAPPED: [&str; 10] = [
    "credential",
    "event",
    "index",
    "leaf",
    "login",
    "namespace",
    "person",
    "principal",
    "request_id",
    "time_unix_ms",
];
const SCHEMA_VERSION: &str = "1.7.0";
/// Who acts where nobody called.
const VAULT: &str = "counterfoil";
