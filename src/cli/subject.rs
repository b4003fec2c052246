//! `counterfoil erase` and `describe`.

use std::io;
use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::domain::Subject;
use crate::protocol;

/// Erases the records of a customer: their tokens open no more, for nobody
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A value that another customer has too stays for that one. The command may be given again at any
time: it goes on where it was.

Examples:
  counterfoil erase --subject cus_8412 --dry-run --dev .dev
  counterfoil erase --subject cus_8412 --dev .dev")]
pub(super) struct EraseArgs {
    /// The customer
    #[arg(long, value_name = "ID", value_parser = subject)]
    subject: Subject,

    /// Only say what would be erased
    #[arg(long)]
    dry_run: bool,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Says how many records of which fields a customer has
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Standard output gets a line for each field: its name, its records, how many of them other customers
have too, and how many have expired.

Example:
  counterfoil describe --subject cus_8412 --dev .dev")]
pub(super) struct DescribeArgs {
    /// The customer
    #[arg(long, value_name = "ID", value_parser = subject)]
    subject: Subject,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl EraseArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.subjects(&self.connection).await?;
        let (mut erased_count, mut kept_count) = (0, 0);
        // Each call erases as much as one may; a customer with more records takes several.
        let last = loop {
            let erased = client.erase(&self.subject, self.dry_run).await?;
            erased_count += erased.erased_count;
            kept_count += erased.kept_count;
            if erased.is_complete || self.dry_run {
                break erased;
            }
            say(format_args!("erased {erased_count} records, and going on"));
        };
        let mut output = io::stdout().lock();
        if self.json {
            let line = json!({
                "subject": self.subject.as_str(),
                "dry_run": self.dry_run,
                "erased_count": erased_count,
                "kept_count": kept_count,
                "is_complete": last.is_complete,
                "leaf_index": last.leaf_index,
            });
            writeln!(output, "{line}")?;
            return Ok(Exit::Done);
        }
        let verb = if self.dry_run { "would be" } else { "are" };
        let more = if last.is_complete { "" } else { " so far" };
        writeln!(
            output,
            "{erased_count} records {verb} erased{more}, {kept_count} stay for other customers"
        )?;
        Ok(Exit::Done)
    }
}

impl DescribeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.subjects(&self.connection).await?;
        let described = client.describe(&self.subject).await?;
        let mut output = io::stdout().lock();
        if self.json {
            let fields: Vec<_> = described.fields.iter().map(to_json).collect();
            let line = json!({
                "subject": self.subject.as_str(),
                "fields": fields,
                "is_complete": described.is_complete,
            });
            writeln!(output, "{line}")?;
            return Ok(Exit::Done);
        }
        for it in &described.fields {
            let field = if it.field.is_empty() {
                "(not configured)"
            } else {
                &it.field
            };
            writeln!(
                output,
                "{field}  {} records, {} shared, {} expired",
                it.records_count, it.shared_count, it.expired_count
            )?;
        }
        if described.fields.is_empty() {
            say("the customer has no records");
        }
        if !described.is_complete {
            say("there are more records than one call looks at");
        }
        Ok(Exit::Done)
    }
}

fn to_json(field: &protocol::SubjectField) -> serde_json::Value {
    let seconds = |time: &Option<prost_types::Timestamp>| time.as_ref().map(|time| time.seconds);
    json!({
        "field": field.field,
        "records_count": field.records_count,
        "shared_count": field.shared_count,
        "expired_count": field.expired_count,
        "first_created_unix_s": seconds(&field.first_created),
        "last_created_unix_s": seconds(&field.last_created),
    })
}

fn subject(text: &str) -> Result<Subject, String> {
    Subject::new(text).map_err(|error| error.to_string())
}
