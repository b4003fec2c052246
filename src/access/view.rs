//! What others may know of the state.

use crate::access::actor::Actor;
use crate::access::claim::Disclosure;
use crate::access::freeze::Freeze;
use crate::access::grant::Grant;
use crate::access::state::Access;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;

impl Access {
    /// A grant.
    #[must_use]
    pub fn grant(&self, id: &GrantId) -> Option<&Grant> {
        self.grants.get(id)
    }

    /// Grants in the order of their ids, after this one.
    pub fn grants_after(&self, after: Option<&GrantId>) -> impl Iterator<Item = &Grant> {
        let start = match after {
            Some(id) => std::ops::Bound::Excluded(id.clone()),
            None => std::ops::Bound::Unbounded,
        };
        self.grants
            .range((start, std::ops::Bound::Unbounded))
            .map(|(_, grant)| grant)
    }

    /// What is frozen of a target.
    #[must_use]
    pub fn freeze(&self, target: &FreezeTarget) -> Option<&Freeze> {
        self.freezes.all.get(target)
    }

    /// Everything that is frozen.
    pub fn freezes(&self) -> impl Iterator<Item = &Freeze> {
        self.freezes.all.values()
    }

    /// Whether every call of the actor is refused.
    #[must_use]
    pub fn stops(&self, actor: &Actor) -> bool {
        self.freezes.stop(actor)
    }

    /// Whether a disclosure is refused, whoever makes it.
    #[must_use]
    pub fn stops_disclosure(&self, disclosure: &Disclosure) -> bool {
        self.freezes.stop_disclosure(disclosure)
    }

    /// How many decoys there are.
    #[must_use]
    pub fn decoys_count(&self) -> usize {
        self.decoys.len()
    }
}
