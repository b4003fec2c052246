//! The words of the vault: what every other layer speaks of, without keys, text rules or storage.

mod clock;
mod equality;
mod fidelity;
mod identifier;
mod key;
mod plaintext;
mod principal;
mod rank;
mod token;

pub use clock::{Clock, SystemClock, Timestamp};
pub use equality::Equality;
pub use fidelity::{Fidelity, FidelityReason};
pub use identifier::{CaseId, FieldName, IdentifierError, Namespace, Purpose, RequestId, Subject};
pub use key::{InvalidTransition, KeyPurpose, KeyState, KeyVersion};
pub use plaintext::Plaintext;
pub use principal::{Principal, PrincipalError};
pub use rank::{DOMAIN_SIZE_MIN, DomainSize, Rank};
pub use token::Token;
