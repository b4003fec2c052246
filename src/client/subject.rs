//! Calls about a customer's records, on the reveal listener.

use std::fmt;
use std::sync::Arc;

use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::client::channel;
use crate::client::error::ClientError;
use crate::client::profile::Profile;
use crate::client::retry;
use crate::client::reveal::ActingPrincipal;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::protocol;
use crate::protocol::subject_service_client::SubjectServiceClient;

/// Calls about a customer's records. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub struct SubjectClient {
    service: SubjectServiceClient<Channel>,
    namespace: Namespace,
    acting: Option<Arc<dyn ActingPrincipal>>,
}

impl SubjectClient {
    /// Connects to the reveal listener.
    ///
    /// # Errors
    ///
    /// If a certificate or key cannot be read, or the vault does not answer.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let channel = channel::connect(profile, &profile.reveal_address).await?;
        Ok(Self {
            service: SubjectServiceClient::new(channel),
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

    /// Says which records a customer has.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn describe(
        &self,
        subject: &Subject,
    ) -> Result<protocol::DescribeSubjectResponse, ClientError> {
        let message = protocol::DescribeSubjectRequest {
            namespace: self.namespace.as_str().to_owned(),
            subject: subject.as_str().to_owned(),
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.describe_subject(request).await }
        })
        .await
    }

    /// Erases records of a customer, as many as one call does.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn erase(
        &self,
        subject: &Subject,
        dry_run: bool,
    ) -> Result<protocol::EraseSubjectResponse, ClientError> {
        let message = protocol::EraseSubjectRequest {
            namespace: self.namespace.as_str().to_owned(),
            subject: subject.as_str().to_owned(),
            dry_run,
            acting_principal: self.assertion()?.to_string(),
        };
        retry::call(message, |request| {
            let mut service = self.service.clone();
            async move { service.erase_subject(request).await }
        })
        .await
    }

    /// It leaves for the vault, which alone can use it under our certificate.
    fn assertion(&self) -> Result<Zeroizing<String>, ClientError> {
        match &self.acting {
            Some(acting) => acting.assertion(),
            None => Ok(Zeroizing::default()),
        }
    }
}

impl fmt::Debug for SubjectClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SubjectClient")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
