//! On whose behalf a tool calls.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use crate::domain::Timestamp;
use crate::domain::identifier::Group;
use crate::domain::identifier::Issuer;

/// Why a text is not a person. It never repeats the text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PersonError {
    /// The text is empty, longer than allowed, or has a character outside the allowed ones.
    #[error("person is not an issuer and a subject, such as acme/248289761001")]
    Malformed,
}

/// Who a person is: the configured name of the identity provider that says so, and the person's
/// subject there, such as `acme/248289761001`.
///
/// Compared byte by byte, as OpenID Connect Core 1.0, section 2 (`sub`) has it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PersonId(Box<str>);

impl PersonId {
    /// The most characters that a subject may have.
    pub const SUBJECT_LENGTH_MAX: usize = 128;

    /// The person with this subject at this provider. Subjects are visible ASCII without `"`,
    /// `\` and `/`.
    ///
    /// # Errors
    ///
    /// If the subject is empty, too long, or has another character.
    pub fn new(issuer: &Issuer, subject: &str) -> Result<Self, PersonError> {
        let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'/');
        if subject.is_empty()
            || subject.len() > Self::SUBJECT_LENGTH_MAX
            || !subject.bytes().all(allowed)
        {
            return Err(PersonError::Malformed);
        }
        Ok(Self(format!("{issuer}/{subject}").into()))
    }

    /// Reads `issuer/subject`.
    ///
    /// # Errors
    ///
    /// If it is not of that form.
    pub fn read(text: &str) -> Result<Self, PersonError> {
        let (issuer, subject) = text.split_once('/').ok_or(PersonError::Malformed)?;
        let issuer = Issuer::new(issuer).map_err(|_| PersonError::Malformed)?;
        Self::new(&issuer, subject)
    }

    /// The text: `issuer/subject`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A person whom an identity provider vouches for: made from a signed assertion that was verified,
/// and from nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    /// Who it is.
    pub id: PersonId,
    /// SHA-256 of the assertion's id (`jti`), or of the assertion where it has none.
    pub login: [u8; 32],
    /// When the person proved who they are (`auth_time`), where the provider says.
    pub authenticated: Option<Timestamp>,
    /// How they proved it (`amr`, RFC 8176), such as `mfa` or `hwk`.
    pub methods: BTreeSet<Group>,
    /// The class of the proof (`acr`), as the configuration calls it.
    pub class: Option<Group>,
    /// The groups that they are in.
    pub groups: BTreeSet<Group>,
    /// When the assertion ends.
    pub expires: Timestamp,
    /// Whether the assertion is bound to the caller's certificate (RFC 8705, `cnf`).
    pub is_bound: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_is_an_issuer_and_a_subject() {
        for text in ["acme/248289761001", "acme/auth0|5f7c", "a/ada@x"] {
            assert_eq!(PersonId::read(text).unwrap().as_str(), text);
        }
        for text in [
            "", "acme", "acme/", "/1", "Acme/1", "a/b/c", "a/b c", "a/\u{e9}",
        ] {
            assert_eq!(PersonId::read(text), Err(PersonError::Malformed), "{text}");
        }
        let issuer = Issuer::new("acme").unwrap();
        assert!(PersonId::new(&issuer, &"1".repeat(129)).is_err());
    }
}
