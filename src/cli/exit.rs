//! How a command ends.

use std::process::ExitCode;
use std::process::Termination;

/// How a command ends, as scripts see it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Exit {
    /// It did what it was asked.
    Done = 0,
    /// It could not, or not for every line.
    Failed = 1,
    /// It was asked for something that does not exist.
    Usage = 2,
    /// The vault refused the caller.
    Denied = 3,
    /// Something that was to be verified is not so.
    VerificationFailed = 4,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
