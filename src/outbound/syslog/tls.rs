//! Whom a collector must be, and who we are to it (RFC 5425, section 4.2).

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio_rustls::TlsConnector;

use crate::outbound::syslog::SyslogError;

/// The files of a connection with TLS, PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyslogTls {
    /// The authorities that the collector's certificate must be of, and no others.
    pub ca: PathBuf,
    /// Our certificate and its key, if the collector asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whether the end of a connection counts as the collector's without its signed word.
    pub accepts_unsigned_end: bool,
}

impl SyslogTls {
    pub(super) fn connector(&self) -> Result<TlsConnector, SyslogError> {
        let unreadable = |what| move |_| SyslogError::File { what };
        let chain = |path: &PathBuf, what| {
            CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect)
                .map_err(unreadable(what))
        };
        let authorities: Vec<CertificateDer<'static>> = chain(&self.ca, "authority")?;
        let mut roots = RootCertStore::empty();
        let (added, ignored) = roots.add_parsable_certificates(authorities);
        if added == 0 || ignored > 0 {
            return Err(SyslogError::Authority);
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(SyslogError::Credentials)?
            .with_root_certificates(roots);
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let certificates = chain(certificate, "certificate")?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable("key"))?;
                builder
                    .with_client_auth_cert(certificates, key)
                    .map_err(SyslogError::Credentials)?
            }
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
