//! A value a line in, a token a line out.

use zeroize::Zeroizing;

use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::parts::PartsArgs;
use crate::cli::pipeline::LineCall;
use crate::cli::tokenize::issued;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::TokenClient;
use crate::client::ValueItem;
use crate::domain::FieldName;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;

/// Tokenizes lines of one field.
pub(super) struct Tokenize {
    pub(super) client: TokenClient,
    pub(super) field: FieldName,
    pub(super) subject: Option<Subject>,
    pub(super) ttl_seconds: Option<u32>,
    pub(super) parts: PartsArgs,
}

impl LineCall for Tokenize {
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
        let results = self.client.tokenize(&request_id, items, self.ttl_seconds);
        let results = results.await?.into_iter();
        Ok(results
            .map(|result| result.map(|token| issued(&token, &self.parts)))
            .collect())
    }
}
