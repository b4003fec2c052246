//! Redaction, called.

use crate::client::error::ClientError;
use crate::client::error::ItemError;
use crate::client::item::IssuedToken;
use crate::client::item::issued;
use crate::client::item::results;
use crate::client::retry;
use crate::client::token::NO_RESULT;
use crate::client::token::TokenClient;
use crate::domain::FieldName;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::protocol;

/// A text that wants its values replaced.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct TextItem {
    /// The text.
    pub text: Plaintext,
    /// The customer whom its values belong to.
    pub subject: Option<Subject>,
}

/// A text with tokens in the place of its values.
#[expect(
    missing_debug_implementations,
    reason = "a text may hold values that were not found"
)]
pub struct RedactedText {
    /// The text.
    pub text: Plaintext,
    /// What was replaced, in order.
    pub spans: Vec<RedactedSpan>,
}

/// A value that was replaced.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct RedactedSpan {
    /// The first character of the value in the original text, from 0.
    pub start: u32,
    /// One after the last.
    pub end: u32,
    /// Its field.
    pub field: String,
    /// Its token.
    pub token: IssuedToken,
}

impl TokenClient {
    /// Replaces the values in each of at most [`crate::client::ITEMS_MAX`] texts, in order.
    /// `known` are values that may be in any of them; `fields` what is looked for by its form,
    /// everything if it is empty.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each text has a result of its own.
    pub async fn redact(
        &self,
        request_id: &RequestId,
        items: Vec<TextItem>,
        known: &[(FieldName, Plaintext)],
        fields: &[FieldName],
    ) -> Result<Vec<Result<RedactedText, ItemError>>, ClientError> {
        let known: Vec<protocol::KnownValue> = known
            .iter()
            .map(|(field, value)| protocol::KnownValue {
                field: field.as_str().to_owned(),
                // The value leaves for the vault.
                value: value.expose().to_owned(),
            })
            .collect();
        let items: Vec<_> = items
            .into_iter()
            .map(|item| protocol::RedactItem {
                // The text leaves for the vault.
                text: item.text.expose().to_owned(),
                subject: item
                    .subject
                    .map_or(String::new(), |it| it.as_str().to_owned()),
                known: known.clone(),
            })
            .collect();
        let items_count = items.len();
        let message = protocol::RedactRequest {
            namespace: self.namespace.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            fields: fields.iter().map(|name| name.as_str().to_owned()).collect(),
            acting_principal: self.assertion()?.to_string(),
        };
        let response = retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.redact(request).await }
        });
        results(response.await?.results, items_count, |result| match result
            .result
            .ok_or(NO_RESULT)?
        {
            protocol::redact_result::Result::Redacted(text) => redacted(text).map(Ok),
            protocol::redact_result::Result::Error(status) => Ok(Err(status)),
        })
    }
}

fn redacted(text: protocol::RedactedText) -> Result<RedactedText, ClientError> {
    let span = |span: protocol::RedactedSpan| {
        Ok(RedactedSpan {
            start: span.start,
            end: span.end,
            field: span.field,
            token: issued(span.token.ok_or(NO_RESULT)?)?,
        })
    };
    Ok(RedactedText {
        text: Plaintext::new(text.text),
        spans: text
            .spans
            .into_iter()
            .map(span)
            .collect::<Result<_, ClientError>>()?,
    })
}
