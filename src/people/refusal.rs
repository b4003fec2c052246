//! Why an assertion is not believed.

use thiserror::Error;

/// Why an assertion is not believed: a class for the operator's log and metrics. The caller is
/// told none of it, and no part of the assertion is in it.
#[derive(Clone, Copy, Debug, Eq, Error, Hash, Ord, PartialEq, PartialOrd)]
pub enum Refusal {
    /// Its algorithm is not one that is configured, or none that is secure here.
    #[error("algorithm is not one of the issuer's")]
    Algorithm,
    /// The issuer's set has several keys with its key id.
    #[error("key id is of several keys")]
    AmbiguousKey,
    /// It is meant for somebody else, or for others too.
    #[error("audience is not the configured one alone")]
    Audience,
    /// It is bound to another certificate, or to something that is no certificate.
    #[error("assertion is bound to another certificate")]
    Binding,
    /// A claim is missing, or is not of its type.
    #[error("claim is missing or malformed")]
    Claim,
    /// It was issued to a client that is not configured.
    #[error("client is not one of the issuer's")]
    Client,
    /// It has ended.
    #[error("assertion has expired")]
    Expired,
    /// Its header has an extension, or brings a key along.
    #[error("header has what it must not have")]
    Header,
    /// It was issued in the future.
    #[error("assertion is issued in the future")]
    IssuedLater,
    /// The key is for something else than its algorithm.
    #[error("key is not for the algorithm")]
    Key,
    /// The issuer's keys could not be had, or are too old to be believed.
    #[error("keys of the issuer are not available")]
    KeysUnavailable,
    /// It lives longer than allowed.
    #[error("lifetime is longer than allowed")]
    Lifetime,
    /// The login is in the future.
    #[error("login is in the future")]
    LoginLater,
    /// It is not a signed JSON Web Token in its compact form.
    #[error("assertion is not a signed JSON Web Token")]
    Malformed,
    /// It is not valid yet.
    #[error("assertion is not valid yet")]
    NotYetValid,
    /// The signature is not the key's.
    #[error("signature is not the key's")]
    Signature,
    /// The subject is missing, or is none that an entry can have.
    #[error("subject is missing or malformed")]
    Subject,
    /// It is longer than allowed.
    #[error("assertion is too long")]
    TooLong,
    /// It names more groups or methods than allowed.
    #[error("assertion names too many groups or methods")]
    TooMany,
    /// Its type is not the configured one.
    #[error("type is not the configured one")]
    Type,
    /// It is bound to nobody, and the caller is not one of the issuer's tools.
    #[error("assertion is not bound, and the caller is not one of the issuer's tools")]
    Unbound,
    /// No issuer is configured with its name.
    #[error("issuer is not configured")]
    UnknownIssuer,
    /// The issuer's set has no key with its key id.
    #[error("key id is not one of the issuer's")]
    UnknownKey,
}

impl Refusal {
    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::AmbiguousKey => "ambiguous_key",
            Self::Audience => "audience",
            Self::Binding => "binding",
            Self::Claim => "claim",
            Self::Client => "client",
            Self::Expired => "expired",
            Self::Header => "header",
            Self::IssuedLater => "issued_later",
            Self::Key => "key",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Lifetime => "lifetime",
            Self::LoginLater => "login_later",
            Self::Malformed => "malformed",
            Self::NotYetValid => "not_yet_valid",
            Self::Signature => "signature",
            Self::Subject => "subject",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::Type => "type",
            Self::Unbound => "unbound",
            Self::UnknownIssuer => "unknown_issuer",
            Self::UnknownKey => "unknown_key",
        }
    }
}

/// Where every check goes through that is not a part of reading: so that a test can leave one out,
/// and show that the corpus of forgeries would notice.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checks {
    #[cfg(test)]
    skipped: Option<Refusal>,
}

impl Checks {
    /// Refuses, unless the condition holds.
    pub(super) fn require(self, condition: bool, refusal: Refusal) -> Result<(), Refusal> {
        #[cfg(test)]
        if self.skipped == Some(refusal) {
            return Ok(());
        }
        if condition { Ok(()) } else { Err(refusal) }
    }

    /// All checks but one.
    #[cfg(test)]
    pub(super) fn without(skipped: Refusal) -> Self {
        let skipped = Some(skipped);
        Self { skipped }
    }
}
