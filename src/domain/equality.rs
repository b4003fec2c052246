//! When two equal values of a field share a token.

/// When two equal values of a field share a token.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Equality {
    /// Wherever they are in the field: search and joins work.
    Field,
    /// Only where they are of one subject: no frequencies can be compared across customers.
    Subject,
    /// Never: each call makes a new token.
    None,
}
