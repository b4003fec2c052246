//! TLS 1.3 with client certificates, and nothing older or less.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// Where the certificates are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authorities whose client certificates are taken, PEM.
    pub client_ca: PathBuf,
}

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificate and the key do not go together, or are not usable.
    #[error("server certificate and key cannot be used together\nremedy: check [tls]")]
    Certificate(#[source] rustls::Error),
    /// The client authorities are not usable.
    #[error("client authorities cannot be used\nremedy: check `client_ca` in [tls]")]
    ClientAuthority,
    /// A file cannot be read, or is not PEM.
    #[error("{what} cannot be read\nremedy: check the path in [tls]; it must be PEM")]
    File {
        /// Which file.
        what: &'static str,
    },
}

impl TlsFiles {
    /// Checks that the files can be used, and that the key is the certificate's.
    ///
    /// # Errors
    ///
    /// Which of them cannot.
    pub fn check(&self) -> Result<(), TlsError> {
        self.acceptor().map(drop)
    }

    /// What accepts TLS connections with these certificates.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let unreadable = |what| move |_| TlsError::File { what };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(unreadable("certificate"))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable("key"))?;
        let authorities: Vec<CertificateDer<'static>> =
            CertificateDer::pem_file_iter(&self.client_ca)
                .and_then(Iterator::collect)
                .map_err(unreadable("client_ca"))?;
        let mut roots = RootCertStore::empty();
        let (added, ignored) = roots.add_parsable_certificates(authorities);
        if added == 0 || ignored > 0 {
            return Err(TlsError::ClientAuthority);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|_| TlsError::ClientAuthority)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Certificate)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(TlsError::Certificate)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Tickets would let a session outlive its certificate's check.
        config.send_tls13_tickets = 0;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
