//! URLs that the vault may call.

use reqwest::Url;
use thiserror::Error;

/// A URL that the vault may call: https, or http on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceUrl(Url);

/// Why a text is not a URL that the vault may call.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum UrlError {
    /// It is no URL, or has a user, a password or a fragment.
    #[error("is not a URL of a document")]
    Malformed,
    /// Anybody on the way could read or answer.
    #[error("is not https, nor http on the loopback interface")]
    Open,
}

impl ServiceUrl {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// If it is none, or anybody on the way could read or answer.
    pub fn new(text: &str) -> Result<Self, UrlError> {
        let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|_| is_plain);
        let host = host.ok_or(UrlError::Malformed)?;
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(host) => Ok(Self(url)),
            _ => Err(UrlError::Open),
        }
    }

    /// The URL with these parameters in its query.
    #[must_use]
    pub fn with_query(&self, parameters: &[(&str, &str)]) -> Self {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        Self(url)
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

/// Addresses alone: a name resolves to what somebody else says.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address
        .parse()
        .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_encrypted_or_on_this_machine() {
        for text in [
            "https://id.example/jwks.json",
            "http://127.0.0.1:8080/page",
            "http://[::1]/page",
        ] {
            assert!(ServiceUrl::new(text).is_ok(), "{text}");
        }
        for text in [
            "http://id.example/",
            "http://localhost/",
            "http://127.0.0.1.evil.example/keys",
            "ftp://id.example/",
        ] {
            assert_eq!(ServiceUrl::new(text), Err(UrlError::Open), "{text}");
        }
        for text in [
            "",
            "id.example",
            "https://a:b@id.example/",
            "https://id.example/#a",
        ] {
            assert_eq!(ServiceUrl::new(text), Err(UrlError::Malformed), "{text}");
        }
    }

    #[test]
    fn parameters_are_escaped() {
        let url = ServiceUrl::new("https://cases.example/check?v=1").unwrap();
        let url = url.with_query(&[("case", "T&1")]);
        assert_eq!(
            url.url().as_str(),
            "https://cases.example/check?v=1&case=T%261"
        );
    }
}
