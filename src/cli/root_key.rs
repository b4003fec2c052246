//! The root key of a configuration: opened where it is, or made for a new vault.

use std::sync::Arc;

use secrecy::SecretString;

use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::passphrase;
use crate::cli::passphrase::Occasion;
use crate::cli::shares::NewShareArgs;
use crate::cli::shares::ShareArgs;
use crate::config::Config;
use crate::config::PassphraseSource;
use crate::config::RootKeyConfig;
use crate::crypto::RootKey;
use crate::crypto::SystemEntropy;
use crate::keys::root::Argon2Parameters;
use crate::keys::root::PassphraseFile;
use crate::keys::root::RootKeyHolder;
use crate::keys::root::RootKeyProvider;
use crate::keys::root::TokenRootKey;
use crate::keys::root::shares::SharingFile;

/// Opens the root key that is there; officers' shares are asked for.
///
/// # Errors
///
/// If it is not there or does not open.
pub(super) fn open(
    config: &Config,
    shares: &ShareArgs,
) -> Result<Arc<dyn RootKeyHolder>, CliError> {
    open_at(&config.root_key, shares)
}

/// Opens the root key that is at a place, which need not be the configuration's.
///
/// # Errors
///
/// If it is not there or does not open.
pub(super) fn open_at(
    place: &RootKeyConfig,
    shares: &ShareArgs,
) -> Result<Arc<dyn RootKeyHolder>, CliError> {
    match place {
        RootKeyConfig::PassphraseFile { file, passphrase } => {
            shares.refuse()?;
            let passphrase = root_passphrase(passphrase, Occasion::Existing)?;
            provided(&PassphraseFile::new(file.clone(), passphrase))
        }
        RootKeyConfig::Pkcs11 { name, pin } => {
            shares.refuse()?;
            let pin = passphrase::from_source(pin, PIN, Occasion::Existing)?;
            provided(&TokenRootKey::new(name.clone(), pin))
        }
        RootKeyConfig::Shares { file } => {
            let sharing = SharingFile::read(file).map_err(|error| CliError::caused(&error))?;
            let secret = shares.combine(&sharing)?;
            Ok(Arc::new(RootKey::new(&secret.root_key())))
        }
    }
}

/// Whether there is a root key at a place.
///
/// # Errors
///
/// If a token cannot be asked.
pub(super) fn exists(place: &RootKeyConfig) -> Result<bool, CliError> {
    match place {
        RootKeyConfig::PassphraseFile { file, .. } | RootKeyConfig::Shares { file } => {
            Ok(file.exists())
        }
        RootKeyConfig::Pkcs11 { name, pin } => {
            let pin = passphrase::from_source(pin, PIN, Occasion::Existing)?;
            let token = TokenRootKey::new(name.clone(), pin);
            token.exists().map_err(|error| CliError::caused(&error))
        }
    }
}

/// Opens the root key of a new vault, or makes it where there is none yet.
///
/// # Errors
///
/// If it is there and does not open, or cannot be made.
pub(super) fn ensure(
    place: &RootKeyConfig,
    new: &NewShareArgs,
    shares: &ShareArgs,
) -> Result<Arc<dyn RootKeyHolder>, CliError> {
    match place {
        RootKeyConfig::PassphraseFile { file, passphrase } => {
            new.refuse()?;
            if file.exists() {
                return open_at(place, shares);
            }
            shares.refuse()?;
            let passphrase = root_passphrase(passphrase, Occasion::New)?;
            let made = PassphraseFile::new(file.clone(), passphrase)
                .create(Argon2Parameters::recommended(), &SystemEntropy);
            let root = made.map_err(|error| CliError::caused(&error))?;
            say(format_args!("made the root key in {}", file.display()));
            Ok(Arc::new(root))
        }
        RootKeyConfig::Pkcs11 { name, pin } => {
            new.refuse()?;
            shares.refuse()?;
            let pin = passphrase::from_source(pin, PIN, Occasion::Existing)?;
            let token = TokenRootKey::new(name.clone(), pin);
            if token.exists().map_err(|error| CliError::caused(&error))? {
                return provided(&token);
            }
            let made = token.create().map_err(|error| CliError::caused(&error))?;
            say(format_args!("made the root key on token {:?}", name.token));
            Ok(made)
        }
        RootKeyConfig::Shares { file } => {
            if file.exists() {
                new.refuse()?;
                return open_at(place, shares);
            }
            let secret = new.deal_first(file, shares)?;
            Ok(Arc::new(RootKey::new(&secret.root_key())))
        }
    }
}

fn provided(provider: &dyn RootKeyProvider) -> Result<Arc<dyn RootKeyHolder>, CliError> {
    provider
        .root_key()
        .map_err(|error| CliError::caused(&error))
}

fn root_passphrase(
    source: &PassphraseSource,
    occasion: Occasion,
) -> Result<SecretString, CliError> {
    passphrase::from_source(source, "passphrase of the root key", occasion)
}

const PIN: &str = "PIN of the root key's token";
