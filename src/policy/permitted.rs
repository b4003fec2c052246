//! The proof that a request was permitted.

use std::fmt;

use crate::domain::FieldName;
use crate::domain::Principal;
use crate::policy::rule::FieldSelection;

/// The decision that permits a request: to whom, for which fields, by which policy.
#[derive(Clone, Debug)]
pub struct Permit {
    pub(in crate::policy) principal: Principal,
    pub(in crate::policy) fields: FieldSelection,
    pub(in crate::policy) policy_hash: [u8; 32],
}

impl Permit {
    /// Who was permitted.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether the permit covers the field.
    #[must_use]
    pub fn covers(&self, field: &FieldName) -> bool {
        self.fields.covers(field)
    }

    /// Whether the permit covers every field that there is, so that an unknown one may be named.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        matches!(self.fields, FieldSelection::All)
    }

    /// SHA-256 of the policy that decided.
    #[must_use]
    pub fn policy_hash(&self) -> [u8; 32] {
        self.policy_hash
    }
}

/// A request that was permitted. Only [`crate::policy::Policy::decide`] makes one.
pub struct Permitted<T> {
    pub(in crate::policy) request: T,
    pub(in crate::policy) permit: Permit,
}

impl<T> Permitted<T> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &T {
        &self.request
    }

    /// The decision.
    #[must_use]
    pub fn permit(&self) -> &Permit {
        &self.permit
    }
}

impl<T> fmt::Debug for Permitted<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Permitted")
            .field("permit", &self.permit)
            .finish_non_exhaustive()
    }
}

/// A request that was refused, for the entry about it. Every refusal looks alike.
pub struct Denied<T> {
    pub(in crate::policy) request: T,
}

impl<T> Denied<T> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &T {
        &self.request
    }
}

impl<T> fmt::Debug for Denied<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Denied").finish_non_exhaustive()
    }
}
