//! The passphrase of the root key.

use std::fs;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::cli::error::CliError;
use crate::config::PassphraseSource;
use crate::config::RootKeyConfig;
use crate::keys::root::PassphraseFile;

/// Whether a passphrase is chosen now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Occasion {
    /// It exists: asked for once.
    Existing,
    /// It is new: asked for twice.
    New,
}

/// The root key file of the configuration, with its passphrase.
///
/// # Errors
///
/// If there is no passphrase to be had.
pub(super) fn root_key_file(
    config: &RootKeyConfig,
    occasion: Occasion,
) -> Result<PassphraseFile, CliError> {
    let RootKeyConfig::PassphraseFile { file, passphrase } = config;
    let passphrase = match passphrase {
        PassphraseSource::File(path) => {
            let text = fs::read_to_string(path).map_err(CliError::file(path))?;
            let text = Zeroizing::new(text);
            // Every editor ends a line; a passphrase does not end in one.
            SecretString::from(text.trim_end_matches(['\n', '\r']).to_owned())
        }
        PassphraseSource::Terminal => ask(occasion)?,
    };
    Ok(PassphraseFile::new(file.clone(), passphrase))
}

fn ask(occasion: Occasion) -> Result<SecretString, CliError> {
    let prompt = |words: &str| {
        let typed = rpassword::prompt_password(words).map(SecretString::from);
        typed.map_err(|error| {
            CliError::Failed(format!(
                "cannot ask for the passphrase: {error}\n  set root_key.passphrase_file, or \
                 COUNTERFOIL_PASSPHRASE_FILE"
            ))
        })
    };
    let first = prompt(match occasion {
        Occasion::Existing => "Passphrase of the root key: ",
        Occasion::New => "A new passphrase for the root key, at least six random words: ",
    })?;
    if occasion == Occasion::New {
        use secrecy::ExposeSecret as _;
        let second = prompt("The same again: ")?;
        // Typed twice to catch a slip of the hand, on the terminal of who typed both.
        if first.expose_secret() != second.expose_secret() {
            return Err(CliError::Usage("the passphrases differ".to_owned()));
        }
    }
    Ok(first)
}
