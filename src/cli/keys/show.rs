//! `counterfoil keys show`: an operation, as words or as JSON.

use std::io;
use std::io::Write;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use crate::ceremony::OperationKind;
use crate::ceremony::Statement;
use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::keys::sign::id;
use crate::crypto::note::SignedNote;
use crate::domain::CeremonyId;
use crate::domain::DateTime;
use crate::domain::Timestamp;
use crate::protocol;
use crate::protocol::OperationState;

/// Describes an operation: what it does, who has signed it, and where it is
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys show c-0123456789abcdef0123456789abcdef --dev .dev --as officer2")]
pub(in crate::cli) struct ShowArgs {
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

impl ShowArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.keys(&self.connection).await?;
        let operation = client.operation(self.operation.as_str()).await?;
        print(&operation, self.json)
    }
}

/// Writes an operation, as words or as one JSON object.
pub(super) fn print(operation: &protocol::Operation, is_json: bool) -> Result<Exit, CliError> {
    let mut output = io::stdout().lock();
    if is_json {
        writeln!(output, "{}", to_json(operation))?;
        return Ok(Exit::Done);
    }
    writeln!(output, "operation  {}", operation.operation_id)?;
    writeln!(output, "state      {}", state_name(operation.state()))?;
    for signed in &operation.approvals {
        writeln!(output, "signed     {}", signature(signed))?;
    }
    writeln!(
        output,
        "needs      {} of the officers",
        operation.approvals_needed
    )?;
    for signed in &operation.cancellations {
        writeln!(output, "cancels    {}", signature(signed))?;
    }
    let times = [
        ("expires", operation.expires),
        ("due", operation.due),
        ("ended", operation.ended),
    ];
    for (word, time) in times {
        if let Some(time) = time.and_then(date_time) {
            writeln!(output, "{word:<10} {time}")?;
        }
    }
    if !operation.failure.is_empty() {
        writeln!(output, "failure    {}", operation.failure)?;
    }
    if let Some(progress) = &operation.progress {
        writeln!(
            output,
            "records    {} of {} changed, {} damaged, {:.1} % done",
            progress.records_changed,
            progress.records_looked_at,
            progress.records_damaged,
            f64::from(progress.done_millionths) / 10_000.0
        )?;
    }
    writeln!(output)?;
    write!(output, "{}", operation.note)?;
    if !operation.charter.is_empty() {
        write!(output, "\n{}", operation.charter)?;
    }
    Ok(Exit::Done)
}

/// An operation as one JSON object.
pub(super) fn to_json(operation: &protocol::Operation) -> Value {
    let signatures = |signed: &[protocol::OfficerSignature]| -> Vec<Value> {
        let signed = signed
            .iter()
            .map(|it| json!({ "officer": it.officer, "time": it.time.and_then(date_time) }));
        signed.collect()
    };
    json!({
        "operation_id": operation.operation_id,
        "state": state_name(operation.state()),
        "approvals_needed": operation.approvals_needed,
        "approvals": signatures(&operation.approvals),
        "cancellations": signatures(&operation.cancellations),
        "expires": operation.expires.and_then(date_time),
        "due": operation.due.and_then(date_time),
        "ended": operation.ended.and_then(date_time),
        "failure": Some(&operation.failure).filter(|it| !it.is_empty()),
        "progress": operation.progress.as_ref().map(|progress| json!({
            "records_looked_at": progress.records_looked_at,
            "records_changed": progress.records_changed,
            "records_damaged": progress.records_damaged,
            "done_millionths": progress.done_millionths,
        })),
        "note": operation.note,
        "charter": Some(&operation.charter).filter(|it| !it.is_empty()),
        "cancel_note": Some(&operation.cancel_note).filter(|it| !it.is_empty()),
    })
}

/// What an officer should do, or wait for.
pub(super) fn next_step(operation: &protocol::Operation) -> String {
    let damaged_count = operation.progress.map_or(0, |it| it.records_damaged);
    match damaged_count {
        0 => next_step_of(operation),
        _ => format!(
            "{}\n  {damaged_count} records are damaged: they do not open, and stay under the key \
             version that they were under, which cannot be destroyed\n  \
             restore them from a backup, or see docs/officers.md, Limits",
            next_step_of(operation)
        ),
    }
}

fn next_step_of(operation: &protocol::Operation) -> String {
    let id = &operation.operation_id;
    match operation.state() {
        OperationState::Proposed => format!(
            "{} of {} officers have signed; others sign with: counterfoil keys approve {id}",
            operation.approvals.len(),
            operation.approvals_needed
        ),
        OperationState::Waiting => match operation.due.and_then(date_time) {
            Some(due) => format!("it is carried out at {due}, unless two officers cancel it"),
            None => "it is about to be carried out".to_owned(),
        },
        OperationState::Running if kind(operation) == Some(OperationKind::EraseEntry) => {
            "it took effect: the entry is erased, and its bytes leave the disk next".to_owned()
        }
        OperationState::Running if kind(operation) == Some(OperationKind::PruneLog) => {
            "it took effect: the entries are gone, and their bytes leave the disk next".to_owned()
        }
        OperationState::Running if kind(operation) == Some(OperationKind::Retokenize) => format!(
            "it took effect: tokens may be replaced with: counterfoil retokenize --operation {id}"
        ),
        OperationState::Running => {
            format!("it took effect; its job goes on: counterfoil keys watch {id}")
        }
        OperationState::Done if kind(operation) == Some(OperationKind::CompromiseKey) => {
            "it was carried out. Who copied records with this key opens their tokens still, \
             wherever they turn up: counterfoil keys propose retokenize"
                .to_owned()
        }
        OperationState::Done => "it was carried out".to_owned(),
        OperationState::Cancelled => "it is cancelled".to_owned(),
        OperationState::Expired => "too few officers signed in time".to_owned(),
        OperationState::Failed => format!("it was not carried out: {}", operation.failure),
        OperationState::Unspecified => "the vault does not say where it is".to_owned(),
    }
}

/// What it does, by what its officers have signed.
fn kind(operation: &protocol::Operation) -> Option<OperationKind> {
    let note: SignedNote = operation.note.parse().ok()?;
    let statement = Statement::read(note.text()).ok()?;
    Some(statement.operation.kind())
}

/// The name of a state.
pub(super) const fn state_name(state: OperationState) -> &'static str {
    match state {
        OperationState::Cancelled => "cancelled",
        OperationState::Done => "done",
        OperationState::Expired => "expired",
        OperationState::Failed => "failed",
        OperationState::Proposed => "proposed",
        OperationState::Running => "running",
        OperationState::Unspecified => "unspecified",
        OperationState::Waiting => "waiting",
    }
}

fn signature(signed: &protocol::OfficerSignature) -> String {
    let time = signed.time.and_then(date_time).unwrap_or_default();
    format!("{} at {time}", signed.officer)
}

pub(super) fn date_time(time: prost_types::Timestamp) -> Option<String> {
    let seconds = u64::try_from(time.seconds).ok()?;
    let time = Timestamp::from_unix_ms(seconds.checked_mul(1_000)?);
    Some(DateTime(time).to_string())
}
