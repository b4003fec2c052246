//! What the vault answers.

use crate::domain::Fidelity;
use crate::domain::FidelityReason;
use crate::domain::FieldName;
use crate::domain::Recognition;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::vault::error::ItemError;

/// An item of a request or of an answer: one bad item never fails its batch.
pub type Item<T> = Result<T, ItemError>;

/// The token of a value.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct TokenizedValue {
    /// The token.
    pub token: Token,
    /// How much of the value's form it keeps.
    pub fidelity: Fidelity,
    /// Why.
    pub reason: FidelityReason,
    /// Whether this request made it.
    pub created: bool,
    /// When it ends, if it does.
    pub expires: Option<Timestamp>,
}

/// What is said of a text that may be a token.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// What is known of it, if it is a live token.
    pub known: Option<Description>,
    /// What its form alone says, in the fields that were asked.
    pub recognition: Recognition,
}

/// What is known of a live token. Never its value.
#[derive(Clone, Debug)]
pub struct Description {
    /// The field that it is a token of.
    pub field: FieldName,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, if it does.
    pub expires: Option<Timestamp>,
    /// How much of its value's form it keeps.
    pub fidelity: Fidelity,
}
