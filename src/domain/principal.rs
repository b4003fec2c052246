//! Who calls.

use std::fmt;

use thiserror::Error;

/// Why a text is not a principal. It never repeats the text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PrincipalError {
    /// The text is empty, longer than allowed, or has a character outside the allowed ones.
    #[error("principal is not a SPIFFE id or a DNS name")]
    Malformed,
}

/// Who calls: the SPIFFE id (`spiffe://acme.example/backend`) or DNS name of a client certificate.
///
/// Rebuilt from the certificate at the edge and compared byte by byte: no case folding, no globs.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Principal(Box<str>);

impl Principal {
    /// The most characters that a principal may have.
    pub const LENGTH_MAX: usize = 255;

    /// Reads a SPIFFE id or a DNS name in lower case.
    ///
    /// # Errors
    ///
    /// If the text is neither.
    pub fn new(text: &str) -> Result<Self, PrincipalError> {
        let path = text.strip_prefix("spiffe://").unwrap_or(text);
        let is_spiffe = path.len() < text.len();
        let allowed = |character: char| {
            character.is_ascii_lowercase()
                || character.is_ascii_digit()
                || matches!(character, '.' | '-')
                || (is_spiffe && (character.is_ascii_uppercase() || matches!(character, '/' | '_')))
        };
        // An empty or relative segment would let two spellings name one principal.
        let segments_are_plain = path
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | ".."));
        if text.len() > Self::LENGTH_MAX || !path.chars().all(allowed) || !segments_are_plain {
            return Err(PrincipalError::Malformed);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principal_is_a_spiffe_id_or_a_dns_name() {
        for text in [
            "spiffe://acme.example/support/Tool_1",
            "backend.acme.example",
        ] {
            assert_eq!(Principal::new(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "spiffe://",
            "a//b",
            "spiffe://a/../b",
            "spiffe://a/b/",
            "Ada",
            "a b",
        ] {
            assert_eq!(Principal::new(text), Err(PrincipalError::Malformed));
        }
    }
}
