//! `counterfoil keys record` and `keys check-record`: what auditors keep of a ceremony.

use std::fs;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::audit::CheckpointKeys;
use crate::ceremony::Charter;
use crate::ceremony::Statement;
use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::keys::sign::id;
use crate::cli::public_keys::read_public_keys;
use crate::crypto::note::SignedNote;
use crate::domain::CeremonyId;
use crate::protocol;

/// Writes the record of an operation that is over: signed, for auditors
///
/// Two signed notes, one after the other: the record by the vault, with the key of the audit log;
/// and the statement by the officers.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys record c-0123456789abcdef0123456789abcdef --dev .dev --as auditor > record.txt")]
pub(in crate::cli) struct RecordArgs {
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

/// Checks the record of an operation, without the vault
///
/// By the public key of the audit log, and by the charter, which has the officers' public keys. The
/// exit code is 4 if a signature does not hold, or fewer officers have signed than the record says.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys check-record record.txt --public-key audit.vkey --charter charter.txt")]
pub(in crate::cli) struct CheckRecordArgs {
    /// The record, as `keys record` writes it; or several, as `keys compromise --record` does
    file: PathBuf,

    /// A public key of the audit log, or several, one in each line; once for each file
    #[arg(long = "public-key", value_name = "FILE", required = true)]
    public_keys: Vec<PathBuf>,

    /// The charter that was in force when the operation was signed; of several records that were
    /// signed under different charters: each
    #[arg(long, value_name = "FILE", required = true)]
    charter: Vec<PathBuf>,
}

impl RecordArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.keys(&self.connection).await?;
        let operation = client.operation(self.operation.as_str()).await?;
        if operation.record.is_empty() {
            return Err(CliError::Usage(
                "the operation is not over\n  wait: counterfoil keys watch ID".to_owned(),
            ));
        }
        let mut output = io::stdout().lock();
        if self.json {
            let object = json!({
                "operation_id": operation.operation_id,
                "record": operation.record,
                "statement": operation.note,
                "cancellation": Some(&operation.cancel_note).filter(|it| !it.is_empty()),
            });
            writeln!(output, "{object}")?;
        } else {
            write!(output, "{}", text(&operation))?;
        }
        Ok(Exit::Done)
    }
}

impl CheckRecordArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(CliError::file(path));
        let text = read(&self.file)?;
        let keys = read_public_keys(&self.public_keys)?;
        let mut charters = Vec::new();
        for path in &self.charter {
            charters.push(Charter::read(&read(path)?).map_err(CliError::failed)?);
        }
        for (index, record) in text.split(NEXT_RECORD).enumerate() {
            match check(record, &keys, &charters) {
                Ok(words) => say(words),
                Err(problem) => {
                    let number = index + 1;
                    say(format_args!("record {number} does not hold: {problem}"));
                    return Ok(Exit::VerificationFailed);
                }
            }
        }
        Ok(Exit::Done)
    }
}

/// The record of an operation that is over, with its statement.
pub(super) fn text(operation: &protocol::Operation) -> String {
    format!("{}{SEPARATOR}{}", operation.record, operation.note)
}

/// Says what was done, and which officers have signed, if everything agrees.
fn check(text: &str, vault: &CheckpointKeys, charters: &[Charter]) -> Result<String, &'static str> {
    let (record, statement) = text.split_once(SEPARATOR).ok_or("it has no two notes")?;
    let record: SignedNote = record.parse().map_err(|_| "its first note is none")?;
    let record = vault.verify_record(&record);
    let record = record.ok_or("the vault has not signed it")?;
    let note: SignedNote = statement.parse().map_err(|_| "its second note is none")?;
    let parsed = Statement::read(note.text()).map_err(|_| "the statement is none")?;
    let line = |word: &str| {
        let mut lines = record.lines().filter_map(|line| line.strip_prefix(word));
        lines.next()
    };
    if line("statement-sha256 ") != Some(&hex::encode(parsed.digest())) {
        return Err("it is of another statement");
    }
    let charter = charters.iter().find(|it| it.digest() == parsed.charter);
    let charter = charter.ok_or("the statement was signed under another charter")?;
    let mut officers = Vec::new();
    for officer in charter.officers() {
        if officer.verifier.verify(&note).is_ok() {
            officers.push(officer.name.to_string());
        }
    }
    let claimed = record
        .lines()
        .filter_map(|line| line.strip_prefix("signed "));
    let mut claimed: Vec<&str> = claimed.filter_map(|it| it.split(' ').next()).collect();
    claimed.sort_unstable();
    if claimed != officers {
        return Err("other officers have signed than it says");
    }
    let (does, state) = (line("does "), line("state "));
    let (does, state) = does.zip(state).ok_or("it does not say what was done")?;
    let officers = officers.join(", ");
    Ok(format!(
        "{does}, {state}: signed by the vault, and by {officers}"
    ))
}

/// Between two records of one file.
pub(super) const NEXT_RECORD: &str = "\n=====\n\n";
/// Between the vault's note and the officers'.
const SEPARATOR: &str = "\n-----\n\n";
