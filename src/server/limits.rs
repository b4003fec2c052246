//! Limits on everything that a peer can ask for; tonic's own defaults are open.

use std::time::Duration;

use tonic::transport::Server;

use crate::server::admission::AdmissionLayer;
use crate::server::overdue::Overdue;

/// Limits on everything that a peer can ask for.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections of one listener.
    pub connections: usize,
    /// Connections of one listener from one address.
    pub connections_per_peer: usize,
    /// Requests and streams at once on one connection.
    pub streams_per_connection: u32,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For a request; a shorter deadline of the client's holds.
    pub request_deadline: Duration,
    /// Of one message, in bytes.
    pub message_bytes_max: usize,
    /// Requests at once in one listener; more are turned away.
    pub concurrent_requests: usize,
    /// After which a connection is asked to go.
    pub connection_age: Duration,
    /// Items in one request.
    pub items_per_request_max: usize,
    /// For requests under way when the server stops.
    pub drain: Duration,
}

impl ServerLimits {
    /// Sets what the transport enforces.
    pub(super) fn apply(&self, server: Server) -> Server {
        server
            .timeout(self.request_deadline)
            .max_concurrent_streams(self.streams_per_connection)
            .max_connection_age(self.connection_age)
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .http2_max_pending_accept_reset_streams(Some(RESET_STREAMS_MAX))
            .http2_max_local_error_reset_streams(Some(RESET_STREAMS_MAX))
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .tcp_nodelay(true)
    }

    /// Turns requests away that are too many, before they are decoded, and ends the others at their
    /// deadline.
    pub(super) fn admission(&self, overdue: Overdue) -> AdmissionLayer {
        AdmissionLayer::new(self.concurrent_requests, self.request_deadline, overdue)
    }
}

/// All headers of a request together.
const HEADER_BYTES_MAX: u32 = 8 * 1024;
/// Streams that a peer has reset and that still wait (CVE-2023-44487, rapid reset).
const RESET_STREAMS_MAX: usize = 20;
/// A silent connection is asked for a sign of life this often.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// A connection that gives none is closed.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
