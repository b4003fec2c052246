//! `counterfoil keys approve` and `keys cancel`.

use std::io;
use std::io::Write;

use clap::Args;

use crate::ceremony::Charter;
use crate::ceremony::Statement;
use crate::ceremony::cancellation;
use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::keys::charter_text::show_brought;
use crate::cli::keys::list::charter;
use crate::cli::keys::show;
use crate::cli::keys::signing::Officer;
use crate::cli::keys::signing::SigningArgs;
use crate::client::KeyClient;
use crate::crypto::note::SignedNote;
use crate::domain::CeremonyId;
use crate::protocol;

/// Signs an operation that another officer has proposed
///
/// Shows the whole statement, and asks. The id is that of the statement: what is shown is what is
/// carried out. Of a new charter the whole text is shown, and how it differs from the one in force.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys approve c-0123456789abcdef0123456789abcdef --dev .dev --as officer2 --yes")]
pub(in crate::cli) struct ApproveArgs {
    #[command(flatten)]
    signed: SignedArgs,
}

/// Signs that an operation is cancelled
///
/// It is, if you proposed it and nobody else has signed; otherwise when a second officer says so
/// too.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys cancel c-0123456789abcdef0123456789abcdef --dev .dev --as officer1 --yes")]
pub(in crate::cli) struct CancelArgs {
    #[command(flatten)]
    signed: SignedArgs,
}

#[derive(Args, Clone, Debug)]
struct SignedArgs {
    /// The operation's id
    #[arg(value_name = "OPERATION", value_parser = id)]
    operation: CeremonyId,

    /// Write the operation as one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    signing: SigningArgs,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ApproveArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let signed = self.signed;
        let client = signed.acting.keys(&signed.connection).await?;
        let officer = |charter: &Charter| signed.signing.officer(&signed.connection, charter);
        let approved = approve(&client, &signed.operation, officer).await?;
        signed.print(&approved)
    }
}

/// Shows an officer an operation that another has proposed, asks, and signs it.
pub(super) async fn approve(
    client: &KeyClient,
    id: &CeremonyId,
    officer: impl FnOnce(&Charter) -> Result<Officer, CliError>,
) -> Result<protocol::Operation, CliError> {
    let operation = client.operation(id.as_str()).await?;
    // A vault that shows one statement under the id of another must not get a signature.
    let note: SignedNote = operation.note.parse().map_err(CliError::failed)?;
    let statement = Statement::read(note.text()).map_err(CliError::failed)?;
    if statement.id() != *id {
        return Err(CliError::Failed(
            "the vault shows another statement than the one of this id".to_owned(),
        ));
    }
    let charter = charter(&client.list().await?)?;
    show_brought(&statement, &operation.charter, &charter)?;
    let signed = officer(&charter)?.sign(note.text())?;
    Ok(client.approve(id.as_str(), &signed).await?)
}

impl CancelArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let signed = self.signed;
        let client = signed.acting.keys(&signed.connection).await?;
        let text = cancellation(&signed.operation);
        let note = signed.sign(&charter(&client.list().await?)?, &text)?;
        let cancelled = client.cancel(signed.operation.as_str(), &note).await?;
        signed.print(&cancelled)
    }
}

impl SignedArgs {
    fn sign(&self, charter: &Charter, text: &str) -> Result<SignedNote, CliError> {
        self.signing.officer(&self.connection, charter)?.sign(text)
    }

    fn print(&self, operation: &protocol::Operation) -> Result<Exit, CliError> {
        say(format_args!("{}", show::next_step(operation)));
        let mut output = io::stdout().lock();
        if self.json {
            writeln!(output, "{}", show::to_json(operation))?;
        } else {
            writeln!(output, "{}", show::state_name(operation.state()))?;
        }
        Ok(Exit::Done)
    }
}

pub(in crate::cli) fn id(text: &str) -> Result<CeremonyId, String> {
    CeremonyId::new(text).map_err(|error| error.to_string())
}
