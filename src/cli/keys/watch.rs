//! `counterfoil keys watch`: until an operation is over, with its progress.

use std::io;
use std::io::IsTerminal;

use clap::Args;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::keys::show;
use crate::cli::keys::sign::id;
use crate::client::KeyClient;
use crate::domain::CeremonyId;
use crate::protocol::Operation;
use crate::protocol::OperationState;

/// Watches an operation until it is over, with the progress of its job
///
/// Standard output gets the operation as it ended. The exit code is 1 if it was not carried out.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys watch c-0123456789abcdef0123456789abcdef --dev .dev --as officer1")]
pub(in crate::cli) struct WatchArgs {
    /// The operation's id
    #[arg(value_name = "OPERATION", value_parser = id)]
    operation: CeremonyId,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl WatchArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.keys(&self.connection).await?;
        let ended = follow(&client, self.operation.as_str()).await?;
        show::print(&ended, self.json)?;
        Ok(if ended.state() == OperationState::Done {
            Exit::Done
        } else {
            Exit::Failed
        })
    }
}

/// Follows an operation until it is over, with its progress, and returns it as it ended.
pub(super) async fn follow(client: &KeyClient, operation_id: &str) -> Result<Operation, CliError> {
    let mut stream = client.watch(operation_id).await?;
    let bar = bar()?;
    let mut last: Option<Operation> = None;
    while let Some(operation) = stream.message().await.map_err(CliError::failed)? {
        let state = operation.state();
        if last.as_ref().map(|it| it.state()) != Some(state) {
            bar.suspend(|| say(format_args!("{}", show::next_step(&operation))));
        }
        if let Some(progress) = &operation.progress {
            bar.set_position(u64::from(progress.done_millionths));
            bar.set_message(format!("{} records", progress.records_changed));
        }
        last = Some(operation);
    }
    bar.finish_and_clear();
    last.ok_or_else(|| CliError::Failed("the vault said nothing".to_owned()))
}

/// A bar over the share that is done, with the rate of records and the time left.
pub(super) fn bar() -> Result<ProgressBar, CliError> {
    let bar = ProgressBar::new(1_000_000);
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let template = "{wide_bar} {percent_precise} %  {msg}  {eta} left";
    let style = ProgressStyle::with_template(template).map_err(CliError::failed)?;
    bar.set_style(style);
    Ok(bar)
}
