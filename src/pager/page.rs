//! What a page says.

use serde::Serialize;

use crate::access::AccessEvent;
use crate::access::Cause;
use crate::access::Grant;
use crate::access::GrantKind;
use crate::access::GrantState;
use crate::domain::Level;
use crate::domain::Timestamp;

/// A page: one JSON document.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// What happened: `frozen`, `unfrozen`, `grant_requested`, `break_glass`, `grant_begun`,
    /// `grant_ended` or `missed`.
    kind: &'static str,
    /// When the page was written, milliseconds since 1970-01-01T00:00:00Z.
    time_unix_ms: u64,
    /// What was frozen or unfrozen, as `counterfoil freeze` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Why it was frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    /// The grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<GrantPage>,
    /// How many events went by unseen: read the audit log.
    #[serde(skip_serializing_if = "Option::is_none")]
    missed_count: Option<u64>,
}

/// A grant in a page: everything that an approver must know, and no subject.
#[derive(Clone, Debug, Serialize)]
struct GrantPage {
    id: String,
    namespace: String,
    requester: String,
    principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    approver: Option<String>,
    level: &'static str,
    fields: Vec<String>,
    subjects_count: usize,
    purpose: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<String>,
    reveals_max: u32,
    ttl_seconds: u32,
}

impl Page {
    /// The page about an event, if it deserves one.
    pub(super) fn of(event: &AccessEvent, now: Timestamp) -> Option<Self> {
        Some(match event {
            AccessEvent::Frozen(freeze) => Self {
                target: Some(freeze.target.to_string()),
                cause: Some(Cause::name(freeze.cause)),
                ..Self::new("frozen", now)
            },
            AccessEvent::Unfrozen(target) => Self {
                target: Some(target.to_string()),
                ..Self::new("unfrozen", now)
            },
            AccessEvent::Grant(grant) => Self {
                grant: Some(GrantPage::of(grant)),
                ..Self::new(kind_of(grant, now), now)
            },
        })
    }

    /// The page about events that went by unseen.
    pub(super) fn missed(count: u64, now: Timestamp) -> Self {
        Self {
            missed_count: Some(count),
            ..Self::new("missed", now)
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    fn new(kind: &'static str, now: Timestamp) -> Self {
        Self {
            kind,
            time_unix_ms: now.unix_ms(),
            target: None,
            cause: None,
            grant: None,
            missed_count: None,
        }
    }
}

fn kind_of(grant: &Grant, now: Timestamp) -> &'static str {
    let is_emergency = grant.scope.kind == GrantKind::BreakGlass;
    match grant.state {
        GrantState::Requested => "grant_requested",
        GrantState::Live { begins, .. } if is_emergency && now < begins => "break_glass",
        GrantState::Live { .. } => "grant_begun",
        GrantState::Denied | GrantState::Revoked => "grant_ended",
    }
}

impl GrantPage {
    fn of(grant: &Grant) -> Self {
        let scope = &grant.scope;
        let approval = grant.approval.as_ref();
        Self {
            id: grant.id.as_str().to_owned(),
            namespace: scope.namespace.as_str().to_owned(),
            requester: grant.requester.as_str().to_owned(),
            principal: grant.principal.as_str().to_owned(),
            approver: approval.map(|it| it.person.as_str().to_owned()),
            level: match scope.level {
                Level::Full => "full",
                Level::Masked => "masked",
            },
            fields: scope
                .fields
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            subjects_count: scope.subjects.len(),
            purpose: scope.purpose.as_str().to_owned(),
            case_id: scope.case_id.as_ref().map(|it| it.as_str().to_owned()),
            reveals_max: scope.reveals_max,
            ttl_seconds: scope.ttl_seconds,
        }
    }
}
