//! Messages to a collector of syslog: over a datagram socket of this machine, UDP, TCP or TLS.
//!
//! Syslog has no answers. Over a stream it is known all the same what has arrived: the connection
//! is closed towards the collector, and a collector that has read all closes it, too. So one is
//! kept for some messages only, and what was not confirmed so is sent again over the next one. Of a
//! datagram nothing is known but that it was sent.

mod delivery;
mod error;
mod link;
mod target;
mod tls;

pub use delivery::Patience;
pub use delivery::SyslogDelivery;
pub use delivery::SyslogMessage;
pub use error::SyslogError;
pub use link::Syslog;
pub use target::HostPort;
pub use target::SyslogTarget;
pub use tls::SyslogTls;

#[cfg(test)]
mod tests;
