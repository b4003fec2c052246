//! The two languages of a format: its values and its tokens.

use std::fmt;

/// Which of the two languages of a format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// What is tokenized.
    Value,
    /// What it becomes.
    Token,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Value => "values",
            Self::Token => "tokens",
        })
    }
}
