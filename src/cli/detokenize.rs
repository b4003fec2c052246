//! `counterfoil detokenize`: tokens to values.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::acting::ActingArgs;
use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::audit::prove::text_of;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::line_args::SUBJECT_HELP;
use crate::cli::line_args::subject;
use crate::cli::parts::PartsArgs;
use crate::cli::parts::member;
use crate::cli::pipeline::LineCall;
use crate::cli::tokenize::field;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::Reason;
use crate::client::Receipt;
use crate::client::RevealClient;
use crate::client::TokenItem;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::Level;
use crate::domain::Plaintext;
use crate::domain::Purpose;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;
use crate::durable;
use crate::durable::Readers;

/// Reveals the values of tokens: a token a line in, a value a line out
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Every call is recorded in the audit log before a value leaves the vault. Values come with \\n, \\t
and \\\\ for newline, tab and backslash. Exit code 3: the vault refused.

With --level masked a line is what may be seen of a value without revealing it; docs/formats.md
says what each format shows. It needs a permit of its own, and is recorded all the same.

Example:
  echo 'Kfo Mbwqtird' | counterfoil detokenize --field name --purpose support --case T-1042 \\
    --dev .dev")]
pub(super) struct DetokenizeArgs {
    /// The field that every token belongs to
    #[arg(long, value_parser = field)]
    field: FieldName,

    /// How much of the values: "full", or "masked" for a few characters, such as J•••• S••••
    #[arg(long, value_parser = level, default_value = "full")]
    level: Level,

    /// Why: a word that the vault's policies know
    #[arg(long, value_parser = purpose)]
    purpose: Purpose,

    /// The case that it is for, such as a ticket's number
    #[arg(long, value_parser = case_id)]
    case: Option<CaseId>,

    /// A grant
    #[arg(long)]
    grant: Option<String>,

    #[arg(long, value_parser = subject, help = SUBJECT_HELP)]
    subject: Option<Subject>,

    /// Keep the receipt of each call in this directory, in a file of its own, as `audit
    /// check-receipt` reads it: INDEX-HASH.tlog-proof
    #[arg(long, value_name = "DIR")]
    receipts: Option<PathBuf>,

    #[command(flatten)]
    parts: PartsArgs,

    #[command(flatten)]
    lines: LineArgs,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

struct Detokenize {
    client: RevealClient,
    field: FieldName,
    level: Level,
    reason: Reason,
    subject: Option<Subject>,
    parts: PartsArgs,
    receipts: Option<PathBuf>,
}

impl DetokenizeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        if let Some(directory) = &self.receipts {
            // Before anything is revealed that there would be no receipt of.
            fs::create_dir_all(directory).map_err(CliError::file(directory))?;
        }
        let client = self.acting.connect(&self.connection).await?;
        let call = Detokenize {
            client,
            field: self.field,
            level: self.level,
            reason: Reason {
                purpose: self.purpose,
                case_id: self.case,
                grant_id: self.grant,
            },
            subject: self.subject,
            parts: self.parts,
            receipts: self.receipts,
        };
        self.lines.answer(call).await
    }
}

impl LineCall for Detokenize {
    type Item = TokenItem;

    fn item(&self, value: Zeroizing<String>) -> Result<TokenItem, Failure> {
        Ok(TokenItem {
            field: Some(self.field.clone()),
            token: Token::new(self.parts.text(&value)?),
            subject: self.subject.clone(),
        })
    }

    async fn call(
        &self,
        request_id: RequestId,
        items: Vec<TokenItem>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        let revealed = self
            .client
            .detokenize(&request_id, items, self.level, &self.reason)
            .await?;
        self.keep(&revealed.receipt);
        let leaf_index = revealed.receipt.leaf_index;
        let answer = |value: Plaintext| {
            // The value is the answer.
            let text = value.expose();
            let value = member("value", "value_parts", text);
            let answer = Answer::new("", [value, ("leaf_index", json!(leaf_index))]);
            answer.with_texts(self.parts.texts(text))
        };
        let results = revealed.results.into_iter();
        Ok(results.map(|result| result.map(answer)).collect())
    }
}

impl Detokenize {
    /// Keeps a receipt. The values are revealed already, so a full disk does not withhold them.
    fn keep(&self, receipt: &Receipt) {
        let Some(directory) = &self.receipts else {
            return;
        };
        let index = receipt.leaf_index;
        if let Err(error) = write_receipt(directory, receipt) {
            say(format_args!(
                "the receipt of entry {index} was not kept: {error}"
            ));
        }
    }
}

/// Writes a receipt into a file of its own. Receipts are evidence, so none is ever written over:
/// a file of this name is one of this very entry.
fn write_receipt(directory: &Path, receipt: &Receipt) -> io::Result<()> {
    let index = receipt.leaf_index;
    let proof = text_of(receipt).ok_or_else(|| io::Error::other("it is malformed"))?;
    let hash = hex::encode(
        receipt
            .leaf_hash
            .iter()
            .take(4)
            .copied()
            .collect::<Vec<_>>(),
    );
    let path = directory.join(format!("{index}-{hash}.tlog-proof"));
    durable::create(&path, proof.to_string().as_bytes(), Readers::Anybody)
}

pub(in crate::cli) fn level(text: &str) -> Result<Level, String> {
    Level::from_name(text).ok_or_else(|| "write \"full\" or \"masked\"".to_owned())
}

pub(in crate::cli) fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::new(text).map_err(|error| error.to_string())
}

pub(in crate::cli) fn case_id(text: &str) -> Result<CaseId, String> {
    CaseId::new(text).map_err(|error| error.to_string())
}
