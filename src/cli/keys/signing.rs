//! Who signs: an officer, with a key in a file or on a token, who is shown what it is.

use std::fs;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use crate::ceremony::Charter;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::keys::officer::note_name;
use crate::cli::keys::officer::prompt;
use crate::cli::keys::officer::read_passphrase;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::NoteVerifier;
use crate::crypto::note::OfficerKey;
use crate::crypto::note::SignedNote;
use crate::domain::OfficerName;
use crate::keys::OfficerToken;
use crate::keys::root::TokenKeyName;

/// Which key of which token is an officer's.
#[derive(Args, Clone, Debug)]
pub(super) struct OfficerTokenArgs {
    /// The officer's key is on the PKCS#11 token with this label, such as a smart card
    #[arg(long, value_name = "LABEL", requires = "officer_module")]
    officer_token: Option<String>,

    /// The token's module, a shared library of its vendor
    #[arg(long, value_name = "FILE", requires = "officer_token")]
    officer_module: Option<PathBuf>,

    /// The label of the key on the token
    #[arg(
        long,
        value_name = "LABEL",
        default_value = "counterfoil-officer",
        requires = "officer_token"
    )]
    officer_token_key: String,
}

/// With which key an officer signs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Officer")]
pub(super) struct SigningArgs {
    /// The officer's key, as `keys officer new` makes it. With --dev and --as, the development
    /// vault's officer of that name
    #[arg(long, value_name = "FILE", conflicts_with = "officer_token")]
    officer_key: Option<PathBuf>,

    #[command(flatten)]
    token: OfficerTokenArgs,

    /// A file with the passphrase of the key, or the PIN of the token, one line; asked for without
    /// it
    #[arg(long, value_name = "FILE")]
    officer_passphrase_file: Option<PathBuf>,

    /// Sign without asking: for scripts that have looked at what they sign
    #[arg(long)]
    yes: bool,
}

/// What an officer signs with.
enum Signer {
    File(OfficerKey),
    Token(OfficerToken),
}

/// An officer who is about to sign.
pub(super) struct Officer {
    name: NoteKeyName,
    signer: Signer,
    is_asked: bool,
}

impl OfficerTokenArgs {
    /// The key's name, if it is on a token.
    pub(super) fn name(&self) -> Option<TokenKeyName> {
        Some(TokenKeyName {
            module: self.officer_module.clone()?,
            token: self.officer_token.clone()?,
            key: self.officer_token_key.clone(),
        })
    }
}

impl SigningArgs {
    /// Opens the officer's key, and finds in the charter whose it is.
    pub(super) fn officer(
        &self,
        connection: &ConnectionArgs,
        charter: &Charter,
    ) -> Result<Officer, CliError> {
        let signer = self.signer(connection.dev_identity())?;
        let public_key = signer.public_key()?;
        let mut officers = charter.officers();
        let officer = officers
            .find(|officer| officer.verifier.public_key() == public_key)
            .ok_or_else(|| {
                CliError::Usage("the key is not one of the vault's officers".to_owned())
            })?;
        Ok(Officer {
            name: note_name(&officer.name)?,
            signer,
            is_asked: !self.yes,
        })
    }

    /// Opens the officer's key, which is under this name, where no vault says whose it is.
    pub(super) fn named(&self, name: &OfficerName) -> Result<Officer, CliError> {
        Ok(Officer {
            name: note_name(name)?,
            signer: self.signer(None)?,
            is_asked: !self.yes,
        })
    }

    fn signer(&self, dev: Option<(&Path, &str)>) -> Result<Signer, CliError> {
        let Some(name) = self.token.name() else {
            return self.key(dev).map(Signer::File);
        };
        let pin = match &self.officer_passphrase_file {
            Some(path) => read_passphrase(path)?,
            None => prompt("PIN of the token: ")?,
        };
        let token = OfficerToken::open(&name, &pin);
        token.map(Signer::Token).map_err(CliError::failed)
    }

    fn key(&self, dev: Option<(&Path, &str)>) -> Result<OfficerKey, CliError> {
        let path = match (&self.officer_key, dev) {
            (Some(path), _) => path.clone(),
            (None, Some((dev, identity))) => dev.join(format!("officers/{identity}.key")),
            (None, None) => {
                return Err(CliError::Usage(
                    "--officer-key or --officer-token is missing\n  make a key: counterfoil keys \
                     officer new"
                        .to_owned(),
                ));
            }
        };
        let pem = fs::read_to_string(&path).map_err(CliError::file(&path))?;
        let pem = Zeroizing::new(pem);
        if !OfficerKey::is_encrypted(&pem) && dev.is_none() {
            say(format_args!(
                "warning: {} is under no passphrase: who reads it signs in your place",
                path.display()
            ));
        }
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

impl Signer {
    fn public_key(&self) -> Result<[u8; 32], CliError> {
        Ok(match self {
            // A name for a key whose own is not known yet.
            Self::File(key) => {
                let unnamed = NoteKeyName::new("officer").map_err(CliError::failed)?;
                key.verifier(unnamed).public_key()
            }
            Self::Token(token) => *token.public_key(),
        })
    }

    fn sign(&self, name: &NoteKeyName, text: &str) -> Result<SignedNote, CliError> {
        match self {
            Self::File(key) => key.sign(name.clone(), text).map_err(CliError::failed),
            Self::Token(token) => {
                let verifier = NoteVerifier::new(name.clone(), token.public_key());
                let signature = token.sign(text.as_bytes()).map_err(CliError::failed)?;
                let note = verifier.and_then(|verifier| verifier.note(text, &signature));
                note.map_err(CliError::failed)
            }
        }
    }
}

impl Officer {
    /// The public key, with the name that it signs under.
    pub(super) fn verifier(&self) -> Result<NoteVerifier, CliError> {
        NoteVerifier::new(self.name.clone(), &self.signer.public_key()?).map_err(CliError::failed)
    }

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
        self.signer.sign(&self.name, text)
    }
}

fn prompt_visible(words: &str) -> Result<String, CliError> {
    let mut error = io::stderr();
    error.write_all(words.as_bytes())?;
    error.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer)
}
