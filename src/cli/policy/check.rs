//! `counterfoil policy check`: what is wrong with policies, and what they say.

use std::io;
use std::io::Write;

use clap::Args;
use comfy_table::ContentArrangement;
use comfy_table::Table;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::policy::SourceArgs;
use crate::cli::policy::printable;
use crate::policy::PolicySummary;

/// Validates policies as a start would, and lists them with what deserves a second look
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The first policy that is wrong is named with its file and line, and nothing is listed. Exit code 2.

Examples:
  counterfoil policy check --config /etc/counterfoil/config.toml
  counterfoil policy check --dev .dev --json")]
pub(in crate::cli) struct CheckArgs {
    #[command(flatten)]
    source: SourceArgs,

    /// Write one JSON object for each policy
    #[arg(long)]
    json: bool,
}

impl CheckArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let (_, policy) = self.source.load()?;
        let summaries = policy.summaries();
        if self.json {
            for summary in summaries {
                writeln!(io::stdout(), "{}", object(summary))?;
            }
        } else {
            write_table(summaries)?;
        }
        for PolicySummary {
            id,
            place,
            warnings,
            ..
        } in summaries
        {
            for warning in warnings {
                let (id, warning) = (printable(id), printable(warning));
                say(format_args!("warning: {place}: {id}: {warning}"));
            }
        }
        let (count, hash) = (summaries.len(), hex::encode(policy.hash()));
        say(format_args!("no errors; {count} policies; hash {hash}"));
        Ok(Exit::Done)
    }
}

fn write_table(summaries: &[PolicySummary]) -> Result<(), CliError> {
    let mut table = Table::new();
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header([
            "policy",
            "effect",
            "who",
            "what",
            "on",
            "condition",
            "where",
        ]);
    for summary in summaries {
        table.add_row([
            printable(&summary.id),
            effect(summary).to_owned(),
            printable(&summary.principal),
            printable(&summary.actions),
            printable(&summary.resource),
            if summary.is_conditional { "yes" } else { "no" }.to_owned(),
            printable(&summary.place),
        ]);
    }
    Ok(writeln!(io::stdout(), "{table}")?)
}

fn object(summary: &PolicySummary) -> serde_json::Value {
    json!({
        "id": summary.id,
        "effect": effect(summary),
        "place": summary.place,
        "principal": summary.principal,
        "actions": summary.actions,
        "resource": summary.resource,
        "conditional": summary.is_conditional,
        "description": summary.description,
        "warnings": summary.warnings,
    })
}

fn effect(summary: &PolicySummary) -> &'static str {
    if summary.is_forbid {
        "forbid"
    } else {
        "permit"
    }
}
