//! A disclosure: a reveal, or a question that says something about values.

use std::collections::HashSet;

use crate::access::actor::Actor;
use crate::access::claim::Disclosure;
use crate::access::claim::GrantUse;
use crate::access::event::Cause;
use crate::access::grant::Grant;
use crate::access::refusal::Refusal;
use crate::access::seen::SeenKey;
use crate::access::state::Access;
use crate::access::state::Granted;
use crate::access::state::Judgment;
use crate::domain::FreezeTarget;
use crate::domain::Timestamp;

impl Access {
    /// Judges a disclosure: all of it or nothing.
    pub(super) fn disclose(
        &mut self,
        actor: &Actor,
        disclosure: &Disclosure,
        now: Timestamp,
    ) -> Judgment {
        if self.freezes.stop_disclosure(disclosure) {
            return Judgment::refused(Refusal::Frozen);
        }
        if let Some(cause) = self.alarm(actor, disclosure) {
            return Judgment {
                outcome: Err(Refusal::Denied),
                consequence: Some(self.freeze_actor(actor, cause, now)),
            };
        }
        let used = match self.check_grant(actor, disclosure, now) {
            Ok(used) => used,
            Err(refusal) => return Judgment::refused(refusal),
        };
        if let Err(refusal) = self.check_guesses(actor, &disclosure.glances, now) {
            return Judgment::refused(refusal);
        }
        let budgets = self.applied(actor, &disclosure.namespace);
        // Most programs have no budget: this is the log's one thread, and gathers nothing for them.
        let own = disclosure.glances.iter().filter(|it| !it.is_foreign);
        let own = own.filter(|_| !budgets.is_empty());
        let seen: HashSet<SeenKey> = own.map(|glance| glance.seen).collect();
        if let Err(refusal) = self.check_budgets(actor, &budgets, &seen, now) {
            let is_spent = matches!(refusal, Refusal::BudgetSpent { .. });
            let grant = disclosure.grant.as_ref().filter(|_| is_spent);
            return Judgment {
                outcome: Err(refusal),
                consequence: grant.map(|grant| {
                    let target = FreezeTarget::Grant(grant.id.clone());
                    self.freeze_for(target, Cause::BudgetSpent, now)
                }),
            };
        }
        // Nothing refuses it any more: now it counts.
        if let Some(used) = used {
            self.put_grant(&used.id.clone(), Some(used));
        }
        self.count_guesses(actor, &disclosure.glances, now);
        self.count_seen(&budgets, &seen, now);
        let usage = self.usage_of(&budgets, now);
        let left = usage.iter().map(|it| it.limit.saturating_sub(it.used));
        Ok(Granted {
            effect: None,
            budget_left: left.min(),
        })
        .into()
    }

    /// What in a disclosure nobody touches by mistake. A program may be handed another tenant's
    /// token by whoever talks to it, and must not be stopped for that: it is an unknown one.
    fn alarm(&self, actor: &Actor, disclosure: &Disclosure) -> Option<Cause> {
        let mut glances = disclosure.glances.iter();
        if glances.any(|glance| self.decoys.contains(&glance.seen)) {
            return Some(Cause::Decoy);
        }
        let is_foreign = disclosure.glances.iter().any(|glance| glance.is_foreign);
        (is_foreign && actor.person.is_some()).then_some(Cause::ForeignToken)
    }

    /// The grant with what the disclosure uses of it, if it is under one.
    fn check_grant(
        &self,
        actor: &Actor,
        disclosure: &Disclosure,
        now: Timestamp,
    ) -> Result<Option<Grant>, Refusal> {
        let Some(wanted) = &disclosure.grant else {
            let is_loose = disclosure.glances.iter().all(|it| it.under_grant.is_none());
            return if is_loose {
                Ok(None)
            } else {
                Err(Refusal::GrantMissing)
            };
        };
        let grant = self.grants.get(&wanted.id).ok_or(Refusal::GrantMissing)?;
        if !grant.is_for(actor, disclosure, wanted) || !grant.is_live(now) {
            return Err(Refusal::GrantMissing);
        }
        let under_grant = disclosure
            .glances
            .iter()
            .filter_map(|it| it.under_grant.as_ref());
        let mut reveals_count = 0_u32;
        for (subject, field) in under_grant {
            if !grant.scope.covers(subject, field, wanted.level) {
                return Err(Refusal::GrantMissing);
            }
            reveals_count = reveals_count.saturating_add(1);
        }
        if reveals_count > grant.reveals_left() {
            return Err(Refusal::GrantMissing);
        }
        Ok(Some(Grant {
            reveals_count: grant.reveals_count.saturating_add(reveals_count),
            ..grant.clone()
        }))
    }
}

impl Grant {
    /// Whether it was given to the actor, for what the disclosure says that it is.
    fn is_for(&self, actor: &Actor, disclosure: &Disclosure, wanted: &GrantUse) -> bool {
        actor.person.as_ref() == Some(&self.requester)
            && actor.principal == self.principal
            && self.scope.namespace == disclosure.namespace
            && self.scope.case_id == disclosure.case_id
            && self.scope.purpose == wanted.purpose
    }
}
