//! What came of a claim, and what watchers are told.

use crate::access::freeze::Freeze;
use crate::access::grant::Grant;
use crate::domain::FreezeTarget;

/// Whether an act took effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It did.
    Effective,
    /// It waits for another person.
    Pending,
}

/// Why something was frozen.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Cause {
    /// A budget was spent under a grant.
    BudgetSpent,
    /// A decoy was touched.
    Decoy,
    /// One refusal came after another.
    Denials,
    /// A token of another tenant was presented.
    ForeignToken,
    /// Somebody froze it.
    OnCall,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 2] = [Self::Effective, Self::Pending];

    /// The number in stored entries.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Effective => 1,
            Self::Pending => 2,
        }
    }

    /// The name in exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Effective => "effective",
            Self::Pending => "pending",
        }
    }

    /// The effect with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|effect| effect.number() == number)
    }
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::OnCall,
        Self::Decoy,
        Self::ForeignToken,
        Self::Denials,
        Self::BudgetSpent,
    ];

    /// The number in stored rows and entries.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::OnCall => 1,
            Self::Decoy => 2,
            Self::ForeignToken => 3,
            Self::Denials => 4,
            Self::BudgetSpent => 5,
        }
    }

    /// The name in exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnCall => "on_call",
            Self::Decoy => "decoy",
            Self::ForeignToken => "foreign_token",
            Self::Denials => "denials",
            Self::BudgetSpent => "budget_spent",
        }
    }

    /// The cause with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.number() == number)
    }
}

/// What watchers are told, once it is durable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AccessEvent {
    /// Something was frozen.
    Frozen(Freeze),
    /// A grant was asked for, approved, refused or revoked: its new state.
    Grant(Box<Grant>),
    /// Something was unfrozen.
    Unfrozen(FreezeTarget),
}
