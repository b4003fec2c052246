//! `counterfoil inspect`: what is known of tokens.

use clap::Args;
use serde_json::json;
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
use crate::cli::recognize::recognition_name;
use crate::cli::tokenize::fidelity_name;
use crate::cli::tokenize::field;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::TokenClient;
use crate::client::TokenDescription;
use crate::client::TokenItem;
use crate::domain::DateTime;
use crate::domain::FieldName;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;

/// Says what is known of each token: its field, when it was made, when it ends; never its value
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Writes `known FIELD CREATED EXPIRES FIDELITY`, with \"-\" for a token that never expires, or
`unknown`: unknown, expired, forbidden and foreign tokens look alike.

Example:
  echo 'Kfo Mbwqtird' | counterfoil inspect --dev .dev --as agent")]
pub(super) struct InspectArgs {
    /// The field to look in; every field if there is none
    #[arg(long, value_parser = field)]
    field: Option<FieldName>,

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

struct Inspect {
    client: TokenClient,
    field: Option<FieldName>,
    subject: Option<Subject>,
    parts: PartsArgs,
}

impl InspectArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.token(&self.connection).await?;
        let call = Inspect {
            client,
            field: self.field,
            subject: self.subject,
            parts: self.parts,
        };
        self.lines.answer(call).await
    }
}

impl LineCall for Inspect {
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
        let results = self.client.inspect(&request_id, items).await?.into_iter();
        Ok(results.map(|result| result.map(described)).collect())
    }
}

fn described(description: TokenDescription) -> Answer {
    match description {
        TokenDescription::Known {
            field,
            created,
            expires,
            fidelity,
        } => {
            let fidelity = fidelity_name(fidelity);
            let created = DateTime(created).to_string();
            let expires = expires.map(|time| DateTime(time).to_string());
            let end = expires.as_deref().unwrap_or("-");
            Answer::new(
                &format!("known {field} {created} {end} {fidelity}"),
                [
                    ("known", json!(true)),
                    ("field", json!(field)),
                    ("created", json!(created)),
                    ("expires", json!(expires)),
                    ("fidelity", json!(fidelity)),
                ],
            )
        }
        TokenDescription::Unknown { recognition } => Answer::new(
            "unknown",
            [
                ("known", json!(false)),
                ("recognition", json!(recognition_name(recognition))),
            ],
        ),
    }
}
