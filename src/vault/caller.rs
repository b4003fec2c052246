//! Who calls, as the transport proved it.

use std::net::IpAddr;

use crate::access::Act;
use crate::access::Actor;
use crate::access::Claim;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::domain::Person;
use crate::domain::Principal;

/// Who calls: made by the server from a client certificate that it verified.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name in the certificate.
    pub principal: Principal,
    /// SHA-256 of the certificate.
    pub credential_fingerprint: [u8; 32],
    /// The person on whose behalf it calls, as their identity provider vouches.
    pub person: Option<Person>,
    /// Where the connection comes from.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// What the caller wants to do.
    pub(super) fn claim(&self, act: Act) -> Claim {
        Claim {
            actor: self.actor(),
            act,
        }
    }

    /// An entry that says who did it.
    pub(super) fn entry(&self, event: Event) -> EntryDraft {
        let person = self.person.as_ref();
        EntryDraft {
            principal: Some(self.principal.clone()),
            credential: Some(self.credential_fingerprint),
            person: person.map(|person| person.id.clone()),
            login: person.map(|person| person.login),
            methods: person
                .map(|person| person.methods.clone())
                .unwrap_or_default(),
            ..EntryDraft::new(event)
        }
    }

    /// Who acts, as grants, budgets and freezes see it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let person = self.person.as_ref();
        Actor {
            principal: self.principal.clone(),
            credential: self.credential_fingerprint,
            person: person.map(|person| person.id.clone()),
            authenticated: person.and_then(|person| person.authenticated),
        }
    }
}
