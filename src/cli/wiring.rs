//! Where the command line meets the vault: the only file that makes, opens and serves one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Weak;

use tokio::signal::unix::Signal;

use crate::assembly;
use crate::assembly::AssemblyError;
use crate::assembly::LaterLog;
use crate::assembly::Offered;
use crate::assembly::OpenVault;
use crate::assembly::Resharing;
use crate::assembly::RootKeyRotation;
use crate::audit::RollbackOutcome;
use crate::audit::ShareGiven;
use crate::audit::SharingNote;
use crate::ceremony::RootKeyKind;
use crate::cli::dev::Endpoints;
use crate::cli::error::CliError;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::crypto::SystemEntropy;
use crate::domain::Clock;
use crate::domain::Namespace;
use crate::domain::SystemClock;
use crate::keys::root::RootKeyHolder;
use crate::keys::root::shares::SharingFile;
use crate::server;
use crate::server::BoundAddresses;
use crate::server::BoundServer;
use crate::server::Unsealed;
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

/// Lets a vault that is behind its head go on, once its officers have accepted that.
///
/// # Errors
///
/// If they have not, or it cannot be written.
pub(super) async fn accept_rollback(
    config: &Config,
    root: &dyn RootKeyHolder,
    offered: &Offered,
    later: &LaterLog,
) -> Result<(RollbackOutcome, u64), AssemblyError> {
    assembly::accept_rollback(config, root, offered, later, clock(), entropy()).await
}

/// Sees that the root key of a vault may be changed.
///
/// # Errors
///
/// If it does not open the vault, or officers have not signed for it.
pub(super) fn begin_root_key_rotation(
    config: &Config,
    old: Arc<dyn RootKeyHolder>,
    kinds: (RootKeyKind, RootKeyKind),
    offered: Option<&Offered>,
) -> Result<RootKeyRotation, AssemblyError> {
    RootKeyRotation::begin(config, old, kinds, offered, &*clock())
}

/// Wraps every key of a vault under a new root key, and says how many there are.
///
/// # Errors
///
/// If it cannot be written.
pub(super) async fn finish_root_key_rotation(
    config: &Config,
    rotation: RootKeyRotation,
    new: &dyn RootKeyHolder,
) -> Result<usize, AssemblyError> {
    rotation.finish(config, new, clock(), entropy()).await
}

/// Writes into the log of a stopped vault that shares of its root key were made.
///
/// # Errors
///
/// If it cannot be written.
pub(super) async fn record_resharing(
    config: &Config,
    resharing: Resharing,
    made: SharingNote,
) -> Result<(), AssemblyError> {
    resharing.record(config, made, clock(), entropy()).await
}

/// The public key of the audit log, in the data directory.
pub(super) fn audit_key_file(config: &Config) -> PathBuf {
    assembly::audit_key_file(&config.data_dir)
}

/// Where a vault that starts has its root key.
pub(super) enum RootKeySource {
    /// It is there.
    Held(Arc<dyn RootKeyHolder>),
    /// Officers must unseal it.
    Officers(SharingFile),
}

/// What is told, and what is heard, while a vault is served.
pub(super) struct Served<S, R, C> {
    /// Learns where a sealed vault answers.
    pub(super) sealed: S,
    /// Learns where the vault answers.
    pub(super) ready: R,
    /// Comes when policies are to be loaded anew.
    pub(super) hangup: Signal,
    /// Reads the configuration for that.
    pub(super) read: C,
}

/// Opens the vault, once officers have unsealed it, and serves it until `shutdown` completes. At
/// each `hangup` the policies of what `read` returns are loaded, with no gap between old and new.
///
/// # Errors
///
/// If it cannot be opened, or its log fails.
pub(super) async fn serve(
    config: &Config,
    root: RootKeySource,
    shutdown: impl Future<Output = ()> + Send,
    told: Served<
        impl FnOnce(Endpoints),
        impl FnOnce(Endpoints),
        impl Fn() -> Result<Config, CliError> + Send + 'static,
    >,
) -> Result<(), CliError> {
    tokio::pin!(shutdown);
    let settings = assembly::server_settings(config);
    let (open, bound) = match root {
        // Bound when there is a vault to serve: a port answers, or is closed.
        RootKeySource::Held(root) => (open(config, root, Vec::new()).await?, None),
        RootKeySource::Officers(sharing) => {
            // Officers should not come for a vault that cannot start.
            assembly::load_policies(config).map_err(|error| CliError::caused(&error))?;
            let bound = BoundServer::bind(&settings).await;
            let bound = bound.map_err(|error| CliError::caused(&error))?;
            let sealed = bound.seal(sharing, clock()).await;
            let mut sealed = sealed.map_err(|error| CliError::caused(&error))?;
            (told.sealed)(endpoints(bound.addresses()));
            let unsealed = tokio::select! {
                unsealed = sealed.unsealed() => unsealed,
                () = &mut shutdown => {
                    sealed.finish().await;
                    return Ok(());
                }
            };
            let Unsealed {
                root_key,
                shares_given,
            } = unsealed;
            // The last officer's answer leaves, and health says not serving, while it opens.
            let open = open(config, root_key, shares_given).await?;
            sealed.finish().await;
            (open, Some(bound))
        }
    };
    let reloading = tokio::spawn(reload(
        Arc::downgrade(&open.vault),
        config.clone(),
        told.hangup,
        told.read,
    ));
    let ready = |addresses| (told.ready)(endpoints(addresses));
    let vault = Arc::clone(&open.vault);
    let served = match bound {
        None => server::run(vault, settings, shutdown, ready).await,
        Some(bound) => bound.serve(vault, shutdown, ready).await,
    };
    reloading.abort();
    let _ = reloading.await;
    let closed = open.close().await;
    // A log that failed cannot be closed in order: what made it fail is the one to tell.
    served.map_err(|error| CliError::caused(&error))?;
    closed.map_err(|error| CliError::caused(&error))
}

async fn open(
    config: &Config,
    root: Arc<dyn RootKeyHolder>,
    shares_given: Vec<ShareGiven>,
) -> Result<OpenVault, CliError> {
    let open = assembly::open_unsealed(config, root, shares_given, clock(), entropy()).await;
    open.map_err(|error| CliError::caused(&error))
}

fn endpoints(addresses: BoundAddresses) -> Endpoints {
    let BoundAddresses { token, reveal, .. } = addresses;
    Endpoints { token, reveal }
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
