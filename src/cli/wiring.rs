//! Where the command line meets the vault: the only file that makes, opens and serves one.

use std::path::PathBuf;

use crate::cli::dev::Endpoints;
use crate::cli::error::CliError;
use crate::config::Config;
use crate::crypto::RootKey;
use crate::domain::Namespace;

/// Makes a vault for the configured namespaces.
///
/// # Errors
///
/// If there is one, or it cannot be made.
pub(super) async fn create(_config: &Config, _root: &RootKey) -> Result<(), CliError> {
    Err(not_wired())
}

/// Makes the keys of one more configured namespace.
///
/// # Errors
///
/// If it has keys, or they cannot be made.
pub(super) async fn add_namespace(
    _config: &Config,
    _root: &RootKey,
    _namespace: &Namespace,
) -> Result<(), CliError> {
    Err(not_wired())
}

/// The public key of the audit log, in the data directory.
pub(super) fn audit_key_file(config: &Config) -> PathBuf {
    config.data_dir.join("audit.vkey")
}

/// Opens the vault and serves it until `shutdown` completes. `ready` learns where it answers.
///
/// # Errors
///
/// If it cannot be opened, or its log fails.
pub(super) async fn serve(
    _config: &Config,
    _root: RootKey,
    _shutdown: impl Future<Output = ()> + Send,
    _ready: impl FnOnce(Endpoints),
) -> Result<(), CliError> {
    Err(not_wired())
}

fn not_wired() -> CliError {
    CliError::Failed("this build has no vault: it is not wired yet".to_owned())
}
