//! What can go wrong with a call, and with one item of it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;
use tonic::Code;
use tonic::Status;

/// What can go wrong with a call as a whole.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The vault refused the call, or could not carry it out.
    #[error("{message} ({})", code_name(*code))]
    Call {
        /// The code of the answer.
        code: Code,
        /// What the vault says about it.
        message: String,
    },
    /// There is no connection to the vault.
    #[error("cannot connect to {address}: {detail}\n  is the vault running there?")]
    Connect {
        /// The listener.
        address: String,
        /// Why.
        detail: String,
    },
    /// A certificate or key cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answer is not one that the protocol allows.
    #[error("the answer of the vault is malformed: {0}")]
    Response(&'static str),
}

impl ClientError {
    /// Whether the vault refused the caller.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        match self {
            Self::Call { code, .. } => is_denied(*code),
            Self::Connect { .. } | Self::Credentials { .. } | Self::Response(_) => false,
        }
    }

    pub(super) fn connect(address: &str, error: &dyn Error) -> Self {
        // A transport error says "transport error"; what happened is in its sources.
        let mut detail = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            detail = error.to_string();
            source = error.source();
        }
        Self::Connect {
            address: address.to_owned(),
            detail: printable(&detail),
        }
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        // A listener that does not have the call says nothing more.
        let message = match (status.code(), status.message()) {
            (Code::Unimplemented, "") => SWAPPED,
            (_, message) => message,
        };
        Self::Call {
            code: status.code(),
            message: printable(message),
        }
    }
}

/// What went wrong with one item of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ItemError {
    /// The code of the result.
    pub code: Code,
    /// What the vault says about it; never the value.
    pub message: String,
}

impl ItemError {
    /// Whether the vault refused the caller.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        is_denied(self.code)
    }
}

impl From<tonic_types::pb::Status> for ItemError {
    fn from(status: tonic_types::pb::Status) -> Self {
        Self {
            code: Code::from_i32(status.code),
            message: printable(&status.message),
        }
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.message, code_name(self.code))
    }
}

/// What is most likely wrong where a listener does not have a call.
const SWAPPED: &str = "this listener does not serve the call: are the addresses of the token and \
    the reveal listener swapped?";

fn is_denied(code: Code) -> bool {
    matches!(code, Code::PermissionDenied | Code::Unauthenticated)
}

/// The name of a code as the documents write it, in lower case.
#[must_use]
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

/// A message from the other side, fit for a terminal: one short line without control characters.
fn printable(message: &str) -> String {
    let plain = |character: char| !character.is_control();
    message
        .chars()
        .filter(|&c| plain(c))
        .take(MESSAGE_CHARACTERS_MAX)
        .collect()
}

const MESSAGE_CHARACTERS_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_cannot_steer_a_terminal() {
        let status = Status::internal("a\u{1b}[31mb\nc");
        assert_eq!(ClientError::from(status).to_string(), "a[31mbc (internal)");
    }

    #[test]
    fn only_refusals_are_denied() {
        assert!(ClientError::from(Status::permission_denied("")).is_denied());
        assert!(ClientError::from(Status::unauthenticated("")).is_denied());
        assert!(!ClientError::from(Status::unavailable("")).is_denied());
    }
}
