//! A namespace's fields, ready for use.

use std::collections::BTreeMap;

use crate::crypto::Scope;
use crate::domain::Equality;
use crate::domain::FieldName;
use crate::domain::Level;
use crate::domain::Subject;
use crate::format::Format;
use crate::store::NamespaceId;
use crate::vault::error::ItemError;

/// A configured kind of value.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: FieldName,
    /// What its values and tokens look like.
    pub format: Format,
    /// Among which values equal ones share a token.
    pub equality: Equality,
    /// The most that is ever revealed of a value, whatever policies permit; nothing: not even a
    /// mask.
    pub level_max: Option<Level>,
    /// How long its tokens live, in seconds; nothing: for ever.
    pub ttl_seconds: Option<u64>,
}

/// The fields of one namespace.
#[derive(Debug)]
pub struct NamespaceFields {
    /// The namespace's number in stored keys.
    pub id: NamespaceId,
    /// Its fields.
    pub fields: BTreeMap<FieldName, Field>,
    /// Fields that it had and that are no longer configured: their records are still there.
    pub former: Vec<FieldName>,
}

impl NamespaceFields {
    /// The names of every field that a record may be of.
    pub(super) fn names(&self) -> impl Iterator<Item = &FieldName> {
        self.fields.keys().chain(&self.former)
    }
}

impl Field {
    /// The scope within which this field's tokens and equal values of the subject are found.
    ///
    /// # Errors
    ///
    /// If the field needs a subject and there is none.
    pub(super) fn scope<'a>(&self, subject: Option<&'a Subject>) -> Result<Scope<'a>, ItemError> {
        match self.equality {
            Equality::Field | Equality::None => Ok(Scope::Field),
            Equality::Subject => subject.map(Scope::Subject).ok_or(ItemError::SubjectMissing),
        }
    }
}
