//! The words of the vault: what every other layer speaks of, without keys, text rules or storage.

mod clock;
mod equality;
mod fidelity;
mod identifier;
mod key;
mod plaintext;
mod principal;
mod rank;
mod recognition;
mod token;

pub use clock::Clock;
pub use clock::SystemClock;
pub use clock::Timestamp;
pub use equality::Equality;
pub use fidelity::Fidelity;
pub use fidelity::FidelityReason;
pub use identifier::CaseId;
pub use identifier::FieldName;
pub use identifier::IdentifierError;
pub use identifier::Namespace;
pub use identifier::Purpose;
pub use identifier::RequestId;
pub use identifier::Subject;
pub use key::InvalidTransition;
pub use key::KeyPurpose;
pub use key::KeyState;
pub use key::KeyVersion;
pub use plaintext::Plaintext;
pub use principal::Principal;
pub use principal::PrincipalError;
pub use rank::DOMAIN_SIZE_MIN;
pub use rank::DomainSize;
pub use rank::Rank;
pub use recognition::Recognition;
pub use token::Token;
