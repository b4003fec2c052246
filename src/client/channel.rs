//! The connection to a listener.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tonic::transport::Certificate;
use tonic::transport::Channel;
use tonic::transport::ClientTlsConfig;
use tonic::transport::Endpoint;
use tonic::transport::Identity;

use crate::client::error::ClientError;
use crate::client::profile::Profile;

/// Connects to a listener of the vault as the profile's caller.
pub(super) async fn connect(profile: &Profile, address: &str) -> Result<Channel, ClientError> {
    let certificate = read(&profile.certificate)?;
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read(&profile.ca)?))
        .identity(Identity::from_pem(certificate, read(&profile.key)?));
    if let Some(name) = &profile.server_name {
        tls = tls.domain_name(name);
    }
    let failed = |error: tonic::transport::Error| ClientError::connect(address, &error);
    let endpoint = Endpoint::from_shared(format!("https://{address}"))
        .map_err(failed)?
        .tls_config(tls)
        .map_err(failed)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL);
    // With the handshake, which a vault that hangs never answers.
    match tokio::time::timeout(CONNECT_TIMEOUT, endpoint.connect()).await {
        Ok(connected) => connected.map_err(failed),
        Err(_) => Err(ClientError::Connect {
            address: address.to_owned(),
            detail: "no answer to the TLS handshake within 5 seconds".to_owned(),
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    fs::read(path).map_err(|source| ClientError::Credentials {
        path: path.to_owned(),
        source,
    })
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// Bytes of a message in either direction; the most that a vault can be configured to send.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 << 20;
