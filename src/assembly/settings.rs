//! What the server is told of a configuration.

use crate::config::Config;
use crate::config::Limits;
use crate::server::ServerLimits;
use crate::server::ServerSettings;
use crate::server::TlsFiles;

/// How a configuration is served.
#[must_use]
pub fn server_settings(config: &Config) -> ServerSettings {
    ServerSettings {
        token_address: config.listen.token,
        reveal_address: config.listen.reveal,
        metrics_address: config.listen.metrics,
        tls: TlsFiles {
            certificate: config.tls.certificate.clone(),
            key: config.tls.key.clone(),
            client_ca: config.tls.client_ca.clone(),
        },
        limits: server_limits(&config.limits),
    }
}

fn server_limits(limits: &Limits) -> ServerLimits {
    ServerLimits {
        connections: limits.connections,
        connections_per_peer: limits.connections_per_peer,
        streams_per_connection: limits.streams_per_connection,
        handshake: limits.handshake,
        request_deadline: limits.request_deadline,
        message_bytes_max: limits.message_bytes_max,
        concurrent_requests: limits.concurrent_requests,
        connection_age: limits.connection_age,
        items_per_request_max: limits.items_per_request_max,
        drain: limits.drain,
    }
}
