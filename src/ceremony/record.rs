//! The record of a ceremony that is over: what auditors keep.
//!
//! ```text
//! counterfoil.v1/record
//! vault acme.example/counterfoil
//! operation c-…
//! does destroy-key wrapping/shop/1
//! state done
//! needed 2
//! signed officer1 2026-11-28T10:00:00Z
//! signed officer2 2026-11-28T11:30:00Z
//! due 2026-11-29T11:30:00Z
//! ended 2026-11-29T11:30:00Z
//! statement-sha256 <64 hexadecimal digits>
//! charter-sha256 <64 hexadecimal digits>
//! log 4711 <root hash of the audit log's first 4711 entries, Base64>
//! deviation none
//! ```

use std::fmt::Write;

use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::Signed;
use crate::domain::DateTime;

impl Ceremony {
    /// The text of its record, to be signed by the vault. `log` is the size of the audit log, and
    /// its root hash in Base64.
    ///
    /// # Errors
    ///
    /// If it is not over.
    pub fn record(&self, log: (u64, &str)) -> Result<String, CeremonyError> {
        let ended = self.ended.ok_or(CeremonyError::State)?;
        let mut text = String::from("counterfoil.v1/record\n");
        self.write_record(&mut text, &DateTime(ended).to_string(), log)
            // A text grows without bounds.
            .map_err(|_| CeremonyError::State)?;
        Ok(text)
    }

    fn write_record(
        &self,
        text: &mut String,
        ended: &str,
        (tree_size, root): (u64, &str),
    ) -> std::fmt::Result {
        let statement = &self.statement;
        let operation = &statement.operation;
        writeln!(text, "vault {}", statement.vault)?;
        writeln!(text, "operation {}", self.id())?;
        let (kind, object) = (operation.kind().name(), operation.object());
        writeln!(text, "does {kind} {object}")?;
        writeln!(text, "state {}", self.state.name())?;
        writeln!(text, "needed {}", self.rule.approvals)?;
        for Signed { officer, time } in &self.approvals {
            writeln!(text, "signed {officer} {}", DateTime(*time))?;
        }
        if let Some(due) = self.due {
            writeln!(text, "due {}", DateTime(due))?;
        }
        writeln!(text, "ended {ended}")?;
        if let Some(progress) = &self.progress {
            writeln!(text, "records-changed {}", progress.changed)?;
        }
        writeln!(text, "statement-sha256 {}", hex::encode(statement.digest()))?;
        writeln!(text, "charter-sha256 {}", hex::encode(statement.charter))?;
        writeln!(text, "log {tree_size} {root}")?;
        self.write_deviations(text)
    }

    /// What did not go as the statement has it.
    fn write_deviations(&self, text: &mut String) -> std::fmt::Result {
        let damaged_count = self.progress.map_or(0, |progress| progress.damaged);
        for Signed { officer, time } in &self.cancellations {
            let time = DateTime(*time);
            writeln!(text, "deviation {officer} signed a cancellation at {time}")?;
        }
        if let Some(failure) = &self.failure {
            writeln!(text, "deviation not carried out: {failure}")?;
        }
        if damaged_count > 0 {
            writeln!(text, "deviation {damaged_count} records do not open")?;
        }
        if self.cancellations.is_empty() && self.failure.is_none() && damaged_count == 0 {
            writeln!(text, "deviation none")?;
        }
        Ok(())
    }
}
