//! Opening values inside the vault to give them other tokens.
//!
//! Nobody is shown a value, so decoys trip nothing here: their tokens change like all others, or
//! they would be known by that. What stops reveals stops this too, and budgets count the customers.

use std::collections::HashSet;

use crate::access::actor::Actor;
use crate::access::claim::Disclosure;
use crate::access::event::Cause;
use crate::access::refusal::Refusal;
use crate::access::seen::SeenKey;
use crate::access::state::Access;
use crate::access::state::Granted;
use crate::access::state::Judgment;
use crate::domain::Timestamp;

impl Access {
    /// Judges what would be opened, or, with nothing in it, whether tokens may still be replaced:
    /// all of it or nothing.
    pub(super) fn retokenize(
        &mut self,
        actor: &Actor,
        opened: &Disclosure,
        until: Timestamp,
        now: Timestamp,
    ) -> Judgment {
        if self.freezes.stop_disclosure(opened) {
            return Judgment::refused(Refusal::Frozen);
        }
        let is_foreign = opened.glances.iter().any(|glance| glance.is_foreign);
        if is_foreign && actor.person.is_some() {
            return Judgment {
                outcome: Err(Refusal::Denied),
                consequence: Some(self.freeze_actor(actor, Cause::ForeignToken, now)),
            };
        }
        if until <= now {
            return Judgment::refused(Refusal::AllowanceMissing);
        }
        let budgets = self.applied(actor, &opened.namespace);
        let own = opened.glances.iter().filter(|it| !it.is_foreign);
        let own = own.filter(|_| !budgets.is_empty());
        let seen: HashSet<SeenKey> = own.map(|glance| glance.seen).collect();
        if seen.is_empty() {
            return Ok(Granted::default()).into();
        }
        if let Err(refusal) = self.check_budgets(actor, &budgets, &seen, now) {
            return Judgment::refused(refusal);
        }
        self.count_seen(&budgets, &seen, now);
        Ok(Granted::default()).into()
    }
}
