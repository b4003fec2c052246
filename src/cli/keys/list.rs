//! `counterfoil keys list`.

use std::io;
use std::io::Write;

use clap::Args;
use comfy_table::ContentArrangement;
use comfy_table::Table;
use serde_json::json;

use crate::ceremony::Charter;
use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::keys::show;
use crate::protocol;
use crate::protocol::KeyState;

/// Lists key versions with their states, and the operations that are not over
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
States are those of NIST SP 800-57 part 1 rev. 5, section 7.

Examples:
  counterfoil keys list --dev .dev --as officer1
  counterfoil keys list --count --dev .dev --as officer1
  counterfoil keys list --charter --dev .dev --as officer1 > charter.txt")]
pub(in crate::cli) struct ListArgs {
    /// Print the charter instead: the officers with their public keys, and the rules
    #[arg(long, conflicts_with = "json")]
    charter: bool,

    /// Count what is still under older key versions: it reads every record
    #[arg(long)]
    count: bool,

    /// List operations that are over, too
    #[arg(long)]
    all: bool,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ListArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.keys(&self.connection).await?;
        let listed = client.list_with(self.count).await?;
        let mut output = io::stdout().lock();
        if self.charter {
            write!(output, "{}", charter(&listed)?)?;
            return Ok(Exit::Done);
        }
        let is_over = |operation: &&protocol::Operation| operation.ended.is_some();
        let operations = listed
            .operations
            .iter()
            .filter(|it| self.all || !is_over(it));
        if self.json {
            let object = json!({
                "vault": listed.vault,
                "charter": Some(&listed.charter).filter(|it| !it.is_empty()),
                "keys": listed.keys.iter().map(key_json).collect::<Vec<_>>(),
                "operations": operations.map(show::to_json).collect::<Vec<_>>(),
            });
            writeln!(output, "{object}")?;
            return Ok(Exit::Done);
        }
        writeln!(output, "{}", key_table(&listed.keys, self.count))?;
        for operation in operations {
            let id = &operation.operation_id;
            let state = show::state_name(operation.state());
            writeln!(output, "{id}  {state}: {}", show::next_step(operation))?;
        }
        Ok(Exit::Done)
    }
}

/// The charter that the vault says is in force.
pub(super) fn charter(listed: &protocol::ListKeysResponse) -> Result<Charter, CliError> {
    if listed.charter.is_empty() {
        return Err(CliError::Usage(
            "the vault has no officers\n  configure [officers], and start it anew".to_owned(),
        ));
    }
    Charter::read(&listed.charter).map_err(CliError::failed)
}

fn key_table(keys: &[protocol::KeyVersion], with_usage: bool) -> Table {
    let header = [
        "key",
        "state",
        "since",
        if with_usage { "still under it" } else { "" },
    ];
    let mut table = Table::new();
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.into_iter().filter(|it| !it.is_empty()));
    for key in keys {
        let since = key.changes.last().and_then(|change| change.time);
        let since = since.or(key.created).and_then(show::date_time);
        table.add_row([
            key.name.clone(),
            key_state_name(key.state()).to_owned(),
            since.unwrap_or_default(),
            key.usage.as_ref().map(usage).unwrap_or_default(),
        ]);
    }
    table
}

/// What is still under a version, in words.
fn usage(usage: &protocol::KeyUsage) -> String {
    let counted = [
        (usage.records, "records"),
        (usage.links, "links"),
        (usage.erased_tokens, "erased tokens"),
        (usage.rows, "rows of charter and operations"),
    ];
    let counted: Vec<String> = counted
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match counted.is_empty() {
        true => "nothing".to_owned(),
        false => counted.join(", "),
    }
}

fn key_json(key: &protocol::KeyVersion) -> serde_json::Value {
    let changes = key.changes.iter().map(|change| {
        let time = change.time.and_then(show::date_time);
        json!({ "state": key_state_name(change.state()), "time": time })
    });
    json!({
        "name": key.name,
        "state": key_state_name(key.state()),
        "created": key.created.and_then(show::date_time),
        "changes": changes.collect::<Vec<_>>(),
        "usage": key.usage.as_ref().map(|usage| json!({
            "records": usage.records,
            "links": usage.links,
            "erased_tokens": usage.erased_tokens,
            "rows": usage.rows,
        })),
    })
}

/// The name of a key's state.
pub(super) const fn key_state_name(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Compromised => "compromised",
        KeyState::Deactivated => "deactivated",
        KeyState::Destroyed => "destroyed",
        KeyState::PreActivation => "pre-activation",
        KeyState::Suspended => "suspended",
        KeyState::Unspecified => "unspecified",
    }
}
