//! A grant on standard output.

use std::io;
use std::io::Write;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::domain::DateTime;
use crate::domain::Timestamp;
use crate::protocol;

/// Describes a grant
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil grant show g-0123456789abcdef0123456789 --dev .dev --as approver")]
pub(super) struct ShowArgs {
    /// The grant's id
    #[arg(value_name = "GRANT")]
    id: String,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ShowArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.access(&self.connection).await?;
        let grant = client.grant(&self.id).await?;
        print(&grant, self.json)
    }
}

/// Writes a grant, as words or as one JSON object.
pub(super) fn print(grant: &protocol::Grant, is_json: bool) -> Result<Exit, CliError> {
    let mut output = io::stdout().lock();
    if is_json {
        writeln!(output, "{}", to_json(grant))?;
        return Ok(Exit::Done);
    }
    let scope = grant.scope.clone().unwrap_or_default();
    let subjects = match scope.subjects.as_slice() {
        [] => "any".to_owned(),
        subjects => subjects.join(" "),
    };
    writeln!(output, "grant      {}", grant.id)?;
    writeln!(output, "state      {}", state(grant))?;
    writeln!(
        output,
        "requester  {} through {}",
        grant.requester, grant.principal
    )?;
    if !grant.approver.is_empty() {
        writeln!(output, "approver   {}", grant.approver)?;
    }
    writeln!(output, "customers  {subjects}")?;
    writeln!(
        output,
        "fields     {} ({})",
        scope.fields.join(" "),
        level(&scope)
    )?;
    writeln!(output, "purpose    {}", scope.purpose)?;
    if !scope.case_id.is_empty() {
        writeln!(output, "case       {}", scope.case_id)?;
    }
    writeln!(
        output,
        "reveals    {} of {}",
        grant.reveals_count, scope.reveals_max
    )?;
    match (time(grant.begins), time(grant.ends)) {
        (Some(begins), Some(ends)) => writeln!(output, "time       {begins} to {ends}")?,
        (_, _) => writeln!(output, "time       {} seconds", scope.ttl_seconds)?,
    }
    writeln!(output, "scope      {}", hex::encode(&grant.scope_digest))?;
    Ok(Exit::Done)
}

/// A grant as one JSON object.
pub(super) fn to_json(grant: &protocol::Grant) -> Value {
    let scope = grant.scope.clone().unwrap_or_default();
    json!({
        "id": grant.id,
        "state": state(grant),
        "requester": grant.requester,
        "principal": grant.principal,
        "approver": Some(&grant.approver).filter(|it| !it.is_empty()),
        "kind": kind(&scope),
        "namespace": scope.namespace,
        "subjects": scope.subjects,
        "fields": scope.fields,
        "level": level(&scope),
        "purpose": scope.purpose,
        "case_id": Some(&scope.case_id).filter(|it| !it.is_empty()),
        "reveals_max": scope.reveals_max,
        "reveals_count": grant.reveals_count,
        "ttl_seconds": scope.ttl_seconds,
        "requested": time(grant.requested),
        "approved": time(grant.approved),
        "begins": time(grant.begins),
        "ends": time(grant.ends),
        "scope_digest": hex::encode(&grant.scope_digest),
    })
}

/// What became of a grant, as one word.
pub(super) fn state(grant: &protocol::Grant) -> &'static str {
    match grant.state() {
        protocol::GrantState::Unspecified => "unknown",
        protocol::GrantState::Requested => "requested",
        protocol::GrantState::Live => "live",
        protocol::GrantState::Ended => "ended",
        protocol::GrantState::Denied => "denied",
        protocol::GrantState::Revoked => "revoked",
        protocol::GrantState::Frozen => "frozen",
    }
}

fn kind(scope: &protocol::GrantScope) -> &'static str {
    match scope.kind() {
        protocol::GrantKind::Unspecified => "unknown",
        protocol::GrantKind::Case => "case",
        protocol::GrantKind::BreakGlass => "break_glass",
    }
}

fn level(scope: &protocol::GrantScope) -> &'static str {
    match scope.level() {
        protocol::Level::Unspecified => "unknown",
        protocol::Level::Full => "full",
        protocol::Level::Masked => "masked",
    }
}

fn time(time: Option<prost_types::Timestamp>) -> Option<String> {
    let time = time?;
    let ms = time.seconds.checked_mul(1_000)? + i64::from(time.nanos / 1_000_000);
    let time = Timestamp::from_unix_ms(u64::try_from(ms).ok()?);
    Some(DateTime(time).to_string())
}
