//! Counterfoil is a format-preserving tokenization vault.
//!
//! **The token is the ciphertext, the vault keeps only its key.** A value (`Ada Lovelace`) is
//! enciphered with FF1 under a fresh key of its own; the result (`Kfo Mbwqtird`) is the token and
//! lives in the applications' databases. The vault stores the token's key, wrapped, and what the
//! token cannot carry, found by a keyed fingerprint of the token.
//!
//! A module imports only from the layers below it:
//!
//! ```text
//! L7 cli
//! L6 config
//! L5 server   client
//! L4 vault
//!    backup
//! L3 keys     audit    pager
//!    access   ceremony
//! L2 store    policy   people   cases   witness
//! L1 crypto   format   inbound  outbound
//! L0 domain   durable
//! ```
//!
//! Read [`vault`] first: one request is one file, readable from the top down.

pub mod access;
pub mod assembly;
pub mod audit;
pub mod backup;
pub mod cases;
pub mod ceremony;
pub mod cli;
pub mod client;
pub mod config;
pub mod crypto;
pub mod domain;
mod durable;
pub mod format;
pub mod inbound;
pub mod keys;
pub mod outbound;
pub mod pager;
pub mod people;
pub mod policy;
pub mod protocol;
pub mod server;
pub mod store;
pub mod vault;
pub mod witness;

/// The memory of everything that is linked with this library, RocksDB's C++ too:
/// `docs/decisions/0049-jemalloc.md`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(test)]
#[expect(dead_code, reason = "campaigns compare what both say themselves")]
#[path = "../tests/support/second_verifier.rs"]
mod second_verifier;
#[cfg(test)]
#[path = "../tests/support/untried.rs"]
mod untried;
