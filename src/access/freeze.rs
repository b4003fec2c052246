//! What is frozen.

use std::collections::BTreeMap;

use crate::access::actor::Actor;
use crate::access::actor::Holder;
use crate::access::claim::Disclosure;
use crate::access::event::Cause;
use crate::access::event::Effect;
use crate::domain::FreezeTarget;
use crate::domain::Timestamp;

/// Something that is frozen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Freeze {
    /// What.
    pub target: FreezeTarget,
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
    /// Who wants it unfrozen, and since when: a second one must say so too.
    pub unfreezing: Option<(Holder, Timestamp)>,
}

/// Everything that is frozen.
#[derive(Debug, Default)]
pub(super) struct Freezes {
    pub(super) all: BTreeMap<FreezeTarget, Freeze>,
}

impl Freezes {
    /// Whether every call of the actor is refused.
    pub(super) fn stop(&self, actor: &Actor) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let person = actor.person.clone().map(FreezeTarget::Person);
        self.has(&FreezeTarget::Principal(actor.principal.clone()))
            || self.has(&FreezeTarget::Certificate(actor.credential))
            || person.is_some_and(|person| self.has(&person))
    }

    /// Whether a disclosure is refused, whoever makes it.
    pub(super) fn stop_disclosure(&self, disclosure: &Disclosure) -> bool {
        if self.all.is_empty() {
            return false;
        }
        let namespace = &disclosure.namespace;
        let case = disclosure
            .case_id
            .as_ref()
            .map(|case| FreezeTarget::Case(namespace.clone(), case.clone()));
        let grant = disclosure
            .grant
            .as_ref()
            .map(|grant| FreezeTarget::Grant(grant.id.clone()));
        self.has(&FreezeTarget::AllReveals)
            || self.has(&FreezeTarget::Namespace(namespace.clone()))
            || case.is_some_and(|case| self.has(&case))
            || grant.is_some_and(|grant| self.has(&grant))
    }

    /// What the freeze becomes when this one wants it unfrozen: nothing, if another did already.
    pub(super) fn unfrozen_by(
        freeze: &Freeze,
        holder: Holder,
        now: Timestamp,
    ) -> (Option<Freeze>, Effect) {
        let is_second = freeze.unfreezing.as_ref().is_some_and(|(first, since)| {
            *first != holder && now < since.plus_seconds(UNFREEZE_SECONDS_MAX)
        });
        if is_second {
            return (None, Effect::Effective);
        }
        let waiting = Freeze {
            unfreezing: Some((holder, now)),
            ..freeze.clone()
        };
        (Some(waiting), Effect::Pending)
    }

    fn has(&self, target: &FreezeTarget) -> bool {
        self.all.contains_key(target)
    }
}

/// How long the first of two who unfreeze waits for the second: an hour.
const UNFREEZE_SECONDS_MAX: u64 = 60 * 60;
