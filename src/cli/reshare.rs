//! `counterfoil keys reshare`: new shares of the same root key.

use std::path::PathBuf;

use clap::Args;

use crate::assembly;
use crate::assembly::Resharing;
use crate::audit::SharingNote;
use crate::cli::config_check;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::offline::offline_error;
use crate::cli::shares;
use crate::cli::shares::NewShareArgs;
use crate::cli::shares::ShareArgs;
use crate::cli::wiring;
use crate::config::Config;
use crate::config::RootKeyConfig;
use crate::crypto::RootKey;
use crate::crypto::SharedSecret;
use crate::keys::hardening;
use crate::keys::root::shares::Occasion;
use crate::keys::root::shares::SharingFile;

/// Makes new shares of the same root key: for other officers, another count, or a lost share
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The vault must not run. It takes the shares of as many officers as are needed. The new shares are
read back and proven, the audit log says that they were made, and then the sharing file is replaced:
until then the old ones are the vault's, and afterwards it refuses them. Whoever still has enough
old shares can put the root key together with them all the same: destroy the old files, and where
that is not sure, change the root key.

If it is cut off before the sharing file is replaced, the old shares are in force. Destroy the new
files, and begin anew.

Example:
  counterfoil keys reshare --config /etc/counterfoil/config.toml \\
    --share alice.share.toml --share bob.share.toml \\
    --officer alice --officer bob --officer dave --threshold 2 --share-dir /media/new")]
pub(super) struct ReshareArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: PathBuf,

    #[command(flatten)]
    shares: ShareArgs,

    #[command(flatten)]
    new: NewShareArgs,

    /// A file with the passphrase of a new share, in the order of --officer; without it each
    /// officer is asked
    #[arg(long, value_name = "FILE")]
    new_share_passphrase_file: Vec<PathBuf>,

    /// Only where the vault's database is not: make shares of which the audit log does not know
    #[arg(long)]
    without_log: bool,
}

impl ReshareArgs {
    pub(super) async fn run(&self) -> Result<Exit, CliError> {
        let config = config_check::load(&self.config)?;
        let file = match &config.root_key {
            RootKeyConfig::Shares { file } => file,
            RootKeyConfig::PassphraseFile { .. } | RootKeyConfig::Pkcs11 { .. } => {
                return Err(CliError::Usage(
                    "root_key.provider is not \"shares\": there is nothing to share anew"
                        .to_owned(),
                ));
            }
        };
        hardening::protect_process_memory()?;
        let sharing = SharingFile::read(file).map_err(|error| CliError::caused(&error))?;
        self.check_log(&config)?;
        let secret = self.shares.combine(&sharing)?;
        let resharing = if self.without_log {
            None
        } else {
            Some(begin(&config, &secret, &sharing)?)
        };
        let at = (file.as_path(), Occasion::Again);
        let wanted = self.new.wanted(&self.new_share_passphrase_file)?;
        let made = shares::make(&secret, &wanted)?;
        if let Some(resharing) = resharing {
            record(&config, resharing, made.sharing()).await?;
        }
        shares::put_in_force(made, &wanted.1, at)?;
        if self.without_log {
            say(
                "the audit log does not know of these shares: put the sharing file in the place of \
                 the vault's, and make shares there for the log to know",
            );
        }
        say("the vault refuses the old shares from now on; destroy their files");
        Ok(Exit::Done)
    }

    /// Where the log is, nobody leaves it out; where it is not, they say that they know.
    fn check_log(&self, config: &Config) -> Result<(), CliError> {
        match (self.without_log, assembly::is_there(config)) {
            (false, true) | (true, false) => Ok(()),
            (false, false) => Err(CliError::Usage(format!(
                "there is no vault in {}, whose audit log would say that shares were made\n  make \
                 them on the vault's machine, or say --without-log",
                config.data_dir.display()
            ))),
            (true, true) => Err(CliError::Usage(format!(
                "--without-log: the vault is in {}\n  leave it out: the audit log says that shares \
                 were made",
                config.data_dir.display()
            ))),
        }
    }
}

/// Opens the log that is to say it, before anybody types a new passphrase.
fn begin(
    config: &Config,
    secret: &SharedSecret,
    sharing: &SharingFile,
) -> Result<Resharing, CliError> {
    let root = RootKey::new(&secret.root_key());
    let resharing = Resharing::begin(config, &root).map_err(|error| offline_error(&error))?;
    if resharing
        .latest()
        .is_some_and(|latest| latest != sharing.digest())
    {
        say(
            "the audit log names other shares last than those that are in force: an attempt was \
             cut off, or shares were made without the log\n  if there are files of others, \
             destroy them",
        );
    }
    Ok(resharing)
}

async fn record(config: &Config, resharing: Resharing, made: &SharingFile) -> Result<(), CliError> {
    let note = SharingNote {
        digest: made.digest(),
        needed: u32::try_from(made.needed()).unwrap_or(u32::MAX),
        officers: made.officers().to_vec(),
    };
    let recorded = wiring::record_resharing(config, resharing, note).await;
    recorded.map_err(|error| offline_error(&error))
}
