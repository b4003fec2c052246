//! `counterfoil witness latest`: what a witness has seen last of a log.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::witness::key::name;
use crate::cli::witness::watched;
use crate::config::WitnessConfig;
use crate::crypto::note::NoteKeyName;
use crate::witness::read_latest;

/// Writes the latest checkpoint that was seen of a log, as the log has signed it
///
/// The witness may run.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Officers of a vault that went back with its head need it: `keys statement accept-rollback --seen`.

Example:
  counterfoil witness latest --config witness.toml --log acme.example/counterfoil \\
    > seen.checkpoint")]
pub(in crate::cli) struct LatestArgs {
    /// The witness's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// The log: its origin
    #[arg(long, value_name = "ORIGIN", value_parser = name)]
    log: NoteKeyName,
}

impl LatestArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let config = WitnessConfig::load(&self.config)?;
        watched(&config, &self.log)?;
        let latest = read_latest(&config.state_dir, &self.log);
        let latest = latest.map_err(|error| CliError::caused(&error))?;
        let latest = latest.ok_or_else(|| CliError::Failed("it was never seen".to_owned()))?;
        let note = latest.note().ok_or_else(|| {
            CliError::Failed(
                "where it goes on was named by this witness's operator: the log has signed \
                 nothing since"
                    .to_owned(),
            )
        })?;
        write!(io::stdout(), "{note}")?;
        Ok(Exit::Done)
    }
}
