//! The vault's clients: for the command line and for tests.
//!
//! One client for each listener, since who may reach the one may not reach the other. Both speak
//! TLS 1.3 with a client certificate, put a deadline on each call, and repeat a call that the
//! vault was too busy for under the same request id.

mod access;
mod audit;
mod backup;
mod channel;
mod error;
mod import;
mod item;
mod keys;
mod log;
mod profile;
mod redact;
mod reindex;
mod retokenize;
mod retry;
mod reveal;
mod seal;
mod subject;
mod token;

pub use access::AccessClient;
pub use audit::AuditClient;
pub use backup::BackupClient;
pub use error::ClientError;
pub use error::ItemError;
pub use error::code_name;
pub use item::ClaimItem;
pub use item::ITEMS_MAX;
pub use item::IssuedToken;
pub use item::TokenDescription;
pub use item::TokenItem;
pub use item::ValueItem;
pub use keys::KeyClient;
pub use keys::statement;
pub use log::ConsistencyProof;
pub use log::SignedCheckpoints;
pub use log::WantedTree;
pub use log::WatchedEntries;
pub use profile::Profile;
pub use redact::RedactedSpan;
pub use redact::RedactedText;
pub use redact::TextItem;
pub use retokenize::ReplacedToken;
pub use reveal::ActingPrincipal;
pub use reveal::Reason;
pub use reveal::Receipt;
pub use reveal::RevealClient;
pub use reveal::Revealed;
pub use seal::SealClient;
pub use seal::SealStatus;
pub use subject::SubjectClient;
pub use token::TokenClient;
pub use tonic::Code;
