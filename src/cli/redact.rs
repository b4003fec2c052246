//! `counterfoil redact`: free text with tokens in the place of its values.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::acting::ActingArgs;
use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::escape;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::line_args::SUBJECT_HELP;
use crate::cli::line_args::subject;
use crate::cli::pipeline::LineCall;
use crate::cli::tokenize::field;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::RedactedSpan;
use crate::client::RedactedText;
use crate::client::TextItem;
use crate::client::TokenClient;
use crate::domain::FieldName;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;

/// Replaces the values in free text with their tokens: a ticket, a chat line
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
E-mail addresses and identifiers with a check (cards, IBANs, ids) are found by their form; names
and addresses only where --known says that they may be there. A line is redacted whole or not at
all: where a value cannot have a token, the line is empty and the error says why.

The file of --known has a field, a tab, and a value on each line.

Example:
  echo 'please write to ada@example.org' | counterfoil redact --dev .dev")]
pub(super) struct RedactArgs {
    /// Look only for values of this field by their form; may be given several times
    #[arg(long = "field", value_name = "FIELD", value_parser = field)]
    fields: Vec<FieldName>,

    /// Values that may be in the text, such as the customer's name and address
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,

    #[arg(long, value_parser = subject, help = SUBJECT_HELP)]
    subject: Option<Subject>,

    #[command(flatten)]
    lines: LineArgs,

    #[command(flatten)]
    connection: ConnectionArgs,

    #[command(flatten)]
    acting: ActingArgs,
}

struct Redact {
    client: TokenClient,
    fields: Vec<FieldName>,
    known: Vec<(FieldName, Plaintext)>,
    subject: Option<Subject>,
}

impl RedactArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let known = match &self.known {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(CliError::file(path))?;
                known_values(&Zeroizing::new(text))?
            }
            None => Vec::new(),
        };
        let call = Redact {
            client: self.acting.token(&self.connection).await?,
            fields: self.fields,
            known,
            subject: self.subject,
        };
        self.lines.answer(call).await
    }
}

impl LineCall for Redact {
    type Item = TextItem;

    fn item(&self, value: Zeroizing<String>) -> Result<TextItem, Failure> {
        Ok(TextItem {
            text: Plaintext::new(value.as_str().to_owned()),
            subject: self.subject.clone(),
        })
    }

    async fn call(
        &self,
        request_id: RequestId,
        items: Vec<TextItem>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        let mut answers = Vec::with_capacity(items.len());
        let mut items = items.into_iter().peekable();
        // A call has a limit of values, and a text has several.
        for number in 0.. {
            if items.peek().is_none() {
                break;
            }
            let texts = items.by_ref().take(TEXTS_PER_CALL).collect();
            let request_id = numbered(&request_id, number);
            let results = self
                .client
                .redact(&request_id, texts, &self.known, &self.fields)
                .await?;
            answers.extend(results.into_iter().map(|result| result.map(answer)));
        }
        Ok(answers)
    }
}

fn answer(redacted: RedactedText) -> Answer {
    let spans: Vec<_> = redacted.spans.iter().map(span).collect();
    // This is the answer.
    let text = redacted.text.expose();
    Answer::new(text, [("text", json!(text)), ("spans", json!(spans))])
}

fn span(span: &RedactedSpan) -> serde_json::Value {
    json!({
        "start": span.start,
        "end": span.end,
        "field": span.field,
        // The token stands in the text as well.
        "token": span.token.token.expose(),
    })
}

/// The id of one of several calls for one batch of lines.
fn numbered(request_id: &RequestId, number: u32) -> RequestId {
    let text = format!("{}.{number}", request_id.as_str());
    RequestId::new(&text).unwrap_or_else(|_| request_id.clone())
}

/// Reads lines of a field, a tab and a value.
fn known_values(text: &str) -> Result<Vec<(FieldName, Plaintext)>, CliError> {
    let value = |(number, line): (usize, &str)| {
        let wrong =
            |problem: &str| CliError::Usage(format!("--known: line {}: {problem}", number + 1));
        let (name, value) = line
            .split_once('\t')
            .ok_or_else(|| wrong("has no tab between field and value"))?;
        let name = FieldName::new(name).map_err(|error| wrong(&error.to_string()))?;
        let value = escape::unescape(value).map_err(|_| wrong("has a wrong escape"))?;
        Ok((name, Plaintext::new(value.as_str().to_owned())))
    };
    text.lines().enumerate().map(value).collect()
}

/// Texts of one call: each may have 40 values.
const TEXTS_PER_CALL: usize = 25;
