//! `counterfoil lookup`: values to the tokens that they have.

use clap::Args;
use zeroize::Zeroizing;

use crate::cli::acting::ActingArgs;
use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::line_args::SUBJECT_HELP;
use crate::cli::line_args::subject;
use crate::cli::parts::PartsArgs;
use crate::cli::pipeline::LineCall;
use crate::cli::tokenize::field;
use crate::cli::tokenize::issued;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::TokenClient;
use crate::client::ValueItem;
use crate::domain::FieldName;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;

/// Finds the existing token of each value, and makes none: the exact search
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example: find a customer by the exact e-mail address
  echo ada@example.org | counterfoil lookup --field email --dev .dev --as agent")]
pub(super) struct LookupArgs {
    /// The field that every value belongs to
    #[arg(long, value_parser = field)]
    field: FieldName,

    #[arg(long, value_parser = subject, help = SUBJECT_HELP)]
    subject: Option<Subject>,

    #[command(flatten)]
    parts: PartsArgs,

    #[command(flatten)]
    lines: LineArgs,

    #[command(flatten)]
    connection: ConnectionArgs,

    #[command(flatten)]
    acting: ActingArgs,
}

struct Lookup {
    client: TokenClient,
    field: FieldName,
    subject: Option<Subject>,
    parts: PartsArgs,
}

impl LookupArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.token(&self.connection).await?;
        let call = Lookup {
            client,
            field: self.field,
            subject: self.subject,
            parts: self.parts,
        };
        self.lines.answer(call).await
    }
}

impl LineCall for Lookup {
    type Item = ValueItem;

    fn item(&self, value: Zeroizing<String>) -> Result<ValueItem, Failure> {
        Ok(ValueItem {
            field: self.field.clone(),
            value: Plaintext::new(self.parts.text(&value)?),
            subject: self.subject.clone(),
        })
    }

    async fn call(
        &self,
        request_id: RequestId,
        items: Vec<ValueItem>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        let results = self.client.lookup(&request_id, items).await?;
        let answers = results
            .into_iter()
            .map(|result| result.map(|token| issued(&token, &self.parts)));
        Ok(answers.collect())
    }
}
