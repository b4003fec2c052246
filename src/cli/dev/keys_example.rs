//! `counterfoil dev keys-example`: the example that is checked in, `keys-example/`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::dev::DevDirectory;
use crate::cli::dev::create::Access;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;

/// Makes the directory that is checked in as keys-example/, with new keys
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Whatever is checked in is public: a vault refuses these keys, except with serve --dev.

Example:
  counterfoil dev keys-example keys-example")]
pub(in crate::cli) struct KeysExampleArgs {
    /// The directory, which must not be there or be empty
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl KeysExampleArgs {
    pub(in crate::cli) fn run(&self) -> Result<Exit, CliError> {
        let dev = DevDirectory::new(&self.directory);
        dev.create(PASSPHRASE)?;
        dev.write("README.md", Access::All, include_str!("keys_example.md"))?;
        say(format_args!("made {}", self.directory.display()));
        Ok(Exit::Done)
    }
}

const PASSPHRASE: &str = "counterfoil-example";
