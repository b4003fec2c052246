//! Posting a page.

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::outbound::Client;
use crate::outbound::OutboundError;
use crate::outbound::ServiceUrl;
use crate::pager::Page;

/// Where pages go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PagerSettings {
    /// The URL that they are posted to.
    pub url: ServiceUrl,
    /// The authorities of its certificate, PEM; nothing: those that the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// The file of the secret that they are signed with.
    pub secret_file: PathBuf,
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
    /// The secret is too short, or no key.
    #[error(
        "pager.secret_file has too short a secret\nremedy: write 16 characters or more into it"
    )]
    Secret,
    /// The file of the secret cannot be read.
    #[error("pager.secret_file cannot be read: {0}")]
    SecretFile(#[source] io::Error),
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
    /// If the file of authorities, or that of the secret, cannot be used.
    pub fn new(settings: &PagerSettings) -> Result<Self, PagerError> {
        let ca_file = settings.ca_file.as_deref();
        let secret = fs::read_to_string(&settings.secret_file).map_err(PagerError::SecretFile)?;
        let secret = Zeroizing::new(secret);
        let secret = secret.trim_end_matches(['\r', '\n']);
        if secret.len() < SECRET_BYTES_MIN {
            return Err(PagerError::Secret);
        }
        Ok(Self {
            client: Client::new(&settings.url, ca_file, POST_TIME_MAX)?,
            secret: SecretString::from(secret),
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
        self.client
            .post(body, &[(SIGNATURE_HEADER, &signature)])
            .await?;
        Ok(())
    }
}

impl fmt::Debug for Pager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pager").finish_non_exhaustive()
    }
}

const SIGNATURE_HEADER: &str = "counterfoil-signature";
/// The shortest secret.
const SECRET_BYTES_MIN: usize = 16;
/// The longest that posting a page may take.
const POST_TIME_MAX: Duration = Duration::from_secs(5);
