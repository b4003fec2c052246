//! `counterfoil witness`: the process that remembers how large other people's logs are.

mod accept;
mod key;
mod serve;

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// A witness of audit logs: it cosigns what extends all that it has seen, and never forgets that
#[derive(Debug, Subcommand)]
pub(super) enum WitnessCommand {
    Accept(accept::AcceptArgs),
    #[command(subcommand)]
    Key(KeyCommand),
    Serve(serve::ServeArgs),
}

/// The witness's own key
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    New(key::NewArgs),
}

impl WitnessCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::Accept(arguments) => arguments.run(),
            Self::Key(KeyCommand::New(arguments)) => arguments.run(),
            Self::Serve(arguments) => arguments.run(),
        }
    }
}
