//! What a field's format is configured to be.

use crate::domain::Fidelity;

/// The kinds of text that have a format.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FormatKind {
    /// A postal address, on one line or several.
    Address,
    /// Digits, in groups or not: an account, a reference, a meter.
    Digits,
    /// An e-mail address.
    Email,
    /// The name of a person or a company.
    Name,
    /// A text of any form, on one line or several.
    Text,
}

impl FormatKind {
    /// The number that stands for the kind in a tweak. Frozen with the format version.
    pub(super) fn id(self) -> u8 {
        match self {
            Self::Address => 1,
            Self::Email => 2,
            Self::Name => 3,
            Self::Text => 4,
            Self::Digits => 5,
        }
    }
}

/// What becomes of a value that is not valid in its format.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnInvalid {
    /// It gets an outline token.
    Outline,
    /// It is refused.
    #[default]
    Reject,
}

/// A format as configured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FormatSpec {
    /// The kind of text.
    pub kind: FormatKind,
    /// How much of a value's form its token keeps, where it can.
    pub fidelity: Fidelity,
    /// The domain of every token of an e-mail field; nothing for other kinds.
    pub token_domain: Option<String>,
    /// What becomes of a value that is not valid.
    pub on_invalid: OnInvalid,
}
