//! What a text alone says of whether it is a token.

/// What a text alone says of whether it is a token of a format.
///
/// Without the vault: a sure token may have ended, and an unsure one may never have been given out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recognition {
    /// It cannot be one: no token of the format has this form.
    NotToken,
    /// It is one, as far as its form says: a real value would not have its mark, its check or its
    /// domain.
    Token,
    /// It may be a value as well: only the vault can tell.
    Unsure,
}
