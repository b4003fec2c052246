//! The turns that officers take: propose, approve, cancel.

use crate::access::Act;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::Decision;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::CeremonyState;
use crate::ceremony::Charter;
use crate::ceremony::Operation;
use crate::ceremony::Statement;
use crate::crypto::note::SignedNote;
use crate::domain::CeremonyId;
use crate::keys::Ring;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::store::Changes;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::journal::error_class;
use crate::vault::officers::act::OfficerAct;
use crate::vault::officers::act::note;
use crate::vault::officers::carry_out::Carried;
use crate::vault::officers::desk::Kept;

/// What an officer proposes.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The statement, with the officer's signature.
    pub note: SignedNote,
    /// The text of the new charter, where the operation is to change it.
    pub charter: Option<String>,
}

impl Vault {
    /// Takes up an operation that an officer proposes by signing its statement.
    ///
    /// # Errors
    ///
    /// If the caller may not, the statement is not one, or the operation cannot be carried out.
    pub async fn propose_operation(
        &self,
        caller: &Caller,
        proposal: Proposal,
    ) -> Result<Ceremony, VaultError> {
        let act = OfficerAct::new(Action::ProposeOperation, Event::OperationProposed);
        let permitted = self.permit_administrative(caller, act, None).await?;
        let _turn = self.desk.turn.lock().await;
        let ring = self.ring();
        let turn = || {
            let Proposal {
                note,
                charter: brought,
            } = proposal;
            let (charter, now) = (self.charter()?, self.now());
            let id = Statement::read(note.text())?.id();
            match self.ceremony(&id) {
                Err(VaultError::Ceremony(CeremonyError::Missing)) => {}
                // To propose a statement again changes nothing, whatever has happened since.
                Ok(kept) if kept.ceremony.was_proposed_by(&note) => {
                    return Ok(Turn::Taken(Box::new(kept.ceremony)));
                }
                Ok(_) => return Err(CeremonyError::State.into()),
                Err(error) => return Err(error),
            }
            let proposed = Ceremony::propose(&charter, &self.parts.origin, note, brought, now)?;
            check_brought(&proposed)?;
            self.check_room(&proposed)?;
            self.check_possible_when_due(&proposed)?;
            let kept = Kept::new(proposed.clone());
            Ok(Turn::Next(Box::new((kept, proposed))))
        };
        self.take_turn(caller, &permitted, &ring, turn()).await
    }

    /// Says whether one more operation may be open: all that are must fit into what officers are
    /// shown before they sign.
    fn check_room(&self, proposed: &Ceremony) -> Result<(), VaultError> {
        let open = self.unfinished()?;
        let is_own = |it: &&Kept| {
            it.ceremony.state != CeremonyState::Running
                && it.ceremony.proposer() == proposed.proposer()
        };
        let has_room =
            open.len() < ALL_OPEN_MAX && open.iter().filter(is_own).count() < OWN_OPEN_MAX;
        let too_many = CeremonyError::TooManyOpen {
            open_max: OWN_OPEN_MAX,
            all_max: ALL_OPEN_MAX,
        };
        has_room.then_some(()).ok_or(too_many.into())
    }

    /// Adds an officer's signature to an operation that another has proposed.
    ///
    /// # Errors
    ///
    /// If the caller may not, there is no such operation, or the signature is not one.
    pub async fn approve_operation(
        &self,
        caller: &Caller,
        id: &CeremonyId,
        signature: SignedNote,
    ) -> Result<Ceremony, VaultError> {
        let act = OfficerAct::new(Action::ApproveOperation, Event::OperationApproved);
        let permitted = self.permit_administrative(caller, act, None).await?;
        let _turn = self.desk.turn.lock().await;
        let ring = self.ring();
        let turn = || {
            let kept = self.ceremony(id)?;
            let charter = self.charter()?;
            let turn = Turn::of(kept, |it| it.approve(&charter, signature, self.now()))?;
            if let Turn::Next(next) = &turn {
                self.check_possible_when_due(&next.1)?;
            }
            Ok(turn)
        };
        self.take_turn(caller, &permitted, &ring, turn()).await
    }

    /// Adds an officer's signature that an operation is cancelled.
    ///
    /// # Errors
    ///
    /// If the caller may not, there is no such operation, it is over, or the signature is not one.
    pub async fn cancel_operation(
        &self,
        caller: &Caller,
        id: &CeremonyId,
        signature: SignedNote,
    ) -> Result<Ceremony, VaultError> {
        let act = OfficerAct::new(Action::CancelOperation, Event::OperationCancelled);
        let permitted = self.permit_administrative(caller, act, None).await?;
        let _turn = self.desk.turn.lock().await;
        let ring = self.ring();
        let turn = || {
            let kept = self.ceremony(id)?;
            let charter = self.charter()?;
            Turn::of(kept, |it| it.cancel(&charter, signature, self.now()))
        };
        self.take_turn(caller, &permitted, &ring, turn()).await
    }

    /// Writes what a turn made of a ceremony, with the entry; where nothing is left to wait for, it
    /// is carried out in the same batch. A turn that cannot be taken is recorded as refused.
    async fn take_turn(
        &self,
        caller: &Caller,
        permitted: &Permitted<OfficerAct>,
        ring: &Ring,
        turn: Result<Turn, VaultError>,
    ) -> Result<Ceremony, VaultError> {
        let carried = turn.and_then(|turn| {
            let (kept, after) = match turn {
                Turn::Next(next) => *next,
                Turn::Taken(ceremony) => return Ok((None, Carried::nothing(*ceremony))),
            };
            let now = self.now();
            let action = permitted.request().action;
            let by = latest(action, &after);
            // Who signs that it is cancelled does not carry it out, even if it is time.
            let carried = if action != Action::CancelOperation && after.is_due(now) {
                self.carry_out(ring, &kept, &after, now)?
            } else {
                Carried::waiting(kept.change(ring, &after), after)
            };
            Ok((by, carried))
        });
        let (by, carried) = match carried {
            Ok(carried) => carried,
            Err(error) => return Err(self.refuse_officer(caller, permitted, error).await),
        };
        let request = OfficerAct {
            action: permitted.request().action,
            event: permitted.request().event,
            note: crate::audit::CeremonyNote {
                officers: by.into_iter().collect(),
                ..note(&carried.after, None)
            },
        };
        let entry = EntryDraft {
            decision: Some(Decision::Permit),
            key: carried.key(),
            ..self.administrative_entry(caller, &request, permitted.permit().policy_hash())
        };
        let claim = Some(caller.claim(Act::Work));
        match self.commit_carried(entry, claim, carried).await {
            Ok(after) => Ok(after),
            Err(CommitError::Conflicts(_)) => {
                let error = CeremonyError::Concurrent.into();
                Err(self.refuse_officer(caller, permitted, error).await)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what was carried out, and puts the new keys in use once that is durable.
    pub(super) async fn commit_carried(
        &self,
        mut entry: EntryDraft,
        claim: Option<crate::access::Claim>,
        carried: Carried,
    ) -> Result<Ceremony, CommitError> {
        let keys = carried.table.as_ref();
        let register = self.register_after(&carried.after, keys).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "keys and operations cannot be read"
            );
            CommitError::Damaged
        })?;
        entry.ceremony.register_digest = Some(register);
        let Carried {
            after,
            rows,
            entries,
            table,
            keyring,
            signer,
        } = carried;
        let changes = Changes {
            rows,
            ..Changes::default()
        };
        let commit = Commit {
            further: entries,
            signer,
            ..Commit::new(changes, entry, claim)
        };
        self.parts.log.commit(commit).await?;
        self.desk.note(&after, self.parts.clock.steady());
        self.note_in_register(&after, table.as_ref());
        if let Some(keyring) = keyring {
            // If we crash before this line, the next start opens the keys that are on the disk.
            self.put_in_use(keyring);
        }
        self.desk.taken.notify_one();
        Ok(after)
    }

    async fn refuse_officer(
        &self,
        caller: &Caller,
        permitted: &Permitted<OfficerAct>,
        error: VaultError,
    ) -> VaultError {
        let (request, hash) = (permitted.request(), permitted.permit().policy_hash());
        let entry = self.denial(caller, request, hash, error_class(&error));
        match self.record(caller, entry, Act::Refused).await {
            Ok(_) => error,
            Err(unrecorded) => unrecorded.into(),
        }
    }
}

/// What a turn would make of a ceremony.
enum Turn {
    /// What is kept, and what would be in its place.
    Next(Box<(Kept, Ceremony)>),
    /// The turn was taken before, by the same officer: nothing changes.
    Taken(Box<Ceremony>),
}

impl Turn {
    fn of(
        kept: Kept,
        take: impl FnOnce(&Ceremony) -> Result<Ceremony, CeremonyError>,
    ) -> Result<Self, VaultError> {
        match take(&kept.ceremony) {
            Ok(after) => Ok(Self::Next(Box::new((kept, after)))),
            Err(CeremonyError::SignedAlready) => Ok(Self::Taken(Box::new(kept.ceremony))),
            Err(error) => Err(error.into()),
        }
    }
}

/// Who acted: the last who signed what the turn was about.
fn latest(action: Action, after: &Ceremony) -> Option<crate::domain::OfficerName> {
    let signed = if action == Action::CancelOperation {
        after.cancellations.last()
    } else {
        after.approvals.last()
    };
    signed.map(|signed| signed.officer.clone())
}

/// A new charter comes with the operation that brings it, and with no other.
fn check_brought(ceremony: &Ceremony) -> Result<(), CeremonyError> {
    match (&ceremony.statement.operation, &ceremony.charter) {
        (Operation::ChangeCharter(digest), Some(text)) => {
            let charter = Charter::read(text)?.check_new()?;
            if charter.digest() == *digest {
                Ok(())
            } else {
                Err(CeremonyError::Charter(
                    "it is not the one that is signed for",
                ))
            }
        }
        (Operation::ChangeCharter(_), None) => Err(CeremonyError::Charter("is required")),
        (_, Some(_)) => Err(CeremonyError::Charter("is for change-charter only")),
        (_, None) => Ok(()),
    }
}

/// Operations of one officer that wait for signatures or for their delay, at the most.
const OWN_OPEN_MAX: usize = 20;
/// Operations that are not over, at the most.
const ALL_OPEN_MAX: usize = 200;
