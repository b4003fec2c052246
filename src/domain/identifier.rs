//! Opaque names that appear in keys, policies and audit entries in clear.

use std::fmt;

use thiserror::Error;

/// Why a text is not an identifier. It never repeats the text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum IdentifierError {
    /// There is a character outside the identifier's alphabet.
    #[error("identifier has a character that is not allowed, at character {position}")]
    Character {
        /// The position of the character, from 0.
        position: usize,
    },
    /// It is a value or a token of the same call, which must not be kept where ids are.
    #[error("identifier is a value or a token of the same call; the audit log keeps identifiers")]
    Confided,
    /// The text is empty.
    #[error("identifier is empty")]
    Empty,
    /// The text is longer than allowed.
    #[error("identifier is longer than {length_max} characters")]
    TooLong {
        /// The most characters that the identifier may have.
        length_max: usize,
    },
}

fn parse(
    text: &str,
    length_max: usize,
    allowed: fn(position: usize, character: char) -> bool,
) -> Result<Box<str>, IdentifierError> {
    if text.is_empty() {
        return Err(IdentifierError::Empty);
    }
    // Bytes bound characters from above, so that an oversized text is refused unread.
    if text.len() > length_max {
        return Err(IdentifierError::TooLong { length_max });
    }
    match text
        .chars()
        .enumerate()
        .find(|&(position, character)| !allowed(position, character))
    {
        Some((position, _)) => Err(IdentifierError::Character { position }),
        None => Ok(text.into()),
    }
}

/// `[a-z][a-z0-9_-]*`: names that operators choose in the configuration.
fn is_name(position: usize, character: char) -> bool {
    character.is_ascii_lowercase()
        || (position > 0 && (character.is_ascii_digit() || matches!(character, '_' | '-')))
}

/// `[A-Za-z0-9._:-]+`: opaque ids that callers choose.
fn is_opaque(_: usize, character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | ':' | '-')
}

macro_rules! identifier {
    ($(#[$documentation:meta])* $name:ident, $length_max:expr, $allowed:expr) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Box<str>);

        impl $name {
            /// The most characters that it may have.
            pub const LENGTH_MAX: usize = $length_max;

            /// Reads an identifier.
            ///
            /// # Errors
            ///
            /// If the text is empty, too long, or has a character outside the alphabet.
            pub fn new(text: &str) -> Result<Self, IdentifierError> {
                parse(text, Self::LENGTH_MAX, $allowed).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// A tenant: keys, fields and tokens of two namespaces never meet. `[a-z][a-z0-9_-]*`.
    Namespace, 32, is_name
);
identifier!(
    /// A configured kind of value, such as `email`. `[a-z][a-z0-9_-]*`.
    FieldName, 32, is_name
);
identifier!(
    /// Why a value is revealed, as a word that policies know. `[a-z][a-z0-9_-]*`.
    Purpose, 32, is_name
);
identifier!(
    /// Somebody who has a part in a ceremony: a share, a key. `[a-z][a-z0-9_-]*`.
    OfficerName, 32, is_name
);
identifier!(
    /// The caller's own opaque id of the customer whom a value belongs to. `[A-Za-z0-9._:-]+`,
    /// since audit entries and the report of who was seen carry it in clear.
    Subject, 64, is_opaque
);
identifier!(
    /// The caller's id of one call, which makes a retry safe. `[A-Za-z0-9._:-]+`.
    RequestId, 64, is_opaque
);
identifier!(
    /// The case that a reveal is for, such as a ticket's number. `[A-Za-z0-9._:-]+`.
    CaseId, 64, is_opaque
);

identifier!(
    /// The vault's id of a grant. `[A-Za-z0-9._:-]+`.
    GrantId, 64, is_opaque
);
impl GrantId {
    /// The id of 26 hexadecimal digits, 104 bits, of a digest.
    #[must_use]
    pub fn drawn(digest: [u8; 32]) -> Self {
        let digits: String = hex::encode(digest).chars().take(26).collect();
        Self(format!("g-{digits}").into())
    }
}

identifier!(
    /// The vault's id of a ceremony. `[A-Za-z0-9._:-]+`.
    CeremonyId, 64, is_opaque
);
impl CeremonyId {
    /// The id of the first 128 bits of a statement's SHA-256, so that no ceremony can be taken for
    /// another.
    #[must_use]
    pub fn of(statement_digest: [u8; 32]) -> Self {
        let digits: String = hex::encode(statement_digest).chars().take(32).collect();
        Self(format!("c-{digits}").into())
    }
}

identifier!(
    /// The configured name of an identity provider. `[a-z][a-z0-9_-]*`.
    Issuer, 32, is_name
);
identifier!(
    /// A word that an identity provider says of a person: a group, or how they proved who they
    /// are. `[A-Za-z0-9._:-]+`.
    Group, 64, is_opaque
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_is_opaque() {
        assert!(Subject::new("cus_00.A:1-z").is_ok());
        assert_eq!(
            Subject::new("ada@x"),
            Err(IdentifierError::Character { position: 3 })
        );
        assert_eq!(Subject::new(""), Err(IdentifierError::Empty));
        assert_eq!(
            Subject::new(&"a".repeat(65)),
            Err(IdentifierError::TooLong { length_max: 64 })
        );
    }

    #[test]
    fn namespace_starts_with_a_letter() {
        assert!(Namespace::new("shop-1").is_ok());
        assert_eq!(
            Namespace::new("1shop"),
            Err(IdentifierError::Character { position: 0 })
        );
        assert_eq!(
            Namespace::new("Shop"),
            Err(IdentifierError::Character { position: 0 })
        );
    }
}
