//! Calls to the operator's own HTTP services: bounded in time and length, to the configured URL
//! and nowhere else. No redirects, no proxies, nothing over an open wire.
//!
//! And messages to collectors of syslog.

mod client;
pub mod syslog;
mod url;

pub use client::Answer;
pub use client::Client;
pub use client::OutboundError;
pub use url::ServiceUrl;
pub use url::UrlError;
