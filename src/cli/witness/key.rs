//! `counterfoil witness key new`: makes a witness's key.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret;

use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::passphrase;
use crate::crypto::SystemEntropy;
use crate::crypto::note::CosignerKey;
use crate::crypto::note::NoteKeyName;
use crate::durable;
use crate::durable::Readers;

/// Makes a witness's key in a file, and prints its public key
///
/// The printed line goes into audit.witness.public_key of each vault that is witnessed, and to
/// whoever verifies its log. One key is one witness: two with the same key would each forget what
/// the other has seen.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The file can be read by its owner alone. Without --passphrase-file it is not encrypted, as that of a
service that starts by itself.

Example:
  counterfoil witness key new --name witness.example/w1 --file w1.pem")]
pub(in crate::cli) struct NewArgs {
    /// The witness's name in its cosignatures: a URL without a scheme
    #[arg(long, value_parser = name)]
    name: NoteKeyName,

    /// The file to make; it must not be there
    #[arg(long)]
    file: PathBuf,

    /// A file with a passphrase for the key, one line
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl NewArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let passphrase = self.passphrase_file.as_deref().map(passphrase::from_file);
        let passphrase = passphrase.transpose()?;
        let words = passphrase.as_ref().map(|it| it.expose_secret().as_bytes());
        if words.is_some_and(<[u8]>::is_empty) {
            return Err(CliError::Usage("the passphrase is empty".to_owned()));
        }
        let key = CosignerKey::generate(self.name, &SystemEntropy);
        let pem = key.to_pem(words).map_err(CliError::failed)?;
        let made = durable::create(&self.file, pem.as_bytes(), Readers::Owner);
        made.map_err(CliError::file(&self.file))?;
        writeln!(io::stdout(), "{}", key.verifier())?;
        say(format_args!(
            "the key is in {}: whoever has it can cosign another past for its logs",
            self.file.display()
        ));
        Ok(Exit::Done)
    }
}

pub(super) fn name(text: &str) -> Result<NoteKeyName, String> {
    NoteKeyName::new(text).map_err(|error| error.to_string())
}
