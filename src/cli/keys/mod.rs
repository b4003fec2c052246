//! `counterfoil keys`: the work of key officers.

mod charter_text;
mod compromise;
mod list;
mod officer;
mod propose;
mod record;
mod reindex;
mod show;
mod sign;
mod sign_statement;
mod signing;
mod statement;
mod watch;

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::reshare::ReshareArgs;

pub(super) use sign::id as operation_id;

/// Keys: see them; propose, sign, cancel and watch operations with them, as an officer
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    Approve(sign::ApproveArgs),
    Cancel(sign::CancelArgs),
    CheckRecord(record::CheckRecordArgs),
    Compromise(compromise::CompromiseArgs),
    List(list::ListArgs),
    #[command(subcommand)]
    Officer(officer::OfficerCommand),
    #[command(subcommand)]
    Propose(propose::ProposeCommand),
    Record(record::RecordArgs),
    Reindex(reindex::ReindexArgs),
    Reshare(ReshareArgs),
    Show(show::ShowArgs),
    Sign(sign_statement::SignArgs),
    #[command(subcommand)]
    Statement(statement::StatementCommand),
    Watch(watch::WatchArgs),
}

impl KeysCommand {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::Approve(arguments) => arguments.run().await,
            Self::Cancel(arguments) => arguments.run().await,
            Self::CheckRecord(arguments) => arguments.run(),
            Self::Compromise(arguments) => arguments.run().await,
            Self::List(arguments) => arguments.run().await,
            Self::Officer(command) => command.run(),
            Self::Propose(command) => command.run().await,
            Self::Record(arguments) => arguments.run().await,
            Self::Reindex(arguments) => arguments.run().await,
            Self::Reshare(arguments) => arguments.run().await,
            Self::Show(arguments) => arguments.run().await,
            Self::Sign(arguments) => arguments.run(),
            Self::Statement(command) => command.run(),
            Self::Watch(arguments) => arguments.run().await,
        }
    }
}
