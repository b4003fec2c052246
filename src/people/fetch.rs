//! Fetches a key set over HTTP: one request, bounded in time and length, to the configured URL
//! and nowhere else.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::Client;
use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use thiserror::Error;

use crate::people::KeyUrl;
use crate::people::key_set::KEY_SET_BYTES_MAX;

/// The longest that fetching may take, from the name's resolution to the last byte.
pub(super) const FETCH_TIME_MAX: Duration = Duration::from_secs(5);

/// Why a key set was not fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The file of authorities cannot be read.
    #[error("cannot read the file of authorities: {0}")]
    Authorities(#[source] io::Error),
    /// The file of authorities has no certificate.
    #[error("the file of authorities has no PEM certificate")]
    NoCertificate,
    /// The request failed.
    #[error("request failed: {0}")]
    Request(String),
    /// The answer is not a document.
    #[error("answered with status {0}")]
    Status(u16),
    /// The answer is longer than any set of keys.
    #[error("answer is longer than {KEY_SET_BYTES_MAX} bytes")]
    TooLarge,
}

/// Fetches one URL.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: Client,
    url: KeyUrl,
}

impl Fetcher {
    /// # Errors
    ///
    /// If the file of authorities cannot be used.
    pub(super) fn new(url: &KeyUrl, ca_file: Option<&Path>) -> Result<Self, FetchError> {
        // Of the whole process; another part of it may have been first, with the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .timeout(FETCH_TIME_MAX)
            .no_proxy()
            .referer(false)
            .https_only(url.url().scheme() == "https");
        if let Some(path) = ca_file {
            let pem = fs::read(path).map_err(FetchError::Authorities)?;
            let authorities = Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|authorities| !authorities.is_empty());
            builder = builder.tls_certs_only(authorities.ok_or(FetchError::NoCertificate)?);
        }
        Ok(Self {
            client: builder.build().map_err(|error| request_error(&error))?,
            url: url.clone(),
        })
    }

    /// The document at the URL.
    ///
    /// # Errors
    ///
    /// If it cannot be had whole within the limits.
    pub(super) async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        let request = self.client.get(self.url.url().clone());
        let request = request.header(ACCEPT, "application/jwk-set+json, application/json");
        let mut response = request
            .send()
            .await
            .map_err(|error| request_error(&error))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| request_error(&error))?
        {
            if document.len() + chunk.len() > KEY_SET_BYTES_MAX {
                return Err(FetchError::TooLarge);
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}

/// What happened is in an error's sources.
fn request_error(error: &reqwest::Error) -> FetchError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    FetchError::Request(cause.to_string())
}
