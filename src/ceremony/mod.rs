//! Ceremonies: what key officers do together, and never alone.
//!
//! A state machine without I/O. An officer signs a *statement* that says in full what is to be
//! done: the operation, the key and its version, the vault, the rules in force, a nonce and an
//! end. Others sign the same text. When as many have signed as the *charter* asks for, it is
//! carried out, at once or after a delay in which it can be cancelled.
//!
//! ```text
//! proposed ──enough signatures──▶ (waiting ──delay──▶) (running ──job──▶) done
//!     │                              │                    │
//!     └── cancelled, expired         └── cancelled, failed
//! ```
//!
//! What officers allow for a time, and take no part in themselves (retokenizing), is running for as
//! long as it is allowed, and can be cancelled then too. A job that cannot go on is no failure: it
//! is tried again, since what it has to do still has to be done.
//!
//! Signatures are of single officers (Ed25519, C2SP signed notes), so a ceremony says who was
//! there; shares of a common key would not.

mod charter;
mod error;
mod offline;
mod operation;
mod progress;
mod record;
mod retokenization;
mod rollback;
mod root_key_move;
mod row;
mod state;
mod statement;
#[cfg(test)]
mod tests;
mod turn;

pub use charter::Charter;
pub use charter::DELAY_SECONDS_MAX;
pub use charter::OFFICERS_MAX;
pub use charter::Officer;
pub use charter::Rule;
pub use error::CeremonyError;
pub use offline::Approved;
pub use offline::NO_CHARTER;
pub use offline::join;
pub use operation::Operation;
pub use operation::OperationKind;
pub use progress::Progress;
pub use retokenization::RETOKENIZATION_SECONDS_MAX;
pub use retokenization::Retokenization;
pub use rollback::LogPoint;
pub use rollback::Rollback;
pub use root_key_move::RootKeyKind;
pub use root_key_move::RootKeyMove;
pub use row::RowError;
pub use state::CeremonyState;
pub use statement::STATEMENT_SECONDS_MAX;
pub use statement::Statement;
pub use statement::cancellation;
pub use turn::Ceremony;
pub use turn::Signed;
