//! Calls to SealService, on the reveal listener.

use std::fmt;

use tonic::transport::Channel;

use crate::client::channel;
use crate::client::error::ClientError;
use crate::client::profile::Profile;
use crate::keys::root::shares::Progress;
use crate::keys::root::shares::ShareOffer;
use crate::protocol;
use crate::protocol::SealState;
use crate::protocol::seal_service_client::SealServiceClient;

/// Calls to SealService.
#[derive(Clone)]
pub struct SealClient {
    service: SealServiceClient<Channel>,
}

/// How a vault is sealed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SealStatus {
    /// There are enough shares, and the vault is being opened.
    Opening,
    /// Shares are needed.
    Sealed(Progress),
    /// The vault is open.
    Unsealed,
}

impl SealClient {
    /// Connects to the reveal listener.
    ///
    /// # Errors
    ///
    /// If a certificate or key cannot be read, or the vault does not answer.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let channel = channel::connect(profile, &profile.reveal_address).await?;
        let service = SealServiceClient::new(channel);
        Ok(Self { service })
    }

    /// Whether the vault is sealed, and how far unsealing is.
    ///
    /// # Errors
    ///
    /// If the call fails.
    pub async fn status(&self) -> Result<SealStatus, ClientError> {
        let mut service = self.service.clone();
        let answer = service.get_seal_status(protocol::GetSealStatusRequest {});
        read(&answer.await?.into_inner())
    }

    /// Gives an officer's share. It is not repeated by itself: whoever gives a share sees what
    /// becomes of it.
    ///
    /// # Errors
    ///
    /// If the vault refuses the share, or is not sealed.
    pub async fn unseal(&self, offer: &ShareOffer) -> Result<SealStatus, ClientError> {
        let message = protocol::UnsealRequest {
            sharing: offer.sharing.to_vec(),
            number: offer.share.number().into(),
            // From here on it is the transport's, which sends it inside TLS and wipes nothing.
            share: offer.share.expose().to_vec(),
        };
        let mut service = self.service.clone();
        read(&service.unseal(message).await?.into_inner())
    }
}

fn read(message: &protocol::SealStatus) -> Result<SealStatus, ClientError> {
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    match message.state() {
        SealState::Opening => Ok(SealStatus::Opening),
        SealState::Sealed => Ok(SealStatus::Sealed(Progress {
            given: count(message.shares_given),
            needed: count(message.shares_needed),
        })),
        SealState::Unsealed => Ok(SealStatus::Unsealed),
        SealState::Unspecified => Err(ClientError::Response("no state of the seal")),
    }
}

impl fmt::Debug for SealClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SealClient").finish_non_exhaustive()
    }
}
