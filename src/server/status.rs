//! Errors as gRPC statuses: the one place where it is decided what a caller may learn from them.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message;
use tonic::Code;
use tonic::Status;
use tonic_types::ErrorDetails;
use tonic_types::StatusExt;
use tonic_types::pb;

use crate::access::Refusal;
use crate::audit::CommitError;
use crate::backup::BackupError;
use crate::ceremony::CeremonyError;
use crate::store::StoreError;
use crate::vault::ItemError;
use crate::vault::VaultError;

/// A failed request.
pub(super) fn of(error: &VaultError) -> Status {
    match error {
        VaultError::AuditUnavailable(error) => of_commit(error),
        VaultError::Backup(error) => of_backup(error),
        VaultError::Ceremony(error) => of_ceremony(error),
        VaultError::Denied => Status::permission_denied(DENIED),
        VaultError::ExposureArchived { .. } => Status::failed_precondition(error.to_string()),
        VaultError::ExposureTooLong(_) => Status::resource_exhausted(error.to_string()),
        VaultError::GrantScope { part, problem } => invalid(part, *problem),
        VaultError::ItemCount { .. } => invalid("items", error.to_string()),
        VaultError::KeysChanged | VaultError::Overloaded => busy(),
        VaultError::NotCosigned { .. } => {
            let mut details = ErrorDetails::new();
            details.set_error_info("NOT_COSIGNED", "counterfoil", HashMap::new());
            Status::with_error_details(Code::FailedPrecondition, error.to_string(), details)
        }
        VaultError::OutsideLog { .. } => Status::invalid_argument(error.to_string()),
        // One answer, whatever is wrong with it: who forges learns nothing.
        VaultError::PersonRefused(_) => Status::unauthenticated(error.to_string()),
        VaultError::Purpose => invalid("purpose", error.to_string()),
        VaultError::Refused(refusal) => of_refusal(refusal),
        VaultError::RequestIdReused => invalid("request_id", error.to_string()),
        VaultError::RootKeyUnavailable => retry_later(Code::Unavailable, &error.to_string()),
        VaultError::Store(source @ StoreError::Corrupt { .. }) => {
            tracing::error!(error = %source, "stored row is damaged");
            Status::data_loss("stored record is damaged")
        }
        VaultError::Store(source @ StoreError::Pruned { .. }) => {
            Status::failed_precondition(source.to_string())
        }
        VaultError::Store(source) => {
            tracing::error!(error = %source, "store cannot be read");
            retry_later(Code::Unavailable, "try again later")
        }
    }
}

/// A backup that was not made. Which files are where is the operator's to know.
fn of_backup(error: &BackupError) -> Status {
    match error {
        BackupError::Outside => invalid("directory", error.to_string()),
        BackupError::Directory => invalid(
            "directory",
            "has something else: choose an empty one, or one with backups",
        ),
        BackupError::Unconfigured => {
            Status::failed_precondition("no directory for backups is configured: set backup.dir")
        }
        BackupError::Taken => Status::resource_exhausted("another backup is being made"),
        BackupError::Exists
        | BackupError::File { .. }
        | BackupError::Head(_)
        | BackupError::Log(_)
        | BackupError::Manifest(_)
        | BackupError::Missing
        | BackupError::Object { .. }
        | BackupError::Signature(_)
        | BackupError::Store(_) => {
            tracing::error!(%error, "backup was not made");
            Status::unavailable("backup was not made; the vault's own log says why")
        }
    }
}

/// What grants, budgets and freezes did not allow. Who is frozen learns no more than who is
/// denied.
fn of_refusal(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Denied | Refusal::Frozen => Status::permission_denied(DENIED),
        Refusal::SamePerson => Status::permission_denied(refusal.to_string()),
        Refusal::AllowanceMissing => denied("ALLOWANCE_REQUIRED", refusal),
        Refusal::AllowanceSpent { .. } => denied("ALLOWANCE_SPENT", refusal),
        Refusal::FreshLogin { .. } => precondition("FRESH_LOGIN_REQUIRED", refusal),
        Refusal::GrantMissing => precondition("GRANT_REQUIRED", refusal),
        Refusal::GrantState => precondition("GRANT_STATE", refusal),
        Refusal::Scope => precondition("SCOPE_CHANGED", refusal),
        Refusal::BudgetSpent { retry_seconds } | Refusal::Guesses { retry_seconds } => {
            exhausted(refusal, Duration::from_secs(*retry_seconds))
        }
        Refusal::TooMany => exhausted(refusal, Duration::from_secs(60)),
    }
}

fn precondition(reason: &str, refusal: &Refusal) -> Status {
    refused(Code::FailedPrecondition, reason, refusal)
}

/// A denial that says why: whoever has come so far was permitted by the policies.
fn denied(reason: &str, refusal: &Refusal) -> Status {
    refused(Code::PermissionDenied, reason, refusal)
}

fn refused(code: Code, reason: &str, refusal: &Refusal) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, "counterfoil", HashMap::new());
    Status::with_error_details(code, refusal.to_string(), details)
}

fn exhausted(refusal: &Refusal, retry_delay: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(retry_delay));
    Status::with_error_details(Code::ResourceExhausted, refusal.to_string(), details)
}

/// Officers are told why: who has come so far is one of them, or has their program.
fn of_ceremony(error: &CeremonyError) -> Status {
    let code = match error {
        CeremonyError::Charter(_)
        | CeremonyError::CharterLine { .. }
        | CeremonyError::CharterRule(_)
        | CeremonyError::Expired
        | CeremonyError::Signature
        | CeremonyError::Statement => Code::InvalidArgument,
        CeremonyError::Concurrent => Code::Aborted,
        CeremonyError::Missing => Code::NotFound,
        CeremonyError::Allowance(_)
        | CeremonyError::Entry(_)
        | CeremonyError::KeyInUse { .. }
        | CeremonyError::KeyState(_)
        | CeremonyError::KeyWraps { .. }
        | CeremonyError::NoOfficers
        | CeremonyError::OtherCharter
        | CeremonyError::SignedAlready
        | CeremonyError::State
        | CeremonyError::TooFew { .. }
        | CeremonyError::TooManyOpen { .. }
        | CeremonyError::Unsupported(_) => Code::FailedPrecondition,
    };
    Status::new(code, error.to_string())
}

fn of_commit(error: &CommitError) -> Status {
    match error {
        CommitError::Refused(refusal) => of_refusal(refusal),
        CommitError::KeysChanged | CommitError::Overloaded => busy(),
        CommitError::TooLarge => Status::invalid_argument("request is too large to record"),
        CommitError::Unwitnessed => {
            let mut details = ErrorDetails::new();
            details.set_error_info("UNWITNESSED", "counterfoil", HashMap::new());
            details.set_retry_info(Some(WITNESS_RETRY_DELAY));
            let reason = "reveals are stopped until the witness has seen the audit log";
            Status::with_error_details(Code::Unavailable, reason, details)
        }
        CommitError::Damaged => {
            tracing::error!(error = %error, "stored row is damaged");
            Status::data_loss("stored record is damaged")
        }
        CommitError::Conflicts(_) | CommitError::DiskFull | CommitError::Unavailable => {
            tracing::error!(error = %error, "audit log cannot be written");
            retry_later(
                Code::Unavailable,
                "audit log cannot be written; try again later",
            )
        }
    }
}

/// A failed item of a request.
pub(super) fn of_item(index: usize, error: &ItemError) -> pb::Status {
    let part = match error {
        ItemError::Format(_) | ItemError::IsToken => Some("value"),
        ItemError::Identifier { part, .. } | ItemError::Parts { part, .. } => Some(*part),
        ItemError::SubjectMissing => Some("subject"),
        ItemError::OtherToken
        | ItemError::TokenForm { .. }
        | ItemError::TokenIsValue
        | ItemError::TokenParts { .. }
        | ItemError::TokenTaken => Some("token"),
        ItemError::Ttl { .. } => Some("ttl"),
        ItemError::Findings { .. } | ItemError::TextTooLong { .. } => Some("text"),
        ItemError::NotFindable => Some("fields"),
        ItemError::UnknownField => Some("field"),
        ItemError::Damaged
        | ItemError::Forbidden
        | ItemError::KeyDestroyed
        | ItemError::NotFound
        | ItemError::SliceFull
        | ItemError::SubjectErased
        | ItemError::TooManySharers { .. }
        | ItemError::UnknownToken => None,
    };
    let mut details = ErrorDetails::new();
    if let Some(part) = part {
        details.add_bad_request_violation(format!("items[{index}].{part}"), error.to_string());
    }
    let status = Status::with_error_details(item_code(error), error.to_string(), details);
    pb::Status::decode(status.details()).unwrap_or_default()
}

fn item_code(error: &ItemError) -> Code {
    match error {
        ItemError::Damaged => Code::DataLoss,
        ItemError::Forbidden | ItemError::UnknownToken => Code::PermissionDenied,
        ItemError::Findings { .. }
        | ItemError::Format(_)
        | ItemError::Identifier { .. }
        | ItemError::NotFindable
        | ItemError::Parts { .. }
        | ItemError::SubjectMissing
        | ItemError::TextTooLong { .. }
        | ItemError::TokenForm { .. }
        | ItemError::TokenIsValue
        | ItemError::TokenParts { .. }
        | ItemError::Ttl { .. }
        | ItemError::UnknownField => Code::InvalidArgument,
        ItemError::IsToken
        | ItemError::KeyDestroyed
        | ItemError::OtherToken
        | ItemError::SubjectErased => Code::FailedPrecondition,
        ItemError::NotFound => Code::NotFound,
        ItemError::SliceFull | ItemError::TooManySharers { .. } => Code::ResourceExhausted,
        ItemError::TokenTaken => Code::AlreadyExists,
    }
}

/// A malformed part of a request.
pub(super) fn invalid(part: &str, description: impl Into<String>) -> Status {
    let description = description.into();
    let mut details = ErrorDetails::new();
    details.add_bad_request_violation(part, description.clone());
    Status::with_error_details(
        Code::InvalidArgument,
        format!("{part}: {description}"),
        details,
    )
}

/// The vault is sealed.
pub(super) fn sealed() -> Status {
    retry_later(
        Code::Unavailable,
        "vault is sealed; its officers must unseal it",
    )
}

/// More calls wait than are taken on.
pub(super) fn busy() -> Status {
    retry_later(Code::ResourceExhausted, "too many requests")
}

/// A call has not ended by its deadline, and is given up. What it began may still be written, and
/// later than this answer: a reveal may be recorded whose value is handed to nobody.
pub(super) fn late() -> Status {
    Status::deadline_exceeded("call took too long")
}

fn retry_later(code: Code, message: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(RETRY_DELAY));
    Status::with_error_details(code, message, details)
}

/// One answer for everything that is refused.
pub(super) const DENIED: &str = "permission denied";
/// When to try again where a witness must answer first.
const WITNESS_RETRY_DELAY: Duration = Duration::from_secs(1);
/// When to try again.
const RETRY_DELAY: Duration = Duration::from_millis(200);
