//! What an officer does, as policies and the log see it.

use crate::audit::CeremonyNote;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::Signed;
use crate::policy::Action;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::administer::Administrative;

/// What an officer does.
pub(super) struct OfficerAct {
    pub(super) action: Action,
    pub(super) event: Event,
    pub(super) note: CeremonyNote,
}

impl OfficerAct {
    /// Something that is about no ceremony, or none that there is.
    pub(super) fn new(action: Action, event: Event) -> Self {
        Self {
            action,
            event,
            note: CeremonyNote::default(),
        }
    }
}

impl Request for OfficerAct {
    fn action(&self) -> Action {
        self.action
    }

    /// Keys of one namespace are officers' business too: what they sign says which.
    fn scope(&self) -> Scope<'_> {
        Scope::Vault
    }
}

impl Administrative for OfficerAct {
    fn event(&self) -> Event {
        self.event
    }

    fn ceremony(&self) -> CeremonyNote {
        self.note.clone()
    }
}

/// What entries say of a ceremony, and of the officer who acted last.
pub(super) fn note(ceremony: &Ceremony, by: Option<&Signed>) -> CeremonyNote {
    CeremonyNote {
        id: Some(ceremony.id()),
        operation: Some(ceremony.statement.operation.kind()),
        statement_digest: Some(ceremony.statement.digest()),
        officers: by
            .map(|signed| signed.officer.clone())
            .into_iter()
            .collect(),
        state: Some(ceremony.state),
        ..CeremonyNote::default()
    }
}
