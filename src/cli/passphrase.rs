//! Passphrases and PINs: from a file, or asked for on the terminal.

use std::fs;
use std::path::Path;

use secrecy::ExposeSecret;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::cli::error::CliError;
use crate::config::PassphraseSource;

/// Whether a passphrase is chosen now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Occasion {
    /// It exists: asked for once.
    Existing,
    /// It is new: asked for twice.
    New,
}

/// A passphrase or a PIN from where the configuration says; `what` is asked for.
///
/// # Errors
///
/// If there is none to be had.
pub(super) fn from_source(
    source: &PassphraseSource,
    what: &str,
    occasion: Occasion,
) -> Result<SecretString, CliError> {
    match source {
        PassphraseSource::File(path) => from_file(path),
        PassphraseSource::Terminal => ask(what, occasion),
    }
}

/// The one line of a file.
///
/// # Errors
///
/// If it cannot be read.
pub(super) fn from_file(path: &Path) -> Result<SecretString, CliError> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(CliError::file(path))?);
    // Every editor ends a line; a passphrase does not end in one.
    Ok(SecretString::from(
        text.trim_end_matches(['\n', '\r']).to_owned(),
    ))
}

/// Asks on the terminal.
///
/// # Errors
///
/// If there is none, or what was typed twice differs.
pub(super) fn ask(what: &str, occasion: Occasion) -> Result<SecretString, CliError> {
    let prompt = |words: &str| {
        let typed = rpassword::prompt_password(words).map(SecretString::from);
        typed.map_err(|error| {
            CliError::Failed(format!(
                "cannot ask for the {what}: {error}\n  name the file that has it: in root_key of \
                 the configuration, by COUNTERFOIL_PASSPHRASE_FILE, or by the command's flag"
            ))
        })
    };
    let first = prompt(&match occasion {
        Occasion::Existing => format!("The {what}: "),
        Occasion::New => format!("A new {what}, at least six random words: "),
    })?;
    if occasion == Occasion::New {
        let second = prompt("The same again: ")?;
        // Typed twice to catch a slip of the hand, on the terminal of who typed both.
        if first.expose_secret() != second.expose_secret() {
            return Err(CliError::Usage("the passphrases differ".to_owned()));
        }
    }
    Ok(first)
}
