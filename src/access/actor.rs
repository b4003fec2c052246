//! Who acts: a program, and the person on whose behalf it does.

use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Timestamp;

/// Who acts: a program, and the person on whose behalf it does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Actor {
    /// The principal of the client certificate.
    pub principal: Principal,
    /// SHA-256 of the client certificate.
    pub credential: [u8; 32],
    /// The person, where there is one.
    pub person: Option<PersonId>,
    /// When the person proved who they are, where their provider says.
    pub authenticated: Option<Timestamp>,
}

/// Who answers for what was done: the person, or without one the program. Two of them are two
/// people where a rule asks for two.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Holder {
    /// A person.
    Person(PersonId),
    /// A program that acts for nobody.
    Principal(Principal),
}

impl Actor {
    /// Who answers for what the actor does.
    #[must_use]
    pub(super) fn holder(&self) -> Holder {
        match &self.person {
            Some(person) => Holder::Person(person.clone()),
            None => Holder::Principal(self.principal.clone()),
        }
    }
}
