//! Why messages do not reach a collector.

use std::io;

use thiserror::Error;

/// Why messages do not reach a collector.
#[derive(Debug, Error)]
pub enum SyslogError {
    /// The address is not one.
    #[error("use unix:/dev/log, udp:host:port, tcp:host:port or tls:host:port")]
    Address,
    /// A file of certificates has no authority that can be used.
    #[error("the file of the collector's authority has no certificate that can be used")]
    Authority,
    /// The collector closed the connection by itself: how much it has read is unknown.
    #[error("collector closed the connection before it had read all")]
    Closed,
    /// Certificate and key are not of each other, or cannot be used.
    #[error("certificate and key for the collector cannot be used: {0}")]
    Credentials(#[source] rustls::Error),
    /// A file cannot be read.
    #[error("cannot read the {what} for the collector")]
    File {
        /// Which file.
        what: &'static str,
    },
    /// The operating system, or the other end, did not do it.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// It took too long.
    #[error("collector did not {0} in time")]
    Time(&'static str),
    /// The message is longer than a datagram may be. Nothing was sent.
    #[error("message is longer than a datagram may be")]
    TooLong,
    /// The collector closed the connection without saying so under TLS: anybody on the way may
    /// have.
    #[error(
        "collector ended the connection without close_notify (RFC 5425, section 4.4), so that it \
         may not have read all\n  let it send that, as rsyslog does with its driver ossl; or use \
         --syslog-unsigned-end"
    )]
    UnsignedEnd,
}

impl SyslogError {
    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}
