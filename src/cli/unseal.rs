//! `counterfoil unseal`: an officer gives their share to a vault that has started sealed.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::shares;
use crate::client::SealClient;
use crate::client::SealStatus;
use crate::keys::hardening;
use crate::keys::root::shares::Progress;

/// Gives an officer's share to a vault that has started sealed; with the last one it opens
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The passphrase opens the share here; the share goes to the vault and nowhere else, over TLS.

Standard output gets one line: sealed GIVEN/NEEDED, opening, or unsealed.

Examples:
  counterfoil unseal --share alice.share.toml --config-client client.toml
  counterfoil unseal --status --config-client client.toml")]
pub(super) struct UnsealArgs {
    /// Your share file
    #[arg(long, value_name = "FILE", required_unless_present = "status")]
    share: Option<PathBuf>,

    /// A file with the passphrase of your share, instead of being asked
    #[arg(long, value_name = "FILE", requires = "share")]
    share_passphrase_file: Option<PathBuf>,

    /// Say how far unsealing is, and give nothing
    #[arg(long, conflicts_with = "share")]
    status: bool,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl UnsealArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        hardening::protect_process_memory()?;
        let profile = self.connection.of_the_whole_vault().profile()?;
        let status = match &self.share {
            Some(path) => {
                let offer = shares::open(path, self.share_passphrase_file.as_ref())?;
                let client = SealClient::connect(&profile).await?;
                client.unseal(&offer).await?
            }
            None => SealClient::connect(&profile).await?.status().await?,
        };
        if self.share.is_some() {
            say(match status {
                SealStatus::Opening => "that was the last share that was needed".to_owned(),
                SealStatus::Sealed(Progress { given, needed }) => {
                    format!("share taken; {} more needed", needed.saturating_sub(given))
                }
                SealStatus::Unsealed => "the vault is open".to_owned(),
            });
        }
        let line = if self.json {
            in_json(status).to_string()
        } else {
            in_words(status)
        };
        writeln!(io::stdout(), "{line}")?;
        Ok(Exit::Done)
    }
}

fn in_words(status: SealStatus) -> String {
    match status {
        SealStatus::Opening => "opening".to_owned(),
        SealStatus::Sealed(Progress { given, needed }) => format!("sealed {given}/{needed}"),
        SealStatus::Unsealed => "unsealed".to_owned(),
    }
}

fn in_json(status: SealStatus) -> serde_json::Value {
    match status {
        SealStatus::Opening => json!({ "state": "opening" }),
        SealStatus::Sealed(Progress { given, needed }) => {
            json!({ "state": "sealed", "shares_given": given, "shares_needed": needed })
        }
        SealStatus::Unsealed => json!({ "state": "unsealed" }),
    }
}
