//! Public keys of logs and of witnesses, in files.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::assembly::LaterLog;
use crate::audit::CheckpointKeys;
use crate::audit::WitnessKeys;
use crate::cli::error::CliError;

/// What is known of a log that its database is too old to know.
#[derive(Args, Clone, Debug)]
pub(super) struct LaterLogArgs {
    /// A public key that the log came under after this database was written, in a file: for a
    /// head that is signed by no key of the database
    #[arg(long = "public-key", value_name = "FILE")]
    public_keys: Vec<PathBuf>,

    /// A checkpoint of the log that the database does not extend, though its head went back with
    /// it: what its witness has seen (`counterfoil witness latest`), or what somebody has kept
    #[arg(long, value_name = "FILE")]
    seen: Option<PathBuf>,
}

impl LaterLogArgs {
    pub(super) fn read(&self) -> Result<LaterLog, CliError> {
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(CliError::file(path));
        Ok(LaterLog {
            keys: read_public_keys(&self.public_keys)?,
            seen: self.seen.as_ref().map(read).transpose()?,
        })
    }
}

/// Which witnesses are believed.
#[derive(Args, Clone, Debug)]
pub(super) struct WitnessKeyArgs {
    /// The public key of a witness, as `witness key new` printed it, in a file: one of the
    /// witnesses that are given must have cosigned. May be given more than once
    #[arg(long = "witness-key", value_name = "FILE")]
    witness_keys: Vec<PathBuf>,
}

impl WitnessKeyArgs {
    /// Whether one is given.
    pub(super) fn is_given(&self) -> bool {
        !self.witness_keys.is_empty()
    }

    /// The witnesses; nothing if none is given.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or has something else.
    pub(super) fn read(&self) -> Result<Option<WitnessKeys>, CliError> {
        if !self.is_given() {
            return Ok(None);
        }
        let keys = read_keys(&self.witness_keys, "public key of a witness")?;
        if keys.is_empty() {
            let problem = "--witness-key has no key\n  give what `witness key new` printed";
            return Err(CliError::Usage(problem.to_owned()));
        }
        Ok(Some(WitnessKeys::new(keys)))
    }
}

/// The keys in files, one in each line (C2SP signed-note, verifier keys).
///
/// # Errors
///
/// If a file cannot be read, or has something else.
pub(super) fn read_public_keys(files: &[PathBuf]) -> Result<CheckpointKeys, CliError> {
    read_keys(files, "public key of a log").map(CheckpointKeys::new)
}

fn read_keys<K: FromStr>(files: &[PathBuf], kind: &str) -> Result<Vec<K>, CliError> {
    let mut keys = Vec::with_capacity(files.len());
    for path in files {
        let text = fs::read_to_string(path).map_err(CliError::file(path))?;
        for line in text.lines().filter(|line| !line.is_empty()) {
            keys.push(line.parse().map_err(|_| {
                let path = path.display();
                CliError::Usage(format!("{path}: the line is no {kind}"))
            })?);
        }
    }
    Ok(keys)
}
