//! Where the vault answers: `[listen]`.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::config::error::ConfigError;

/// Where the vault answers: `[listen]`. Two listeners, so that a network rule can keep those who
/// reveal apart from those who store tokens. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenConfig {
    /// `token`: the address of the token service, an IP address with a port; port 0 takes a free
    /// one. Required. Example: `"10.0.0.5:7601"`.
    pub token: SocketAddr,
    /// `reveal`: the address of every other service. Required, another one than `token`. Example:
    /// `"10.0.1.5:7602"`.
    pub reveal: SocketAddr,
    /// `metrics`: where Prometheus metrics are answered, without TLS, so on the loopback interface
    /// only. Default: nowhere. Example: `"127.0.0.1:7603"`.
    pub metrics: Option<SocketAddr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawListen {
    token: String,
    reveal: String,
    metrics: Option<String>,
}

impl RawListen {
    pub(super) fn check(self) -> Result<ListenConfig, ConfigError> {
        let token = address("listen.token", &self.token)?;
        let reveal = address("listen.reveal", &self.reveal)?;
        let metrics = match self.metrics {
            Some(text) => Some(address("listen.metrics", &text)?),
            None => None,
        };
        if reveal == token && token.port() != 0 {
            return Err(ConfigError::value(
                "listen.reveal",
                "is the address of listen.token",
                "give each listener an address of its own",
            ));
        }
        if metrics.is_some_and(|address| !address.ip().is_loopback()) {
            return Err(ConfigError::value(
                "listen.metrics",
                "is not a loopback address, and metrics are answered without TLS",
                "use 127.0.0.1 and let a local agent collect them",
            ));
        }
        Ok(ListenConfig {
            token,
            reveal,
            metrics,
        })
    }
}

pub(super) fn address(key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| {
        ConfigError::value(
            key,
            "is not an IP address with a port",
            "write it like \"127.0.0.1:7601\" or \"[::1]:7601\"",
        )
    })
}
