//! Having backups made, on the reveal listener.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tonic::Streaming;
use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::client::channel;
use crate::client::error::ClientError;
use crate::client::profile::Profile;
use crate::client::reveal::ActingPrincipal;
use crate::protocol;
use crate::protocol::backup_service_client::BackupServiceClient;

/// Has backups made.
#[derive(Clone)]
pub struct BackupClient {
    service: BackupServiceClient<Channel>,
    acting: Option<Arc<dyn ActingPrincipal>>,
}

impl BackupClient {
    /// Connects to the reveal listener.
    ///
    /// # Errors
    ///
    /// If a certificate or key cannot be read, or the vault does not answer.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let channel = channel::connect(profile, &profile.reveal_address).await?;
        Ok(Self {
            service: BackupServiceClient::new(channel),
            acting: None,
        })
    }

    /// The same client on behalf of a person.
    #[must_use]
    pub fn on_behalf_of(self, acting: Arc<dyn ActingPrincipal>) -> Self {
        let acting = Some(acting);
        Self { acting, ..self }
    }

    /// Has a backup made in a directory of the vault's machine, and tells how far it is: the last
    /// message has what was made. It is not asked for twice: a backup that fails is made anew by
    /// who wants one.
    ///
    /// # Errors
    ///
    /// If the vault refuses, or does not answer.
    pub async fn create(
        &self,
        directory: &Path,
    ) -> Result<Streaming<protocol::CreateBackupResponse>, ClientError> {
        let assertion = match &self.acting {
            Some(acting) => acting.assertion()?,
            None => Zeroizing::default(),
        };
        let message = protocol::CreateBackupRequest {
            directory: directory.to_string_lossy().into_owned(),
            // It leaves for the vault, which alone can use it under our certificate.
            acting_principal: assertion.to_string(),
        };
        let answer = self.service.clone().create_backup(message).await?;
        Ok(answer.into_inner())
    }
}

impl fmt::Debug for BackupClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BackupClient")
            .finish_non_exhaustive()
    }
}
