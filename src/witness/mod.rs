//! Witnessing a log: both ends of the protocol by which somebody else remembers how large a log is.
//!
//! A vault that owns its disk and its log's key could sign another past. A witness, which has
//! neither, cosigns a checkpoint only if it extends the last one that it cosigned, and never
//! forgets that one. It learns sizes and root hashes, and nothing else.
//!
//! [`Witness`] judges and remembers, [`serve()`] answers for it over HTTP, [`WitnessClient`] is
//! what a vault has of it.
//!
//! Source: C2SP tlog-witness (<https://c2sp.org/tlog-witness>) and tlog-cosignature.

mod certificate;
mod client;
mod cosign;
mod serve;
mod state;
#[cfg(test)]
mod tests;

pub use certificate::CertificateFiles;
pub use client::ClientSettings;
pub use client::Submitted;
pub use client::WitnessClient;
pub use client::WitnessError;
pub use cosign::Cosigned;
pub use cosign::Refusal;
pub use cosign::WatchedLog;
pub use cosign::Witness;
pub use serve::ServeError;
pub use serve::ServeSettings;
pub use serve::serve;
pub use state::KeepState;
pub use state::Latest;
pub use state::StateDirectory;
pub use state::StateError;
pub use state::read_latest;
