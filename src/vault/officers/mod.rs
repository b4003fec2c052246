//! Key officers: what they propose, sign and cancel, and what the vault then does with its keys.
//!
//! ```text
//! propose, approve, cancel   policy → the ceremony takes a turn → row and entry, one synced batch
//!                            enough signed, no delay left? → keys change in the same batch
//! keep_up                    by itself: what is due, what has expired or is over, and the jobs
//! purging                    when a destruction is done: nothing has the bytes any more
//! allowance                  what others may do meanwhile: retokenize
//! protected                  whom a wrapping key protects, for as long as it opens anything
//! ```

mod act;
mod allowance;
mod briefing;
mod carry_out;
mod desk;
mod keep_up;
mod possible;
mod protected;
mod purging;
mod record;
mod register;
mod reseal;
mod rewrap;
mod turn;
mod usage;

pub(super) use allowance::Allowance;
pub use briefing::Briefing;
pub(super) use desk::Desk;
pub use desk::found_charter;
pub use desk::peek_charter;
pub use desk::read_charter;
pub use keep_up::keep_up;
pub use protected::ProtectedList;
pub use protected::ProtectedPage;
pub use protected::ProtectedRecord;
pub use protected::ProtectingKey;
pub use register::Register;
pub use register::keep_ceremony;
pub use turn::Proposal;
pub use usage::KeyUsage;
