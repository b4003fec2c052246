//! Calls to KeyService, on the reveal listener.

use std::fmt;
use std::sync::Arc;

use tonic::Streaming;
use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::ceremony::Charter;
use crate::ceremony::Operation;
use crate::ceremony::Statement;
use crate::client::ActingPrincipal;
use crate::client::channel;
use crate::client::channel::MESSAGE_BYTES_MAX;
use crate::client::error::ClientError;
use crate::client::profile::Profile;
use crate::client::retry;
use crate::crypto::Entropy;
use crate::crypto::note::SignedNote;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Timestamp;
use crate::protocol;
use crate::protocol::key_service_client::KeyServiceClient;

/// Calls to KeyService. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub struct KeyClient {
    pub(super) service: KeyServiceClient<Channel>,
    acting: Option<Arc<dyn ActingPrincipal>>,
}

impl KeyClient {
    /// Connects to the reveal listener.
    ///
    /// # Errors
    ///
    /// If a certificate or key cannot be read, or the vault does not answer.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let channel = channel::connect(profile, &profile.reveal_address).await?;
        let service = KeyServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self {
            service,
            acting: None,
        })
    }

    /// The same client on behalf of a person.
    #[must_use]
    pub fn on_behalf_of(self, acting: Arc<dyn ActingPrincipal>) -> Self {
        let acting = Some(acting);
        Self { acting, ..self }
    }

    /// Lists keys, officers, rules and operations.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn list(&self) -> Result<protocol::ListKeysResponse, ClientError> {
        self.list_with(false).await
    }

    /// The same, with what is still under older key versions, if `count_usage`.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn list_with(
        &self,
        count_usage: bool,
    ) -> Result<protocol::ListKeysResponse, ClientError> {
        let message = protocol::ListKeysRequest {
            acting_principal: self.assertion()?.to_string(),
            count_usage,
        };
        retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.list_keys(request).await }
        })
        .await
    }

    /// Proposes an operation. To propose the same statement again changes nothing.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn propose(
        &self,
        note: &SignedNote,
        charter: Option<&str>,
    ) -> Result<protocol::Operation, ClientError> {
        let message = protocol::ProposeOperationRequest {
            note: note.to_string(),
            charter: charter.unwrap_or_default().to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.propose_operation(request).await }
        })
        .await
    }

    /// Adds a signature to an operation. To add it again changes nothing.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn approve(
        &self,
        operation_id: &str,
        note: &SignedNote,
    ) -> Result<protocol::Operation, ClientError> {
        let message = protocol::ApproveOperationRequest {
            operation_id: operation_id.to_owned(),
            note: note.to_string(),
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.approve_operation(request).await }
        })
        .await
    }

    /// Adds a signature that an operation is cancelled. To add it again changes nothing.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn cancel(
        &self,
        operation_id: &str,
        note: &SignedNote,
    ) -> Result<protocol::Operation, ClientError> {
        let message = protocol::CancelOperationRequest {
            operation_id: operation_id.to_owned(),
            note: note.to_string(),
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.cancel_operation(request).await }
        })
        .await
    }

    /// Says where an operation is.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn operation(&self, operation_id: &str) -> Result<protocol::Operation, ClientError> {
        let message = protocol::GetOperationRequest {
            operation_id: operation_id.to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.get_operation(request).await }
        })
        .await
    }

    /// Watches an operation until it is over.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn watch(
        &self,
        operation_id: &str,
    ) -> Result<Streaming<protocol::Operation>, ClientError> {
        let message = protocol::WatchOperationRequest {
            operation_id: operation_id.to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        let mut service = self.service.clone();
        Ok(service.watch_operation(message).await?.into_inner())
    }

    /// Lists whom a version of a wrapping key protects, page by page; `with_moved` also whom it
    /// protected until it retired.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn list_protected(
        &self,
        namespace: &Namespace,
        version: KeyVersion,
        with_moved: bool,
    ) -> Result<Streaming<protocol::ListProtectedResponse>, ClientError> {
        let message = protocol::ListProtectedRequest {
            namespace: namespace.as_str().to_owned(),
            key_version: version.number(),
            with_moved,
            acting_principal: self.assertion()?.to_string(),
        };
        let mut service = self.service.clone();
        Ok(service.list_protected(message).await?.into_inner())
    }

    pub(super) fn assertion(&self) -> Result<Zeroizing<String>, ClientError> {
        match &self.acting {
            Some(acting) => acting.assertion(),
            None => Ok(Zeroizing::default()),
        }
    }
}

/// The statement of an operation for the vault that has answered so, to be signed within
/// `valid_seconds`.
///
/// # Errors
///
/// If the vault has no officers, or its answer contradicts itself.
pub fn statement(
    listed: &protocol::ListKeysResponse,
    operation: Operation,
    now: Timestamp,
    valid_seconds: u64,
    entropy: &dyn Entropy,
) -> Result<Statement, ClientError> {
    let wrong = ClientError::Response("charter and its digest differ");
    let charter = Charter::read(&listed.charter).map_err(|_| wrong)?;
    if charter.digest().as_slice() != listed.charter_digest {
        return Err(ClientError::Response("charter and its digest differ"));
    }
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce);
    // Statements have whole seconds.
    let proposed = Timestamp::from_unix_ms(now.unix_ms() / 1_000 * 1_000);
    Ok(Statement {
        vault: listed.vault.clone(),
        operation,
        charter: charter.digest(),
        nonce,
        proposed,
        expires: proposed.plus_seconds(valid_seconds),
    })
}

impl fmt::Debug for KeyClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyClient").finish_non_exhaustive()
    }
}
