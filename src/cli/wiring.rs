//! Where the command line meets the vault: the only file that makes, opens and serves one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Weak;

use tokio::signal::unix::Signal;

use crate::assembly;
use crate::assembly::AssemblyError;
use crate::cli::dev::Endpoints;
use crate::cli::error::CliError;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::crypto::SystemEntropy;
use crate::domain::Clock;
use crate::domain::Namespace;
use crate::domain::SystemClock;
use crate::keys::root::RootKeyHolder;
use crate::server;
use crate::server::BoundAddresses;
use crate::vault::Vault;

/// Makes a vault for the configured namespaces.
///
/// # Errors
///
/// If there is one, or it cannot be made.
pub(super) async fn create(config: &Config, root: &dyn RootKeyHolder) -> Result<(), CliError> {
    let made = assembly::create(config, root, clock(), entropy()).await;
    made.map_err(|error| CliError::caused(&error))
}

/// Refuses to make a vault where there is one.
///
/// # Errors
///
/// If there is one.
pub(super) fn refuse_existing(config: &Config) -> Result<(), CliError> {
    let path = config.data_dir.clone();
    if path.exists() {
        return Err(CliError::caused(&AssemblyError::AlreadyExists { path }));
    }
    Ok(())
}

/// Makes the keys of one more configured namespace.
///
/// # Errors
///
/// If it has keys, or they cannot be made.
pub(super) async fn add_namespace(
    config: &Config,
    root: &dyn RootKeyHolder,
    namespace: &Namespace,
) -> Result<(), CliError> {
    let made = assembly::add_namespace(config, root, namespace, clock(), entropy()).await;
    made.map_err(|error| CliError::caused(&error))
}

/// The public key of the audit log, in the data directory.
pub(super) fn audit_key_file(config: &Config) -> PathBuf {
    assembly::audit_key_file(&config.data_dir)
}

/// Opens the vault and serves it until `shutdown` completes. `ready` learns where it answers. At
/// each `hangup` the policies of what `read` returns are loaded, with no gap between old and new.
///
/// # Errors
///
/// If it cannot be opened, or its log fails.
pub(super) async fn serve(
    config: &Config,
    root: Arc<dyn RootKeyHolder>,
    shutdown: impl Future<Output = ()> + Send,
    hangup: Signal,
    read: impl Fn() -> Result<Config, CliError> + Send + 'static,
    ready: impl FnOnce(Endpoints),
) -> Result<(), CliError> {
    let open = assembly::open(config, root, clock(), entropy()).await;
    let open = open.map_err(|error| CliError::caused(&error))?;
    let ready = |addresses: BoundAddresses| {
        let BoundAddresses { token, reveal, .. } = addresses;
        ready(Endpoints { token, reveal });
    };
    let reloading = tokio::spawn(reload(
        Arc::downgrade(&open.vault),
        config.clone(),
        hangup,
        read,
    ));
    let served = server::run(
        Arc::clone(&open.vault),
        assembly::server_settings(config),
        shutdown,
        ready,
    )
    .await;
    reloading.abort();
    let _ = reloading.await;
    let closed = open.close().await;
    // A log that failed cannot be closed in order: what made it fail is the one to tell.
    served.map_err(|error| CliError::caused(&error))?;
    closed.map_err(|error| CliError::caused(&error))
}

/// Reads the policies and the keys of identity providers anew at each signal. What is wrong with
/// them is logged, and changes nothing.
async fn reload(
    vault: Weak<Vault>,
    running: Config,
    mut hangup: Signal,
    read: impl Fn() -> Result<Config, CliError> + Send + 'static,
) {
    while hangup.recv().await.is_some() {
        let Some(vault) = vault.upgrade() else { return };
        let loaded = match tokio::task::block_in_place(&read) {
            Ok(read) => assembly::reload_policies(&vault, &running, &read)
                .await
                .map_err(|error| CliError::caused(&error)),
            Err(error) => Err(error),
        };
        if let Err(error) = loaded {
            tracing::error!(%error, "policies were not loaded; those in force stay");
        }
        vault.reload_people().await;
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::default())
}

fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy)
}
