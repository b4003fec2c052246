//! Grants: asked for by one person, approved by another, and what there is of them.

mod decide;
mod read;
mod request;

use crate::access::Grant;
use crate::access::GrantScope;
use crate::audit::AccessNote;
use crate::audit::EntryItem;
use crate::audit::ItemOutcome;
use crate::domain::GrantId;
use crate::domain::Subject;
use crate::policy::Proposal;

pub use decide::DecideGrant;
pub use decide::GrantDecision;
pub use read::GrantView;
pub use read::ListGrants;
pub use read::ReadGrant;
pub use request::WantedScope;

/// What policies know of a grant: as it is asked for, or as it is.
fn proposal<'a>(scope: &GrantScope, grant: Option<&'a Grant>) -> Proposal<'a> {
    Proposal {
        requester: grant.map(|grant| &grant.requester),
        level: scope.level,
        ttl_seconds: u64::from(scope.ttl_seconds),
        reveals_max: u64::from(scope.reveals_max),
        subjects_count: scope.subjects.len() as u64,
    }
}

/// What the log says of a grant.
fn note(id: &GrantId, scope: Option<&GrantScope>) -> AccessNote {
    AccessNote {
        grant_id: Some(id.clone()),
        scope_digest: scope.map(GrantScope::digest),
        ..AccessNote::default()
    }
}

/// What a grant would open: each field of each subject; each field, where it is for any subject.
fn opened(scope: &GrantScope) -> Vec<EntryItem> {
    let item = |subject: Option<Subject>| {
        scope.fields.iter().map(move |field| EntryItem {
            field: Some(field.clone()),
            subject: subject.clone(),
            token: None,
            key_version: None,
            outcome: ItemOutcome::Intended,
        })
    };
    if scope.subjects.is_empty() {
        item(None).collect()
    } else {
        let subjects = scope.subjects.iter().cloned().map(Some);
        subjects.flat_map(item).collect()
    }
}
