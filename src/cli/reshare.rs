//! `counterfoil keys reshare`: new shares of the same root key.

use std::path::PathBuf;

use clap::Args;

use crate::cli::config_check;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::shares::NewShareArgs;
use crate::cli::shares::ShareArgs;
use crate::config::RootKeyConfig;
use crate::keys::hardening;
use crate::keys::root::shares::Occasion;
use crate::keys::root::shares::SharingFile;

/// Makes new shares of the same root key: for other officers, another count, or a lost share
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Works offline, with the shares of as many officers as are needed. The new shares are read back and
proven before the sharing file is replaced: until then the old ones are the vault's, and afterwards
it refuses them. Whoever still has enough old shares can put the root key together with them all the
same: destroy the old files, and where that is not sure, change the root key.

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
}

impl ReshareArgs {
    pub(super) fn run(&self) -> Result<Exit, CliError> {
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
        let secret = self.shares.combine(&sharing)?;
        let at = (file.as_path(), Occasion::Again);
        self.new
            .deal(&secret, at, &self.new_share_passphrase_file)?;
        say("the vault refuses the old shares from now on; destroy their files");
        Ok(Exit::Done)
    }
}
