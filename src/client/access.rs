//! Calls about grants, freezes and budgets, on the reveal listener.

use std::fmt;
use std::sync::Arc;

use tonic::Response;
use tonic::Status;
use tonic::Streaming;
use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::client::channel;
use crate::client::error::ClientError;
use crate::client::profile::Profile;
use crate::client::retry;
use crate::client::reveal::ActingPrincipal;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::protocol;
use crate::protocol::grant_service_client::GrantServiceClient;
use crate::protocol::principal_service_client::PrincipalServiceClient;

/// Calls about grants, freezes and budgets. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub struct AccessClient {
    grants: GrantServiceClient<Channel>,
    principals: PrincipalServiceClient<Channel>,
    namespace: Namespace,
    acting: Option<Arc<dyn ActingPrincipal>>,
}

impl AccessClient {
    /// Connects to the reveal listener.
    ///
    /// # Errors
    ///
    /// If a certificate or key cannot be read, or the vault does not answer.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let channel = channel::connect(profile, &profile.reveal_address).await?;
        Ok(Self {
            grants: GrantServiceClient::new(channel.clone()),
            principals: PrincipalServiceClient::new(channel),
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

    /// The tenant of the calls.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Asks for a grant. The scope's namespace is the client's.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn request_grant(
        &self,
        request_id: &RequestId,
        scope: protocol::GrantScope,
    ) -> Result<protocol::Grant, ClientError> {
        let scope = protocol::GrantScope {
            namespace: self.namespace.as_str().to_owned(),
            ..scope
        };
        let message = protocol::RequestGrantRequest {
            request_id: request_id.as_str().to_owned(),
            scope: Some(scope),
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.grants.clone();
            async move { service.request_grant(request).await }
        })
        .await
    }

    /// Says yes to the scope with this digest.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn approve_grant(
        &self,
        grant_id: &str,
        scope_digest: Vec<u8>,
    ) -> Result<protocol::Grant, ClientError> {
        let message = protocol::ApproveGrantRequest {
            namespace: self.namespace.as_str().to_owned(),
            grant_id: grant_id.to_owned(),
            scope_digest,
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.grants.clone();
            async move { service.approve_grant(request).await }
        })
        .await
    }

    /// Says no to a grant that waits.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn deny_grant(&self, grant_id: &str) -> Result<protocol::Grant, ClientError> {
        retry::call(self.decision(grant_id)?, |request| {
            let mut service = self.grants.clone();
            async move { service.deny_grant(request).await }
        })
        .await
    }

    /// Ends a grant before its time.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn revoke_grant(&self, grant_id: &str) -> Result<protocol::Grant, ClientError> {
        retry::call(self.decision(grant_id)?, |request| {
            let mut service = self.grants.clone();
            async move { service.revoke_grant(request).await }
        })
        .await
    }

    /// Describes a grant.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn grant(&self, grant_id: &str) -> Result<protocol::Grant, ClientError> {
        let message = protocol::GetGrantRequest {
            namespace: self.namespace.as_str().to_owned(),
            grant_id: grant_id.to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.grants.clone();
            async move { service.get_grant(request).await }
        })
        .await
    }

    /// Lists grants after this one, and says where the next page begins; nothing at the end.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn grants(
        &self,
        after: &str,
    ) -> Result<(Vec<protocol::Grant>, Option<String>), ClientError> {
        let message = protocol::ListGrantsRequest {
            namespace: self.namespace.as_str().to_owned(),
            after: after.to_owned(),
            acting_principal: self.assertion()?.to_string(),
            ..protocol::ListGrantsRequest::default()
        };
        let page = retry::call(message, |request| {
            let mut service = self.grants.clone();
            async move { service.list_grants(request).await }
        })
        .await?;
        Ok((page.grants, Some(page.next).filter(|next| !next.is_empty())))
    }

    /// Tells of grants as they change.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn watch_grants(&self) -> Result<Streaming<protocol::Grant>, ClientError> {
        let message = protocol::WatchGrantsRequest {
            namespace: self.namespace.as_str().to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        let mut service = self.grants.clone();
        let watched: Result<Response<_>, Status> = service.watch_grants(message).await;
        Ok(watched?.into_inner())
    }

    /// Freezes, and returns the index of the entry.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn freeze(&self, target: &str) -> Result<u64, ClientError> {
        let message = protocol::FreezeRequest {
            target: target.to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        let frozen = retry::call(message, |request| {
            let mut service = self.principals.clone();
            async move { service.freeze(request).await }
        })
        .await?;
        Ok(frozen.leaf_index)
    }

    /// Asks that something be unfrozen, and says whether it is.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn unfreeze(&self, target: &str) -> Result<bool, ClientError> {
        let message = protocol::UnfreezeRequest {
            target: target.to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        let asked = retry::call(message, |request| {
            let mut service = self.principals.clone();
            async move { service.unfreeze(request).await }
        })
        .await?;
        Ok(asked.is_unfrozen)
    }

    /// Lists what is frozen.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn freezes(&self) -> Result<Vec<protocol::Frozen>, ClientError> {
        let message = protocol::ListFreezesRequest {
            acting_principal: self.assertion()?.to_string(),
        };
        let listed = retry::call(message, |request| {
            let mut service = self.principals.clone();
            async move { service.list_freezes(request).await }
        })
        .await?;
        Ok(listed.frozen)
    }

    /// Says what is frozen of a principal or person, and what is used of their budgets.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn principal(
        &self,
        principal: &str,
        person: &str,
    ) -> Result<protocol::GetPrincipalResponse, ClientError> {
        let message = protocol::GetPrincipalRequest {
            namespace: self.namespace.as_str().to_owned(),
            principal: principal.to_owned(),
            person: person.to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.principals.clone();
            async move { service.get_principal(request).await }
        })
        .await
    }

    fn decision(&self, grant_id: &str) -> Result<protocol::DecideGrantRequest, ClientError> {
        Ok(protocol::DecideGrantRequest {
            namespace: self.namespace.as_str().to_owned(),
            grant_id: grant_id.to_owned(),
            acting_principal: self.assertion()?.to_string(),
        })
    }

    /// It leaves for the vault, which alone can use it under our certificate.
    fn assertion(&self) -> Result<Zeroizing<String>, ClientError> {
        match &self.acting {
            Some(acting) => acting.assertion(),
            None => Ok(Zeroizing::default()),
        }
    }
}

impl fmt::Debug for AccessClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AccessClient")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
