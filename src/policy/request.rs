//! What a policy must know of a request, and of the circumstances that it is made in.

use std::net::IpAddr;

use crate::domain::CaseId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Person;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::Timestamp;
use crate::policy::action::Action;

/// What a policy must know of a request in order to decide it.
pub trait Request {
    /// What it wants done.
    fn action(&self) -> Action;

    /// Where.
    fn scope(&self) -> Scope<'_>;

    /// Why, where it says so.
    fn purpose(&self) -> Option<&Purpose> {
        None
    }

    /// The case that it is for, where it names one.
    fn case_id(&self) -> Option<&CaseId> {
        None
    }

    /// The grant that it asks for or decides; a request about grants has one.
    fn proposal(&self) -> Option<Proposal<'_>> {
        None
    }
}

/// Where something is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope<'a> {
    /// In a namespace.
    Namespace(&'a Namespace),
    /// Everywhere.
    Vault,
}

/// A grant that is asked for, or that there is.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// Who asked for it; nobody while it is asked for.
    pub requester: Option<&'a PersonId>,
    /// How much of a value.
    pub level: Level,
    /// For how long.
    pub ttl_seconds: u64,
    /// How many reveals.
    pub reveals_max: u64,
    /// Of how many customers.
    pub subjects_count: u64,
}

/// The circumstances that a request is made in: nothing that the caller could claim.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Who calls, as the client certificate says.
    pub principal: &'a Principal,
    /// On whose behalf, as a verified assertion says.
    pub person: Option<&'a Person>,
    /// Where the connection comes from.
    pub address: Option<IpAddr>,
    /// Now.
    pub time: Timestamp,
    /// What the case connector says of the case; nothing where none was asked.
    pub case: Option<CaseFacts>,
    /// A live grant. What it covers is permitted as [`Coverage::ByGrant`], apart from what is
    /// permitted without it.
    ///
    /// [`Coverage::ByGrant`]: crate::policy::Coverage::ByGrant
    pub grant: Option<GrantFacts<'a>>,
    /// Of the budgets that apply, how much is used of the one that is used the most.
    pub budget_used_percent: Option<u32>,
}

impl<'a> Circumstances<'a> {
    /// Those of which nothing is known but who calls and when.
    #[must_use]
    pub fn new(principal: &'a Principal, time: Timestamp) -> Self {
        Self {
            principal,
            person: None,
            address: None,
            time,
            case: None,
            grant: None,
            budget_used_percent: None,
        }
    }
}

/// What the case connector says of a case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CaseFacts {
    /// Whether it is open.
    pub is_open: bool,
    /// Whether it is assigned to the person of the call.
    pub is_assigned: bool,
    /// Whether it is about every customer of the call.
    pub is_about_subject: bool,
}

/// What is known of a live grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantFacts<'a> {
    /// How much of a value.
    pub level: Level,
    /// The case that it was given for.
    pub case_id: Option<&'a CaseId>,
    /// How many reveals are left.
    pub reveals_left: u64,
    /// Whether it was taken in an emergency.
    pub is_break_glass: bool,
}
