//! The states of a ceremony.

use crate::ceremony::CeremonyError;

/// Where a ceremony is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CeremonyState {
    /// Officers took it back.
    Cancelled,
    /// It was carried out.
    Done,
    /// Too few signed in time.
    Expired,
    /// It could not be carried out; nothing of it was.
    Failed,
    /// It waits for signatures.
    Proposed,
    /// It took effect, and its job is under way.
    Running,
    /// Enough have signed; it waits for its delay to be over.
    Waiting,
}

impl CeremonyState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Proposed,
        Self::Waiting,
        Self::Running,
        Self::Done,
        Self::Cancelled,
        Self::Expired,
        Self::Failed,
    ];

    /// Returns `to`, if a ceremony in this state may go there. The one table of transitions.
    ///
    /// # Errors
    ///
    /// If the table does not have it.
    pub fn transition(self, to: Self) -> Result<Self, CeremonyError> {
        use CeremonyState::Cancelled;
        use CeremonyState::Done;
        use CeremonyState::Expired;
        use CeremonyState::Failed;
        use CeremonyState::Proposed;
        use CeremonyState::Running;
        use CeremonyState::Waiting;
        let is_allowed = match self {
            Proposed => matches!(to, Waiting | Cancelled | Expired),
            Waiting => matches!(to, Running | Done | Cancelled | Failed),
            // Which of those that are running can be cancelled, a turn decides.
            Running => matches!(to, Done | Cancelled),
            Cancelled | Done | Expired | Failed => false,
        };
        if is_allowed {
            Ok(to)
        } else {
            Err(CeremonyError::State)
        }
    }

    /// Whether nothing can happen to it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Cancelled | Self::Done | Self::Expired | Self::Failed => true,
            Self::Proposed | Self::Running | Self::Waiting => false,
        }
    }

    /// The name in rows and listings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Done => "done",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Proposed => "proposed",
            Self::Running => "running",
            Self::Waiting => "waiting",
        }
    }

    /// The number in audit entries, from 1. Frozen.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Cancelled => 1,
            Self::Done => 2,
            Self::Expired => 3,
            Self::Failed => 4,
            Self::Proposed => 5,
            Self::Running => 6,
            Self::Waiting => 7,
        }
    }

    /// The state with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The state with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}
