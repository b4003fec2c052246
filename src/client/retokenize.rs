//! Replacing tokens by others for the same values.

use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::client::error::ClientError;
use crate::client::error::ItemError;
use crate::client::item::IssuedToken;
use crate::client::item::TokenItem;
use crate::client::item::issued;
use crate::client::item::results;
use crate::client::item::split;
use crate::client::item::subject;
use crate::client::item::timestamp;
use crate::client::keys::KeyClient;
use crate::client::retry;
use crate::client::token::NO_RESULT;
use crate::domain::CeremonyId;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::domain::Timestamp;
use crate::protocol;

/// The token that a value has in the place of an old one.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct ReplacedToken {
    /// The token. Not created by this call where the old one had been replaced before, or is young
    /// enough to stay.
    pub token: IssuedToken,
    /// From when on the old one opens no more; nothing, where it is the value's token still.
    pub old_ends: Option<Timestamp>,
}

impl KeyClient {
    /// Replaces at most [`crate::client::ITEMS_MAX`] tokens, as the officers' operation allows it,
    /// in order. To do it again gives the same tokens.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each token has a result of its own.
    pub async fn retokenize(
        &self,
        namespace: &Namespace,
        operation: &CeremonyId,
        request_id: &RequestId,
        items: Vec<TokenItem>,
    ) -> Result<Vec<Result<ReplacedToken, ItemError>>, ClientError> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| {
                // The token leaves for the vault.
                let (token, token_parts) = split(item.token.expose());
                protocol::RetokenizeItem {
                    field: item.field.as_ref().map_or("", FieldName::as_str).to_owned(),
                    token,
                    token_parts,
                    subject: subject(item.subject),
                }
            })
            .collect();
        let items_count = items.len();
        let message = protocol::RetokenizeRequest {
            namespace: namespace.as_str().to_owned(),
            operation_id: operation.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            acting_principal: self.assertion()?.to_string(),
        };
        let response = retry::call(message, |request| self.retokenize_once(request));
        results(response.await?.results, items_count, |result| match result
            .result
            .ok_or(NO_RESULT)?
        {
            protocol::retokenize_result::Result::Token(token) => Ok(Ok(ReplacedToken {
                token: issued(token.value.ok_or(NO_RESULT)?)?,
                old_ends: token.old_ends.map(timestamp).transpose()?,
            })),
            protocol::retokenize_result::Result::Error(status) => Ok(Err(status)),
        })
    }

    /// A stream of one message: it is repeated as a whole where the vault asks for that.
    async fn retokenize_once(
        &self,
        request: Request<protocol::RetokenizeRequest>,
    ) -> Result<Response<protocol::RetokenizeResponse>, Status> {
        let stream = request.map(tokio_stream::once);
        let answers = self.service.clone().retokenize(stream).await?;
        let answer = answers.into_inner().message().await?;
        answer
            .map(Response::new)
            .ok_or_else(|| Status::unavailable("the stream ended without an answer"))
    }
}
