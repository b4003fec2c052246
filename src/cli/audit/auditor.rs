//! As whom the running vault is asked about its log.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::client::AuditClient;

/// The running vault, and as whom it is asked.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Asking the running vault")]
pub(super) struct AuditorArgs {
    /// With --dev: which of its identities to be
    #[arg(long = "as", value_name = "NAME", default_value = "auditor")]
    identity: String,

    /// Without --dev: a TOML file that says where the vault is, as for other commands
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG_CLIENT")]
    config_client: Option<PathBuf>,

    #[command(flatten)]
    acting: ActingArgs,
}

impl AuditorArgs {
    /// Connects; the log is that of the whole vault.
    pub(super) async fn connect(&self, dev: Option<&Path>) -> Result<AuditClient, CliError> {
        let connection = ConnectionArgs::of(
            dev.map(Path::to_owned),
            self.identity.clone(),
            self.config_client.clone(),
            None,
        );
        self.acting.audit(&connection.of_the_whole_vault()).await
    }
}
