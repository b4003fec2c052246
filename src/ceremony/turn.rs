//! A ceremony, and each turn that it can take.
//!
//! Every turn makes the ceremony as it is after it, and leaves the one before as it was: whoever
//! keeps ceremonies replaces the one by the other, if it is still there.

use crate::ceremony::CeremonyError;
use crate::ceremony::CeremonyState;
use crate::ceremony::Charter;
use crate::ceremony::Progress;
use crate::ceremony::Rule;
use crate::ceremony::STATEMENT_SECONDS_MAX;
use crate::ceremony::Statement;
use crate::ceremony::cancellation;
use crate::crypto::note::SignedNote;
use crate::domain::CeremonyId;
use crate::domain::OfficerName;
use crate::domain::Timestamp;

/// Who signed, and when the vault learnt of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// The officer.
    pub officer: OfficerName,
    /// When.
    pub time: Timestamp,
}

/// What officers do together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ceremony {
    /// What they sign.
    pub statement: Statement,
    /// What the operation needs, by the charter that it was proposed under.
    pub rule: Rule,
    /// The statement with their signatures.
    pub note: SignedNote,
    /// Who signed it, the one who proposed it first.
    pub approvals: Vec<Signed>,
    /// Who signed that it is cancelled.
    pub cancellations: Vec<Signed>,
    /// The cancellation with their signatures.
    pub cancel_note: Option<SignedNote>,
    /// The text of the charter that it brings, for [`crate::ceremony::Operation::ChangeCharter`].
    pub charter: Option<String>,
    /// Where it is.
    pub state: CeremonyState,
    /// When its delay is over.
    pub due: Option<Timestamp>,
    /// How far its job has come.
    pub progress: Option<Progress>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it could not be carried out.
    pub failure: Option<String>,
}

impl Ceremony {
    /// A ceremony that an officer proposes by signing its statement.
    ///
    /// # Errors
    ///
    /// If the statement is not one for this vault and charter, its time is over or too long, or
    /// the signature is not an officer's.
    pub fn propose(
        charter: &Charter,
        vault: &str,
        note: SignedNote,
        brought: Option<String>,
        now: Timestamp,
    ) -> Result<Self, CeremonyError> {
        let statement = Statement::read(note.text())?;
        if statement.vault != vault || statement.charter != charter.digest() {
            return Err(CeremonyError::OtherCharter);
        }
        let latest = now.plus_seconds(STATEMENT_SECONDS_MAX + CLOCK_SECONDS_MAX);
        if statement.expires <= now || statement.expires > latest {
            return Err(CeremonyError::Expired);
        }
        let officer = signer(charter, &note)?;
        let ceremony = Self {
            rule: charter.rule(statement.operation.kind()),
            statement,
            note,
            approvals: vec![Signed { officer, time: now }],
            cancellations: Vec::new(),
            cancel_note: None,
            charter: brought,
            state: CeremonyState::Proposed,
            due: None,
            progress: None,
            ended: None,
            failure: None,
        };
        ceremony.counted(now)
    }

    /// The ceremony with one more officer's signature on its statement.
    ///
    /// # Errors
    ///
    /// If it does not wait for signatures, the charter has changed since, the officer has signed
    /// already, or the signature is not an officer's on this text.
    pub fn approve(
        &self,
        charter: &Charter,
        signature: SignedNote,
        now: Timestamp,
    ) -> Result<Self, CeremonyError> {
        if has(&self.note, &signature) {
            return Err(CeremonyError::SignedAlready);
        }
        if self.state != CeremonyState::Proposed {
            return Err(CeremonyError::State);
        }
        if self.statement.charter != charter.digest() {
            return Err(CeremonyError::OtherCharter);
        }
        if self.statement.expires <= now {
            return Err(CeremonyError::Expired);
        }
        if signature.text() != self.note.text() {
            return Err(CeremonyError::Signature);
        }
        let officer = signer(charter, &signature)?;
        if self
            .approvals
            .iter()
            .any(|signed| signed.officer == officer)
        {
            return Err(CeremonyError::SignedAlready);
        }
        let mut after = self.clone();
        after.note = after
            .note
            .with_signatures_of(signature)
            .map_err(|_| CeremonyError::Signature)?;
        after.approvals.push(Signed { officer, time: now });
        after.counted(now)
    }

    /// The ceremony with one more officer's signature that it is cancelled: it is, if the officer
    /// proposed it and nobody else has signed, or if enough officers say so.
    ///
    /// # Errors
    ///
    /// If it is over or under way, the officer has said so already, or the signature is not an
    /// officer's on the text of [`cancellation`].
    pub fn cancel(
        &self,
        charter: &Charter,
        signature: SignedNote,
        now: Timestamp,
    ) -> Result<Self, CeremonyError> {
        if self
            .cancel_note
            .as_ref()
            .is_some_and(|note| has(note, &signature))
        {
            return Err(CeremonyError::SignedAlready);
        }
        self.state.transition(CeremonyState::Cancelled)?;
        // A job that is under way is not left half done. What is only allowed ends at once.
        let is_allowance = self.statement.operation.retokenization().is_some();
        if self.state == CeremonyState::Running && !is_allowance {
            return Err(CeremonyError::State);
        }
        if signature.text() != cancellation(&self.id()) {
            return Err(CeremonyError::Signature);
        }
        let officer = signer(charter, &signature)?;
        if self
            .cancellations
            .iter()
            .any(|signed| signed.officer == officer)
        {
            return Err(CeremonyError::SignedAlready);
        }
        let mut after = self.clone();
        let is_own = self.approvals.len() == 1 && self.is_proposer(&officer);
        after.cancellations.push(Signed { officer, time: now });
        after.cancel_note = Some(match after.cancel_note {
            Some(note) => note
                .with_signatures_of(signature)
                .map_err(|_| CeremonyError::Signature)?,
            None => signature,
        });
        if is_own || after.cancellations.len() >= charter.cancellers() {
            return after.ended(CeremonyState::Cancelled, now);
        }
        Ok(after)
    }

    /// The ceremony after its time to be signed is over; nothing while it is not.
    #[must_use]
    pub fn expire(&self, now: Timestamp) -> Option<Self> {
        let is_over = self.state == CeremonyState::Proposed && self.statement.expires <= now;
        is_over
            .then(|| self.clone().ended(CeremonyState::Expired, now).ok())
            .flatten()
    }

    /// Whether it can be carried out now: enough have signed, and its delay is over.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state == CeremonyState::Waiting && self.due.is_none_or(|due| due <= now)
    }

    /// The ceremony after it took effect, with a job under way.
    ///
    /// # Errors
    ///
    /// If it is not in a state for this.
    pub fn running(&self) -> Result<Self, CeremonyError> {
        let mut after = self.clone();
        after.state = after.state.transition(CeremonyState::Running)?;
        after.progress = Some(Progress::default());
        Ok(after)
    }

    /// The ceremony after its job has come further.
    #[must_use]
    pub fn at(&self, progress: Progress) -> Self {
        Self {
            progress: Some(progress),
            ..self.clone()
        }
    }

    /// The ceremony after it was carried out.
    ///
    /// # Errors
    ///
    /// If it is not in a state for this.
    pub fn done(&self, now: Timestamp) -> Result<Self, CeremonyError> {
        self.clone().ended(CeremonyState::Done, now)
    }

    /// The ceremony after it turned out that it cannot be carried out.
    ///
    /// # Errors
    ///
    /// If it is not in a state for this.
    pub fn failed(&self, why: CeremonyError, now: Timestamp) -> Result<Self, CeremonyError> {
        let mut after = self.clone().ended(CeremonyState::Failed, now)?;
        after.failure = Some(why.to_string());
        Ok(after)
    }

    /// The ceremony of an allowance after its time is over; nothing while it is not, or for one
    /// that allows nothing.
    #[must_use]
    pub fn over(&self, now: Timestamp) -> Option<Self> {
        let allowed = self.statement.operation.retokenization()?;
        let is_over = self.state == CeremonyState::Running && allowed.until <= now;
        is_over.then(|| self.done(now).ok()).flatten()
    }

    /// How much of what it has to do, or allows, is done, in millionths.
    #[must_use]
    pub fn millionths(&self) -> u32 {
        let Some(progress) = self.progress else {
            return 0;
        };
        if let Some(allowed) = self.statement.operation.retokenization() {
            let done = u128::from(progress.changed) * 1_000_000;
            let share = done / u128::from(allowed.tokens_max.max(1));
            return u32::try_from(share.min(1_000_000)).unwrap_or(1_000_000);
        }
        match self.state {
            CeremonyState::Done => 1_000_000,
            CeremonyState::Cancelled
            | CeremonyState::Expired
            | CeremonyState::Failed
            | CeremonyState::Proposed
            | CeremonyState::Running
            | CeremonyState::Waiting => progress.millionths(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> CeremonyId {
        self.statement.id()
    }

    /// Who proposed it.
    #[must_use]
    pub fn proposer(&self) -> Option<&OfficerName> {
        self.approvals.first().map(|signed| &signed.officer)
    }

    /// Whether a note is the one that proposed it.
    #[must_use]
    pub fn was_proposed_by(&self, note: &SignedNote) -> bool {
        let [signature] = note.signatures() else {
            return false;
        };
        note.text() == self.note.text() && self.note.signatures().first() == Some(signature)
    }

    fn is_proposer(&self, officer: &OfficerName) -> bool {
        self.proposer() == Some(officer)
    }

    /// Waits for its delay once enough have signed.
    fn counted(mut self, now: Timestamp) -> Result<Self, CeremonyError> {
        if self.approvals.len() >= self.rule.approvals {
            self.state = self.state.transition(CeremonyState::Waiting)?;
            self.due = Some(now.plus_seconds(self.rule.delay_seconds));
        }
        Ok(self)
    }

    fn ended(mut self, state: CeremonyState, now: Timestamp) -> Result<Self, CeremonyError> {
        self.state = self.state.transition(state)?;
        self.ended = Some(now);
        Ok(self)
    }
}

/// Whether a note has the one signature of another already: whoever repeats a turn, for want of an
/// answer, is told so whatever has happened since.
fn has(note: &SignedNote, other: &SignedNote) -> bool {
    let [signature] = other.signatures() else {
        return false;
    };
    note.text() == other.text() && note.signatures().contains(signature)
}

/// The officer whose one signature the note has.
fn signer(charter: &Charter, note: &SignedNote) -> Result<OfficerName, CeremonyError> {
    let [signature] = note.signatures() else {
        return Err(CeremonyError::Signature);
    };
    let name = OfficerName::new(signature.name().as_str()).map_err(|_| CeremonyError::Signature)?;
    let verifier = charter.officer(&name).ok_or(CeremonyError::Signature)?;
    verifier
        .verify(note)
        .map_err(|_| CeremonyError::Signature)?;
    Ok(name)
}

/// How far an officer's clock may be ahead of the vault's, in seconds.
pub(super) const CLOCK_SECONDS_MAX: u64 = 5 * 60;
