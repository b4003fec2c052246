//! `counterfoil witness`: the process that remembers how large other people's logs are.

mod accept;
mod key;
mod latest;
mod serve;

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config::WitnessConfig;
use crate::config::WitnessedLog;
use crate::crypto::note::NoteKeyName;

/// A witness of audit logs: it cosigns what extends all that it has seen, and never forgets that
#[derive(Debug, Subcommand)]
pub(super) enum WitnessCommand {
    Accept(accept::AcceptArgs),
    #[command(subcommand)]
    Key(KeyCommand),
    Latest(latest::LatestArgs),
    Serve(serve::ServeArgs),
}

/// The witness's own key
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    New(key::NewArgs),
}

/// The log with this origin, which the configuration must have.
fn watched<'a>(
    config: &'a WitnessConfig,
    origin: &NoteKeyName,
) -> Result<&'a WitnessedLog, CliError> {
    let log = config.logs.iter().find(|log| log.origin == *origin);
    log.ok_or_else(|| {
        CliError::Usage(
            "--log: this witness has no such log\n  its configuration names them in [[log]]"
                .to_owned(),
        )
    })
}

impl WitnessCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::Accept(arguments) => arguments.run(),
            Self::Key(KeyCommand::New(arguments)) => arguments.run(),
            Self::Latest(arguments) => arguments.run(),
            Self::Serve(arguments) => arguments.run(),
        }
    }
}
