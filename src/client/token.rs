//! Calls to the token listener.

use std::fmt;
use std::sync::Arc;

use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::client::channel;
use crate::client::channel::MESSAGE_BYTES_MAX;
use crate::client::error::ClientError;
use crate::client::error::ItemError;
use crate::client::item::ClaimItem;
use crate::client::item::IssuedToken;
use crate::client::item::TokenDescription;
use crate::client::item::TokenItem;
use crate::client::item::ValueItem;
use crate::client::item::description;
use crate::client::item::issued;
use crate::client::item::results;
use crate::client::item::split;
use crate::client::item::subject;
use crate::client::profile::Profile;
use crate::client::retry;
use crate::client::reveal::ActingPrincipal;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::protocol;
use crate::protocol::token_service_client::TokenServiceClient;

/// Calls to the token listener: everything that gives no value back. Cheap to clone; clones share
/// one connection.
#[derive(Clone)]
pub struct TokenClient {
    pub(super) service: TokenServiceClient<Channel>,
    pub(super) namespace: Namespace,
    are_decoys: bool,
    acting: Option<Arc<dyn ActingPrincipal>>,
}

impl TokenClient {
    /// Connects to the token listener.
    ///
    /// # Errors
    ///
    /// If a certificate or key cannot be read, or the vault does not answer.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let channel = channel::connect(profile, &profile.token_address).await?;
        let service = TokenServiceClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self {
            service,
            namespace: profile.namespace.clone(),
            are_decoys: false,
            acting: None,
        })
    }

    /// The same client on behalf of a person: all calls but those that tokenize or import.
    #[must_use]
    pub fn on_behalf_of(self, acting: Arc<dyn ActingPrincipal>) -> Self {
        let acting = Some(acting);
        Self { acting, ..self }
    }

    /// The same client, whose values are of customers who do not exist.
    #[must_use]
    pub fn for_decoys(self, are_decoys: bool) -> Self {
        Self { are_decoys, ..self }
    }

    /// Gives each of at most [`crate::client::ITEMS_MAX`] values its token, in order. A field's
    /// own time to live holds where `ttl_seconds` is nothing.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each value has a result of its own.
    pub async fn tokenize(
        &self,
        request_id: &RequestId,
        items: Vec<ValueItem>,
        ttl_seconds: Option<u32>,
    ) -> Result<Vec<Result<IssuedToken, ItemError>>, ClientError> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| {
                // The value leaves for the vault.
                let (value, value_parts) = split(item.value.expose());
                protocol::TokenizeItem {
                    field: item.field.as_str().to_owned(),
                    value,
                    value_parts,
                    subject: subject(item.subject),
                    ttl: ttl_seconds.unwrap_or(0),
                }
            })
            .collect();
        let items_count = items.len();
        let message = protocol::TokenizeRequest {
            namespace: self.namespace.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            allow_token_values: false,
            decoys: self.are_decoys,
        };
        let response = retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.tokenize(request).await }
        });
        results(response.await?.results, items_count, |result| match result
            .result
            .ok_or(NO_RESULT)?
        {
            protocol::tokenize_result::Result::Token(token) => issued(token).map(Ok),
            protocol::tokenize_result::Result::Error(status) => Ok(Err(status)),
        })
    }

    /// Finds the existing token of each of at most [`crate::client::ITEMS_MAX`] values, in order.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each value has a result of its own.
    pub async fn lookup(
        &self,
        request_id: &RequestId,
        items: Vec<ValueItem>,
    ) -> Result<Vec<Result<IssuedToken, ItemError>>, ClientError> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| {
                // The value leaves for the vault.
                let (value, value_parts) = split(item.value.expose());
                protocol::LookupItem {
                    field: item.field.as_str().to_owned(),
                    value,
                    value_parts,
                    subject: subject(item.subject),
                }
            })
            .collect();
        let items_count = items.len();
        let message = protocol::LookupRequest {
            namespace: self.namespace.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            acting_principal: self.assertion()?.to_string(),
        };
        let response = retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.lookup(request).await }
        });
        results(response.await?.results, items_count, |result| match result
            .result
            .ok_or(NO_RESULT)?
        {
            protocol::lookup_result::Result::Token(token) => issued(token).map(Ok),
            protocol::lookup_result::Result::Error(status) => Ok(Err(status)),
        })
    }

    /// Says what is known of each of at most [`crate::client::ITEMS_MAX`] tokens, in order.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each token has a result of its own.
    pub async fn inspect(
        &self,
        request_id: &RequestId,
        items: Vec<TokenItem>,
    ) -> Result<Vec<Result<TokenDescription, ItemError>>, ClientError> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| {
                // The token leaves for the vault.
                let (token, token_parts) = split(item.token.expose());
                protocol::InspectItem {
                    field: item.field.as_ref().map_or("", FieldName::as_str).to_owned(),
                    token,
                    token_parts,
                    subject: subject(item.subject),
                }
            })
            .collect();
        let items_count = items.len();
        let message = protocol::InspectRequest {
            namespace: self.namespace.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            acting_principal: self.assertion()?.to_string(),
        };
        let response = retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.inspect(request).await }
        });
        results(response.await?.results, items_count, |result| match result
            .result
            .ok_or(NO_RESULT)?
        {
            protocol::inspect_result::Result::Description(known) => description(known).map(Ok),
            protocol::inspect_result::Result::Error(status) => Ok(Err(status)),
        })
    }

    /// Says whether each of at most [`crate::client::ITEMS_MAX`] tokens stands for the value
    /// claimed with it, in order.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each pair has a result of its own.
    pub async fn verify_match(
        &self,
        request_id: &RequestId,
        items: Vec<ClaimItem>,
    ) -> Result<Vec<Result<bool, ItemError>>, ClientError> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| {
                // Token and value leave for the vault.
                let (token, token_parts) = split(item.token.expose());
                let (value, value_parts) = split(item.value.expose());
                protocol::VerifyMatchItem {
                    field: item.field.as_str().to_owned(),
                    token,
                    token_parts,
                    value,
                    value_parts,
                    subject: subject(item.subject),
                }
            })
            .collect();
        let items_count = items.len();
        let message = protocol::VerifyMatchRequest {
            namespace: self.namespace.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            acting_principal: self.assertion()?.to_string(),
        };
        let response = retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.verify_match(request).await }
        });
        results(response.await?.results, items_count, |result| match result
            .result
            .ok_or(NO_RESULT)?
        {
            protocol::verify_match_result::Result::Equal(equal) => Ok(Ok(equal)),
            protocol::verify_match_result::Result::Error(status) => Ok(Err(status)),
        })
    }

    /// It leaves for the vault, which alone can use it under our certificate.
    pub(super) fn assertion(&self) -> Result<Zeroizing<String>, ClientError> {
        match &self.acting {
            Some(acting) => acting.assertion(),
            None => Ok(Zeroizing::default()),
        }
    }
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenClient")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

pub(super) const NO_RESULT: ClientError = ClientError::Response("an item has no result");
