//! `counterfoil policy`: what policies there are, and why they permit or deny.

mod check;
mod explain;

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::assembly;
use crate::cli::config_check;
use crate::cli::dev::DevDirectory;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config::Config;
use crate::policy::Policy;
use crate::policy::SCHEMA;

/// Policies: who may do what, and why
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    Check(check::CheckArgs),
    Explain(Box<explain::ExplainArgs>),
    Schema(SchemaArgs),
}

/// Prints the schema that policies are validated against: what they may speak of
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil policy schema > counterfoil.cedarschema")]
pub(super) struct SchemaArgs {}

/// Which configuration.
#[derive(Args, Clone, Debug)]
struct SourceArgs {
    /// The configuration
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERFOIL_CONFIG",
        required_unless_present = "dev"
    )]
    config: Option<PathBuf>,

    /// The configuration of the vault that `serve --dev DIR` runs
    #[arg(long, value_name = "DIR")]
    dev: Option<PathBuf>,
}

impl PolicyCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::Check(arguments) => arguments.run(),
            Self::Explain(arguments) => arguments.run(),
            Self::Schema(SchemaArgs {}) => {
                io::stdout().write_all(SCHEMA.as_bytes())?;
                Ok(Exit::Done)
            }
        }
    }
}

/// A text of a policy file, without what a terminal would take for a command.
fn printable(text: &str) -> String {
    let printed = |character: char| match character.is_control() {
        true => char::REPLACEMENT_CHARACTER,
        false => character,
    };
    text.chars().map(printed).collect()
}

impl SourceArgs {
    /// Reads the configuration and its policies, as a start would.
    fn load(&self) -> Result<(Config, Policy), CliError> {
        let config = match (&self.dev, &self.config) {
            (Some(dev), _) => Config::load(&DevDirectory::new(dev).config(), None)?,
            (None, Some(path)) => config_check::load(path)?,
            (None, None) => return Err(CliError::Usage("--config or --dev is missing".to_owned())),
        };
        let policy = assembly::load_policies(&config).map_err(config_check::wrong_policy)?;
        Ok((config, policy))
    }
}
