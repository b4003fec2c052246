//! How much of a value is revealed.

/// How much of a value is revealed; the lesser is first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// A few characters of it, enough for a customer to recognize what is theirs.
    Masked,
    /// The whole value.
    Full,
}

impl Level {
    /// The name that policies and configurations use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Masked => "masked",
        }
    }
}
