//! `counterfoil keys watch`: until an operation is over, with its progress.

use std::io;
use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use tokio::time::Instant;

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

/// How many records are changed, and how many in a second since `changed_before`.
fn message(changed: u64, changed_before: u64, elapsed: Duration) -> String {
    let elapsed_ms = u128::max(elapsed.as_millis(), 1);
    let rate = u128::from(changed.saturating_sub(changed_before)) * 1_000 / elapsed_ms;
    format!("{changed} records, {rate}/s")
}

/// Follows an operation until it is over, with its progress, and returns it as it ended.
pub(super) async fn follow(client: &KeyClient, operation_id: &str) -> Result<Operation, CliError> {
    let mut stream = client.watch(operation_id).await?;
    let bar = bar()?;
    let mut last: Option<Operation> = None;
    let (began, mut changed_before) = (Instant::now(), None);
    while let Some(operation) = stream.message().await.map_err(CliError::failed)? {
        let state = operation.state();
        if last.as_ref().map(|it| it.state()) != Some(state) {
            bar.suspend(|| say(format_args!("{}", show::next_step(&operation))));
        }
        if let Some(progress) = &operation.progress {
            bar.set_position(u64::from(progress.done_millionths));
            let changed = progress.records_changed;
            let before = *changed_before.get_or_insert(changed);
            bar.set_message(message(changed, before, began.elapsed()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_has_the_rate_since_it_is_watched() {
        let two_seconds = Duration::from_secs(2);
        assert_eq!(message(5_000, 1_000, two_seconds), "5000 records, 2000/s");
        assert_eq!(message(7, 7, Duration::ZERO), "7 records, 0/s");
    }
}
