//! What can be frozen.

use crate::domain::CaseId;
use crate::domain::GrantId;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;

/// What is frozen: nothing of it is answered until it is unfrozen.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FreezeTarget {
    /// Every reveal and every question about values, of everybody. Tokens are still given out.
    AllReveals,
    /// Reveals for a case.
    Case(Namespace, CaseId),
    /// Every call with this client certificate: SHA-256 of its DER.
    Certificate([u8; 32]),
    /// Reveals under a grant.
    Grant(GrantId),
    /// Every reveal and every question about values in a namespace.
    Namespace(Namespace),
    /// Every call on behalf of a person.
    Person(PersonId),
    /// Every call of a principal.
    Principal(Principal),
}
