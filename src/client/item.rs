//! What a call carries, and what it gives back, as types of the domain.

use std::collections::HashMap;

use tonic_types::pb::Status;
use zeroize::Zeroizing;

use crate::client::error::ClientError;
use crate::client::error::ItemError;
use crate::domain::Fidelity;
use crate::domain::FidelityReason;
use crate::domain::FieldName;
use crate::domain::Plaintext;
use crate::domain::Recognition;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::domain::join_parts;
use crate::domain::split_parts;
use crate::protocol;

/// A value to tokenize or to look up.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct ValueItem {
    /// The field that it belongs to.
    pub field: FieldName,
    /// The value, whole or in parts.
    pub value: Plaintext,
    /// The customer whom it belongs to.
    pub subject: Option<Subject>,
}

/// A token to reveal or to inspect.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct TokenItem {
    /// The field to look in. To inspect, nothing means every field.
    pub field: Option<FieldName>,
    /// The token.
    pub token: Token,
    /// The customer whom its value belongs to.
    pub subject: Option<Subject>,
}

/// A token and the value that it stands for, or is claimed to.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct ClaimItem {
    /// The field that both belong to.
    pub field: FieldName,
    /// The token.
    pub token: Token,
    /// The value.
    pub value: Plaintext,
    /// The customer whom the value belongs to.
    pub subject: Option<Subject>,
}

/// The token of a value.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// How much of the value's form it keeps.
    pub fidelity: Fidelity,
    /// Why.
    pub reason: FidelityReason,
    /// Whether this call made it.
    pub created: bool,
}

/// What the vault says of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TokenDescription {
    /// It is a live token that the caller may inspect.
    Known {
        /// The field that it is a token of.
        field: String,
        /// When it was made.
        created: Timestamp,
        /// When it ends, if ever.
        expires: Option<Timestamp>,
        /// How much of its value's form it keeps.
        fidelity: Fidelity,
    },
    /// It is not.
    Unknown {
        /// What its form alone says.
        recognition: Recognition,
    },
}

/// One result for each item, in order, or the call is malformed.
pub(super) fn results<R, T>(
    results: Vec<R>,
    items_count: usize,
    read: impl Fn(R) -> Result<Result<T, Status>, ClientError>,
) -> Result<Vec<Result<T, ItemError>>, ClientError> {
    if results.len() != items_count {
        return Err(ClientError::Response("results and items differ in number"));
    }
    let results = results
        .into_iter()
        .map(|result| Ok(read(result)?.map_err(ItemError::from)));
    results.collect()
}

pub(super) fn issued(token: protocol::TokenizedValue) -> Result<IssuedToken, ClientError> {
    Ok(IssuedToken {
        fidelity: fidelity(token.fidelity())?,
        reason: reason(token.reason())?,
        created: token.created,
        token: match token.token_parts.is_empty() {
            true => Token::new(token.token),
            false => Token::new(joined(token.token_parts)?),
        },
    })
}

pub(super) fn description(
    description: protocol::TokenDescription,
) -> Result<TokenDescription, ClientError> {
    if !description.known {
        let recognition = match description.recognition() {
            protocol::Recognition::NotToken => Recognition::NotToken,
            protocol::Recognition::Token => Recognition::Token,
            // An older vault says nothing.
            protocol::Recognition::Unspecified | protocol::Recognition::Unsure => {
                Recognition::Unsure
            }
        };
        return Ok(TokenDescription::Unknown { recognition });
    }
    let fidelity = fidelity(description.fidelity())?;
    let created = description.created.ok_or(NO_TIME)?;
    Ok(TokenDescription::Known {
        field: description.field,
        created: timestamp(created)?,
        expires: description.expires.map(timestamp).transpose()?,
        fidelity,
    })
}

pub(super) fn timestamp(time: prost_types::Timestamp) -> Result<Timestamp, ClientError> {
    let seconds = u64::try_from(time.seconds).map_err(|_| NO_TIME)?;
    let nanos = u64::try_from(time.nanos).map_err(|_| NO_TIME)?;
    let unix_ms = seconds
        .saturating_mul(1_000)
        .saturating_add(nanos / 1_000_000);
    Ok(Timestamp::from_unix_ms(unix_ms))
}

fn fidelity(fidelity: protocol::Fidelity) -> Result<Fidelity, ClientError> {
    match fidelity {
        protocol::Fidelity::Imported => Ok(Fidelity::Imported),
        protocol::Fidelity::Shape => Ok(Fidelity::Shape),
        protocol::Fidelity::Outline => Ok(Fidelity::Outline),
        protocol::Fidelity::Opaque => Ok(Fidelity::Opaque),
        protocol::Fidelity::Unspecified => Err(ClientError::Response("no fidelity")),
    }
}

fn reason(reason: protocol::FidelityReason) -> Result<FidelityReason, ClientError> {
    use protocol::FidelityReason as Wire;
    match reason {
        Wire::Configured => Ok(FidelityReason::Configured),
        Wire::DomainTooSmall => Ok(FidelityReason::DomainTooSmall),
        Wire::Imported => Ok(FidelityReason::Imported),
        Wire::Invalid => Ok(FidelityReason::Invalid),
        Wire::NotRepresentable => Ok(FidelityReason::NotRepresentable),
        Wire::TooLong => Ok(FidelityReason::TooLong),
        Wire::Unspecified => Err(ClientError::Response("no reason of the fidelity")),
    }
}

/// A text as a message has it: whole, or its parts.
pub(super) fn split(text: &str) -> (String, HashMap<String, String>) {
    match split_parts(text) {
        Some(parts) => {
            let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
            (String::new(), parts.into_iter().map(owned).collect())
        }
        None => (text.to_owned(), HashMap::new()),
    }
}

/// The parts of a message as one text.
pub(super) fn joined(parts: HashMap<String, String>) -> Result<String, ClientError> {
    let parts: Vec<(String, Zeroizing<String>)> = parts
        .into_iter()
        .map(|(name, text)| (name, Zeroizing::new(text)))
        .collect();
    let parts: Vec<(&str, &str)> = parts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let malformed = |_| ClientError::Response("parts that cannot be read");
    let mut joined = join_parts(&parts).map_err(malformed)?;
    Ok(std::mem::take(&mut *joined))
}

/// The text of an optional subject, as a message has it.
pub(super) fn subject(subject: Option<Subject>) -> String {
    subject.map_or_else(String::new, |subject| subject.as_str().to_owned())
}

/// The most items of one call.
pub const ITEMS_MAX: usize = 1_000;

const NO_TIME: ClientError = ClientError::Response("no time that can be read");
