//! Why a backup was not made, or is not believed.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

use crate::audit::HeadError;
use crate::audit::VerifyError;
use crate::backup::BackupId;
use crate::store::StoreError;

/// Why a backup was not made, or is not believed.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The directory has something that is no backup of this vault.
    #[error("directory has something else\nremedy: choose an empty one, or one with backups")]
    Directory,
    /// There is a database where one should be restored.
    #[error(
        "there is a database already\n\
         remedy: restore into another directory, or move the `rocksdb` directory away and leave \
         the head where it is"
    )]
    Exists,
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The head cannot be read or made.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The log in the backup is not what its checkpoint says.
    #[error("audit log in the backup: {0}")]
    Log(#[from] VerifyError),
    /// The list of what the backup is made of is not in its form.
    #[error("backup {0} has no list of its files that can be read")]
    Manifest(BackupId),
    /// There is no such backup.
    #[error("there is no such backup\nremedy: `counterfoil backup list` says which there are")]
    Missing,
    /// A file of the backup is not what the list says.
    #[error("backup {id}: file {name} is damaged or missing\nremedy: use another backup")]
    Object {
        /// The backup.
        id: BackupId,
        /// The file, as the list names it: a name that the engine chose.
        name: String,
    },
    /// The directory is not within the configured one.
    #[error("directory is not an absolute path within `backup.dir`, outside of `vault.data_dir`")]
    Outside,
    /// The list is not signed by one of the keys.
    #[error("backup {0} is not signed by the given public keys")]
    Signature(BackupId),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process writes backups there.
    #[error("another process writes backups there")]
    Taken,
    /// The configuration has no directory for backups.
    #[error("no directory for backups is configured\nremedy: set `backup.dir`")]
    Unconfigured,
}

impl BackupError {
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// Whether the backup itself is wrong, and not something around it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Log(VerifyError::Read(_) | VerifyError::Store(_))
            | Self::Directory
            | Self::Exists
            | Self::File { .. }
            | Self::Head(_)
            | Self::Missing
            | Self::Outside
            | Self::Taken
            | Self::Unconfigured => false,
            Self::Log(_) | Self::Manifest(_) | Self::Object { .. } | Self::Signature(_) => true,
            Self::Store(error) => matches!(error, StoreError::Corrupt { .. }),
        }
    }
}
