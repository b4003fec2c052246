//! A few officers, too few, with everything that they and the vault have ever signed.

use std::collections::BTreeSet;

use counterfoil::ceremony::cancellation;
use counterfoil::client::statement;
use counterfoil::crypto::SystemEntropy;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::CeremonyId;
use counterfoil::domain::Clock;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;

use super::wishes::FORMER;
use super::wishes::OFFICERS;
use super::wishes::STRANGER;
use super::wishes::VALID_SECONDS;
use super::wishes::Wish;
use crate::office::Office;
use crate::office::officer;
use crate::office::sign;

/// What went over the wire: a note of a statement or a cancellation, and its ceremony.
pub(super) type Sent = (String, SignedNote);

/// Everything that was ever signed, as whoever listens has it.
#[derive(Default)]
pub(super) struct Overheard {
    pub(super) all: Vec<Sent>,
    /// Of the time of an older charter.
    pub(super) former: Vec<Sent>,
}

impl Overheard {
    /// What was signed lately, and under the older charter: that of all attempts before would be
    /// as many again for each.
    fn replayed(&self) -> Vec<Sent> {
        let lately = &self.all[self.all.len().saturating_sub(REPLAYED)..];
        [lately, &self.former].concat()
    }
}

/// A few officers.
pub(super) struct Few<'a> {
    pub(super) office: &'a Office,
    pub(super) members: Vec<u8>,
    pub(super) overheard: &'a mut Overheard,
    pub(super) own: BTreeSet<String>,
}

impl<'a> Few<'a> {
    pub(super) fn of(office: &'a Office, members: &[u8], overheard: &'a mut Overheard) -> Self {
        Self {
            office,
            members: members.to_vec(),
            overheard,
            own: BTreeSet::new(),
        }
    }

    pub(super) async fn propose(&mut self, by: u8, wish: &Wish) -> Option<protocol::Operation> {
        let (now, listed) = (self.office.vault.clock.now(), self.office.list().await);
        let text = statement(
            &listed,
            wish.operation.clone(),
            now,
            VALID_SECONDS,
            &SystemEntropy,
        );
        let text = text.unwrap();
        self.own.insert(text.id().as_str().to_owned());
        let note = sign(by, &text.to_string());
        let operation = propose_with(self.office, &note, &wish.charter).await?;
        let sent = (operation.operation_id.clone(), note);
        self.overheard.all.push(sent);
        Some(operation)
    }

    /// Signs by every member, each twice, and as each other officer with a member's key; and by
    /// those who are no officers, in their own name and in an officer's.
    pub(super) async fn sign_all(&mut self, operation: &protocol::Operation) {
        let note: SignedNote = operation.note.parse().unwrap();
        for member in self.members.clone() {
            let own = sign(member, note.text());
            for _ in 0..2 {
                let _ = self.office.approve_with(operation, &own).await;
            }
            self.overheard
                .all
                .push((operation.operation_id.clone(), own));
            for name in OFFICERS.into_iter().filter(|other| *other != member) {
                self.refused(operation, &sign_as(member, name, note.text()))
                    .await;
            }
        }
        for outsider in [FORMER, STRANGER] {
            self.refused(operation, &sign(outsider, note.text())).await;
            let name = OFFICERS[self.members.len() % OFFICERS.len()];
            self.refused(operation, &sign_as(outsider, name, note.text()))
                .await;
        }
    }

    async fn refused(&self, operation: &protocol::Operation, note: &SignedNote) {
        let refused = self.office.approve_with(operation, note).await;
        assert!(refused.is_err(), "a signature that is nobody's counts");
    }

    /// Sends everything that was ever signed again, to this ceremony and to its own.
    pub(super) async fn replay(&self, operation: &protocol::Operation, wish: &Wish) {
        for (id, note) in self.overheard.replayed() {
            for to in [&operation.operation_id, &id] {
                let _ = self.office.approve_with(&named(to), &note).await;
                let _ = cancel_with(self.office, to, &note).await;
            }
            let _ = propose_with(self.office, &note, &wish.charter).await;
        }
        // The vault's own answer has every signature that it took: as one note, too.
        let joined: SignedNote = operation.note.parse().unwrap();
        let _ = self.office.approve_with(operation, &joined).await;
    }

    /// Nobody at all can only send what others have signed.
    pub(super) async fn replay_proposals(&self, wish: &Wish) {
        for (_, note) in self.overheard.replayed() {
            let _ = propose_with(self.office, &note, &wish.charter).await;
        }
    }

    pub(super) async fn state(&self, operation: &protocol::Operation) -> OperationState {
        self.office.get(operation).await.state()
    }
}

/// A note by the key of one officer in the name of another.
pub(super) fn sign_as(key: u8, name: u8, text: &str) -> SignedNote {
    officer(key).1.sign(officer(name).0, text).unwrap()
}

/// Sends a note as a proposal.
pub(super) async fn propose_with(
    office: &Office,
    note: &SignedNote,
    charter: &str,
) -> Option<protocol::Operation> {
    let request = protocol::ProposeOperationRequest {
        note: note.to_string(),
        charter: charter.to_owned(),
        ..protocol::ProposeOperationRequest::default()
    };
    let answer = office.keys.clone().propose_operation(request).await;
    Some(answer.ok()?.into_inner())
}

/// Sends a note as a cancellation of this.
pub(super) async fn cancel_with(
    office: &Office,
    id: &str,
    note: &SignedNote,
) -> Option<protocol::Operation> {
    let request = protocol::CancelOperationRequest {
        operation_id: id.to_owned(),
        note: note.to_string(),
        ..protocol::CancelOperationRequest::default()
    };
    let answer = office.keys.clone().cancel_operation(request).await;
    Some(answer.ok()?.into_inner())
}

/// As many of these as it takes, and another if they are one, say that it is cancelled.
pub(super) async fn cancel(office: &Office, operation: &protocol::Operation, members: &[u8]) {
    let text = cancellation_of(operation);
    for by in members.iter().copied().chain(OFFICERS) {
        let cancelled = cancel_with(office, &operation.operation_id, &sign(by, &text)).await;
        if cancelled.is_some_and(|it| it.state() == OperationState::Cancelled) {
            return;
        }
    }
    panic!("two can cancel");
}

pub(super) fn cancellation_of(operation: &protocol::Operation) -> String {
    cancellation(&CeremonyId::new(&operation.operation_id).unwrap())
}

fn named(id: &str) -> protocol::Operation {
    protocol::Operation {
        operation_id: id.to_owned(),
        ..protocol::Operation::default()
    }
}

/// Notes that are sent again in each attempt: those of some attempts before, and of the last
/// operation that three had signed.
const REPLAYED: usize = 3;
