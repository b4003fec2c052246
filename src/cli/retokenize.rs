//! `counterfoil retokenize`: tokens to others for the same values, by line or in the columns of a
//! CSV file.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::acting::ActingArgs;
use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::keys::operation_id;
use crate::cli::line_args::LineArgs;
use crate::cli::line_args::SUBJECT_HELP;
use crate::cli::line_args::subject;
use crate::cli::parts::PartsArgs;
use crate::cli::parts::member;
use crate::cli::pipeline::LineCall;
use crate::cli::tokenize::Answers;
use crate::cli::tokenize::CellCall;
use crate::cli::tokenize::Column;
use crate::cli::tokenize::CsvJob;
use crate::cli::tokenize::field;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::KeyClient;
use crate::client::ReplacedToken;
use crate::client::TokenItem;
use crate::domain::CeremonyId;
use crate::domain::DateTime;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;

/// Replaces tokens by others for the same values, as far as officers allow it
///
/// For after keys became known to others: whoever copied them opens the old tokens, and not the new
/// ones. The officers propose it with `keys propose retokenize`, and sign.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A token that was replaced is answered with its successor again, and one that was made since the
operation took effect with itself: so a run that was cut off is simply begun anew. Old tokens open
for a while (officers.retokenize_grace_seconds, 30 days): put the new ones in their place by then.

A line that fails becomes an empty line; a cell that fails keeps its token. Its error goes to
standard error with the line's number, and the exit code is 1.

Examples:
  psql -Atc 'select email from customers' |
    counterfoil retokenize --field email --operation c-… --dev .dev > new.txt
  counterfoil retokenize --csv --columns mail=email,full_name=name --subject-column id \\
    --operation c-… --dev .dev --output new.csv customers.csv

With --output, a CSV run that was interrupted goes on where it was: give the same command again.
Where the operation is used up or over, name another that officers have signed since.")]
pub(super) struct RetokenizeArgs {
    /// The operation of the officers that allows it
    #[arg(long, value_name = "OPERATION", value_parser = operation_id)]
    operation: CeremonyId,

    /// The field that the tokens are of; a line of the input is a token
    #[arg(long, value_parser = field, required_unless_present = "csv", conflicts_with = "csv")]
    field: Option<FieldName>,

    #[arg(long, value_parser = subject, conflicts_with = "csv", help = SUBJECT_HELP)]
    subject: Option<Subject>,

    #[command(flatten)]
    parts: PartsArgs,

    /// Read a CSV file with a header, and write it with the new tokens in the columns
    #[arg(long, requires = "columns", conflicts_with = "json")]
    csv: bool,

    /// With --csv: which columns have tokens, each with its field, as for `tokenize`
    #[arg(
        long,
        value_name = "COLUMN[+COLUMN...]=FIELD",
        value_delimiter = ',',
        requires = "csv"
    )]
    columns: Vec<Column>,

    /// With --csv: the column that has your own opaque id of each row's customer: links of
    /// customers who share a token come under the newest key with it
    #[arg(long, value_name = "COLUMN", requires = "csv")]
    subject_column: Option<String>,

    /// With --csv: write to this file, which must not exist; to standard output if there is none
    #[arg(long, value_name = "FILE", requires = "csv")]
    output: Option<PathBuf>,

    #[command(flatten)]
    lines: LineArgs,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl RetokenizeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let namespace = self.connection.profile()?.namespace;
        let connect = async {
            Ok(Retokenize {
                client: self.acting.keys(&self.connection).await?,
                namespace: namespace.clone(),
                operation: self.operation.clone(),
                field: self.field.clone(),
                subject: self.subject.clone(),
                parts: self.parts.clone(),
            })
        };
        if !self.csv {
            return self.lines.answer(connect.await?).await;
        }
        let job = CsvJob {
            input: self.lines.clone(),
            output: self.output.clone(),
            columns: self.columns.clone(),
            subject_column: self.subject_column.clone(),
            // Where one operation was used up, the run goes on by another.
            settings: (namespace.as_str().to_owned(), "retokenize".to_owned()),
        };
        job.run(connect).await
    }
}

/// Replaces the tokens of lines, or of cells.
#[derive(Clone)]
struct Retokenize {
    client: KeyClient,
    namespace: Namespace,
    operation: CeremonyId,
    field: Option<FieldName>,
    subject: Option<Subject>,
    parts: PartsArgs,
}

impl Retokenize {
    async fn replace(
        &self,
        request_id: &RequestId,
        items: Vec<TokenItem>,
    ) -> Result<Vec<Result<ReplacedToken, ItemError>>, ClientError> {
        let Self {
            namespace,
            operation,
            ..
        } = self;
        self.client
            .retokenize(namespace, operation, request_id, items)
            .await
    }
}

impl LineCall for Retokenize {
    type Item = TokenItem;

    fn item(&self, value: Zeroizing<String>) -> Result<TokenItem, Failure> {
        Ok(TokenItem {
            field: self.field.clone(),
            token: Token::new(self.parts.text(&value)?),
            subject: self.subject.clone(),
        })
    }

    async fn call(
        &self,
        request_id: RequestId,
        items: Vec<TokenItem>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        let replaced = self.replace(&request_id, items).await?.into_iter();
        Ok(replaced
            .map(|result| result.map(|replaced| answer(&replaced, &self.parts)))
            .collect())
    }
}

impl CellCall for Retokenize {
    type Item = TokenItem;

    const KEEPS_FAILED: bool = true;

    fn item(&self, field: &FieldName, text: String, subject: Option<Subject>) -> TokenItem {
        TokenItem {
            field: Some(field.clone()),
            token: Token::new(text),
            subject,
        }
    }

    async fn call(&self, request_id: RequestId, items: Vec<TokenItem>) -> Answers {
        let replaced = self.replace(&request_id, items).await?.into_iter();
        Ok(replaced.map(|result| Ok(result?.token.token)).collect())
    }
}

/// The token that took the place of another, as an answer.
fn answer(replaced: &ReplacedToken, parts: &PartsArgs) -> Answer {
    // The token is the answer.
    let text = replaced.token.token.expose();
    let old_ends = replaced.old_ends.map(|time| DateTime(time).to_string());
    let answer = Answer::new(
        "",
        [
            member("token", "token_parts", text),
            ("created", json!(replaced.token.created)),
            ("old_ends", json!(old_ends)),
        ],
    );
    answer.with_texts(parts.texts(text))
}
