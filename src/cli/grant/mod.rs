//! `counterfoil grant`: permissions to reveal, asked for by one person and approved by another.

mod decide;
mod list;
mod request;
mod show;

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// Grants: ask for one, approve or deny one of somebody else, see which there are
#[derive(Debug, Subcommand)]
pub(super) enum GrantCommand {
    Approve(decide::ApproveArgs),
    Deny(decide::DenyArgs),
    List(list::ListArgs),
    Request(request::RequestArgs),
    Revoke(decide::RevokeArgs),
    Show(show::ShowArgs),
    Watch(list::WatchArgs),
}

impl GrantCommand {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::Approve(arguments) => arguments.run().await,
            Self::Deny(arguments) => arguments.run().await,
            Self::List(arguments) => arguments.run().await,
            Self::Request(arguments) => arguments.run().await,
            Self::Revoke(arguments) => arguments.run().await,
            Self::Show(arguments) => arguments.run().await,
            Self::Watch(arguments) => arguments.run().await,
        }
    }
}
