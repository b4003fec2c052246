//! What a principal may be permitted to do.

use crate::domain::CaseId;
use crate::domain::Namespace;

/// What a principal may be permitted to do, by the name of the call.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Action {
    /// Reveal values.
    Detokenize,
    /// Reveal a few characters of values. Neither of the two implies the other.
    DetokenizeMasked,
    /// Make given tokens stand for given values.
    ImportTokens,
    /// Describe tokens.
    Inspect,
    /// Find the tokens of values.
    Lookup,
    /// Make tokens.
    Tokenize,
    /// Compare tokens with claimed values.
    VerifyMatch,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 7] = [
        Self::Tokenize,
        Self::Lookup,
        Self::Inspect,
        Self::VerifyMatch,
        Self::Detokenize,
        Self::DetokenizeMasked,
        Self::ImportTokens,
    ];

    /// The name that configurations and audit entries use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Detokenize => "detokenize",
            Self::DetokenizeMasked => "detokenize_masked",
            Self::ImportTokens => "import_tokens",
            Self::Inspect => "inspect",
            Self::Lookup => "lookup",
            Self::Tokenize => "tokenize",
            Self::VerifyMatch => "verify_match",
        }
    }

    /// The action with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// What a policy must know of a request in order to decide it.
pub trait Request {
    /// The call that it is.
    fn action(&self) -> Action;

    /// The tenant that it is for.
    fn namespace(&self) -> &Namespace;

    /// The case that it is for, where it names one.
    fn case_id(&self) -> Option<&CaseId> {
        None
    }
}
