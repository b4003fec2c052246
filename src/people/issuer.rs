//! What is configured of an identity provider.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::domain::Group;
use crate::domain::Issuer;
use crate::domain::Principal;
use crate::outbound::ServiceUrl;

/// What is configured of an identity provider. All of it is fixed: an assertion chooses none of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuerSettings {
    /// How the configuration, policies and entries call it.
    pub name: Issuer,
    /// How it calls itself: `iss`, compared byte by byte.
    pub issuer: String,
    /// What it calls this vault, or the tools that pass assertions on: `aud`.
    pub audience: String,
    /// The algorithms that it may sign with.
    pub algorithms: BTreeSet<Algorithm>,
    /// The type in the header: `typ`.
    pub token_type: TokenType,
    /// Where its keys are.
    pub keys: KeyPlace,
    /// Seconds after which the keys of a URL are fetched again.
    pub refresh_seconds: u64,
    /// Seconds for which keys are believed while they cannot be had again.
    pub stale_seconds_max: u64,
    /// Seconds that its clock may be off.
    pub leeway_seconds: u64,
    /// The longest time from its issue to its end, in seconds.
    pub lifetime_seconds_max: u64,
    /// Which claim says from when on an assertion is valid.
    pub not_before: NotBefore,
    /// Who may present assertions that are bound to no certificate.
    pub tools: BTreeSet<Principal>,
    /// The clients that an assertion must have been issued to (`azp`, else `client_id`); none: it
    /// is not looked at.
    pub clients: BTreeSet<String>,
    /// The claim that has the person's groups.
    pub groups_claim: String,
    /// How the configuration calls the classes of logins (`acr`).
    pub classes: BTreeMap<String, Group>,
}

/// Where the keys of an issuer are (JWK Set, RFC 7517).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyPlace {
    /// In a file.
    File(PathBuf),
    /// At a URL.
    Url {
        /// The URL.
        url: ServiceUrl,
        /// The authorities, PEM, that its certificate must be signed by; nothing: those that the
        /// machine trusts.
        ca_file: Option<PathBuf>,
    },
}

/// The type that the header must name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TokenType {
    /// None: the header must not have one.
    Absent,
    /// Exactly this one, such as `JWT` or `at+jwt`.
    Named(String),
}

/// Which claim says from when on an assertion is valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotBefore {
    /// When it was issued, `iat`, for providers that send no `nbf`.
    IssuedAt,
    /// `nbf`.
    NotBefore,
}

macro_rules! algorithms {
    ($($(#[$documentation:meta])* $name:ident $text:literal,)*) => {
        /// How an assertion is signed (RFC 7518, RFC 8037). There is no symmetric one, and no
        /// `none`: neither can be configured.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum Algorithm {
            $($(#[$documentation])* $name,)*
        }

        impl Algorithm {
            /// Every algorithm, with its name in a header.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($text, Self::$name)),*];

            /// The library's own.
            pub(super) const fn library(self) -> jsonwebtoken::Algorithm {
                match self { $(Self::$name => jsonwebtoken::Algorithm::$name,)* }
            }
        }
    };
}

algorithms!(
    /// Ed25519.
    EdDSA "EdDSA",
    /// ECDSA with P-256 and SHA-256.
    ES256 "ES256",
    /// RSASSA-PSS with SHA-256.
    PS256 "PS256",
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256 "RS256",
);

impl Algorithm {
    /// The algorithm with this name in a header.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(text, _)| *text == name);
        found.map(|(_, algorithm)| *algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetric_algorithms_do_not_exist() {
        for name in [
            "none", "None", "NONE", "HS256", "HS384", "HS512", "rs256", "ES384", "",
        ] {
            assert_eq!(Algorithm::read(name), None, "{name}");
        }
        assert_eq!(Algorithm::read("ES256"), Some(Algorithm::ES256));
    }
}
