//! Officers' keys: PKCS#8 files (RFC 5958), encrypted under a passphrase (PKCS#5 of RFC 8018, with
//! scrypt).

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::ceremony::Charter;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::crypto::SystemEntropy;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::OfficerKey;
use crate::crypto::note::SignedNote;
use crate::domain::OfficerName;

/// Officers' own keys
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OfficerCommand {
    New(NewArgs),
}

/// Makes an officer's key, in a file under a passphrase, and prints its public key
///
/// Each officer does this alone, on a machine of their own, and keeps file and passphrase. The
/// printed line goes into officers.keys of the vault's configuration, or into a new charter.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys officer new --name officer1 --file officer1.pem")]
pub(in crate::cli) struct NewArgs {
    /// The officer's name, of lower-case letters, digits, - and _, as it will be in statements and
    /// in the audit log
    #[arg(long, value_parser = name)]
    name: OfficerName,

    /// The file to make; it must not be there
    #[arg(long)]
    file: PathBuf,

    /// A file with the new passphrase, one line; asked for without it
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// With which key an officer signs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Officer")]
pub(super) struct SigningArgs {
    /// The officer's key, as `keys officer new` makes it. With --dev and --as, the development
    /// vault's officer of that name
    #[arg(long, value_name = "FILE")]
    officer_key: Option<PathBuf>,

    /// A file with the passphrase of the key, one line; asked for without it
    #[arg(long, value_name = "FILE")]
    officer_passphrase_file: Option<PathBuf>,

    /// Sign without asking: for scripts that have looked at what they sign
    #[arg(long)]
    yes: bool,
}

/// An officer who is about to sign.
pub(super) struct Officer {
    name: NoteKeyName,
    key: OfficerKey,
    is_asked: bool,
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
        let passphrase = match &self.passphrase_file {
            Some(path) => read_passphrase(path)?,
            None => ask_new()?,
        };
        let key = OfficerKey::generate(&SystemEntropy);
        let pem = key
            .to_pem(passphrase.expose_secret().as_bytes())
            .map_err(CliError::failed)?;
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&self.file)?;
            file.write_all(pem.as_bytes())?;
            file.sync_all()
        };
        write().map_err(CliError::file(&self.file))?;
        let name = note_name(&self.name)?;
        writeln!(io::stdout(), "{}", key.verifier(name))?;
        say(format_args!(
            "the key is in {}: keep it and its passphrase apart",
            self.file.display()
        ));
        Ok(Exit::Done)
    }
}

impl SigningArgs {
    /// Reads the officer's key, and finds in the charter whose it is.
    pub(super) fn officer(
        &self,
        connection: &ConnectionArgs,
        charter: &Charter,
    ) -> Result<Officer, CliError> {
        let key = self.key(connection.dev_identity())?;
        let public_key = key.verifier(unnamed()?).public_key();
        let mut officers = charter.officers();
        let officer = officers
            .find(|officer| officer.verifier.public_key() == public_key)
            .ok_or_else(|| {
                CliError::Usage("the key is not one of the vault's officers".to_owned())
            })?;
        Ok(Officer {
            name: note_name(&officer.name)?,
            key,
            is_asked: !self.yes,
        })
    }

    /// Reads the officer's key, which is under this name, where no vault says whose it is.
    pub(super) fn named(&self, name: &OfficerName) -> Result<Officer, CliError> {
        Ok(Officer {
            name: note_name(name)?,
            key: self.key(None)?,
            is_asked: !self.yes,
        })
    }

    fn key(&self, dev: Option<(&Path, &str)>) -> Result<OfficerKey, CliError> {
        let path = match (&self.officer_key, dev) {
            (Some(path), _) => path.clone(),
            (None, Some((dev, identity))) => dev.join(format!("officers/{identity}.key")),
            (None, None) => {
                return Err(CliError::Usage(
                    "--officer-key is missing\n  make a key: counterfoil keys officer new"
                        .to_owned(),
                ));
            }
        };
        let pem = fs::read_to_string(&path).map_err(CliError::file(&path))?;
        let pem = Zeroizing::new(pem);
        if OfficerKey::is_encrypted(&pem) {
            let passphrase = match &self.officer_passphrase_file {
                Some(path) => read_passphrase(path)?,
                None => prompt("Passphrase of the officer's key: ")?,
            };
            OfficerKey::from_pem(&pem, Some(passphrase.expose_secret().as_bytes()))
        } else {
            OfficerKey::from_pem(&pem, None)
        }
        .map_err(|_| {
            CliError::Failed(format!(
                "{} does not open\n  the passphrase is wrong, or it is no Ed25519 key in PKCS#8",
                path.display()
            ))
        })
    }
}

impl Officer {
    /// Shows the officer what they sign, asks, and signs.
    pub(super) fn sign(&self, text: &str) -> Result<SignedNote, CliError> {
        say(format_args!("{} signs:\n", self.name.as_str()));
        for line in text.lines() {
            say(format_args!("  {line}"));
        }
        say(format_args!(""));
        if self.is_asked && io::stdin().is_terminal() {
            let answer = prompt_visible("Sign this? Type yes: ")?;
            if answer.trim() != "yes" {
                return Err(CliError::Usage("not signed".to_owned()));
            }
        } else if self.is_asked {
            return Err(CliError::Usage(
                "nobody is there to look at what is signed\n  give --yes if a script has looked"
                    .to_owned(),
            ));
        }
        self.key
            .sign(self.name.clone(), text)
            .map_err(CliError::failed)
    }
}

fn note_name(name: &OfficerName) -> Result<NoteKeyName, CliError> {
    NoteKeyName::new(name.as_str()).map_err(CliError::failed)
}

/// A name for a key whose own is not known yet.
fn unnamed() -> Result<NoteKeyName, CliError> {
    NoteKeyName::new("officer").map_err(CliError::failed)
}

pub(super) fn name(text: &str) -> Result<OfficerName, String> {
    OfficerName::new(text).map_err(|error| error.to_string())
}

fn read_passphrase(path: &Path) -> Result<SecretString, CliError> {
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
    if first.expose_secret().is_empty() {
        return Err(CliError::Usage("the passphrase is empty".to_owned()));
    }
    Ok(first)
}

fn prompt(words: &str) -> Result<SecretString, CliError> {
    rpassword::prompt_password(words)
        .map(SecretString::from)
        .map_err(|error| CliError::Failed(format!("cannot ask for the passphrase: {error}")))
}

fn prompt_visible(words: &str) -> Result<String, CliError> {
    let mut error = io::stderr();
    error.write_all(words.as_bytes())?;
    error.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer)
}
