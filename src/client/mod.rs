//! The vault's clients: for the command line and for tests.
//!
//! One client for each listener, since who may reach the one may not reach the other. Both speak
//! TLS 1.3 with a client certificate, put a deadline on each call, and repeat a call that the
//! vault was too busy for under the same request id.

mod channel;
mod error;
mod item;
mod profile;
mod retry;
mod reveal;
mod token;

pub use error::{ClientError, ItemError, code_name};
pub use item::{ClaimItem, ITEMS_MAX, IssuedToken, TokenDescription, TokenItem, ValueItem};
pub use profile::Profile;
pub use reveal::{Reason, Receipt, RevealClient, Revealed};
pub use token::TokenClient;
pub use tonic::Code;
