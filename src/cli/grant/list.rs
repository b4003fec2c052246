//! `counterfoil grant list` and `watch`.

use std::io;
use std::io::Write;

use clap::Args;
use comfy_table::ContentArrangement;
use comfy_table::Table;

use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::grant::show;
use crate::client::ClientError;
use crate::protocol;

/// Lists grants, those that ended less than a day ago too
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil grant list --dev .dev --as approver")]
pub(super) struct ListArgs {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Prints each grant as it is asked for, approved, denied or revoked, until it is stopped
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil grant watch --json --dev .dev --as approver")]
pub(super) struct WatchArgs {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ListArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.access(&self.connection).await?;
        let mut grants = Vec::new();
        let mut after = Some(String::new());
        while let Some(place) = after {
            let (page, next) = client.grants(&place).await?;
            grants.extend(page);
            after = next;
        }
        let mut output = io::stdout().lock();
        if self.json {
            for grant in &grants {
                writeln!(output, "{}", show::to_json(grant))?;
            }
            return Ok(Exit::Done);
        }
        let mut table = Table::new();
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["grant", "state", "requester", "case", "customers", "fields"]);
        for grant in &grants {
            table.add_row(row(grant));
        }
        writeln!(output, "{table}")?;
        Ok(Exit::Done)
    }
}

impl WatchArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.access(&self.connection).await?;
        let mut grants = client.watch_grants().await?;
        while let Some(grant) = grants.message().await.map_err(ClientError::from)? {
            let mut output = io::stdout().lock();
            if self.json {
                writeln!(output, "{}", show::to_json(&grant))?;
            } else {
                writeln!(output, "{}", row(&grant).join("  "))?;
            }
            output.flush()?;
        }
        Ok(Exit::Done)
    }
}

fn row(grant: &protocol::Grant) -> [String; 6] {
    let scope = grant.scope.clone().unwrap_or_default();
    let customers = match scope.subjects.len() {
        0 => "any".to_owned(),
        count => count.to_string(),
    };
    [
        grant.id.clone(),
        show::state(grant).to_owned(),
        grant.requester.clone(),
        scope.case_id,
        customers,
        scope.fields.join(" "),
    ]
}
