//! Who may still reveal: grants, budgets and freezes, and the alarms that trip them.
//!
//! A state machine without I/O. The sequencer of the audit log asks it, one claim after another,
//! before it gives a call its place in the log, and writes its rows in the same synced batch as
//! the call's entry. So the order of the log is the order in which claims were judged: no reveal
//! has an index above the freeze that would have stopped it, and a budget is exact under any
//! number of callers, restarts and crashes.
//!
//! ```text
//! claim → judge → (granted: rows, effect | refused) and what follows from it, such as a freeze
//!         the batch is durable → settle → events to who watches
//!         the batch was refused → undo
//! ```

mod actor;
mod alarm;
mod budget;
mod claim;
mod disclose;
mod event;
mod freeze;
mod grant;
mod grants;
mod ledger;
mod load;
mod refusal;
mod retokenize;
mod rules;
mod seen;
mod state;
#[cfg(test)]
mod tests;
mod view;
mod wire;

pub use actor::Actor;
pub use actor::Holder;
pub use budget::Usage;
pub use claim::Act;
pub use claim::Claim;
pub use claim::Disclosure;
pub use claim::Glance;
pub use claim::GrantUse;
pub use event::AccessEvent;
pub use event::Cause;
pub use event::Effect;
pub use freeze::Freeze;
pub use grant::Approval;
pub use grant::Grant;
pub use grant::GrantKind;
pub use grant::GrantScope;
pub use grant::GrantState;
pub use grant::REQUEST_SECONDS_MAX;
pub use grant::SUBJECTS_MAX;
pub use grant::TTL_SECONDS_MAX;
pub use grants::BREAK_GLASS_DELAY_SECONDS;
pub use grants::BREAK_GLASS_TTL_SECONDS_MAX;
pub use load::LoadError;
pub use refusal::Refusal;
pub use rules::AccessRules;
pub use rules::BudgetRule;
pub use rules::HolderKind;
pub use rules::Window;
pub use seen::SeenKey;
pub use state::Access;
pub use state::Granted;
pub use state::Judgment;
