//! Why a command ended early.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

use crate::cli::exit::Exit;
use crate::client::ClientError;
use crate::config::ConfigError;

/// Why a command ended early. It never repeats a value or a token.
#[derive(Debug, Error)]
pub(super) enum CliError {
    /// The vault did not do it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Officers have not allowed it.
    #[error("{0}")]
    Denied(String),
    /// Something else went wrong. The text says what to do about it.
    #[error("{0}")]
    Failed(String),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard input or output is gone.
    #[error("cannot read or write: {0}")]
    Stream(#[from] io::Error),
    /// The command was given something that does not fit.
    #[error("{0}")]
    Usage(String),
    /// Something that was to be verified is not so.
    #[error("{0}")]
    Verification(String),
}

impl CliError {
    /// An error about a file.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// A task that panicked. Not in its own words: a panic may quote what it worked on.
    pub(super) fn panicked() -> Self {
        Self::Failed("internal error: a task ended before its time".to_owned())
    }

    /// An error of another layer, in its own words.
    pub(super) fn failed(error: impl Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// An error of another layer, with what caused it.
    pub(super) fn caused(error: &dyn Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let words = error.to_string();
            // A transparent error says what its source says.
            if !text.contains(&words) {
                text.push_str("\n  caused by: ");
                text.push_str(&words);
            }
            cause = error.source();
        }
        Self::Failed(text)
    }

    /// Whether the reader of the output is gone.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Stream(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// How the command ends.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Client(error) if error.is_denied() => Exit::Denied,
            Self::Denied(_) => Exit::Denied,
            Self::Client(_) | Self::Failed(_) | Self::File { .. } | Self::Stream(_) => Exit::Failed,
            Self::Config(_) | Self::Usage(_) => Exit::Usage,
            Self::Verification(_) => Exit::VerificationFailed,
        }
    }
}

/// Says something on standard error. Who does not listen misses it, and nothing else happens.
pub(super) fn say(words: impl Display) {
    use io::Write as _;
    let _ = writeln!(io::stderr().lock(), "{words}");
}
