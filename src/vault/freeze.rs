//! Freezing, unfreezing, and what is frozen.

use crate::access::Act;
use crate::access::Actor;
use crate::access::Effect;
use crate::access::Freeze;
use crate::access::Usage;
use crate::audit::AccessNote;
use crate::audit::Event;
use crate::domain::FreezeTarget;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::policy::Action;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;

/// What is to be frozen, or unfrozen.
struct Change {
    target: FreezeTarget,
    action: Action,
}

/// A principal, or a person, whom somebody asks about.
#[derive(Clone, Debug)]
pub struct ReadPrincipal {
    /// The tenant whose budgets are asked about.
    pub namespace: Namespace,
    /// The program.
    pub principal: Principal,
    /// The person.
    pub person: Option<PersonId>,
}

/// What is frozen of somebody, and what is used of their budgets.
#[derive(Clone, Debug)]
pub struct PrincipalView {
    /// What is frozen.
    pub freezes: Vec<Freeze>,
    /// What is used.
    pub usage: Vec<Usage>,
}

/// Everything that is frozen is asked about.
struct ReadFreezes;

impl Request for Change {
    fn action(&self) -> Action {
        self.action
    }

    /// What is frozen in one namespace only is decided there.
    fn scope(&self) -> Scope<'_> {
        match &self.target {
            FreezeTarget::Case(namespace, _) | FreezeTarget::Namespace(namespace) => {
                Scope::Namespace(namespace)
            }
            FreezeTarget::AllReveals
            | FreezeTarget::Certificate(_)
            | FreezeTarget::Grant(_)
            | FreezeTarget::Person(_)
            | FreezeTarget::Principal(_) => Scope::Vault,
        }
    }
}

impl Administrative for Change {
    fn event(&self) -> Event {
        if self.action == Action::Freeze {
            Event::Frozen
        } else {
            Event::Unfreeze
        }
    }

    fn note(&self) -> AccessNote {
        AccessNote {
            freeze: Some(self.target.clone()),
            ..AccessNote::default()
        }
    }
}

impl Request for ReadPrincipal {
    fn action(&self) -> Action {
        Action::GetPrincipal
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Administrative for ReadPrincipal {
    fn event(&self) -> Event {
        Event::AccessRead
    }

    fn namespace(&self) -> Option<&Namespace> {
        Some(&self.namespace)
    }
}

impl Request for ReadFreezes {
    fn action(&self) -> Action {
        Action::GetPrincipal
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Vault
    }
}

impl Administrative for ReadFreezes {
    fn event(&self) -> Event {
        Event::AccessRead
    }
}

impl Vault {
    /// Freezes, and says at which index of the log: no reveal that it stops has a higher one.
    ///
    /// # Errors
    ///
    /// If the caller may not freeze, or the log cannot be written.
    pub async fn freeze(&self, caller: &Caller, target: FreezeTarget) -> Result<u64, VaultError> {
        let act = Act::Freeze {
            target: target.clone(),
        };
        let action = Action::Freeze;
        let change = Change { target, action };
        let (_, receipt) = self.administer(caller, change, None, |_| act).await?;
        Ok(receipt.index)
    }

    /// Asks that something be unfrozen: it is when another asks too. Says at which index of the
    /// log, and whether it is.
    ///
    /// # Errors
    ///
    /// If the caller may not, nothing of it is frozen, or the log cannot be written.
    pub async fn unfreeze(
        &self,
        caller: &Caller,
        target: FreezeTarget,
    ) -> Result<(u64, Effect), VaultError> {
        let act = Act::Unfreeze {
            target: target.clone(),
        };
        let action = Action::Unfreeze;
        let change = Change { target, action };
        let (_, receipt) = self.administer(caller, change, None, |_| act).await?;
        let effect = receipt.granted.effect.unwrap_or(Effect::Pending);
        Ok((receipt.index, effect))
    }

    /// Says what is frozen of a principal or person, and what is used of their budgets.
    ///
    /// # Errors
    ///
    /// If the caller may not know.
    pub async fn read_principal(
        &self,
        caller: &Caller,
        asked: ReadPrincipal,
    ) -> Result<PrincipalView, VaultError> {
        let (permitted, _) = self.administer(caller, asked, None, |_| Act::Work).await?;
        let ReadPrincipal {
            namespace,
            principal,
            person,
        } = permitted.request();
        let person_target = person.clone().map(FreezeTarget::Person);
        let targets = [FreezeTarget::Principal(principal.clone())]
            .into_iter()
            .chain(person_target);
        let actor = Actor {
            principal: principal.clone(),
            credential: [0; 32],
            person: person.clone(),
            authenticated: None,
        };
        let clock = &self.parts.clock;
        let looked = self.parts.log.access(|access| PrincipalView {
            freezes: targets
                .filter_map(|target| access.freeze(&target).cloned())
                .collect(),
            usage: access.usage(&actor, namespace, clock.now()),
        });
        Ok(looked.await)
    }

    /// Lists everything that is frozen.
    ///
    /// # Errors
    ///
    /// If the caller may not know.
    pub async fn read_freezes(&self, caller: &Caller) -> Result<Vec<Freeze>, VaultError> {
        self.administer(caller, ReadFreezes, None, |_| Act::Work)
            .await?;
        let looked = self
            .parts
            .log
            .access(|access| access.freezes().cloned().collect());
        Ok(looked.await)
    }

    /// Whether every call of the caller is refused.
    pub async fn is_frozen(&self, caller: &Caller) -> bool {
        let actor = caller.actor();
        self.parts.log.access(|access| access.stops(&actor)).await
    }
}
