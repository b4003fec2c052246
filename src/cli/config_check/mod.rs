//! `counterfoil config check`: what is wrong with a configuration.

mod formats;

use std::env;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::Subcommand;

use crate::assembly;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::example_keys;
use crate::cli::exit::Exit;
use crate::config::Config;
use crate::config::PASSPHRASE_FILE_VARIABLE;
use crate::config::PassphraseSource;
use crate::config::RootKeyConfig;
use crate::domain::OfficerName;
use crate::domain::SystemClock;
use crate::domain::Timestamp;
use crate::keys::root::shares::SharingFile;
use crate::people::People;
use crate::policy::PolicyError;
use crate::witness::WitnessClient;

/// The configuration file
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    Check(CheckArgs),
}

/// Checks a configuration and the files that it names, as a start would, and starts nothing
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Writes for each field how large its slices are, in bits, a made-up value with a token such as it
could have, its mask, the most that is ever revealed, and what every token shows. Of texts the bits
are the example's.

Example:
  counterfoil config check --config /etc/counterfoil/config.toml")]
pub(super) struct CheckArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: PathBuf,

    /// Write one JSON object for each field
    #[arg(long)]
    json: bool,
}

impl ConfigCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let Self::Check(CheckArgs { config: path, json }) = self;
        let config = load(&path)?;
        check_files(&config)?;
        if let Err(error) = example_keys::refuse(&config) {
            say(format_args!("note: {error}"));
        }
        let fields: usize = config
            .namespaces
            .values()
            .map(|namespace| namespace.fields.len())
            .sum();
        say(root_key(&config)?);
        // Policies that are wrong keep a vault from starting, as the rest does.
        let policies = assembly::load_policies(&config).map_err(wrong_policy)?;
        let policies = policies.summaries().len();
        let described = formats::describe(&config)?;
        if json {
            formats::write_json(&described)?;
        } else {
            formats::write_table(&described)?;
        }
        let (namespaces, permits) = (config.namespaces.len(), config.permits.len());
        say(format_args!(
            "{}: no errors; {namespaces} namespaces, {fields} fields, {permits} permits, \
             {policies} policies with them",
            path.display()
        ));
        Ok(Exit::Done)
    }
}

/// What is found of the root key, without a passphrase, a PIN or a share.
///
/// # Errors
///
/// If what is there is damaged, or a token is missing.
fn root_key(config: &Config) -> Result<String, CliError> {
    let made = |is_there: bool| {
        if is_there {
            "there"
        } else {
            "not there yet: init makes it"
        }
    };
    match &config.root_key {
        RootKeyConfig::PassphraseFile { file, .. } => Ok(format!(
            "root key: a passphrase file, {}",
            made(file.exists())
        )),
        RootKeyConfig::Pkcs11 { name, .. } => {
            name.check().map_err(|error| CliError::caused(&error))?;
            Ok("root key: on a PKCS#11 token, which is there".to_owned())
        }
        RootKeyConfig::Shares { file } if !file.exists() => {
            Ok(format!("root key: officers' shares, {}", made(false)))
        }
        RootKeyConfig::Shares { file } => {
            let sharing = SharingFile::read(file).map_err(|error| CliError::caused(&error))?;
            let officers: Vec<_> = sharing.officers().iter().map(OfficerName::as_str).collect();
            Ok(format!(
                "root key: {} shares of {} are needed ({})",
                sharing.needed(),
                officers.len(),
                officers.join(", ")
            ))
        }
    }
}

/// An error of policies: somebody wrote them.
pub(super) fn wrong_policy(error: PolicyError) -> CliError {
    CliError::Usage(error.to_string())
}

/// Reads a configuration, with what the environment adds to it.
///
/// # Errors
///
/// If it is wrong.
pub(super) fn load(path: &Path) -> Result<Config, CliError> {
    Ok(Config::load(path, env::var_os(PASSPHRASE_FILE_VARIABLE))?)
}

/// Checks that the files that must be there can be read.
///
/// # Errors
///
/// The first that cannot.
pub(super) fn check_files(config: &Config) -> Result<(), CliError> {
    let mut files = vec![
        ("tls.certificate", &config.tls.certificate),
        ("tls.key", &config.tls.key),
        ("tls.client_ca", &config.tls.client_ca),
    ];
    match &config.root_key {
        RootKeyConfig::PassphraseFile { passphrase, .. } => {
            if let PassphraseSource::File(file) = passphrase {
                files.push(("root_key.passphrase_file", file));
            }
        }
        RootKeyConfig::Pkcs11 { name, pin } => {
            files.push(("root_key.module", &name.module));
            if let PassphraseSource::File(file) = pin {
                files.push(("root_key.pin_file", file));
            }
        }
        // `init` makes it; without it nothing serves.
        RootKeyConfig::Shares { .. } => {}
    }
    for (key, path) in files {
        std::fs::File::open(path).map_err(|error| {
            CliError::Usage(format!("{key}: {} cannot be read: {error}", path.display()))
        })?;
    }
    // The keys that are files; those of a URL are fetched when the vault runs.
    People::open(&config.people, Timestamp::default()).map_err(|error| CliError::caused(&error))?;
    if let Some(witness) = &config.audit.witness {
        WitnessClient::new(&witness.client, Arc::new(SystemClock::default()))
            .map_err(|error| CliError::Usage(format!("audit.witness: {error}")))?;
    }
    assembly::server_settings(config)
        .tls
        .check()
        .map_err(|error| CliError::caused(&error))
}
