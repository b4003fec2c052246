//! `counterfoil grant approve`, `deny` and `revoke`.

use clap::Args;

use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::grant::show;

/// Approves exactly the scope that `grant show` prints
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Give the scope that you have seen: if the grant is another one by now, the vault says so.

Example:
  counterfoil grant show g-0123456789abcdef0123456789 --dev .dev --as approver
  counterfoil grant approve g-0123456789abcdef0123456789 --scope 3fe1… --dev .dev --as approver")]
pub(super) struct ApproveArgs {
    /// The grant's id
    #[arg(value_name = "GRANT")]
    id: String,

    /// The scope that you approve, 64 hexadecimal digits, from `grant show`
    #[arg(long, value_name = "DIGEST", value_parser = scope)]
    scope: [u8; 32],

    #[command(flatten)]
    common: DecisionArgs,
}

/// Denies a grant that waits
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil grant deny g-0123456789abcdef0123456789 --dev .dev --as approver")]
pub(super) struct DenyArgs {
    /// The grant's id
    #[arg(value_name = "GRANT")]
    id: String,

    #[command(flatten)]
    common: DecisionArgs,
}

/// Ends a grant before its time
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil grant revoke g-0123456789abcdef0123456789 --dev .dev --as approver")]
pub(super) struct RevokeArgs {
    /// The grant's id
    #[arg(value_name = "GRANT")]
    id: String,

    #[command(flatten)]
    common: DecisionArgs,
}

#[derive(Args, Clone, Debug)]
struct DecisionArgs {
    /// Write the grant as one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ApproveArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.common.acting.access(&self.common.connection).await?;
        let grant = client.approve_grant(&self.id, self.scope.to_vec()).await?;
        show::print(&grant, self.common.json)
    }
}

impl DenyArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.common.acting.access(&self.common.connection).await?;
        show::print(&client.deny_grant(&self.id).await?, self.common.json)
    }
}

impl RevokeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.common.acting.access(&self.common.connection).await?;
        show::print(&client.revoke_grant(&self.id).await?, self.common.json)
    }
}

fn scope(text: &str) -> Result<[u8; 32], &'static str> {
    let mut digest = [0; 32];
    match hex::decode_to_slice(text, &mut digest) {
        Ok(()) => Ok(digest),
        Err(_) => Err("is not 64 hexadecimal digits; take it from `counterfoil grant show`"),
    }
}
