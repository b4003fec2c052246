//! What could have been seen: the grants that somebody held, and what they covered.
//!
//! Entries do not say how long a grant lasts: it is taken to last as long as it may. A freeze from
//! before the part of the log that is read is not known. So this is the most that could have been
//! seen, and never less.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;

use crate::access::BREAK_GLASS_DELAY_SECONDS;
use crate::access::BREAK_GLASS_TTL_SECONDS_MAX;
use crate::access::Effect;
use crate::access::REQUEST_SECONDS_MAX;
use crate::access::TTL_SECONDS_MAX;
use crate::audit::Decision;
use crate::audit::Entry;
use crate::audit::Event;
use crate::audit::exposure::Kind;
use crate::audit::exposure::Query;
use crate::audit::exposure::Row;
use crate::audit::exposure::Whose;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// How long before the window a grant may have been asked for that was held in it.
pub const LOOK_BACK_SECONDS: u64 = REQUEST_SECONDS_MAX + BREAK_GLASS_TTL_SECONDS_MAX as u64;

/// A grant that was held in the window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldGrant {
    /// Its id.
    pub id: GrantId,
    /// The tenant.
    pub namespace: Option<Namespace>,
    /// Who held it.
    pub person: Option<PersonId>,
    /// Through which program.
    pub principal: Option<Principal>,
    /// For which case.
    pub case_id: Option<CaseId>,
    /// Who approved it: nobody, where a policy or the time did.
    pub approver: Option<PersonId>,
    /// The most that it let see of a value.
    pub level: Level,
    /// The index of the entry of its request.
    pub requested_index: u64,
    /// Since when it could be used.
    pub begins: Timestamp,
    /// When it had ended at the latest.
    pub ends: Timestamp,
    /// What it covered, and was not seen.
    pub unseen: BTreeSet<Unseen>,
}

/// A value that could have been seen.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Unseen {
    /// Whose; nothing: any customer's of the tenant.
    pub subject: Option<Subject>,
    /// The field.
    pub field: FieldName,
}

/// The grants and freezes of the log, as far as it has been read.
#[derive(Debug)]
pub(super) struct Grants {
    query: Query,
    known: BTreeMap<GrantId, Known>,
    freezes: Vec<Freeze>,
}

/// A grant that was asked for, with all that it covers.
#[derive(Debug)]
struct Known {
    grant: HeldGrant,
    has_begun: bool,
}

/// A freeze, while it lasted.
#[derive(Debug)]
struct Freeze {
    target: FreezeTarget,
    since: Timestamp,
    until: Option<Timestamp>,
}

impl Grants {
    pub(super) fn new(query: &Query) -> Self {
        Self {
            query: query.clone(),
            known: BTreeMap::new(),
            freezes: Vec::new(),
        }
    }

    /// Reads the next entry of the window, or of the time before it.
    pub(super) fn entry(&mut self, entry: &Entry) {
        let draft = &entry.draft;
        if draft.decision == Some(Decision::Deny) || draft.error.is_some() {
            return;
        }
        if draft.event == Event::GrantRequested {
            self.request(entry);
        } else if draft.event == Event::GrantApproved {
            self.approve(entry);
        } else if matches!(draft.event, Event::GrantDenied | Event::GrantRevoked) {
            self.end(entry);
        } else if draft.event == Event::Frozen {
            self.freeze(entry);
        } else if draft.event == Event::Unfreeze {
            self.unfreeze(entry);
        }
    }

    /// The grants that could be used in the window, with what of them is in no row.
    pub(super) fn finish(mut self, rows: &[Row]) -> Vec<HeldGrant> {
        self.freezes.sort_by_key(|freeze| freeze.since);
        let seen: HashSet<_> = rows
            .iter()
            .filter(|row| row.status.is_seen())
            .filter_map(|row| match &row.seen.whose {
                Whose::Subject(subject) => {
                    let seen = &row.seen;
                    Some((&seen.namespace, subject, seen.field.as_ref()?, seen.kind))
                }
                Whose::Token(_) | Whose::Nobody => None,
            })
            .collect();
        let known = std::mem::take(&mut self.known).into_values();
        let held = known.filter(|it| it.has_begun && self.is_usable(&it.grant));
        let mut held: Vec<HeldGrant> = held.map(|it| it.grant).collect();
        for grant in &mut held {
            let HeldGrant {
                namespace, level, ..
            } = &*grant;
            let is_seen = |it: &Unseen| {
                let kinds = [Kind::Revealed, Kind::Masked];
                let subject = it.subject.as_ref();
                subject.is_some_and(|subject| {
                    let enough = kinds.iter().filter(|kind| kind.level() >= Some(*level));
                    enough
                        .map(|kind| (namespace, subject, &it.field, *kind))
                        .any(|one| seen.contains(&one))
                })
            };
            let unseen = grant.unseen.iter().filter(|it| !is_seen(it)).cloned();
            grant.unseen = unseen.collect();
        }
        held.sort_by_key(|grant| grant.requested_index);
        held
    }

    fn request(&mut self, entry: &Entry) {
        let draft = &entry.draft;
        // Whether a grant opens records of a key version is not known before it is used.
        if !self.query.has_entry(entry) || self.query.who.key_version.is_some() {
            return;
        }
        let Some(id) = &draft.access.grant_id else {
            return;
        };
        let unseen = draft.items.iter().filter_map(|item| {
            Some(Unseen {
                subject: item.subject.clone(),
                field: item.field.clone()?,
            })
        });
        let unseen: BTreeSet<Unseen> = unseen.collect();
        let is_emergency = unseen.iter().any(|it| it.subject.is_none());
        let is_effective = draft.access.effect == Some(Effect::Effective);
        let begins = if is_emergency && !is_effective {
            entry.time.plus_seconds(BREAK_GLASS_DELAY_SECONDS)
        } else {
            entry.time
        };
        let grant = HeldGrant {
            id: id.clone(),
            namespace: draft.namespace.clone(),
            person: draft.person.clone(),
            principal: draft.principal.clone(),
            case_id: draft.case_id.clone(),
            approver: None,
            level: draft.level.unwrap_or(Level::Full),
            requested_index: entry.index,
            begins,
            ends: begins.plus_seconds(ttl_seconds(&unseen)),
            unseen,
        };
        let has_begun = is_effective || is_emergency;
        self.known.insert(id.clone(), Known { grant, has_begun });
    }

    fn approve(&mut self, entry: &Entry) {
        let known = entry.draft.access.grant_id.as_ref();
        let Some(known) = known.and_then(|id| self.known.get_mut(id)) else {
            return;
        };
        let grant = &mut known.grant;
        known.has_begun = true;
        grant.begins = entry.time;
        grant.ends = entry.time.plus_seconds(ttl_seconds(&grant.unseen));
        grant.approver = entry.draft.person.clone();
    }

    fn end(&mut self, entry: &Entry) {
        let Some(id) = &entry.draft.access.grant_id else {
            return;
        };
        if let Some(Known { grant, has_begun }) = self.known.get_mut(id) {
            *has_begun &= grant.begins <= entry.time;
            grant.ends = grant.ends.min(entry.time);
        }
    }

    fn freeze(&mut self, entry: &Entry) {
        let Some(target) = &entry.draft.access.freeze else {
            return;
        };
        let lasts = |freeze: &&Freeze| freeze.until.is_none() && freeze.target == *target;
        if self.freezes.iter().find(lasts).is_none() {
            self.freezes.push(Freeze {
                target: target.clone(),
                since: entry.time,
                until: None,
            });
        }
    }

    fn unfreeze(&mut self, entry: &Entry) {
        let access = &entry.draft.access;
        if access.effect != Some(Effect::Effective) {
            return;
        }
        let lasting = self.freezes.iter_mut().filter(|it| it.until.is_none());
        for freeze in lasting.filter(|freeze| Some(&freeze.target) == access.freeze.as_ref()) {
            freeze.until = Some(entry.time);
        }
    }

    /// Whether there was a moment in the window at which the grant was live and nothing froze it.
    /// Moments at which something changed count: the order within a millisecond is not looked at.
    fn is_usable(&self, grant: &HeldGrant) -> bool {
        let (from, to) = (self.query.from, self.query.to);
        let is_in_window = |begin: Timestamp, end: Timestamp| {
            let (begin, end) = (begin.max(from), end.min(grant.ends));
            begin <= end && begin < to
        };
        let mut begins = grant.begins;
        // In the order of their beginnings.
        for freeze in self.freezes.iter().filter(|it| stops(&it.target, grant)) {
            if begins <= freeze.since && is_in_window(begins, freeze.since) {
                return true;
            }
            match freeze.until {
                Some(until) => begins = begins.max(until),
                None => return false,
            }
        }
        is_in_window(begins, grant.ends)
    }
}

/// Whether freezing this stops the grant. A frozen certificate does not: the program may have
/// another one.
fn stops(target: &FreezeTarget, grant: &HeldGrant) -> bool {
    let namespace = grant.namespace.as_ref();
    match target {
        FreezeTarget::AllReveals => true,
        FreezeTarget::Case(own, case) => {
            namespace == Some(own) && grant.case_id.as_ref() == Some(case)
        }
        FreezeTarget::Certificate(_) => false,
        FreezeTarget::Grant(id) => grant.id == *id,
        FreezeTarget::Namespace(own) => namespace == Some(own),
        FreezeTarget::Person(person) => grant.person.as_ref() == Some(person),
        FreezeTarget::Principal(principal) => grant.principal.as_ref() == Some(principal),
    }
}

/// The longest that a grant for this lasts.
fn ttl_seconds(covered: &BTreeSet<Unseen>) -> u64 {
    let is_emergency = covered.iter().any(|it| it.subject.is_none());
    u64::from(if is_emergency {
        BREAK_GLASS_TTL_SECONDS_MAX
    } else {
        TTL_SECONDS_MAX
    })
}
