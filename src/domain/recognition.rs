//! What a text alone says of whether it is a token.

/// What a text alone says of whether it is a token.
///
/// Without the vault: a sure token may have ended, and an unsure one may never have been given out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recognition {
    /// It cannot be one: no token has this form.
    NotToken,
    /// It is one, as far as its form says: a real value would not have its mark, its check or its
    /// domain.
    Token,
    /// It may be a value as well: only the vault can tell.
    Unsure,
}

impl Recognition {
    /// What several formats say together: nothing at all is unsure.
    #[must_use]
    pub fn of_any(several: impl IntoIterator<Item = Self>) -> Self {
        let both = |one, other| match (one, other) {
            (Self::Token, _) | (_, Self::Token) => Self::Token,
            (Self::NotToken, Self::NotToken) => Self::NotToken,
            (Self::Unsure, _) | (_, Self::Unsure) => Self::Unsure,
        };
        several.into_iter().reduce(both).unwrap_or(Self::Unsure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sure_format_is_enough_and_all_must_say_no() {
        use Recognition::NotToken;
        use Recognition::Token;
        use Recognition::Unsure;
        for (several, expected) in [
            (&[][..], Unsure),
            (&[NotToken], NotToken),
            (&[NotToken, NotToken], NotToken),
            (&[NotToken, Unsure], Unsure),
            (&[Unsure, NotToken, Token], Token),
        ] {
            assert_eq!(Recognition::of_any(several.iter().copied()), expected);
        }
    }
}
