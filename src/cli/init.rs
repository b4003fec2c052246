//! `counterfoil init`: makes a vault, once.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::cli::block_on;
use crate::cli::config_check;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::example_keys;
use crate::cli::exit::Exit;
use crate::cli::passphrase::Occasion;
use crate::cli::passphrase::root_key_file;
use crate::cli::wiring;
use crate::config::Config;
use crate::config::RootKeyConfig;
use crate::crypto::SystemEntropy;
use crate::domain::Namespace;
use crate::keys::hardening;
use crate::keys::root::Argon2Parameters;
use crate::keys::root::RootKeyHolder;
use crate::keys::root::RootKeyProvider;

/// Makes a new vault: its root key file, its keys, its log; never over one that is there
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  counterfoil init --config /etc/counterfoil/config.toml
  counterfoil init --config /etc/counterfoil/config.toml --namespace shop   (one more tenant)

Keep the root key file and its passphrase in two places each: without them everything under them is
lost. Keep the audit log's public key that is printed where the log is verified.")]
pub(super) struct InitArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: PathBuf,

    /// Make the keys of one more configured namespace, in a vault that is there and not served
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
}

impl InitArgs {
    pub(super) fn run(&self) -> Result<Exit, CliError> {
        let config = config_check::load(&self.config)?;
        config_check::check_files(&config)?;
        example_keys::refuse(&config)?;
        hardening::protect_process_memory()?;
        match &self.namespace {
            Some(name) => {
                let namespace = configured_namespace(&config, name)?;
                let root = open_root_key(&config)?;
                block_on(wiring::add_namespace(&config, &*root, &namespace))?;
                say(format_args!("made the keys of namespace {namespace}"));
            }
            None => {
                // Before anybody types a passphrase.
                wiring::refuse_existing(&config)?;
                let root = ensure_root_key(&config)?;
                create(&config, &*root)?;
            }
        }
        Ok(Exit::Done)
    }
}

/// Makes a vault and prints the public key of its audit log.
///
/// # Errors
///
/// If there is one, or it cannot be made.
fn create(config: &Config, root: &dyn RootKeyHolder) -> Result<(), CliError> {
    use std::io::Write as _;
    block_on(wiring::create(config, root))?;
    say(format_args!(
        "made the vault in {}; its audit log's public key:",
        config.data_dir.display()
    ));
    let key_file = wiring::audit_key_file(config);
    let key = std::fs::read_to_string(&key_file).map_err(CliError::file(&key_file))?;
    std::io::stdout().write_all(key.as_bytes())?;
    Ok(())
}

/// Opens the root key that is there.
///
/// # Errors
///
/// If it is not there or does not open.
pub(super) fn open_root_key(config: &Config) -> Result<Arc<dyn RootKeyHolder>, CliError> {
    let file = root_key_file(&config.root_key, Occasion::Existing)?;
    file.root_key().map_err(CliError::failed)
}

/// Opens the root key, or makes it where there is none yet.
fn ensure_root_key(config: &Config) -> Result<Arc<dyn RootKeyHolder>, CliError> {
    let RootKeyConfig::PassphraseFile { file, .. } = &config.root_key;
    if file.exists() {
        return open_root_key(config);
    }
    let path = file;
    let file = root_key_file(&config.root_key, Occasion::New)?;
    let root = file.create(Argon2Parameters::recommended(), &SystemEntropy);
    let root = root.map_err(CliError::failed)?;
    say(format_args!("made the root key in {}", path.display()));
    Ok(Arc::new(root))
}

fn configured_namespace(config: &Config, name: &str) -> Result<Namespace, CliError> {
    let namespace = Namespace::new(name).ok();
    namespace
        .filter(|namespace| config.namespaces.contains_key(namespace))
        .ok_or_else(|| {
            CliError::Usage(
            "--namespace: the configuration does not have it\n  add [namespaces.NAME.fields.FIELD]"
                .to_owned(),
        )
        })
}
