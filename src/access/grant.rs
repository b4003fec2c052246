//! A grant: a permission to reveal some fields of some customers, for some minutes.

use std::collections::BTreeSet;

use sha2::Digest;
use sha2::Sha256;

use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// The most subjects that one grant may be for.
pub const SUBJECTS_MAX: usize = 20;
/// The longest that a grant may last, in seconds.
pub const TTL_SECONDS_MAX: u32 = 15 * 60;

/// What a grant is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum GrantKind {
    /// For an emergency: any subject of the namespace, up to the number of reveals. It begins by
    /// itself after [`super::grants::BREAK_GLASS_DELAY_SECONDS`], or at once with a second person.
    BreakGlass,
    /// For a case.
    Case,
}

/// What exactly is asked for, and approved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantScope {
    /// What it is for.
    pub kind: GrantKind,
    /// The tenant.
    pub namespace: Namespace,
    /// The customers, 1 to [`SUBJECTS_MAX`]; none of them for an emergency, which means any.
    pub subjects: BTreeSet<Subject>,
    /// The fields.
    pub fields: BTreeSet<FieldName>,
    /// The most that is revealed of them.
    pub level: Level,
    /// Why.
    pub purpose: Purpose,
    /// The case.
    pub case_id: Option<CaseId>,
    /// How many values may be revealed, each time counted.
    pub reveals_max: u32,
    /// How long it lasts once it begins, in seconds.
    pub ttl_seconds: u32,
}

/// A grant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// What exactly was asked for.
    pub scope: GrantScope,
    /// Who asked, and may use it.
    pub requester: PersonId,
    /// Through which program.
    pub principal: Principal,
    /// When.
    pub requested: Timestamp,
    /// Who approved it: nobody, where a policy did.
    pub approval: Option<Approval>,
    /// What became of it.
    pub state: GrantState,
    /// How many values were revealed under it.
    pub reveals_count: u32,
}

/// Who approved a grant, and when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Approval {
    /// Who.
    pub person: PersonId,
    /// When.
    pub time: Timestamp,
}

/// What became of a grant. Whether a live one has ended is a matter of the time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum GrantState {
    /// Somebody refused it.
    Denied,
    /// It may be used from `begins` until before `ends`.
    Live {
        /// When it begins.
        begins: Timestamp,
        /// When it has ended.
        ends: Timestamp,
    },
    /// Nobody has approved it yet.
    Requested,
    /// It was ended before its time.
    Revoked,
}

impl GrantScope {
    /// SHA-256 of the scope in its one writing, each part with its length before it: what an
    /// approver must repeat.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut part = |text: &[u8]| {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        };
        part(b"counterfoil grant scope 1");
        part(match self.kind {
            GrantKind::BreakGlass => b"break-glass",
            GrantKind::Case => b"case",
        });
        part(self.namespace.as_str().as_bytes());
        part(&(self.subjects.len() as u64).to_be_bytes());
        for subject in &self.subjects {
            part(subject.as_str().as_bytes());
        }
        part(&(self.fields.len() as u64).to_be_bytes());
        for field in &self.fields {
            part(field.as_str().as_bytes());
        }
        part(match self.level {
            Level::Full => b"full",
            Level::Masked => b"masked",
        });
        part(self.purpose.as_str().as_bytes());
        part(self.case_id.as_ref().map_or("", CaseId::as_str).as_bytes());
        part(&self.reveals_max.to_be_bytes());
        part(&self.ttl_seconds.to_be_bytes());
        hasher.finalize().into()
    }

    /// Whether it covers a field of a subject at a level.
    #[must_use]
    pub fn covers(&self, subject: &Subject, field: &FieldName, level: Level) -> bool {
        let is_any = self.kind == GrantKind::BreakGlass;
        level <= self.level
            && self.fields.contains(field)
            && (is_any || self.subjects.contains(subject))
    }
}

impl Grant {
    /// Whether it may be used now, as far as time and number are concerned.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        match self.state {
            GrantState::Live { begins, ends } => {
                begins <= now && now < ends && self.reveals_count < self.scope.reveals_max
            }
            GrantState::Denied | GrantState::Requested | GrantState::Revoked => false,
        }
    }

    /// Whether it was asked for, and nobody approved it in time.
    #[must_use]
    pub fn has_lapsed(&self, now: Timestamp) -> bool {
        self.state == GrantState::Requested
            && self.requested.plus_seconds(REQUEST_SECONDS_MAX) <= now
    }

    /// How many values may still be revealed under it.
    #[must_use]
    pub fn reveals_left(&self) -> u32 {
        self.scope.reveals_max.saturating_sub(self.reveals_count)
    }

    /// Makes it live: from `begins` on, for its time.
    pub fn begin(&mut self, begins: Timestamp) {
        let ends = begins.plus_seconds(u64::from(self.scope.ttl_seconds));
        self.state = GrantState::Live { begins, ends };
    }

    /// When nothing can become of it any more: then it may be forgotten a day later.
    pub(super) fn over_ms(&self) -> u64 {
        match self.state {
            GrantState::Live { ends, .. } => ends.unix_ms(),
            GrantState::Denied | GrantState::Requested | GrantState::Revoked => {
                self.requested.plus_seconds(REQUEST_SECONDS_MAX).unix_ms()
            }
        }
    }
}

/// How long a request waits for its approval: 12 hours.
pub const REQUEST_SECONDS_MAX: u64 = 12 * 60 * 60;
