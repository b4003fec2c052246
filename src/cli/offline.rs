//! What officers have signed for a vault that does not run, on the command line.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::assembly::AssemblyError;
use crate::assembly::Offered;
use crate::audit::RollbackError;
use crate::ceremony::join;
use crate::cli::error::CliError;
use crate::crypto::note::SignedNote;

/// What officers have signed.
#[derive(Args, Clone, Debug)]
pub(super) struct OfferedArgs {
    /// The statement that officers have signed with `keys sign`; once for each file, where each
    /// signed a copy
    #[arg(long = "statement", value_name = "FILE")]
    statements: Vec<PathBuf>,

    /// The vault has no officers: take the statement as its operator's, without signatures. Refused
    /// where the vault, its configuration or a later one of its backups has officers
    #[arg(long, requires = "statements")]
    without_officers: bool,
}

impl OfferedArgs {
    /// Reads what is given; nothing if nothing is.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or has no signed statement.
    pub(super) fn read(&self) -> Result<Option<Offered>, CliError> {
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(CliError::file(path));
        if self.without_officers {
            let [path] = self.statements.as_slice() else {
                return Err(CliError::Usage(
                    "--without-officers goes with one --statement".to_owned(),
                ));
            };
            return Ok(Some(Offered::WithoutOfficers(read(path)?)));
        }
        let mut notes = Vec::with_capacity(self.statements.len());
        for path in &self.statements {
            let note: SignedNote = read(path)?.parse().map_err(|_| {
                CliError::Usage(format!(
                    "{}: is not a statement with signatures\n  sign it: counterfoil keys sign",
                    path.display()
                ))
            })?;
            notes.push(note);
        }
        if notes.is_empty() {
            return Ok(None);
        }
        let joined =
            join(notes).map_err(|error| CliError::Usage(format!("--statement: {error}")))?;
        Ok(Some(Offered::Signed(joined)))
    }
}

/// What officers have not allowed is denied, what does not verify has failed to.
pub(super) fn offline_error(error: &AssemblyError) -> CliError {
    let told = CliError::caused(error);
    let is_denied = matches!(
        error,
        AssemblyError::Ceremony(_)
            | AssemblyError::CharterReplaced
            | AssemblyError::OfficersMustSign
            | AssemblyError::OfficersOfLater(_)
            | AssemblyError::OtherStatement
            | AssemblyError::RegisterReplaced
            | AssemblyError::Rollback(RollbackError::Ceremony(_) | RollbackError::Other)
    );
    if is_denied {
        return CliError::Denied(told.to_string());
    }
    if matches!(error, AssemblyError::Rollback(RollbackError::Verify(_))) {
        return CliError::Verification(told.to_string());
    }
    told
}
