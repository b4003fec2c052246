//! Where a collector is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::outbound::syslog::SyslogError;

/// Where a collector is, and how it is reached.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SyslogTarget {
    /// Over TCP, each message after its length (RFC 6587, section 3.4.1).
    Tcp(HostPort),
    /// The same within TLS (RFC 5425).
    Tls(HostPort),
    /// A message in a datagram (RFC 5426).
    Udp(HostPort),
    /// A message in a datagram to a socket of this machine.
    Unix(PathBuf),
}

/// A host, by name or address, and a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostPort {
    /// A name, or an address without brackets.
    pub host: String,
    /// From 1.
    pub port: u16,
}

impl SyslogTarget {
    /// Whether it is known what has arrived.
    #[must_use]
    pub const fn confirms(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Tls(_) => true,
            Self::Udp(_) | Self::Unix(_) => false,
        }
    }
}

/// Reads `tcp:collector.example:601`, `udp:[::1]:514` or `unix:/dev/log`.
impl FromStr for SyslogTarget {
    type Err = SyslogError;

    fn from_str(text: &str) -> Result<Self, SyslogError> {
        let (kind, place) = text.split_once(':').ok_or(SyslogError::Address)?;
        match kind {
            "tcp" => Ok(Self::Tcp(place.parse()?)),
            "tls" => Ok(Self::Tls(place.parse()?)),
            "udp" => Ok(Self::Udp(place.parse()?)),
            "unix" if !place.is_empty() => Ok(Self::Unix(place.into())),
            _ => Err(SyslogError::Address),
        }
    }
}

impl FromStr for HostPort {
    type Err = SyslogError;

    fn from_str(text: &str) -> Result<Self, SyslogError> {
        let (host, port) = text.rsplit_once(':').ok_or(SyslogError::Address)?;
        let port = port.parse().ok().filter(|port| *port != 0);
        let port = port.ok_or(SyslogError::Address)?;
        let within = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = match within {
            Some(address) => address,
            // Without brackets, where an address of IPv6 ends is a guess.
            None if host.contains(':') => return Err(SyslogError::Address),
            None => host,
        };
        let is_plain = |it: char| it.is_ascii_graphic() && !"[]/@".contains(it);
        if host.is_empty() || !host.chars().all(is_plain) {
            return Err(SyslogError::Address);
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for SyslogTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(place) => write!(formatter, "tcp:{place}"),
            Self::Tls(place) => write!(formatter, "tls:{place}"),
            Self::Udp(place) => write!(formatter, "udp:{place}"),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host.contains(':') {
            true => write!(formatter, "[{host}]:{port}"),
            false => write!(formatter, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_read_as_they_are_written() {
        for text in [
            "unix:/dev/log",
            "udp:127.0.0.1:514",
            "tcp:collector.example:601",
            "tls:[2001:db8::1]:6514",
        ] {
            let target: SyslogTarget = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
            assert_eq!(
                target.confirms(),
                text.starts_with("tcp") || text.starts_with("tls")
            );
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in [
            "",
            "/dev/log",
            "unix:",
            "tcp:host",
            "tcp:host:",
            "tcp:host:0",
            "tcp:host:65536",
            "tcp::514",
            "tcp:::1:514",
            "tcp:[::1]514",
            "tls:user@host:6514",
            "http://host:80",
        ] {
            assert!(text.parse::<SyslogTarget>().is_err(), "{text}");
        }
    }
}
