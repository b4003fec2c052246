//! What officers sign for a vault that does not run: one file, carried from one to the next.
//!
//! The statement with all its signatures is given to a command on the vault's machine, which counts
//! them as the vault would, and leaves the ceremony in the vault as one that is over.

use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::CeremonyState;
use crate::ceremony::Charter;
use crate::ceremony::Progress;
use crate::ceremony::Rule;
use crate::ceremony::STATEMENT_SECONDS_MAX;
use crate::ceremony::Signed;
use crate::ceremony::Statement;
use crate::ceremony::turn::CLOCK_SECONDS_MAX;
use crate::crypto::note::SignedNote;
use crate::domain::OfficerName;
use crate::domain::Timestamp;

/// The digest that the statement of a vault without officers has in the place of a charter's.
pub const NO_CHARTER: [u8; 32] = [0; 32];

/// A statement that as many officers have signed as it needs; or, of a vault that has none, one
/// that its operator accepts alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Approved {
    statement: Statement,
    officers: Vec<OfficerName>,
    /// The statement with the signatures, and what it needed.
    signed: Option<(SignedNote, Rule)>,
}

impl Approved {
    /// Counts the officers who have signed. Signatures of others are no harm, and count for
    /// nothing.
    ///
    /// # Errors
    ///
    /// If the statement is not one for this vault and charter, or is done while the vault runs; or
    /// too few officers have signed it.
    pub fn by_officers(
        charter: &Charter,
        vault: &str,
        note: &SignedNote,
    ) -> Result<Self, CeremonyError> {
        let statement = read(note.text(), vault, charter.digest())?;
        let signed = charter.officers().filter(|officer| {
            let text = officer.verifier.verify(note);
            text.is_ok_and(|text| text == note.text())
        });
        let officers: Vec<OfficerName> = signed.map(|officer| officer.name).collect();
        let rule = charter.rule(statement.operation.kind());
        let needed = rule.approvals;
        if officers.len() < needed {
            let signed = officers;
            return Err(CeremonyError::TooFew { signed, needed });
        }
        Ok(Self {
            statement,
            officers,
            signed: Some((note.clone(), rule)),
        })
    }

    /// The statement of a vault that has no officers, and never had any that it knows of.
    ///
    /// # Errors
    ///
    /// If the statement is not one for this vault, or not for one without officers.
    pub fn without_officers(vault: &str, text: &str) -> Result<Self, CeremonyError> {
        Ok(Self {
            statement: read(text, vault, NO_CHARTER)?,
            officers: Vec::new(),
            signed: None,
        })
    }

    /// What is kept of it: a ceremony that was carried out at this time, when the vault learnt of
    /// the signatures, and changed so many rows. Nothing of a vault without officers.
    #[must_use]
    pub fn ceremony(&self, now: Timestamp, changed: u64) -> Option<Ceremony> {
        let (note, rule) = self.signed.clone()?;
        let officers = self.officers.iter().cloned();
        Some(Ceremony {
            statement: self.statement.clone(),
            rule,
            note,
            approvals: officers
                .map(|officer| Signed { officer, time: now })
                .collect(),
            cancellations: Vec::new(),
            cancel_note: None,
            charter: None,
            state: CeremonyState::Done,
            due: None,
            progress: Some(Progress {
                looked_at: changed,
                changed,
                ..Progress::default()
            }),
            ended: Some(now),
            failure: None,
        })
    }

    /// Refuses a statement whose time is over, or too far away.
    ///
    /// # Errors
    ///
    /// If it is.
    pub fn check_time(&self, now: Timestamp) -> Result<(), CeremonyError> {
        let latest = now.plus_seconds(STATEMENT_SECONDS_MAX + CLOCK_SECONDS_MAX);
        if self.statement.expires <= now || self.statement.expires > latest {
            return Err(CeremonyError::Expired);
        }
        Ok(())
    }

    /// What was signed.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Who has signed it, by name; nobody for a vault without officers.
    #[must_use]
    pub fn officers(&self) -> &[OfficerName] {
        &self.officers
    }
}

/// One note with the signatures of all.
///
/// # Errors
///
/// If there is none, they are not on one text, or there are too many signatures.
pub fn join(notes: impl IntoIterator<Item = SignedNote>) -> Result<SignedNote, CeremonyError> {
    let mut notes = notes.into_iter();
    let first = notes.next().ok_or(CeremonyError::Statement)?;
    notes.try_fold(first, |joined, note| {
        let joined = joined.with_signatures_of(note);
        joined.map_err(|_| CeremonyError::Signature)
    })
}

fn read(text: &str, vault: &str, charter: [u8; 32]) -> Result<Statement, CeremonyError> {
    let statement = Statement::read(text)?;
    if statement.vault != vault || statement.charter != charter {
        return Err(CeremonyError::OtherCharter);
    }
    if !statement.operation.kind().is_offline() {
        return Err(CeremonyError::State);
    }
    Ok(statement)
}
