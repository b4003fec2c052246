//! The officers' day: a key is rotated by one of them, and destroyed by two.

use serde_json::Value;

use crate::cli::demo::stage::Stage;
use crate::cli::error::CliError;

/// Plays the officers' day, with a value whose token must not change.
///
/// # Errors
///
/// If a step does not end as the story has it.
pub(super) fn play(stage: &mut Stage, value: &str, token: &str) -> Result<(), CliError> {
    rotate(stage)?;
    same_token(stage, value, token)?;
    let destroying = propose_to_destroy(stage)?;
    approve(stage, &destroying)?;
    list(stage)?;
    same_token(stage, value, token)?;
    record(stage, &destroying)
}

fn rotate(stage: &mut Stage) -> Result<(), CliError> {
    stage.step("A key officer rotates the key that everything is wrapped under. One is enough.")?;
    let played = stage.play(
        &[&["keys", "propose", "rotate"], &OFFICER1[..]].concat(),
        None,
        0,
    )?;
    for line in played.words.lines() {
        stage.tell(&format!("   {line}"))?;
    }
    let operation = watch(stage, &played.output)?;
    let changed = operation.pointer("/progress/records_changed");
    let changed = changed.and_then(Value::as_u64).unwrap_or_default();
    stage.tell(&format!("   {changed} records are under the new version."))
}

fn same_token(stage: &mut Stage, value: &str, token: &str) -> Result<(), CliError> {
    stage.step("Nobody notices: the same address has the same token as before.")?;
    let tokenize = ["tokenize", "--field", "address", "--dev", "dev"];
    let played = stage.play(&tokenize, Some(&format!("{value}\n")), 0)?;
    if played.output != token {
        return Err(CliError::Failed("a token has changed".to_owned()));
    }
    stage.tell(&format!("   {}", played.output))
}

/// Returns the operation's id.
fn propose_to_destroy(stage: &mut Stage) -> Result<String, CliError> {
    stage.step("Now the old version is to be destroyed, for ever. One officer cannot do that.")?;
    let destroy = ["keys", "propose", "destroy", "--key-version", "1"];
    let played = stage.play(&[&destroy[..], &OFFICER1].concat(), None, 0)?;
    for line in played.words.lines() {
        stage.tell(&format!("   {line}"))?;
    }
    Ok(played.output)
}

fn approve(stage: &mut Stage, operation: &str) -> Result<(), CliError> {
    stage.step("A second one signs the same statement. There are some seconds to undo it, too.")?;
    let approve = ["keys", "approve", operation];
    let played = stage.play(&[&approve[..], &OFFICER2].concat(), None, 0)?;
    let last = played.words.lines().last().unwrap_or_default();
    stage.tell(&format!("   {last}"))?;
    let ended = watch(stage, operation)?;
    let state = ended.get("state").and_then(Value::as_str);
    stage.tell(&format!("   {}", state.unwrap_or_default()))
}

fn list(stage: &mut Stage) -> Result<(), CliError> {
    stage.step("The keys, with their states by NIST SP 800-57.")?;
    let list = ["keys", "list", "--dev", "dev", "--as", "auditor"];
    let played = stage.play(&list, None, 0)?;
    for line in played.output.lines() {
        stage.tell(&format!("   {line}"))?;
    }
    Ok(())
}

fn record(stage: &mut Stage, operation: &str) -> Result<(), CliError> {
    stage.step("For the auditors: a signed record, checked with public keys alone.")?;
    let auditor = ["--dev", "dev", "--as", "auditor"];
    let record = ["keys", "record", operation];
    let played = stage.play(&[&record[..], &auditor].concat(), None, 0)?;
    stage.write("record.txt", format!("{}\n", played.output).as_bytes())?;
    for line in played.output.lines().take(RECORD_LINES_SHOWN) {
        stage.tell(&format!("   {line}"))?;
    }
    let charter = ["keys", "list", "--charter"];
    let played = stage.play(&[&charter[..], &auditor].concat(), None, 0)?;
    stage.write("charter.txt", format!("{}\n", played.output).as_bytes())?;
    let check = [
        "keys",
        "check-record",
        "record.txt",
        "--public-key",
        "dev/audit.vkey",
        "--charter",
        "charter.txt",
    ];
    let played = stage.play(&check, None, 0)?;
    stage.tell(&format!("   {}", played.words))
}

/// Waits until an operation is over.
fn watch(stage: &mut Stage, operation: &str) -> Result<Value, CliError> {
    let watch = [
        "keys", "watch", operation, "--json", "--dev", "dev", "--as", "officer1",
    ];
    let played = stage.play(&watch, None, 0)?;
    serde_json::from_str(&played.output).map_err(CliError::failed)
}

const OFFICER1: [&str; 5] = ["--yes", "--dev", "dev", "--as", "officer1"];
const OFFICER2: [&str; 5] = ["--yes", "--dev", "dev", "--as", "officer2"];
const RECORD_LINES_SHOWN: usize = 14;
