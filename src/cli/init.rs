//! `counterfoil init`: makes a vault, once.

use std::path::PathBuf;

use clap::Args;

use crate::cli::block_on;
use crate::cli::config_check;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::example_keys;
use crate::cli::exit::Exit;
use crate::cli::root_key;
use crate::cli::shares::NewShareArgs;
use crate::cli::shares::ShareArgs;
use crate::cli::wiring;
use crate::config::Config;
use crate::domain::Namespace;
use crate::keys::hardening;
use crate::keys::root::RootKeyHolder;

/// Makes a new vault: its root key, its keys, its log; never over one that is there
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  counterfoil init --config /etc/counterfoil/config.toml
  counterfoil init --config /etc/counterfoil/config.toml --namespace shop   (one more tenant)
  counterfoil init --config /etc/counterfoil/config.toml --share-dir /media/shares --threshold 2 \\
    --officer alice --officer bob --officer carol    (where root_key.provider is \"shares\")

Keep the root key file and its passphrase in two places each: without them everything under them is
lost. Keep the audit log's public key that is printed where the log is verified.")]
pub(super) struct InitArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: PathBuf,

    /// Make the keys of one more configured namespace, in a vault that is there and not served
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    #[command(flatten)]
    new: NewShareArgs,

    #[command(flatten)]
    shares: ShareArgs,
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
                self.new.refuse()?;
                let root = root_key::open(&config, &self.shares)?;
                block_on(wiring::add_namespace(&config, &*root, &namespace))?;
                say(format_args!("made the keys of namespace {namespace}"));
            }
            None => {
                // Before anybody types a passphrase.
                wiring::refuse_existing(&config)?;
                let root = root_key::ensure(&config.root_key, &self.new, &self.shares)?;
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
