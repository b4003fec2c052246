//! How much the vault takes on: `[limits]`.

use std::time::Duration;

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::error::bounded;

/// How much the vault takes on: `[limits]`. Every key has a default; what is over a limit is
/// refused and never queued without end. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// `connections`: open connections of each listener, 1 to 100,000. Default: 1,000.
    pub connections: usize,
    /// `connections_per_peer`: open connections from one IP address, 1 to 100,000. Default: 32.
    pub connections_per_peer: usize,
    /// `streams_per_connection`: calls under way on one connection, 1 to 1,000. Default: 64.
    pub streams_per_connection: u32,
    /// `handshake_ms`: milliseconds that a TLS handshake may take, 100 to 60,000. Default: 5,000.
    pub handshake: Duration,
    /// `request_deadline_ms`: milliseconds that a call may take, whatever deadline the caller
    /// sends, 100 to 60,000. Default: 10,000.
    pub request_deadline: Duration,
    /// `message_bytes_max`: bytes of one message in either direction, 65,536 to 16,777,216.
    /// Default: 4,194,304.
    pub message_bytes_max: usize,
    /// `concurrent_requests`: calls under way on one listener, 1 to 10,000; more are answered
    /// `RESOURCE_EXHAUSTED` at once. Default: 256.
    pub concurrent_requests: usize,
    /// `connection_age_s`: seconds after which a connection is closed in good order, so that
    /// clients spread and certificates are checked anew, 10 to 86,400. Default: 1,800.
    pub connection_age: Duration,
    /// `items_per_request_max`: items of one call, 1 to 1,000. Default: 1,000.
    pub items_per_request_max: usize,
    /// `drain_ms`: milliseconds that calls under way have to finish when the vault stops, 0 to
    /// 60,000. Default: 10,000.
    pub drain: Duration,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    connections: Option<usize>,
    connections_per_peer: Option<usize>,
    streams_per_connection: Option<u32>,
    handshake_ms: Option<u64>,
    request_deadline_ms: Option<u64>,
    message_bytes_max: Option<usize>,
    concurrent_requests: Option<usize>,
    connection_age_s: Option<u64>,
    items_per_request_max: Option<usize>,
    drain_ms: Option<u64>,
}

impl RawLimits {
    pub(super) fn check(self) -> Result<Limits, ConfigError> {
        let ms = |key: &str, given: Option<u64>, default, min| {
            bounded(key, given, default, &(min..=DURATION_MS_MAX)).map(Duration::from_millis)
        };
        let limits = Limits {
            connections: bounded(
                "limits.connections",
                self.connections,
                CONNECTIONS,
                &(1..=CONNECTIONS_MAX),
            )?,
            connections_per_peer: bounded(
                "limits.connections_per_peer",
                self.connections_per_peer,
                CONNECTIONS_PER_PEER,
                &(1..=CONNECTIONS_MAX),
            )?,
            streams_per_connection: bounded(
                "limits.streams_per_connection",
                self.streams_per_connection,
                STREAMS_PER_CONNECTION,
                &(1..=STREAMS_PER_CONNECTION_MAX),
            )?,
            handshake: ms("limits.handshake_ms", self.handshake_ms, HANDSHAKE_MS, 100)?,
            request_deadline: ms(
                "limits.request_deadline_ms",
                self.request_deadline_ms,
                REQUEST_DEADLINE_MS,
                100,
            )?,
            message_bytes_max: bounded(
                "limits.message_bytes_max",
                self.message_bytes_max,
                MESSAGE_BYTES,
                &(MESSAGE_BYTES_LEAST..=MESSAGE_BYTES_MOST),
            )?,
            concurrent_requests: bounded(
                "limits.concurrent_requests",
                self.concurrent_requests,
                CONCURRENT_REQUESTS,
                &(1..=CONCURRENT_REQUESTS_MAX),
            )?,
            connection_age: bounded(
                "limits.connection_age_s",
                self.connection_age_s,
                CONNECTION_AGE_S,
                &(10..=CONNECTION_AGE_S_MAX),
            )
            .map(Duration::from_secs)?,
            items_per_request_max: bounded(
                "limits.items_per_request_max",
                self.items_per_request_max,
                ITEMS_PER_REQUEST_MAX,
                &(1..=ITEMS_PER_REQUEST_MAX),
            )?,
            drain: ms("limits.drain_ms", self.drain_ms, DRAIN_MS, 0)?,
        };
        Ok(limits)
    }
}

/// The most items that any vault takes in one call. A configuration can only lower it.
pub const ITEMS_PER_REQUEST_MAX: usize = 1_000;

const CONNECTIONS: usize = 1_000;
const CONNECTIONS_MAX: usize = 100_000;
const CONNECTIONS_PER_PEER: usize = 32;
const STREAMS_PER_CONNECTION: u32 = 64;
const STREAMS_PER_CONNECTION_MAX: u32 = 1_000;
const HANDSHAKE_MS: u64 = 5_000;
const REQUEST_DEADLINE_MS: u64 = 10_000;
const DURATION_MS_MAX: u64 = 60_000;
const MESSAGE_BYTES: usize = 4 << 20;
const MESSAGE_BYTES_LEAST: usize = 64 << 10;
const MESSAGE_BYTES_MOST: usize = 16 << 20;
const CONCURRENT_REQUESTS: usize = 256;
const CONCURRENT_REQUESTS_MAX: usize = 10_000;
const CONNECTION_AGE_S: u64 = 1_800;
const CONNECTION_AGE_S_MAX: u64 = 86_400;
const DRAIN_MS: u64 = 10_000;
