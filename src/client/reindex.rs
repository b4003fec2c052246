//! Moving records by their tokens.

use crate::client::error::ClientError;
use crate::client::error::ItemError;
use crate::client::item::TokenItem;
use crate::client::item::results;
use crate::client::item::split;
use crate::client::item::subject;
use crate::client::keys::KeyClient;
use crate::client::retry;
use crate::client::token::NO_RESULT;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::protocol;
use crate::protocol::ReindexOutcome;

impl KeyClient {
    /// Moves the record of each of at most [`crate::client::ITEMS_MAX`] tokens to where the active
    /// fingerprint keys find it, in order. To do it again changes nothing.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each token has a result of its own.
    pub async fn reindex(
        &self,
        namespace: &Namespace,
        request_id: &RequestId,
        items: Vec<TokenItem>,
    ) -> Result<Vec<Result<ReindexOutcome, ItemError>>, ClientError> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| {
                // The token leaves for the vault.
                let (token, token_parts) = split(item.token.expose());
                protocol::ReindexItem {
                    field: item.field.as_ref().map_or("", FieldName::as_str).to_owned(),
                    token,
                    token_parts,
                    subject: subject(item.subject),
                }
            })
            .collect();
        let items_count = items.len();
        let message = protocol::ReindexRequest {
            namespace: namespace.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            acting_principal: self.assertion()?.to_string(),
        };
        let response = retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.reindex(request).await }
        });
        results(response.await?.results, items_count, |result| match result
            .result
            .ok_or(NO_RESULT)?
        {
            protocol::reindex_result::Result::Outcome(number) => {
                let outcome = ReindexOutcome::try_from(number).map_err(|_| NO_RESULT)?;
                Ok(Ok(outcome))
            }
            protocol::reindex_result::Result::Error(status) => Ok(Err(status)),
        })
    }
}
