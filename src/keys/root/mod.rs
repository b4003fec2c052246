//! Where the root key comes from, and who holds it.

mod argon2_parameters;
mod holder;
mod key_file;
mod passphrase_file;
pub(super) mod pkcs11;
pub mod shares;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use self::shares::SharesError;
pub use argon2_parameters::Argon2Parameters;
pub use holder::HolderError;
pub use holder::RootKeyHolder;
pub use passphrase_file::PassphraseFile;
pub use pkcs11::Pkcs11Error;
pub use pkcs11::TokenKeyName;
pub use pkcs11::TokenRootKey;

/// Provides whoever holds the root key, once, at start: a passphrase file, officers' shares, an
/// HSM.
pub trait RootKeyProvider: Send + Sync {
    /// Opens the root key. It may take long, and ask people.
    ///
    /// # Errors
    ///
    /// If it cannot be opened. Nothing is created then.
    fn root_key(&self) -> Result<Arc<dyn RootKeyHolder>, RootKeyError>;
}

/// Why there is no root key. For the operator: the second line says what to do.
#[derive(Debug, Error)]
pub enum RootKeyError {
    /// The file is not a root key file.
    #[error("root key file is damaged: {part}\nrestore {path} from a backup")]
    Damaged {
        /// Which part of it.
        part: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file is there already.
    #[error(
        "root key file exists already\nkeep {path}: without it, everything under it is lost; \
         or choose another path"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error("root key file cannot be read or written\ncheck {path}, its owner and its disk")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not there.
    #[error("root key file is missing\nrestore {path} from a backup, or run init for a new vault")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is another one, or the file was changed: which, nobody can tell.
    #[error("passphrase is wrong, or the file was changed\ntry again, or restore the file")]
    Opening,
    /// The parameters of Argon2id are outside of what is accepted.
    #[error("parameters of argon2id are outside of the bounds\nuse the recommended ones")]
    Parameters,
    /// The passphrase is too short to be one.
    #[error("passphrase is empty\nchoose one of at least six random words")]
    PassphraseEmpty,
    /// The key on a token cannot be used.
    #[error(transparent)]
    Pkcs11(#[from] Pkcs11Error),
    /// Shares were not made, or not taken.
    #[error(transparent)]
    Shares(#[from] SharesError),
}
