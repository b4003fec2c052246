//! How much of a value's form its token keeps.

/// How much of a value's form its token keeps.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Fidelity {
    /// Nothing of it: the token came from elsewhere with its value, and has whatever form it has.
    Imported,
    /// Character for character: each letter a letter of its own class, digits digits, separators
    /// where they were.
    Shape,
    /// Valid as its kind and readable aloud, of a small fixed-size language.
    Outline,
    /// An id, where no format is wanted.
    Opaque,
}

/// Why a token has the fidelity that it has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FidelityReason {
    /// The field asks for this fidelity, and the value could be carried so.
    Configured,
    /// The value's shape has fewer than 1,000,000 members (NIST SP 800-38G, the domain minimum).
    DomainTooSmall,
    /// The token came from elsewhere with its value.
    Imported,
    /// The value is not valid in its format, and the field says `on_invalid = "outline"`.
    Invalid,
    /// The value has a character outside the format's classes and kept literals.
    NotRepresentable,
    /// The token of the value's shape would be longer than its format allows.
    TooLong,
}
