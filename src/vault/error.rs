//! Why a request, or one item of it, was not carried out.

use thiserror::Error;

use crate::access::Refusal;
use crate::audit::CommitError;
use crate::audit::exposure::TooMany;
use crate::backup::BackupError;
use crate::ceremony::CeremonyError;
use crate::crypto::CryptoError;
use crate::crypto::Ff1Error;
use crate::domain::IdentifierError;
use crate::domain::PartsError;
use crate::format::FormatError;
use crate::people;
use crate::store::StoreError;

/// Why a whole request was not carried out. Nothing here repeats what a caller sent.
#[derive(Debug, Error)]
pub enum VaultError {
    /// The audit log cannot take the entry now, so nothing was done.
    #[error("audit log cannot be written")]
    AuditUnavailable(#[source] CommitError),
    /// The backup was not made.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// What a key officer wants cannot be done.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The policy does not permit it, or there is no such namespace. One answer for both.
    #[error("permission denied")]
    Denied,
    /// The report of who was seen would need entries that are in an archive.
    #[error(
        "entries before {size} are in an archive: have the report made from the log and its \
         archive, by `counterfoil audit exposure --archive DIR`"
    )]
    ExposureArchived {
        /// The index of the first entry that is not.
        size: u64,
    },
    /// The report of who was seen would have more rows than one may have.
    #[error(transparent)]
    ExposureTooLong(TooMany),
    /// What is asked for is no scope of a grant.
    #[error("{problem}")]
    GrantScope {
        /// Which part of it.
        part: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no item, or more than the limit.
    #[error("request has {items_count} items, it must have 1 to {items_max}")]
    ItemCount {
        /// How many there are.
        items_count: usize,
        /// How many there may be.
        items_max: usize,
    },
    /// Keys changed while the request was carried out, again and again.
    #[error("keys changed meanwhile: try again")]
    KeysChanged,
    /// The witness has not seen what is asked for, or there is no witness.
    #[error(
        "witness has cosigned {seen_size} entries of the log: ask again when it has seen more, or \
         configure one where there is none"
    )]
    NotCosigned {
        /// How many entries it has seen.
        seen_size: u64,
    },
    /// The log is not that long, or the sizes are in the wrong order.
    #[error(
        "log has {tree_size} entries: index or size is beyond it, or sizes are in the wrong order"
    )]
    OutsideLog {
        /// How many entries it has.
        tree_size: u64,
    },
    /// More requests are waiting than the vault takes.
    #[error("too many requests are waiting")]
    Overloaded,
    /// The assertion of the acting principal is not believed. Why is for the operator alone.
    #[error("acting principal is not accepted")]
    PersonRefused(#[source] people::Refusal),
    /// The purpose is not one that the configuration allows.
    #[error("purpose is not one of the configured purposes")]
    Purpose,
    /// Grants, budgets or freezes do not allow it.
    #[error(transparent)]
    Refused(Refusal),
    /// The request id was used for a request with other contents.
    #[error("request id was used for a request with other contents")]
    RequestIdReused,
    /// What holds the root key is away.
    #[error("root key cannot be used: check what holds it, and try again")]
    RootKeyUnavailable,
    /// The store cannot be read.
    #[error("store cannot be read")]
    Store(#[from] StoreError),
}

/// Why one item of a request was not carried out.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ItemError {
    /// The stored record does not open, or contradicts itself.
    #[error("stored record is damaged")]
    Damaged,
    /// There are more values in the texts than one call takes on.
    #[error("texts have more than {findings_max} values in all")]
    Findings {
        /// The most of one call.
        findings_max: usize,
    },
    /// The policy does not permit the field.
    #[error("permission denied")]
    Forbidden,
    /// The value is not valid in the field's format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A part of the item is not an identifier.
    #[error("{part}: {error}")]
    Identifier {
        /// Which part of the item.
        part: &'static str,
        /// What is wrong with it.
        error: IdentifierError,
    },
    /// The value is itself a live token of its field.
    #[error("value is already a token of this field")]
    IsToken,
    /// The key version that wraps the record may no longer open anything.
    #[error("key is destroyed")]
    KeyDestroyed,
    /// Values of the field are not found by their form.
    #[error("values of this field have no form to find: give them as known values")]
    NotFindable,
    /// No live token stands for the value.
    #[error("value has no token")]
    NotFound,
    /// The value to import has another token.
    #[error("value has another token")]
    OtherToken,
    /// The parts of a value or a token are not such.
    #[error("{part}: {error}")]
    Parts {
        /// Of what: the part of the item.
        part: &'static str,
        /// What is wrong with them.
        error: PartsError,
    },
    /// No free token was drawn: the values of this shape are nearly all taken.
    #[error("no free token was found for values of this shape")]
    SliceFull,
    /// The request was made before, and its customer was erased since.
    #[error("customer was erased after this request was first made: use a new request id")]
    SubjectErased,
    /// The field keeps equal values of different subjects apart, so it needs the subject.
    #[error("subject is required for this field")]
    SubjectMissing,
    /// The text is too long to look for values in it, or too many are known.
    #[error(
        "text is longer than {characters_max} characters, or has more than {known_max} known values"
    )]
    TextTooLong {
        /// The longest text, in characters.
        characters_max: usize,
        /// The most known values.
        known_max: usize,
    },
    /// The token to import is not one that can be: empty, too long, or not plain text.
    #[error("token must have 1 to {bytes_max} bytes in NFC, without control characters")]
    TokenForm {
        /// The longest allowed, in bytes.
        bytes_max: usize,
    },
    /// The token to import is the value itself.
    #[error("token is the value itself")]
    TokenIsValue,
    /// The token to import does not have the parts that the field's tokens have.
    #[error("token: {error}")]
    TokenParts {
        /// What is wrong with them.
        error: FormatError,
    },
    /// The token to import stands for another value, or did. Never whose.
    #[error("token stands for another value")]
    TokenTaken,
    /// Too many customers share the records of one call for all of them to move at once.
    #[error("more than {sharers_max} customers share the values of this call: send fewer tokens")]
    TooManySharers {
        /// The most of one call.
        sharers_max: usize,
    },
    /// The time to live is longer than allowed.
    #[error("ttl is longer than {seconds_max} seconds")]
    Ttl {
        /// The longest allowed, in seconds.
        seconds_max: u64,
    },
    /// The namespace has no such field. Told only to who may use all of its fields.
    #[error("field is not configured")]
    UnknownField,
    /// The token is unknown, expired, erased, or another field's or subject's: one answer.
    #[error("permission denied")]
    UnknownToken,
}

impl From<CryptoError> for ItemError {
    fn from(error: CryptoError) -> Self {
        match error {
            CryptoError::Domain | CryptoError::Opening | CryptoError::TooLong { .. } => {
                Self::Damaged
            }
        }
    }
}

impl From<Ff1Error> for ItemError {
    fn from(_: Ff1Error) -> Self {
        Self::Damaged
    }
}

impl From<CommitError> for VaultError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::KeysChanged => Self::KeysChanged,
            CommitError::Refused(refusal) => Self::Refused(refusal),
            CommitError::Conflicts(_)
            | CommitError::Damaged
            | CommitError::DiskFull
            | CommitError::Overloaded
            | CommitError::TooLarge
            | CommitError::Unavailable
            | CommitError::Unwitnessed => Self::AuditUnavailable(error),
        }
    }
}
