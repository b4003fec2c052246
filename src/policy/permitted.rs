//! The proof that a request was permitted.

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::FieldName;
use crate::domain::Principal;

/// By what a field is covered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Coverage {
    /// By a policy that asks for a live grant, for what the grant covers.
    ByGrant,
    /// By a policy alone, without a grant.
    Standing,
}

/// The decision that permits a request: to whom, for which fields, by which policy.
#[derive(Clone, Debug)]
pub struct Permit {
    pub(in crate::policy) principal: Principal,
    pub(in crate::policy) standing: BTreeSet<FieldName>,
    pub(in crate::policy) by_grant: BTreeSet<FieldName>,
    pub(in crate::policy) covers_all: bool,
    pub(in crate::policy) policy_hash: [u8; 32],
}

impl Permit {
    /// Who was permitted.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether the permit covers the field. Only fields that the request named were asked about:
    /// every other is not covered.
    #[must_use]
    pub fn covers(&self, field: &FieldName, coverage: Coverage) -> bool {
        match coverage {
            Coverage::ByGrant => self.by_grant.contains(field),
            Coverage::Standing => self.standing.contains(field),
        }
    }

    /// Whether the permit covers every field that there is without a grant, so that the caller may
    /// learn that a field does not exist.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        self.covers_all
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

    /// Whether it is permitted for every one of the fields, and not only for some.
    #[must_use]
    pub fn covers_named(&self, fields: &[FieldName]) -> bool {
        let covers = |field| self.permit.covers(field, Coverage::Standing);
        fields.iter().all(covers)
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
    pub(in crate::policy) policy_hash: [u8; 32],
}

impl<T> Denied<T> {
    /// The request.
    #[must_use]
    pub fn request(&self) -> &T {
        &self.request
    }

    /// SHA-256 of the policy that decided.
    #[must_use]
    pub fn policy_hash(&self) -> [u8; 32] {
        self.policy_hash
    }
}

impl<T> fmt::Debug for Denied<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Denied").finish_non_exhaustive()
    }
}
