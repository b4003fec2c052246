//! The Merkle tree of the audit log: hashing, appending, and both proofs.
//!
//! Source: RFC 6962, section 2.1 (hashes and proofs); RFC 9162, sections 2.1.3.2 and 2.1.4.2 (how
//! proofs are verified). Trees, proofs and roots are those of Certificate Transparency, so that
//! its tools can check the log.

mod frontier;
mod hash;
mod proof;
mod verify;

pub use frontier::Frontier;
pub use frontier::FrontierError;
pub use hash::Hash;
pub use hash::leaf_hash;
pub use hash::node_hash;
pub use proof::HashReader;
pub use proof::ProofError;
pub use proof::consistency_proof;
pub use proof::inclusion_proof;
pub use verify::VerificationError;
pub use verify::verify_consistency;
pub use verify::verify_inclusion;

#[cfg(test)]
mod tests;
