//! Calls to the reveal listener.

use std::fmt;
use std::sync::Arc;

use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::client::channel;
use crate::client::channel::MESSAGE_BYTES_MAX;
use crate::client::error::ClientError;
use crate::client::error::ItemError;
use crate::client::item::TokenItem;
use crate::client::item::joined;
use crate::client::item::results;
use crate::client::item::split;
use crate::client::item::subject;
use crate::client::profile::Profile;
use crate::client::retry;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::Purpose;
use crate::domain::RequestId;
use crate::protocol;
use crate::protocol::detokenization_service_client::DetokenizationServiceClient;

/// Calls to the reveal listener. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub struct RevealClient {
    service: DetokenizationServiceClient<Channel>,
    namespace: Namespace,
    acting: Option<Arc<dyn ActingPrincipal>>,
}

/// On whose behalf calls are made.
pub trait ActingPrincipal: Send + Sync {
    /// A signed assertion (JWT) of the person, asked for before each call.
    ///
    /// # Errors
    ///
    /// If there is none now.
    fn assertion(&self) -> Result<Zeroizing<String>, ClientError>;
}

/// Why values are revealed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reason {
    /// The purpose, a word that the vault's policies know.
    pub purpose: Purpose,
    /// The case, where the policy asks for one.
    pub case_id: Option<CaseId>,
    /// The grant, where one is needed.
    pub grant_id: Option<String>,
}

/// What a reveal gives back.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Revealed {
    /// One result for each token, in order: its value, or the mask of it.
    pub results: Vec<Result<Plaintext, ItemError>>,
    /// The proof that the call is in the audit log.
    pub receipt: Receipt,
    /// How many more subjects the caller may reveal; nothing where no budget applies.
    pub budget_remaining: Option<u64>,
}

/// The proof that a call is in the audit log. The log's public key alone checks it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Receipt {
    /// The entry's index, from 0.
    pub leaf_index: u64,
    /// The leaf's hash (RFC 9162, section 2.1.1).
    pub leaf_hash: Vec<u8>,
    /// Hashes from the leaf to the root of the checkpoint (RFC 9162, section 2.1.3).
    pub inclusion_proof: Vec<Vec<u8>>,
    /// The signed checkpoint that covers the entry (C2SP tlog-checkpoint).
    pub checkpoint: String,
}

impl RevealClient {
    /// Connects to the reveal listener.
    ///
    /// # Errors
    ///
    /// If a certificate or key cannot be read, or the vault does not answer.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let channel = channel::connect(profile, &profile.reveal_address).await?;
        let service = DetokenizationServiceClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self {
            service,
            namespace: profile.namespace.clone(),
            acting: None,
        })
    }

    /// The same client on behalf of a person.
    #[must_use]
    pub fn on_behalf_of(self, acting: Arc<dyn ActingPrincipal>) -> Self {
        let acting = Some(acting);
        Self { acting, ..self }
    }

    /// Reveals the values of at most [`crate::client::ITEMS_MAX`] tokens, or masks of them, in
    /// order.
    ///
    /// # Errors
    ///
    /// If the call fails as a whole; otherwise each token has a result of its own.
    pub async fn detokenize(
        &self,
        request_id: &RequestId,
        items: Vec<TokenItem>,
        level: Level,
        reason: &Reason,
    ) -> Result<Revealed, ClientError> {
        let items: Vec<_> = items
            .into_iter()
            .map(|item| {
                // The token leaves for the vault.
                let (token, token_parts) = split(item.token.expose());
                protocol::DetokenizeItem {
                    field: item.field.as_ref().map_or("", FieldName::as_str).to_owned(),
                    token,
                    token_parts,
                    subject: subject(item.subject),
                }
            })
            .collect();
        let items_count = items.len();
        let case_id = reason.case_id.as_ref();
        let assertion = match &self.acting {
            Some(acting) => acting.assertion()?,
            None => Zeroizing::default(),
        };
        let message = protocol::DetokenizeRequest {
            namespace: self.namespace.as_str().to_owned(),
            request_id: request_id.as_str().to_owned(),
            items,
            level: match level {
                Level::Full => protocol::Level::Full,
                Level::Masked => protocol::Level::Masked,
            }
            .into(),
            purpose: reason.purpose.as_str().to_owned(),
            case_id: case_id.map_or_else(String::new, |id| id.as_str().to_owned()),
            grant_id: reason.grant_id.clone().unwrap_or_default(),
            // It leaves for the vault, which alone can use it under our certificate.
            acting_principal: assertion.as_str().to_owned(),
        };
        let response = retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.detokenize(request).await }
        })
        .await?;
        let receipt = response
            .receipt
            .ok_or(ClientError::Response("no receipt"))?;
        let read = |result: protocol::DetokenizeResult| match result.result {
            Some(protocol::detokenize_result::Result::Value(value)) => {
                Ok(Ok(Plaintext::new(value)))
            }
            Some(protocol::detokenize_result::Result::ValueParts(value)) => {
                joined(value.parts).map(Plaintext::new).map(Ok)
            }
            Some(protocol::detokenize_result::Result::Error(status)) => Ok(Err(status)),
            None => Err(ClientError::Response("an item has no result")),
        };
        Ok(Revealed {
            results: results(response.results, items_count, read)?,
            receipt: Receipt {
                leaf_index: receipt.leaf_index,
                leaf_hash: receipt.leaf_hash,
                inclusion_proof: receipt.inclusion_proof,
                checkpoint: receipt.checkpoint,
            },
            budget_remaining: response.budget_remaining,
        })
    }
}

impl fmt::Debug for RevealClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RevealClient")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
