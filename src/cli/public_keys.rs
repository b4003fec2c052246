//! Public keys of logs, in files.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::audit::CheckpointKeys;
use crate::cli::error::CliError;

/// Keys that a head may be signed by, though its database is too old to know them.
#[derive(Args, Clone, Debug)]
pub(super) struct LaterKeyArgs {
    /// A public key that the log came under after this database was written, in a file: for a
    /// head that is signed by no key of the database
    #[arg(long = "public-key", value_name = "FILE")]
    public_keys: Vec<PathBuf>,
}

impl LaterKeyArgs {
    pub(super) fn read(&self) -> Result<CheckpointKeys, CliError> {
        read_public_keys(&self.public_keys)
    }
}

/// The keys in files, one in each line (C2SP signed-note, verifier keys).
///
/// # Errors
///
/// If a file cannot be read, or has something else.
pub(super) fn read_public_keys(files: &[PathBuf]) -> Result<CheckpointKeys, CliError> {
    let mut keys = Vec::with_capacity(files.len());
    for path in files {
        let text = fs::read_to_string(path).map_err(CliError::file(path))?;
        for line in text.lines().filter(|line| !line.is_empty()) {
            keys.push(line.parse().map_err(|_| {
                let path = path.display();
                CliError::Usage(format!("{path}: the line is no public key of a log"))
            })?);
        }
    }
    Ok(CheckpointKeys::new(keys))
}
