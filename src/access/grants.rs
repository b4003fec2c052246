//! Grants: asked for, approved, refused, ended.

use crate::access::actor::Actor;
use crate::access::event::AccessEvent;
use crate::access::event::Effect;
use crate::access::grant::Approval;
use crate::access::grant::Grant;
use crate::access::grant::GrantState;
use crate::access::grant::REQUEST_SECONDS_MAX;
use crate::access::refusal::Refusal;
use crate::access::state::Access;
use crate::access::state::Granted;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Timestamp;

impl Access {
    /// Takes a new grant, in the state that the policies gave it.
    pub(super) fn request(&mut self, grant: &Grant, now: Timestamp) -> Result<Granted, Refusal> {
        self.forget_grants(now);
        let is_open = |other: &&Grant| match other.state {
            GrantState::Requested | GrantState::Live { .. } => other.over_ms() > now.unix_ms(),
            GrantState::Denied | GrantState::Revoked => false,
        };
        let is_own = |other: &&Grant| other.requester == grant.requester;
        let own = self.grants.values().filter(is_own).filter(is_open).count();
        let is_known = self.grants.contains_key(&grant.id);
        if is_known || own >= OPEN_PER_PERSON_MAX || self.grants.len() >= GRANTS_MAX {
            return Err(Refusal::TooMany);
        }
        let effect = match grant.state {
            GrantState::Live { begins, .. } if begins <= now => Effect::Effective,
            GrantState::Live { .. }
            | GrantState::Requested
            | GrantState::Denied
            | GrantState::Revoked => Effect::Pending,
        };
        self.change(grant.clone());
        Ok(Granted {
            effect: Some(effect),
            ..Granted::default()
        })
    }

    /// Another person than who asked says yes to exactly this scope: it begins now.
    pub(super) fn approve(
        &mut self,
        actor: &Actor,
        id: &GrantId,
        scope_digest: &[u8; 32],
        now: Timestamp,
    ) -> Result<Granted, Refusal> {
        let grant = self.waiting(id, now)?;
        let person = actor.person.as_ref().ok_or(Refusal::SamePerson)?;
        if *person == grant.requester {
            return Err(Refusal::SamePerson);
        }
        if grant.scope.digest() != *scope_digest {
            return Err(Refusal::Scope);
        }
        let mut approved = Grant {
            approval: Some(Approval {
                person: person.clone(),
                time: now,
            }),
            ..grant.clone()
        };
        approved.begin(now);
        self.change(approved);
        Ok(Granted {
            effect: Some(Effect::Effective),
            ..Granted::default()
        })
    }

    /// Somebody says no.
    pub(super) fn deny(&mut self, id: &GrantId, now: Timestamp) -> Result<Granted, Refusal> {
        let denied = Grant {
            state: GrantState::Denied,
            ..self.waiting(id, now)?.clone()
        };
        self.change(denied);
        Ok(Granted::default())
    }

    /// Ends a grant before its time, or before it begins.
    pub(super) fn revoke(&mut self, id: &GrantId, now: Timestamp) -> Result<Granted, Refusal> {
        let grant = self.grants.get(id).ok_or(Refusal::Denied)?;
        match grant.state {
            GrantState::Live { ends, .. } if now < ends => {}
            GrantState::Requested if self.waiting(id, now).is_ok() => {}
            GrantState::Live { .. }
            | GrantState::Requested
            | GrantState::Denied
            | GrantState::Revoked => return Err(Refusal::GrantState),
        }
        let revoked = Grant {
            state: GrantState::Revoked,
            ..grant.clone()
        };
        self.change(revoked);
        Ok(Granted::default())
    }

    /// Ends every grant that is live: what a start does when the clock was set back meanwhile.
    pub fn end_grants(&mut self) {
        let is_live = |grant: &&Grant| matches!(grant.state, GrantState::Live { .. });
        let live: Vec<Grant> = self.grants.values().filter(is_live).cloned().collect();
        for grant in live {
            self.change(Grant {
                state: GrantState::Revoked,
                ..grant
            });
        }
    }

    /// A grant that waits to be approved, and still may be.
    fn waiting(&self, id: &GrantId, now: Timestamp) -> Result<&Grant, Refusal> {
        let grant = self.grants.get(id).ok_or(Refusal::Denied)?;
        if self
            .freezes
            .all
            .contains_key(&FreezeTarget::Grant(id.clone()))
        {
            return Err(Refusal::Frozen);
        }
        let is_waiting = match grant.state {
            GrantState::Requested => now < grant.requested.plus_seconds(REQUEST_SECONDS_MAX),
            // An emergency's grant begins by itself; a second person lets it begin at once.
            GrantState::Live { begins, .. } => now < begins,
            GrantState::Denied | GrantState::Revoked => false,
        };
        if is_waiting {
            Ok(grant)
        } else {
            Err(Refusal::GrantState)
        }
    }

    fn change(&mut self, grant: Grant) {
        self.put_grant(&grant.id.clone(), Some(grant.clone()));
        self.tell(AccessEvent::Grant(Box::new(grant)));
    }

    /// Forgets some grants that have been over for long; the log keeps them.
    fn forget_grants(&mut self, now: Timestamp) {
        let is_old = |grant: &&Grant| grant.over_ms() + KEPT_MS < now.unix_ms();
        let old: Vec<GrantId> = self
            .grants
            .values()
            .filter(is_old)
            .take(FORGOTTEN_MAX)
            .map(|grant| grant.id.clone())
            .collect();
        for id in old {
            self.put_grant(&id, None);
        }
    }
}

/// How long an emergency's grant waits before it begins without a second person: 15 minutes.
pub const BREAK_GLASS_DELAY_SECONDS: u64 = 15 * 60;
/// The longest that an emergency's grant may last, in seconds: an hour.
pub const BREAK_GLASS_TTL_SECONDS_MAX: u32 = 60 * 60;
/// How many grants one person may have open.
const OPEN_PER_PERSON_MAX: usize = 20;
/// How many grants there may be.
const GRANTS_MAX: usize = 20_000;
/// How long a grant is kept after it is over, to be asked about: a day.
const KEPT_MS: u64 = 24 * 60 * 60 * 1_000;
/// How many are forgotten at a time.
const FORGOTTEN_MAX: usize = 64;
