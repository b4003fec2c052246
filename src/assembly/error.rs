//! Why a vault was not made or opened. For the operator: the second line says what to do.

use std::path::PathBuf;

use thiserror::Error;

use crate::access::LoadError;
use crate::assembly::formats::FieldFormatError;
use crate::audit::CommitError;
use crate::audit::HeadError;
use crate::audit::RollbackError;
use crate::audit::StartError;
use crate::backup::BackupError;
use crate::backup::BackupId;
use crate::ceremony::CeremonyError;
use crate::crypto::SelfTestError;
use crate::crypto::note::NoteError;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::keys::KeyError;
use crate::keys::KeyTableError;
use crate::keys::root::RootKeyError;
use crate::outbound::OutboundError;
use crate::pager::PagerError;
use crate::people::PeopleError;
use crate::policy::PolicyError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Why a vault was not made or opened.
#[derive(Debug, Error)]
pub enum AssemblyError {
    /// Grants, budgets and freezes cannot be read.
    #[error(transparent)]
    Access(#[from] LoadError),
    /// There is already a vault where one should be made.
    #[error("there is already a vault in {path}\nremedy: serve it, or choose another data_dir")]
    AlreadyExists {
        /// The data directory.
        path: PathBuf,
    },
    /// What backups say cannot be read.
    #[error("backups cannot be read, which would say whether the vault has officers")]
    Backup(#[from] BackupError),
    /// What officers signed does not count.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The charter in the database is an older one, or was removed.
    #[error(
        "charter in the database is not the one that its audit log names last\n\
         remedy: restore a backup; who wrote into the database is not one of its officers"
    )]
    CharterReplaced,
    /// Entries of the log could not be written.
    #[error("audit log cannot be written")]
    Commit(#[from] CommitError),
    /// A field is configured otherwise than when its tokens were made.
    #[error(
        "namespaces.{namespace}.fields.{field}: {setting} has changed since its tokens were made\n\
         remedy: set it back, and configure a new field for the new setting"
    )]
    FieldChanged {
        /// The namespace.
        namespace: Namespace,
        /// The field.
        field: FieldName,
        /// What has changed.
        setting: &'static str,
    },
    /// A file could not be read or written.
    #[error("{path} cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The format of a field is not usable.
    #[error("namespaces.{namespace}.fields.{field}: {error}")]
    Format {
        /// The namespace.
        namespace: Namespace,
        /// The field.
        field: FieldName,
        /// What is wrong with it.
        error: FieldFormatError,
    },
    /// The head cannot be made or read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The stored keys cannot be read.
    #[error(transparent)]
    KeyTable(#[from] KeyTableError),
    /// The keys cannot be made or opened.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// There is no vault where one should be opened.
    #[error(
        "there is no vault in {path}\n\
         remedy: check data_dir; `counterfoil init` makes a new vault"
    )]
    Missing {
        /// The data directory.
        path: PathBuf,
    },
    /// A configured namespace has no keys in this vault.
    #[error(
        "namespace {namespace} has no keys in this vault\n\
         remedy: `counterfoil init --namespace {namespace}` makes them"
    )]
    NamespaceMissing {
        /// The namespace.
        namespace: Namespace,
    },
    /// A namespace that should be added has keys already.
    #[error("namespace {namespace} has keys already")]
    NamespaceExists {
        /// The namespace.
        namespace: Namespace,
    },
    /// The vault has officers, and they have not signed.
    #[error(
        "the vault has officers: they must sign for this\n\
         remedy: `counterfoil keys statement` makes what they sign, by `counterfoil keys sign`"
    )]
    OfficersMustSign,
    /// A backup of later says that the vault has officers, of whom this database does not know.
    #[error(
        "backup {0} is of later than this database, and says that the vault has officers\n\
         remedy: restore that backup; or name the officers in the configuration, make the \
         statement anew, and let them sign it"
    )]
    OfficersOfLater(BackupId),
    /// The statement is about something else.
    #[error(
        "statement is about another change of the root key, or keys have changed since\n\
         remedy: make a new one with `counterfoil keys statement rotate-root-key`"
    )]
    OtherStatement,
    /// The origin of the audit log is not usable.
    #[error("audit.origin is not usable as the name of a log")]
    Origin(#[from] NoteError),
    /// The service of cases cannot be used.
    #[error("cases: {0}")]
    Cases(#[from] OutboundError),
    /// The pager cannot be used.
    #[error(transparent)]
    Pager(#[from] PagerError),
    /// An identity provider cannot be used.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The policies are wrong.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Rows of keys or ceremonies in the database are older ones, or were removed.
    #[error(
        "keys or officers' operations in the database are not those that its audit log names \
         last\n\
         remedy: restore a backup; who wrote into the database is not one of its officers"
    )]
    RegisterReplaced,
    /// What is said to have been seen of the log is not signed by its keys.
    #[error(
        "what was seen is no checkpoint of this log: none of its keys has signed it\n\
         remedy: if the log came under another key since, give that with --public-key"
    )]
    SeenUnsigned,
    /// The policies were right, and could not be put in force.
    #[error("policies cannot take effect")]
    Reload(#[from] VaultError),
    /// A rollback is not accepted.
    #[error(transparent)]
    Rollback(#[from] RollbackError),
    /// The root key cannot be had.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// The new root key opens what the old one wrapped.
    #[error(
        "new root key is the one that is in force, in another place\n\
         remedy: choose a place where there is none yet; the command makes another one there"
    )]
    SameRootKey,
    /// That the vault stops could not be recorded.
    #[error("end of service cannot be recorded")]
    Stop(#[source] VaultError),
    /// The log and its head do not agree.
    #[error(transparent)]
    Start(#[from] StartError),
    /// This machine computes FF1 wrongly.
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
    /// The store cannot be made or opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The witness cannot be asked as it is configured.
    #[error("audit.witness: {0}")]
    Witness(#[source] OutboundError),
}
