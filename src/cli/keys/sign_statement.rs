//! `counterfoil keys sign`: an officer signs a statement in a file, without a vault.

use std::fs;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::ceremony::Statement;
use crate::ceremony::join;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::keys::officer::name;
use crate::cli::keys::signing::SigningArgs;
use crate::crypto::note::SignedNote;
use crate::domain::OfficerName;

/// Signs a statement that is in a file, on an officer's own machine and without a vault
///
/// Shows all of it, and asks. Standard output gets the statement with the signature: behind those
/// that it has already, if others have signed this copy.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys sign statement.txt --name officer1 --officer-key officer1.pem > signed.txt")]
pub(in crate::cli) struct SignArgs {
    /// The statement, as `keys statement` or `keys sign` writes it
    file: PathBuf,

    /// Your name, as the vault has it among its officers
    #[arg(long, value_parser = name)]
    name: OfficerName,

    #[command(flatten)]
    signing: SigningArgs,
}

impl SignArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let text = fs::read_to_string(&self.file).map_err(CliError::file(&self.file))?;
        let signed: Option<SignedNote> = text.parse().ok();
        let statement = signed.as_ref().map_or(text.as_str(), SignedNote::text);
        // An officer's key signs statements, and nothing that somebody calls one.
        Statement::read(statement)
            .map_err(|error| CliError::Usage(format!("{}: {error}", self.file.display())))?;
        let officer = self.signing.named(&self.name)?;
        let own = officer.sign(statement)?;
        // No vault says here whose key it is.
        say(format_args!(
            "this counts if the vault's charter has this officer, with this name and key:\n  {}",
            officer.verifier()?
        ));
        let notes = signed.into_iter().chain([own]);
        let joined = join(notes).map_err(CliError::failed)?;
        write!(io::stdout(), "{joined}")?;
        Ok(Exit::Done)
    }
}
