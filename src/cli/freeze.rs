//! `counterfoil freeze`, `unfreeze` and `principal`.

use std::io;
use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::domain::FreezeTarget;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::protocol;

/// Freezes a person, a program, a certificate, a grant, a case, a namespace, or all reveals
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Targets:
  all                      every reveal and every question about values; tokens are still made
  namespace:NAME           the same, in one namespace
  case:NAMESPACE:CASE      reveals for a case
  grant:ID                 reveals under a grant
  person:ISSUER/SUBJECT    every call on behalf of a person
  principal:NAME           every call of a program
  certificate:SHA256       every call with a certificate

Standard output gets the index of the audit entry: no reveal that it stops has a higher one.

Examples:
  counterfoil freeze person:dev/agent --dev .dev --as security
  counterfoil freeze --list --dev .dev --as security")]
pub(super) struct FreezeArgs {
    /// What to freeze
    #[arg(value_parser = target, required_unless_present = "list")]
    target: Option<FreezeTarget>,

    /// List what is frozen instead
    #[arg(long, conflicts_with = "target")]
    list: bool,

    /// Write JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Asks that something be unfrozen: it is when a second person asks within an hour
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The targets are those of `counterfoil freeze`.

Example:
  counterfoil unfreeze person:dev/agent --dev .dev --as officer1
  counterfoil unfreeze person:dev/agent --dev .dev --as officer2")]
pub(super) struct UnfreezeArgs {
    /// What to unfreeze
    #[arg(value_parser = target)]
    target: FreezeTarget,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Says what is frozen of a program or a person, and what is used of their budgets
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil principal spiffe://dev.counterfoil.example/agent --person dev/agent \\
    --dev .dev --as security")]
pub(super) struct PrincipalArgs {
    /// The program
    #[arg(value_parser = principal)]
    principal: Principal,

    /// The person: ISSUER/SUBJECT
    #[arg(long, value_parser = person)]
    person: Option<PersonId>,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl FreezeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.access(&self.connection).await?;
        let Some(target) = self.target else {
            let frozen = client.freezes().await?;
            return print_frozen(&frozen, self.json);
        };
        let leaf_index = client.freeze(&target.to_string()).await?;
        let mut output = io::stdout().lock();
        if self.json {
            writeln!(output, "{}", json!({ "leaf_index": leaf_index }))?;
        } else {
            writeln!(output, "{leaf_index}")?;
        }
        Ok(Exit::Done)
    }
}

impl UnfreezeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.access(&self.connection).await?;
        let is_unfrozen = client.unfreeze(&self.target.to_string()).await?;
        if self.json {
            let mut output = io::stdout().lock();
            writeln!(output, "{}", json!({ "is_unfrozen": is_unfrozen }))?;
        } else if is_unfrozen {
            say("unfrozen");
        } else {
            say("still frozen: a second person must ask too, within an hour");
        }
        Ok(Exit::Done)
    }
}

impl PrincipalArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.access(&self.connection).await?;
        let person = self.person.as_ref().map_or("", PersonId::as_str);
        let view = client.principal(self.principal.as_str(), person).await?;
        let mut output = io::stdout().lock();
        if self.json {
            let budget = |budget: &protocol::BudgetUse| {
                json!({
                    "holder": budget.holder,
                    "window": budget.window,
                    "used": budget.used,
                    "limit": budget.limit,
                })
            };
            let view = json!({
                "frozen": view.frozen.iter().map(to_json).collect::<Vec<_>>(),
                "budgets": view.budgets.iter().map(budget).collect::<Vec<_>>(),
            });
            writeln!(output, "{view}")?;
            return Ok(Exit::Done);
        }
        for budget in &view.budgets {
            let protocol::BudgetUse {
                holder,
                window,
                used,
                limit,
            } = budget;
            writeln!(
                output,
                "{used} of {limit} customers in {window}, as a {holder}"
            )?;
        }
        drop(output);
        print_frozen(&view.frozen, false)
    }
}

fn print_frozen(frozen: &[protocol::Frozen], is_json: bool) -> Result<Exit, CliError> {
    let mut output = io::stdout().lock();
    for it in frozen {
        if is_json {
            writeln!(output, "{}", to_json(it))?;
        } else {
            writeln!(output, "{}  {}", it.target, cause(it))?;
        }
    }
    Ok(Exit::Done)
}

fn to_json(frozen: &protocol::Frozen) -> serde_json::Value {
    json!({
        "target": frozen.target,
        "cause": cause(frozen),
        "unfreezing": Some(&frozen.unfreezing).filter(|it| !it.is_empty()),
    })
}

fn cause(frozen: &protocol::Frozen) -> &'static str {
    match frozen.cause() {
        protocol::FreezeCause::Unspecified => "unknown",
        protocol::FreezeCause::OnCall => "on_call",
        protocol::FreezeCause::Decoy => "decoy",
        protocol::FreezeCause::ForeignToken => "foreign_token",
        protocol::FreezeCause::Denials => "denials",
        protocol::FreezeCause::BudgetSpent => "budget_spent",
    }
}

fn target(text: &str) -> Result<FreezeTarget, &'static str> {
    FreezeTarget::read(text).ok_or("is no target; see the list of targets below")
}

fn principal(text: &str) -> Result<Principal, String> {
    Principal::new(text).map_err(|error| error.to_string())
}

fn person(text: &str) -> Result<PersonId, String> {
    PersonId::read(text).map_err(|error| error.to_string())
}
