//! Where a vault is, and who calls it.

use std::path::PathBuf;

use crate::domain::Namespace;

/// Where a vault is, and who calls it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Profile {
    /// The token listener, `host:port`.
    pub token_address: String,
    /// The reveal listener, `host:port`.
    pub reveal_address: String,
    /// The name that the server's certificate must have; nothing: the host of the address.
    pub server_name: Option<String>,
    /// The certificates, PEM, by which the server's certificate must be signed.
    pub ca: PathBuf,
    /// The caller's certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key of the caller's certificate, PEM.
    pub key: PathBuf,
    /// The tenant that the calls are for.
    pub namespace: Namespace,
}
