//! `counterfoil verify-match`: whether tokens stand for the values claimed with them.

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::line_args::SUBJECT_HELP;
use crate::cli::line_args::subject;
use crate::cli::pipeline::LineCall;
use crate::cli::tokenize::field;
use crate::client::ClaimItem;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::TokenClient;
use crate::domain::FieldName;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;

/// Says whether each token stands for the value claimed with it: `true` or `false`
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A line is a token, a tab, and the claimed value.

Example:
  printf 'Kfo Mbwqtird\\tAda Lovelace\\n' | counterfoil verify-match --field name --dev .dev")]
pub(super) struct VerifyMatchArgs {
    /// The field that every pair belongs to
    #[arg(long, value_parser = field)]
    field: FieldName,

    #[arg(long, value_parser = subject, help = SUBJECT_HELP)]
    subject: Option<Subject>,

    #[command(flatten)]
    lines: LineArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

struct VerifyMatch {
    client: TokenClient,
    field: FieldName,
    subject: Option<Subject>,
}

impl VerifyMatchArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = TokenClient::connect(&self.connection.profile()?).await?;
        let call = VerifyMatch {
            client,
            field: self.field,
            subject: self.subject,
        };
        self.lines.answer(call).await
    }
}

impl LineCall for VerifyMatch {
    type Item = ClaimItem;

    fn item(&self, value: Zeroizing<String>) -> Result<ClaimItem, Failure> {
        let (token, value) = pair(&value).map_err(Failure::invalid)?;
        Ok(ClaimItem {
            field: self.field.clone(),
            token: Token::new(token.to_owned()),
            value: Plaintext::new(value.to_owned()),
            subject: self.subject.clone(),
        })
    }

    async fn call(
        &self,
        request_id: RequestId,
        items: Vec<ClaimItem>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        let results = self.client.verify_match(&request_id, items).await?;
        let answer = |equal: bool| Answer::new(&equal.to_string(), [("equal", json!(equal))]);
        Ok(results
            .into_iter()
            .map(|result| result.map(answer))
            .collect())
    }
}

/// Splits a line at its tab. A token has no tab, escaped or not, so the first one is it.
fn pair(line: &str) -> Result<(&str, &str), &'static str> {
    line.split_once('\t')
        .ok_or("the line has no tab between a token and a value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_a_token_and_a_value() {
        assert_eq!(pair("Kfo\tAda\tB"), Ok(("Kfo", "Ada\tB")));
        assert!(pair("Kfo Ada").is_err());
    }
}
