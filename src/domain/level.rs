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
    /// Every level, the lesser first.
    pub const ALL: [Self; 2] = [Self::Masked, Self::Full];

    /// The name in configurations, commands and exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Full => "full",
        }
    }

    /// The level with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}
