//! Importing tokens.

use crate::client::error::ClientError;
use crate::client::error::ItemError;
use crate::client::item::ClaimItem;
use crate::client::item::IssuedToken;
use crate::client::item::issued;
use crate::client::item::results;
use crate::client::item::split;
use crate::client::item::subject;
use crate::client::retry;
use crate::client::token::NO_RESULT;
use crate::client::token::TokenClient;
use crate::domain::RequestId;
use crate::protocol;

impl TokenClient {
    /// Makes each of at most [`crate::client::ITEMS_MAX`] tokens stand for its value, in order. A
    /// field's own time to live holds where `ttl_seconds` is nothing.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each pair has a result of its own.
    pub async fn import_tokens(
        &self,
        request_id: &RequestId,
        items: Vec<ClaimItem>,
        ttl_seconds: Option<u32>,
        allow_token_values: bool,
    ) -> Result<Vec<Result<IssuedToken, ItemError>>, ClientError> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| {
                // Value and token leave for the vault.
                let (value, value_parts) = split(item.value.expose());
                let (token, token_parts) = split(item.token.expose());
                protocol::ImportItem {
                    field: item.field.as_str().to_owned(),
                    value,
                    token,
                    subject: subject(item.subject),
                    ttl: ttl_seconds.unwrap_or(0),
                    value_parts,
                    token_parts,
                }
            })
            .collect();
        let items_count = items.len();
        let message = protocol::ImportTokensRequest {
            namespace: self.namespace.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            allow_token_values,
        };
        let response = retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.import_tokens(request).await }
        });
        results(response.await?.results, items_count, |result| match result
            .result
            .ok_or(NO_RESULT)?
        {
            protocol::import_tokens_result::Result::Token(token) => issued(token).map(Ok),
            protocol::import_tokens_result::Result::Error(status) => Ok(Err(status)),
        })
    }
}
