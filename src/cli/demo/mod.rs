//! `counterfoil demo`: the whole story on one machine.
//!
//! Each step is the command that anybody would type, run as a process of its own, with its real
//! output: nothing here knows more than a caller does.

mod officers;
mod stage;
mod steps;
mod theft;

use std::path::PathBuf;

use clap::Args;

use crate::cli::demo::stage::Stage;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// Shows the whole story on this machine: tokenize, search, refuse, reveal, rob, rotate, prove
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Runs a vault with the public example keys in a temporary directory, tokenizes a file of made-up
customers, and shows what each side sees. It listens on 127.0.0.1 only.

Example:
  counterfoil demo --keep /tmp/counterfoil-demo")]
pub(super) struct DemoArgs {
    /// Keep everything in this directory, which must not be there or be empty
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl DemoArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let temporary = match self.keep {
            Some(_) => None,
            None => Some(tempfile::tempdir()?),
        };
        let directory = match (self.keep, &temporary) {
            (Some(directory), _) => directory,
            (None, Some(temporary)) => temporary.path().join("demo"),
            (None, None) => PathBuf::from("demo"),
        };
        let mut stage = Stage::open(directory)?;
        steps::play(&mut stage)?;
        stage.close()?;
        Ok(Exit::Done)
    }
}
