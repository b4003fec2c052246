//! `counterfoil tokenize`: values to tokens, by line or in the columns of a CSV file.

mod columns;
mod csv;
mod lines;
mod output;
mod quotes;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::answer::Answer;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::line_args::SUBJECT_HELP;
use crate::cli::line_args::subject;
use crate::cli::parts::PartsArgs;
use crate::cli::parts::member;
use crate::client::IssuedToken;
use crate::client::TokenClient;
use crate::client::ValueItem;
use crate::domain::Fidelity;
use crate::domain::FidelityReason;
use crate::domain::FieldName;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;

pub(super) use columns::Column;
pub(super) use columns::Source;
pub(super) use csv::Answers;
pub(super) use csv::CellCall;
pub(super) use csv::CsvJob;
pub(super) use csv::Rows;
pub(super) use csv::progress_bar;

/// Turns values into tokens: a value a line, or the columns of a CSV file
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A line that fails becomes an empty line, its error goes to standard error with the line's number,
and the exit code is 1. In values, \\n, \\t and \\\\ stand for newline, tab and backslash. With
--parts a line has a tab between each two parts, and so has the answer.

Examples:
  echo 'Ada Lovelace' | counterfoil tokenize --field name --dev .dev
  counterfoil tokenize --csv --columns name=name,email=email --subject-column id \\
    --dev .dev --output tokens.csv customers.csv
  counterfoil tokenize --csv --columns line1+city+zip:postal_code+country=address \\
    --dev .dev addresses.csv

With --output, a CSV run that was interrupted goes on where it was: give the same command again.")]
pub(super) struct TokenizeArgs {
    /// The field that every line belongs to
    #[arg(long, value_parser = field, required_unless_present = "csv", conflicts_with = "csv")]
    field: Option<FieldName>,

    #[arg(long, value_parser = subject, conflicts_with = "csv", help = SUBJECT_HELP)]
    subject: Option<Subject>,

    /// Seconds until new tokens expire; the field's own setting if there is none
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    ttl: Option<u32>,

    /// The values are of customers who do not exist: whoever reveals one is frozen. Each needs a
    /// subject, and you the permission "create_decoys"
    #[arg(long)]
    decoys: bool,

    /// Read a CSV file with a header, and write it with tokens in the columns
    #[arg(long, requires = "columns", conflicts_with = "json")]
    csv: bool,

    /// With --csv: which columns to tokenize, each with its field. Columns that are the parts of
    /// one value are joined with "+", each named like its part or as COLUMN:PART
    #[arg(
        long,
        value_name = "COLUMN[+COLUMN...]=FIELD",
        value_delimiter = ',',
        requires = "csv"
    )]
    columns: Vec<Column>,

    /// With --csv: the column that has your own opaque id of each row's customer
    #[arg(long, value_name = "COLUMN", requires = "csv")]
    subject_column: Option<String>,

    /// With --csv: write to this file, which must not exist; to standard output if there is none
    #[arg(long, value_name = "FILE", requires = "csv")]
    output: Option<PathBuf>,

    #[command(flatten)]
    parts: PartsArgs,

    #[command(flatten)]
    lines: LineArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl TokenizeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let profile = self.connection.profile()?;
        match &self.field {
            Some(field) => {
                let client = TokenClient::connect(&profile).await?;
                let client = client.for_decoys(self.decoys);
                let call = lines::Tokenize {
                    client,
                    field: field.clone(),
                    subject: self.subject,
                    ttl_seconds: self.ttl,
                    parts: self.parts,
                };
                self.lines.answer(call).await
            }
            None => {
                let (ttl_seconds, decoys) = (self.ttl, self.decoys);
                let job = CsvJob {
                    input: self.lines,
                    output: self.output,
                    columns: self.columns,
                    subject_column: self.subject_column,
                    settings: (
                        profile.namespace.as_str().to_owned(),
                        format!("{ttl_seconds:?} {decoys:?}"),
                    ),
                };
                let connect = async {
                    let client = TokenClient::connect(&profile).await?.for_decoys(decoys);
                    Ok(Cells {
                        client,
                        ttl_seconds,
                    })
                };
                job.run(connect).await
            }
        }
    }
}

/// Tokenizes the cells of a file.
#[derive(Clone)]
struct Cells {
    client: TokenClient,
    ttl_seconds: Option<u32>,
}

impl CellCall for Cells {
    type Item = ValueItem;

    const KEEPS_FAILED: bool = false;

    fn item(&self, field: &FieldName, text: String, subject: Option<Subject>) -> ValueItem {
        ValueItem {
            field: field.clone(),
            value: Plaintext::new(text),
            subject,
        }
    }

    async fn call(&self, request_id: RequestId, items: Vec<ValueItem>) -> Answers {
        let issued = self.client.tokenize(&request_id, items, self.ttl_seconds);
        let issued = issued.await?.into_iter();
        Ok(issued.map(|issued| Ok(issued?.token)).collect())
    }
}

/// Reads a field's name from an argument.
pub(super) fn field(text: &str) -> Result<FieldName, String> {
    FieldName::new(text).map_err(|error| error.to_string())
}

/// A token as an answer.
pub(super) fn issued(token: &IssuedToken, parts: &PartsArgs) -> Answer {
    // The token is the answer.
    let text = token.token.expose();
    let answer = Answer::new(
        "",
        [
            member("token", "token_parts", text),
            ("fidelity", json!(fidelity_name(token.fidelity))),
            ("reason", json!(reason_name(token.reason))),
            ("created", json!(token.created)),
        ],
    );
    answer.with_texts(parts.texts(text))
}

/// The name of a fidelity, as the configuration writes it.
pub(super) fn fidelity_name(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Imported => "imported",
        Fidelity::Shape => "shape",
        Fidelity::Outline => "outline",
        Fidelity::Opaque => "opaque",
    }
}

fn reason_name(reason: FidelityReason) -> &'static str {
    match reason {
        FidelityReason::Configured => "configured",
        FidelityReason::DomainTooSmall => "domain_too_small",
        FidelityReason::Imported => "imported",
        FidelityReason::Invalid => "invalid",
        FidelityReason::NotRepresentable => "not_representable",
        FidelityReason::TooLong => "too_long",
    }
}
