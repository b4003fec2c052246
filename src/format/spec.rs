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

/// How much of the length of a value's words its shape token shows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Length {
    /// Only up to 6, 10, 16, 24 or 40 letters, or 3 in Han and Hangul. Longer words exactly.
    Bucket,
    /// All of it.
    #[default]
    Exact,
}

/// Which domain the tokens of an e-mail field have.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum EmailDomain {
    /// The value's own where the operator has listed it, else the token domain.
    Keep {
        /// The operator's own domains, exactly: subdomains are others.
        own_domains: Vec<String>,
    },
    /// The token domain.
    #[default]
    Replace,
    /// The token domain under a word that stands for the value's own.
    ReplaceTagged,
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
    /// Which domain the tokens of an e-mail field have; replaced for other kinds.
    pub domain: EmailDomain,
    /// How much of the length of words a token shows; exact for digits, which have no words.
    pub length: Length,
    /// What becomes of a value that is not valid.
    pub on_invalid: OnInvalid,
}

impl FormatSpec {
    /// A kind as it is where nothing else is said: the shape of every valid value, to the letter.
    #[must_use]
    pub fn new(kind: FormatKind) -> Self {
        Self {
            kind,
            fidelity: Fidelity::Shape,
            token_domain: None,
            domain: EmailDomain::Replace,
            length: Length::Exact,
            on_invalid: OnInvalid::Reject,
        }
    }
}
