//! One request at a time, bounded in time and length.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::RequestBuilder;
use reqwest::Response;
use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use thiserror::Error;

use crate::outbound::ServiceUrl;

/// Why a service did not answer as it should.
#[derive(Debug, Error)]
pub enum OutboundError {
    /// The file of authorities cannot be read.
    #[error("cannot read the file of authorities: {0}")]
    Authorities(#[source] io::Error),
    /// The file of authorities has no certificate.
    #[error("the file of authorities has no PEM certificate")]
    NoCertificate,
    /// The request failed.
    #[error("request failed: {0}")]
    Request(String),
    /// The answer says that it did not work.
    #[error("answered with status {0}")]
    Status(u16),
    /// The answer is longer than it may be.
    #[error("answer is longer than {bytes_max} bytes")]
    TooLarge {
        /// The most bytes that it may have.
        bytes_max: usize,
    },
}

/// What a service answered, whatever its status.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Of what kind the body is, if it says so.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Calls one service.
#[derive(Debug)]
pub struct Client {
    client: reqwest::Client,
    url: ServiceUrl,
}

impl Client {
    /// A client of the service at this URL, whose certificate is of these authorities, PEM; of
    /// those that the machine trusts, if none are given. `time_max` is for a whole call, from the
    /// name's resolution to the last byte.
    ///
    /// # Errors
    ///
    /// If the file of authorities cannot be used.
    pub fn new(
        url: &ServiceUrl,
        ca_file: Option<&Path>,
        time_max: Duration,
    ) -> Result<Self, OutboundError> {
        // Of the whole process; another part of it may have been first, with the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(time_max)
            .no_proxy()
            .referer(false)
            .https_only(url.is_encrypted());
        if let Some(path) = ca_file {
            let pem = fs::read(path).map_err(OutboundError::Authorities)?;
            let authorities = Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|authorities| !authorities.is_empty());
            builder = builder.tls_certs_only(authorities.ok_or(OutboundError::NoCertificate)?);
        }
        Ok(Self {
            client: builder.build().map_err(|error| request_error(&error))?,
            url: url.clone(),
        })
    }

    /// The document at the URL, with these parameters in its query.
    ///
    /// # Errors
    ///
    /// If it cannot be had whole within the limits.
    pub async fn get(
        &self,
        parameters: &[(&str, &str)],
        accept: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, OutboundError> {
        let url = if parameters.is_empty() {
            self.url.clone()
        } else {
            self.url.with_query(parameters)
        };
        let request = self.client.get(url.url().clone());
        let taken = [StatusCode::OK];
        self.send(request.header(ACCEPT, accept), &taken, bytes_max)
            .await
    }

    /// Posts a JSON document. What is answered is not looked at.
    ///
    /// # Errors
    ///
    /// If the service does not take it in time.
    pub async fn post(
        &self,
        document: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Result<(), OutboundError> {
        let mut request = self.client.post(self.url.url().clone());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header(CONTENT_TYPE, "application/json");
        let taken = [
            StatusCode::OK,
            StatusCode::CREATED,
            StatusCode::ACCEPTED,
            StatusCode::NO_CONTENT,
        ];
        self.send(request.body(document), &taken, POST_ANSWER_BYTES_MAX)
            .await?;
        Ok(())
    }

    /// Posts a document, and gives the answer back whatever its status is.
    ///
    /// # Errors
    ///
    /// If the service does not answer within the limits.
    pub async fn exchange(
        &self,
        document: Vec<u8>,
        content_type: &str,
        bytes_max: usize,
    ) -> Result<Answer, OutboundError> {
        let request = self.client.post(self.url.url().clone());
        let request = request.header(CONTENT_TYPE, content_type);
        let sent = request.body(document).send().await;
        let response = sent.map_err(|error| request_error(&error))?;
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|it| it.to_str().ok());
        Ok(Answer {
            status: response.status().as_u16(),
            content_type: content_type.map(str::to_owned),
            body: Self::read(response, bytes_max).await?,
        })
    }

    async fn send(
        &self,
        request: RequestBuilder,
        taken: &[StatusCode],
        bytes_max: usize,
    ) -> Result<Vec<u8>, OutboundError> {
        let sent = request.send().await;
        let response = sent.map_err(|error| request_error(&error))?;
        if !taken.contains(&response.status()) {
            return Err(OutboundError::Status(response.status().as_u16()));
        }
        Self::read(response, bytes_max).await
    }

    async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, OutboundError> {
        let mut document = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| request_error(&error))?
        {
            if document.len() + chunk.len() > bytes_max {
                return Err(OutboundError::TooLarge { bytes_max });
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}

/// What happened is in an error's sources; its own text may have the URL with its query.
fn request_error(error: &reqwest::Error) -> OutboundError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    OutboundError::Request(cause.to_string())
}

/// The most bytes of an answer to a post.
const POST_ANSWER_BYTES_MAX: usize = 64 << 10;
