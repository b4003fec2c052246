//! Ceremonies as they are stored: JSON, and read strictly.

use serde::Deserialize;
use serde::Serialize;
use thiserror::Error;

use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyState;
use crate::ceremony::Progress;
use crate::ceremony::Rule;
use crate::ceremony::Signed;
use crate::ceremony::Statement;
use crate::crypto::note::SignedNote;
use crate::domain::OfficerName;
use crate::domain::Timestamp;

/// A stored ceremony is damaged.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("stored ceremony is damaged")]
pub struct RowError;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CeremonyRow {
    note: String,
    approvals_needed: usize,
    delay_seconds: u64,
    approvals: Vec<SignedRow>,
    cancellations: Vec<SignedRow>,
    cancel_note: Option<String>,
    charter: Option<String>,
    state: String,
    due_ms: Option<u64>,
    progress: Option<ProgressRow>,
    ended_ms: Option<u64>,
    failure: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SignedRow {
    officer: String,
    time_ms: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ProgressRow {
    looked_at: u64,
    changed: u64,
    damaged: u64,
    after: Option<String>,
}

impl Ceremony {
    /// The bytes to store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let row = CeremonyRow {
            note: self.note.to_string(),
            approvals_needed: self.rule.approvals,
            delay_seconds: self.rule.delay_seconds,
            approvals: self.approvals.iter().map(SignedRow::of).collect(),
            cancellations: self.cancellations.iter().map(SignedRow::of).collect(),
            cancel_note: self.cancel_note.as_ref().map(SignedNote::to_string),
            charter: self.charter.clone(),
            state: self.state.name().to_owned(),
            due_ms: self.due.map(Timestamp::unix_ms),
            progress: self.progress.map(|progress| ProgressRow {
                looked_at: progress.looked_at,
                changed: progress.changed,
                damaged: progress.damaged,
                after: progress.after.map(hex::encode),
            }),
            ended_ms: self.ended.map(Timestamp::unix_ms),
            failure: self.failure.clone(),
        };
        // Texts and numbers always have a JSON form.
        serde_json::to_vec(&row).unwrap_or_default()
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    ///
    /// If they are not what [`Ceremony::encode`] makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let row: CeremonyRow = serde_json::from_slice(bytes).map_err(|_| RowError)?;
        row.read().ok_or(RowError)
    }
}

impl CeremonyRow {
    fn read(self) -> Option<Ceremony> {
        let note: SignedNote = self.note.parse().ok()?;
        let progress = match self.progress {
            Some(progress) => Some(progress.read()?),
            None => None,
        };
        let cancel_note = match self.cancel_note {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        let read = |rows: Vec<SignedRow>| {
            rows.into_iter()
                .map(SignedRow::read)
                .collect::<Option<Vec<Signed>>>()
        };
        Some(Ceremony {
            statement: Statement::read(note.text()).ok()?,
            rule: Rule {
                approvals: self.approvals_needed,
                delay_seconds: self.delay_seconds,
            },
            note,
            approvals: read(self.approvals).filter(|signed| !signed.is_empty())?,
            cancellations: read(self.cancellations)?,
            cancel_note,
            charter: self.charter,
            state: CeremonyState::from_name(&self.state)?,
            due: self.due_ms.map(Timestamp::from_unix_ms),
            progress,
            ended: self.ended_ms.map(Timestamp::from_unix_ms),
            failure: self.failure,
        })
    }
}

impl SignedRow {
    fn of(signed: &Signed) -> Self {
        Self {
            officer: signed.officer.as_str().to_owned(),
            time_ms: signed.time.unix_ms(),
        }
    }

    fn read(self) -> Option<Signed> {
        Some(Signed {
            officer: OfficerName::new(&self.officer).ok()?,
            time: Timestamp::from_unix_ms(self.time_ms),
        })
    }
}

impl ProgressRow {
    fn read(self) -> Option<Progress> {
        let after = match self.after {
            Some(text) => Some(hex::decode(text).ok()?.try_into().ok()?),
            None => None,
        };
        Some(Progress {
            looked_at: self.looked_at,
            changed: self.changed,
            damaged: self.damaged,
            after,
        })
    }
}
