//! Cryptography: bytes in, bytes out. It knows no formats, no storage and no policy.
//!
//! Every key is a type of its own and serves one purpose; every input of a keyed function is an
//! unambiguous [`Encoding`] that starts with a label of its own; randomness is an argument.

pub(crate) mod aead;
mod domain_tag;
mod encoding;
mod entropy;
mod ff1;
mod fingerprint;
mod imported_token;
mod key_bytes;
mod mac;
pub mod merkle;
pub mod note;
mod numerals;
mod root_key;
mod scrub;
mod seal;
mod sharing;
mod token_key;
mod wrap;

use thiserror::Error;

pub use domain_tag::DomainTagKey;
pub use encoding::Encoding;
pub use encoding::Sink;
pub use entropy::Entropy;
pub use entropy::SystemEntropy;
pub use ff1::Alphabet;
pub use ff1::DOMAIN_BITS_MAX;
pub use ff1::Direction;
pub use ff1::Ff1;
pub use ff1::Ff1Error;
pub use ff1::InterchangeError;
pub use ff1::InterchangeFf1;
pub use ff1::LEGACY_DOMAIN_SIZE_MIN;
pub use ff1::Message as Ff1Message;
pub use ff1::NUMERALS_MAX;
pub use ff1::OtherCharacters;
pub use ff1::SelfTestError;
pub use ff1::SmallDomains;
pub use ff1::TWEAK_BYTES_MAX;
pub use ff1::self_test;
pub use fingerprint::AuditFingerprintKey;
pub use fingerprint::Fingerprint;
pub use fingerprint::Scope;
pub use fingerprint::TokenFingerprintKey;
pub use fingerprint::ValueFingerprintKey;
pub use imported_token::IMPORTED_TOKEN_BYTES_MAX;
pub use key_bytes::KeyBytes;
pub use note::AuditSigningKey;
pub use root_key::KeyIdentity;
pub use root_key::RootKey;
pub use scrub::scrub_stack;
pub use seal::RESIDUE_BYTES_MAX;
pub use sharing::Commitments;
pub use sharing::SHARES_COUNT_MAX;
pub use sharing::SecretShare;
pub use sharing::SharedSecret;
pub use sharing::SharingError;
pub use token_key::TokenKey;
pub use wrap::RecordName;
pub use wrap::WrappingKey;

/// Why something could not be protected or opened.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum CryptoError {
    /// The domain has no values, or a pseudo-random rank was not found in it.
    #[error("domain has no rank to draw")]
    Domain,
    /// The bytes do not open: another key, another place, or changed. One error for all, so that
    /// nobody learns which.
    #[error("sealed bytes do not open under this key at this place")]
    Opening,
    /// What is to be protected is longer than allowed.
    #[error("message is longer than {bytes_max} bytes")]
    TooLong {
        /// The most bytes that it may have.
        bytes_max: usize,
    },
}
