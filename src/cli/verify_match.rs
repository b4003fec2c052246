//! `counterfoil verify-match`: whether tokens stand for the values claimed with them.

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
A line is a token, a tab, and the claimed value; with --parts each has a tab between its parts.

Example:
  printf 'Kfo Mbwqtird\\tAda Lovelace\\n' | counterfoil verify-match --field name --dev .dev")]
pub(super) struct VerifyMatchArgs {
    /// The field that every pair belongs to
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

struct VerifyMatch {
    client: TokenClient,
    field: FieldName,
    subject: Option<Subject>,
    parts: PartsArgs,
}

impl VerifyMatchArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.token(&self.connection).await?;
        let call = VerifyMatch {
            client,
            field: self.field,
            subject: self.subject,
            parts: self.parts,
        };
        self.lines.answer(call).await
    }
}

impl LineCall for VerifyMatch {
    type Item = ClaimItem;

    fn item(&self, value: Zeroizing<String>) -> Result<ClaimItem, Failure> {
        let (token, value) = pair(&value, self.parts.count()).map_err(Failure::invalid)?;
        Ok(ClaimItem {
            field: self.field.clone(),
            token: Token::new(self.parts.text(token)?),
            value: Plaintext::new(self.parts.text(value)?),
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

/// Splits a line at the tab after its token. A token has no tab, escaped or not, but between its
/// texts, so the first one after so many texts is it.
fn pair(line: &str, texts_count: usize) -> Result<(&str, &str), &'static str> {
    let mut tabs = line.match_indices('\t').map(|(place, _)| place);
    let place = tabs.nth(texts_count.saturating_sub(1));
    place
        .and_then(|place| Some((line.get(..place)?, line.get(place + 1..)?)))
        .ok_or("the line has no tab between a token and a value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_a_token_and_a_value() {
        assert_eq!(pair("Kfo\tAda\tB", 1), Ok(("Kfo", "Ada\tB")));
        assert_eq!(pair("K\tf\t\tA", 2), Ok(("K\tf", "\tA")));
        assert!(pair("Kfo Ada", 1).is_err());
        assert!(pair("K\tf", 2).is_err());
    }
}
