//! `counterfoil root-key`: another root key for a vault that does not run.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::Subcommand;

use crate::assembly;
use crate::cli::block_on;
use crate::cli::config_check;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::offline::OfferedArgs;
use crate::cli::offline::offline_error;
use crate::cli::root_key;
use crate::cli::shares::NewShareArgs;
use crate::cli::shares::ShareArgs;
use crate::cli::wiring;
use crate::config::Config;
use crate::config::RootKeyConfig;
use crate::keys::hardening;
use crate::keys::root::RootKeyHolder;

/// The root key: see whether it opens the vault, put another in its place
#[derive(Debug, Subcommand)]
pub(super) enum RootKeyCommand {
    Check(CheckArgs),
    Rotate(Box<RotateArgs>),
}

/// Says whether the configured root key opens the vault; exit code 4 if it does not
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The vault must not run. Try this with a backup and the root key that is kept for it, now and then.

Example:
  counterfoil root-key check --config /etc/counterfoil/config.toml")]
pub(super) struct CheckArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: PathBuf,

    /// Try the root key of this file instead, which has the table of `root_key` alone
    #[arg(long, value_name = "FILE")]
    root_key: Option<PathBuf>,

    #[command(flatten)]
    shares: ShareArgs,
}

/// Wraps every key of the vault under another root key, in one transaction
///
/// The new root key is made if it is not there: a passphrase file, officers' shares, or a key on a
/// PKCS#11 token. At every moment either the old one or the new one opens the vault; to repeat the
/// command after a crash is safe, and it says which does.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The vault must not run. Where it has officers, they sign for it: counterfoil keys statement
rotate-root-key. Afterwards put the new [root_key] into the configuration, start the vault, make a
backup, and destroy the old root key: older backups open with nothing else.

Example:
  counterfoil root-key rotate --config config.toml --new-root-key new.toml --statement signed.txt

where new.toml has what the configuration is to have, paths relative to the configuration:
  [root_key]
  provider = \"passphrase-file\"
  file = \"root-key-2.toml\"")]
pub(super) struct RotateArgs {
    /// The configuration, with the root key that is in force
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: PathBuf,

    /// A file with the table of `root_key` as the configuration is to have it afterwards
    #[arg(long, value_name = "FILE")]
    new_root_key: PathBuf,

    #[command(flatten)]
    offered: OfferedArgs,

    #[command(flatten)]
    shares: ShareArgs,

    #[command(flatten)]
    new: NewShareArgs,

    /// A share file of the new root key, where an earlier attempt has made them; once for each
    /// officer
    #[arg(long, value_name = "FILE")]
    new_share: Vec<PathBuf>,

    /// A file with the passphrase of a new share, in the order of --officer or --new-share; without
    /// it each officer is asked
    #[arg(long, value_name = "FILE")]
    new_share_passphrase_file: Vec<PathBuf>,
}

impl RootKeyCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::Check(arguments) => arguments.run(),
            Self::Rotate(arguments) => arguments.run(),
        }
    }
}

impl CheckArgs {
    fn run(self) -> Result<Exit, CliError> {
        let config = config_check::load(&self.config)?;
        let place = match &self.root_key {
            Some(path) => RootKeyConfig::load(path, &self.config)?,
            None => config.root_key.clone(),
        };
        hardening::protect_process_memory()?;
        let root = root_key::open_at(&place, &self.shares)?;
        if opens(&config, &*root)? {
            say("the root key opens the vault");
            return Ok(Exit::Done);
        }
        Err(CliError::Verification(
            "the root key opens, and it is not the vault's".to_owned(),
        ))
    }
}

impl RotateArgs {
    fn run(self) -> Result<Exit, CliError> {
        let config = config_check::load(&self.config)?;
        let new_place = RootKeyConfig::load(&self.new_root_key, &self.config)?;
        if new_place.is_in_place_of(&config.root_key) {
            return Err(CliError::Usage(
                "--new-root-key: is where the root key is now\n  choose another file, or another \
                 key on the token: the old one must stay until the new one is in force"
                    .to_owned(),
            ));
        }
        let offered = self.offered.read()?;
        hardening::protect_process_memory()?;
        let old = root_key::open(&config, &self.shares)?;
        if !opens(&config, &*old)? {
            return self.after_a_crash(&config, &new_place);
        }
        let kinds = (config.root_key.kind(), new_place.kind());
        // Before anything is made, and before anybody types a passphrase for it.
        let rotation = wiring::begin_root_key_rotation(&config, old, kinds, offered.as_ref());
        let rotation = rotation.map_err(|error| offline_error(&error))?;
        let new = self.new_root_key(&new_place)?;
        let keys_count = block_on(async {
            let done = wiring::finish_root_key_rotation(&config, rotation, &*new).await;
            done.map_err(|error| offline_error(&error))
        })?;
        say(format_args!("{keys_count} keys are under the new root key"));
        say(NEXT);
        Ok(Exit::Done)
    }

    /// The old root key does not open the vault. If the new one does, it is in force already, and
    /// what is left is to get the bytes under the old one off the disk.
    fn after_a_crash(&self, config: &Config, new: &RootKeyConfig) -> Result<Exit, CliError> {
        let is_new = root_key::exists(new)? && {
            let new = root_key::open_at(new, &self.new_shares())?;
            let is_new = opens(config, &*new)?;
            if is_new {
                let purged = assembly::purge_old_root_key(config, &*new);
                purged.map_err(|error| offline_error(&error))?;
            }
            is_new
        };
        if !is_new {
            return Err(CliError::Failed(
                "neither the configured root key nor the new one opens the vault".to_owned(),
            ));
        }
        say("the new root key opens the vault, and the old one does not: nothing is left to do");
        say(NEXT);
        Ok(Exit::Done)
    }

    /// The new root key: made, or there from an earlier attempt.
    fn new_root_key(&self, place: &RootKeyConfig) -> Result<Arc<dyn RootKeyHolder>, CliError> {
        root_key::ensure(place, &self.new, &self.new_shares())
    }

    fn new_shares(&self) -> ShareArgs {
        ShareArgs::of(&self.new_share, &self.new_share_passphrase_file)
    }
}

fn opens(config: &Config, root: &dyn RootKeyHolder) -> Result<bool, CliError> {
    assembly::root_key_opens(config, root).map_err(|error| offline_error(&error))
}

const NEXT: &str = "put the new [root_key] into the configuration, and start the vault\n  \
    then make a backup; the old root key still opens every backup from before, and nothing else: \
    destroy it once you want none of them, and its passphrase, shares or PIN with it";
