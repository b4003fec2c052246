//! Why a claim is refused.

use thiserror::Error;

/// Why a claim is refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Refusal {
    /// No officers allow this retokenizing, or not any more.
    #[error(
        "no operation of the officers allows this now: propose one with \
         `counterfoil keys propose retokenize`"
    )]
    AllowanceMissing,
    /// Officers allow fewer tokens to be replaced than the call would.
    #[error("the officers' operation allows {left} more tokens, fewer than the call would replace")]
    AllowanceSpent {
        /// How many are left.
        left: u64,
    },
    /// A budget does not last for it.
    #[error("budget is spent")]
    BudgetSpent {
        /// Seconds until the budget has room for one more subject.
        retry_seconds: u64,
    },
    /// A decoy, or a token of another tenant, was touched; or there is no such grant that this
    /// actor may know of. It looks like any other denial.
    #[error("permission denied")]
    Denied,
    /// The person must prove anew who they are before they see more.
    #[error("login is older than {age_seconds_max} seconds")]
    FreshLogin {
        /// How old a login may be.
        age_seconds_max: u64,
    },
    /// The actor, or what they want to see, is frozen.
    #[error("permission denied")]
    Frozen,
    /// The grant is not live, or does not cover the call.
    #[error("grant is not live, or does not cover the call")]
    GrantMissing,
    /// The grant is not in the state that the act needs.
    #[error("grant is not in a state for this")]
    GrantState,
    /// Too many values were claimed for one token.
    #[error("too many claims about one token")]
    Guesses {
        /// Seconds until the next may be made.
        retry_seconds: u64,
    },
    /// Whoever asked cannot approve, and nobody approves twice.
    #[error("approval needs another person")]
    SamePerson,
    /// What the approver saw is not what would be granted.
    #[error("scope is not the one that was approved")]
    Scope,
    /// There are too many of them.
    #[error("too many grants are open")]
    TooMany,
}
