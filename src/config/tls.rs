//! Who the vault is, and whom it believes: `[tls]`.

use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

/// Who the vault is, and whom it believes: `[tls]`. TLS 1.3 with client certificates, always. Read
/// at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsConfig {
    /// `certificate`: the server's certificate chain, PEM, its own first. Required. Example:
    /// `"tls/server.pem"`.
    pub certificate: PathBuf,
    /// `key`: the private key of the certificate, PEM (PKCS #8). Required. Example:
    /// `"tls/server.key"`.
    pub key: PathBuf,
    /// `client_ca`: the certificates, PEM, by which client certificates must be signed. Required.
    /// Example: `"tls/ca.pem"`.
    pub client_ca: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: PathBuf,
}

impl RawTls {
    pub(super) fn check(self, base_dir: &Path) -> TlsConfig {
        TlsConfig {
            certificate: base_dir.join(self.certificate),
            key: base_dir.join(self.key),
            client_ca: base_dir.join(self.client_ca),
        }
    }
}
