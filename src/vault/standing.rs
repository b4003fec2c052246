//! Calls that stay: what a stream must know to end when somebody freezes what it lives by.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::access::AccessEvent;
use crate::access::Actor;
use crate::audit::AuditLog;
use crate::domain::CaseId;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Namespace;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::detokenize::Detokenize;

/// What a stream lives by: who made its latest call, and what that revealed, if it reveals.
#[derive(Clone, Debug)]
pub struct Standing {
    actor: Actor,
    reveal: Option<Reveal>,
}

/// What a reveal is about, as far as a freeze may stop it. Nothing of it before the first.
#[derive(Clone, Debug, Default)]
struct Reveal {
    namespace: Option<Namespace>,
    case_id: Option<CaseId>,
    grant_id: Option<GrantId>,
}

/// Tells when a stream must end.
#[derive(Debug)]
pub struct FreezeWatch {
    log: AuditLog,
    events: broadcast::Receiver<AccessEvent>,
    /// Events went by unseen, and it was not looked yet at what they left.
    has_missed: bool,
}

impl Standing {
    /// Of a caller whose calls reveal nothing.
    #[must_use]
    pub fn at_work(caller: &Caller) -> Self {
        Self {
            actor: caller.actor(),
            reveal: None,
        }
    }

    /// Of a caller who may begin to reveal.
    #[must_use]
    pub fn to_reveal(caller: &Caller) -> Self {
        Self {
            actor: caller.actor(),
            reveal: Some(Reveal::default()),
        }
    }

    /// Of a caller who reveals this.
    #[must_use]
    pub fn revealing(caller: &Caller, request: &Detokenize) -> Self {
        Self {
            actor: caller.actor(),
            reveal: Some(Reveal {
                namespace: Some(request.namespace.clone()),
                case_id: request.case_id.clone(),
                grant_id: request.grant_id.clone(),
            }),
        }
    }

    /// Of a caller whose values of this namespace are opened inside the vault.
    #[must_use]
    pub fn opening(caller: &Caller, namespace: &Namespace) -> Self {
        Self {
            actor: caller.actor(),
            reveal: Some(Reveal {
                namespace: Some(namespace.clone()),
                ..Reveal::default()
            }),
        }
    }

    /// Whether a freeze of this stops it.
    fn is_stopped_by(&self, target: &FreezeTarget) -> bool {
        let Self { actor, reveal } = self;
        let reveals = |stops: &dyn Fn(&Reveal) -> bool| reveal.as_ref().is_some_and(stops);
        match target {
            FreezeTarget::AllReveals => reveal.is_some(),
            FreezeTarget::Case(namespace, case) => reveals(&|it| {
                it.namespace.as_ref() == Some(namespace) && it.case_id.as_ref() == Some(case)
            }),
            FreezeTarget::Certificate(credential) => actor.credential == *credential,
            FreezeTarget::Grant(id) => reveals(&|it| it.grant_id.as_ref() == Some(id)),
            FreezeTarget::Namespace(namespace) => {
                reveals(&|it| it.namespace.as_ref() == Some(namespace))
            }
            FreezeTarget::Person(person) => actor.person.as_ref() == Some(person),
            FreezeTarget::Principal(principal) => actor.principal == *principal,
        }
    }
}

impl FreezeWatch {
    /// Waits for a freeze that stops what has this standing. May be given up at any time without
    /// missing one.
    pub async fn stopped(&mut self, standing: &Standing) {
        loop {
            // What went by unseen is still there, or was unfrozen since.
            if self.has_missed {
                if self.is_stopped(standing).await {
                    return;
                }
                self.has_missed = false;
            }
            match self.events.recv().await {
                Ok(AccessEvent::Frozen(freeze)) if standing.is_stopped_by(&freeze.target) => return,
                Ok(AccessEvent::Frozen(_) | AccessEvent::Grant(_) | AccessEvent::Unfrozen(_)) => {}
                Err(RecvError::Lagged(_)) => self.has_missed = true,
                // The log is closed, and nothing is answered any more.
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn is_stopped(&self, standing: &Standing) -> bool {
        let looked = self.log.access(|access| {
            let mut freezes = access.freezes();
            freezes.any(|freeze| standing.is_stopped_by(&freeze.target))
        });
        looked.await
    }
}

impl Vault {
    /// Watches for freezes from now on.
    #[must_use]
    pub fn watch_freezes(&self) -> FreezeWatch {
        FreezeWatch {
            log: self.parts.log.clone(),
            events: self.parts.log.events(),
            has_missed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PersonId;
    use crate::domain::Principal;

    fn standing(reveal: Option<Reveal>) -> Standing {
        let actor = Actor {
            principal: Principal::new("tool.shop.example").unwrap(),
            credential: [7; 32],
            person: Some(PersonId::read("acme/ada").unwrap()),
            authenticated: None,
        };
        Standing { actor, reveal }
    }

    /// Goal: a freeze ends what it stops, and nothing else. Method: every kind of target, own and
    /// another's, for a stream that reveals, one that has not begun to, and one that never does.
    #[test]
    fn freeze_stops_whom_it_names() {
        let shop = Namespace::new("shop").unwrap();
        let grant = GrantId::new("g-1").unwrap();
        let revealing = standing(Some(Reveal {
            namespace: Some(shop),
            case_id: Some(CaseId::new("T-1").unwrap()),
            grant_id: Some(grant),
        }));
        let beginning = standing(Some(Reveal::default()));
        let working = standing(None);
        let certificate = |byte: &str| format!("certificate:{}", byte.repeat(32));
        let (own, other) = (certificate("07"), certificate("08"));
        let cases = [
            ("all", true, true, false),
            ("namespace:shop", true, false, false),
            ("namespace:other", false, false, false),
            ("case:shop:T-1", true, false, false),
            ("case:other:T-1", false, false, false),
            ("case:shop:T-2", false, false, false),
            ("grant:g-1", true, false, false),
            ("grant:g-2", false, false, false),
            ("person:acme/ada", true, true, true),
            ("person:acme/bob", false, false, false),
            ("principal:tool.shop.example", true, true, true),
            ("principal:else.shop.example", false, false, false),
            (own.as_str(), true, true, true),
            (other.as_str(), false, false, false),
        ];
        for (text, of_revealing, of_beginning, of_working) in cases {
            let target = FreezeTarget::read(text).unwrap();
            let stopped = |standing: &Standing| standing.is_stopped_by(&target);
            assert_eq!(stopped(&revealing), of_revealing, "{text}");
            assert_eq!(stopped(&beginning), of_beginning, "{text}");
            assert_eq!(stopped(&working), of_working, "{text}");
        }
    }
}
