//! Posting a page.

use std::fmt;
use std::time::Duration;

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use sha2::Sha256;
use thiserror::Error;

use crate::outbound::Client;
use crate::outbound::OutboundError;
use crate::outbound::ServiceUrl;
use crate::pager::Page;

/// Where pages go.
#[derive(Clone, Debug)]
pub struct PagerSettings {
    /// The URL that they are posted to.
    pub url: ServiceUrl,
    /// The authorities of its certificate, PEM; nothing: those that the machine trusts.
    pub ca_file: Option<std::path::PathBuf>,
    /// What they are signed with.
    pub secret: SecretString,
}

/// Why a page was not delivered.
#[derive(Debug, Error)]
pub enum PagerError {
    /// It could not be written as JSON.
    #[error("page cannot be written")]
    Json(#[from] serde_json::Error),
    /// The request failed.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The secret is no key.
    #[error("secret is not usable as a key")]
    Secret,
}

/// What posts pages.
pub struct Pager {
    client: Client,
    secret: SecretString,
}

impl Pager {
    /// Makes the connection's settings; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// If the file of authorities cannot be used.
    pub fn new(settings: &PagerSettings) -> Result<Self, PagerError> {
        let ca_file = settings.ca_file.as_deref();
        Ok(Self {
            client: Client::new(&settings.url, ca_file, POST_TIME_MAX)?,
            secret: settings.secret.clone(),
        })
    }

    /// Posts a page. The header `Counterfoil-Signature` is the HMAC-SHA-256 of the body under the
    /// secret, in hexadecimal digits; the time in the body keeps an old page from being played
    /// again.
    pub(super) async fn post(&self, page: &Page) -> Result<(), PagerError> {
        let body = serde_json::to_vec(page)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes())
            .map_err(|_| PagerError::Secret)?;
        mac.update(&body);
        let signature = hex::encode(mac.finalize().into_bytes());
        self.client.post(body, &[(SIGNATURE_HEADER, &signature)]).await?;
        Ok(())
    }
}

impl fmt::Debug for Pager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pager").finish_non_exhaustive()
    }
}

const SIGNATURE_HEADER: &str = "counterfoil-signature";
/// The longest that posting a page may take.
const POST_TIME_MAX: Duration = Duration::from_secs(5);
