//! Officers' own keys: PKCS#8 files (RFC 5958), encrypted under a passphrase (PKCS#5 of RFC 8018,
//! with scrypt), or keys on a PKCS#11 token.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::keys::signing::OfficerTokenArgs;
use crate::crypto::SystemEntropy;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::NoteVerifier;
use crate::crypto::note::OfficerKey;
use crate::domain::OfficerName;
use crate::durable;
use crate::durable::Readers;
use crate::keys::OfficerToken;
use crate::keys::root::TokenKeyName;

/// Officers' own keys
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OfficerCommand {
    New(NewArgs),
}

/// Makes an officer's key, in a file under a passphrase or on a token, and prints its public key
///
/// Each officer does this alone, on a machine of their own, and keeps file and passphrase, or token
/// and PIN. The printed line goes into officers.keys of the vault's configuration, or into a new
/// charter.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  counterfoil keys officer new --name officer1 --file officer1.pem
  counterfoil keys officer new --name officer2 --officer-token card \\
    --officer-module /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so")]
pub(in crate::cli) struct NewArgs {
    /// The officer's name, of lower-case letters, digits, - and _, as it will be in statements and
    /// in the audit log
    #[arg(long, value_parser = name)]
    name: OfficerName,

    /// The file to make; it must not be there
    #[arg(
        long,
        required_unless_present = "officer_token",
        conflicts_with = "officer_token"
    )]
    file: Option<PathBuf>,

    #[command(flatten)]
    token: OfficerTokenArgs,

    /// A file with the new passphrase, or the PIN of the token, one line; asked for without it
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl OfficerCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::New(arguments) => arguments.run(),
        }
    }
}

impl NewArgs {
    fn run(self) -> Result<Exit, CliError> {
        let verifier = match (&self.file, self.token.name()) {
            (Some(file), _) => self.make_file(file)?,
            (None, Some(token)) => self.make_on(&token)?,
            (None, None) => return Err(CliError::Usage("--file is missing".to_owned())),
        };
        writeln!(io::stdout(), "{verifier}")?;
        match &self.file {
            Some(file) => say(format_args!(
                "the key is in {}: keep it and its passphrase apart",
                file.display()
            )),
            None => say(format_args!(
                "the key is on the token, and cannot leave it: keep the token and its PIN apart"
            )),
        }
        Ok(Exit::Done)
    }

    fn make_file(&self, file: &Path) -> Result<NoteVerifier, CliError> {
        let passphrase = match &self.passphrase_file {
            Some(path) => read_passphrase(path)?,
            None => ask_new()?,
        };
        if passphrase.expose_secret().is_empty() {
            return Err(CliError::Usage("the passphrase is empty".to_owned()));
        }
        let key = OfficerKey::generate(&SystemEntropy);
        let pem = key
            .to_pem(passphrase.expose_secret().as_bytes())
            .map_err(CliError::failed)?;
        durable::create(file, pem.as_bytes(), Readers::Owner).map_err(CliError::file(file))?;
        Ok(key.verifier(note_name(&self.name)?))
    }

    fn make_on(&self, token: &TokenKeyName) -> Result<NoteVerifier, CliError> {
        let pin = match &self.passphrase_file {
            Some(path) => read_passphrase(path)?,
            None => prompt("PIN of the token: ")?,
        };
        let made = OfficerToken::create(token, &pin).map_err(CliError::failed)?;
        NoteVerifier::new(note_name(&self.name)?, made.public_key()).map_err(CliError::failed)
    }
}

pub(super) fn note_name(name: &OfficerName) -> Result<NoteKeyName, CliError> {
    NoteKeyName::new(name.as_str()).map_err(CliError::failed)
}

pub(super) fn name(text: &str) -> Result<OfficerName, String> {
    OfficerName::new(text).map_err(|error| error.to_string())
}

pub(super) fn read_passphrase(path: &Path) -> Result<SecretString, CliError> {
    let text = fs::read_to_string(path).map_err(CliError::file(path))?;
    let text = Zeroizing::new(text);
    // Every editor ends a line; a passphrase does not end in one.
    Ok(SecretString::from(
        text.trim_end_matches(['\n', '\r']).to_owned(),
    ))
}

fn ask_new() -> Result<SecretString, CliError> {
    let first = prompt("A new passphrase for the key, at least six random words: ")?;
    let second = prompt("The same again: ")?;
    // Typed twice to catch a slip of the hand, on the terminal of who typed both.
    if first.expose_secret() != second.expose_secret() {
        return Err(CliError::Usage("the passphrases differ".to_owned()));
    }
    Ok(first)
}

pub(super) fn prompt(words: &str) -> Result<SecretString, CliError> {
    rpassword::prompt_password(words)
        .map(SecretString::from)
        .map_err(|error| CliError::Failed(format!("cannot ask for the passphrase: {error}")))
}
