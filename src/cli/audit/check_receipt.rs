//! `counterfoil audit check-receipt`: what receipts prove, with public keys only.

use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use crate::audit::CheckpointKeys;
use crate::audit::FindError;
use crate::audit::ProvenEntry;
use crate::audit::TlogProof;
use crate::audit::WitnessKeys;
use crate::audit::exposure::newest_checkpoint;
use crate::audit::find_in_export;
use crate::audit::find_in_store;
use crate::cli::audit::LogArgs;
use crate::cli::audit::cosigned_at;
use crate::cli::audit::report::cosigned_time;
use crate::cli::audit::verify_error;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::public_keys::WitnessKeyArgs;

/// Checks receipts offline: each proves that an entry is in the log that the public key signed
///
/// A receipt does not say what the entry is, since it shows nobody else what was revealed. With a
/// log at hand, an export or a data directory, the entry is found and written, or the hash that is
/// left of it where it was erased, and the log must be the one of the receipt: one that was rolled
/// back or forged since is not.
///
/// With --witness-key, a witness must have cosigned the receipt's checkpoint. That of a reveal is
/// from before the witness can have seen it: `audit prove-inclusion INDEX --cosigned` makes the
/// receipt of the same entry that has a cosignature.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit code 4: a receipt does not verify, its entry is not in the log that was given, or no given
witness has cosigned its checkpoint.

Examples:
  counterfoil audit check-receipt receipts/*.tlog-proof --public-key audit.vkey
  counterfoil audit check-receipt 17-0a1b2c3d.tlog-proof --public-key audit.vkey \\
    --export log.jsonl
  counterfoil audit check-receipt 17-0a1b2c3d.tlog-proof --dev .dev --data-dir .dev/data
  counterfoil audit check-receipt 17.tlog-proof --public-key audit.vkey --witness-key w1.vkey")]
pub(in crate::cli) struct CheckReceiptArgs {
    /// The receipts, in the form of C2SP tlog-proof
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    log: LogArgs,

    /// Find the entries in this export of the log
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data_dir", "head_dir"])]
    export: Option<PathBuf>,

    #[command(flatten)]
    witness: WitnessKeyArgs,

    /// Write a JSON object for each receipt
    #[arg(long)]
    json: bool,
}

impl CheckReceiptArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let keys = self.log.public_keys()?;
        let witnesses = self.witness.read()?;
        let mut exit = Exit::Done;
        let mut refuse = |path: &Path, problem: &dyn std::fmt::Display| {
            say(format_args!("NOT verified: {}: {problem}", path.display()));
            exit = Exit::VerificationFailed;
        };
        let mut proven = Vec::with_capacity(self.files.len());
        let mut paths = Vec::with_capacity(self.files.len());
        for path in &self.files {
            match read(path)?.map(|proof| proof.verify(&keys)) {
                Some(Ok(entry)) => match seen(witnesses.as_ref(), &entry) {
                    Ok(unix_seconds) => {
                        proven.push(entry);
                        paths.push((path.as_path(), unix_seconds));
                    }
                    Err(problem) => refuse(path, &problem),
                },
                Some(Err(error)) => refuse(path, &error),
                None => refuse(path, &"it is not in the form of C2SP tlog-proof"),
            }
        }
        let found = self.find(&keys, &proven)?;
        let mut output = io::stdout().lock();
        for (((path, unix_seconds), proven), found) in paths.iter().zip(&proven).zip(found) {
            let line = match found {
                Found::NotSought => None,
                Found::Line(line) => Some(line),
                Found::Missing(error) => {
                    refuse(path, &error);
                    continue;
                }
            };
            let text = if self.json {
                json_report(path, proven, line.as_deref(), *unix_seconds)?
            } else {
                text_report(path, proven, line.as_deref(), *unix_seconds)
            };
            writeln!(output, "{text}")?;
        }
        Ok(exit)
    }

    /// Looks for the entries in the log that is given, if one is.
    fn find(&self, keys: &CheckpointKeys, proven: &[ProvenEntry]) -> Result<Vec<Found>, CliError> {
        if let Some(path) = &self.export {
            let open = || File::open(path).map(BufReader::new);
            let found = find_in_export(open, keys, proven).map_err(verify_error)?;
            return Ok(found.into_iter().map(Found::from).collect());
        }
        if self.log.data_dir.is_none() {
            return Ok(proven.iter().map(|_| Found::NotSought).collect());
        }
        let head = self.log.head(keys)?;
        let store = self.log.open()?;
        let checkpoint = newest_checkpoint(&store, Some(&head), keys).map_err(verify_error)?;
        let find = |proven| Found::from(find_in_store(&store, &checkpoint, proven));
        Ok(proven.iter().map(find).collect())
    }
}

/// What came of looking for an entry.
enum Found {
    NotSought,
    Line(String),
    Missing(FindError),
}

impl From<Result<String, FindError>> for Found {
    fn from(found: Result<String, FindError>) -> Self {
        match found {
            Ok(line) => Self::Line(line),
            Err(error) => Self::Missing(error),
        }
    }
}

/// When a witness cosigned the checkpoint of a receipt, if that is asked; or what is wrong.
fn seen(witnesses: Option<&WitnessKeys>, proven: &ProvenEntry) -> Result<Option<u64>, String> {
    let Some(witnesses) = witnesses else {
        return Ok(None);
    };
    let cosigned = cosigned_at(witnesses, proven.checkpoint().note());
    cosigned.map(Some).map_err(|problem| {
        let index = proven.index();
        format!("{problem}\n  audit prove-inclusion {index} --cosigned makes a receipt that has it")
    })
}

/// Reads a receipt; nothing if the file has something else.
fn read(path: &Path) -> Result<Option<TlogProof>, CliError> {
    let file = File::open(path).map_err(CliError::file(path))?;
    let mut bytes = Vec::new();
    file.take(RECEIPT_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(CliError::file(path))?;
    Ok(String::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok()))
}

fn text_report(
    path: &Path,
    proven: &ProvenEntry,
    line: Option<&str>,
    unix_seconds: Option<u64>,
) -> String {
    let mut text = format!(
        "verified: {}: entry {} of {}, among its first {}",
        path.display(),
        proven.index(),
        proven.checkpoint().origin(),
        proven.checkpoint().size()
    );
    if let Some(unix_seconds) = unix_seconds {
        let time = cosigned_time(unix_seconds);
        text.push_str(&format!(", which the witness cosigned on {time}"));
    }
    match line {
        Some(line) if is_erased(line) => format!("{text}, and erased since\n{line}"),
        Some(line) => format!("{text}\n{line}"),
        None => text,
    }
}

fn json_report(
    path: &Path,
    proven: &ProvenEntry,
    line: Option<&str>,
    unix_seconds: Option<u64>,
) -> Result<String, CliError> {
    let entry: Option<Value> = match line {
        Some(line) => Some(serde_json::from_str(line).map_err(CliError::failed)?),
        None => None,
    };
    let report = json!({
        "verified": true,
        "file": path.display().to_string(),
        "origin": proven.checkpoint().origin(),
        "leaf_index": proven.index(),
        "leaf_hash": hex::encode(proven.leaf_hash().as_bytes()),
        "tree_size": proven.checkpoint().size(),
        "cosigned_unix_seconds": unix_seconds,
        "erased": line.is_some_and(is_erased),
        "entry": entry,
    });
    Ok(report.to_string())
}

/// Whether a line is what is left of an entry that was erased: no other has this member.
fn is_erased(line: &str) -> bool {
    let members = serde_json::from_str::<Value>(line);
    members.is_ok_and(|members| members.get("erased").is_some())
}

/// More than any receipt has, so that one that is too long is read as such.
const RECEIPT_BYTES_MAX: u64 = 128 * 1_024;
