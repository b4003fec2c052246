//! `counterfoil witness serve`: runs a witness.

use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use secrecy::ExposeSecret;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use zeroize::Zeroizing;

use crate::cli::block_on;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::passphrase;
use crate::cli::serve::log_to_standard_error;
use crate::config::WitnessConfig;
use crate::config::WitnessedLog;
use crate::crypto::note::CosignerKey;
use crate::domain::SystemClock;
use crate::keys::hardening;
use crate::witness;
use crate::witness::StateDirectory;
use crate::witness::WatchedLog;
use crate::witness::Witness;

/// Runs a witness, until it is told to stop by SIGTERM or SIGINT
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Prints one line on standard output when it answers: ready ADDRESS. It speaks C2SP tlog-witness:
POST /add-checkpoint. GET /healthz says whether it can cosign. It sees sizes and root hashes of
logs, and nothing else.

Example:
  counterfoil witness serve --config /etc/counterfoil/witness.toml")]
pub(in crate::cli) struct ServeArgs {
    /// The witness's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl ServeArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        hardening::protect_process_memory()?;
        log_to_standard_error();
        let config = WitnessConfig::load(&self.config)?;
        let key = read_key(&config)?;
        let state = StateDirectory::open(&config.state_dir);
        let state = state.map_err(|error| CliError::caused(&error))?;
        let mut logs = Vec::new();
        for WitnessedLog { origin, keys, .. } in config.logs {
            // A file that is damaged is a log of which nobody knows what was seen: nothing starts.
            let latest = state.read(&origin);
            let latest = latest.map_err(|error| CliError::caused(&error))?;
            match &latest {
                Some(latest) => {
                    let size = latest.checkpoint().tree_size;
                    tracing::info!(origin = origin.as_str(), size, "log goes on");
                }
                // Right for a new log alone. Whoever removed a file sees it here.
                None => tracing::warn!(origin = origin.as_str(), "log was never seen"),
            }
            logs.push(WatchedLog {
                origin,
                keys,
                latest,
            });
        }
        let clock = Arc::new(SystemClock::default());
        let witness = Witness::new(key, logs, Box::new(state), clock);
        block_on(async {
            let (mut terminate, mut interrupt) = (
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
            );
            let shutdown = async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            let ready = |address| {
                // Nobody has to listen to this line.
                let _ = writeln!(io::stdout(), "ready {address}");
            };
            let served = witness::serve(witness, &config.serve, shutdown, ready).await;
            served.map_err(|error| CliError::caused(&error))
        })?;
        Ok(Exit::Done)
    }
}

/// Opens the witness's key.
fn read_key(config: &WitnessConfig) -> Result<CosignerKey, CliError> {
    let path = &config.key_file;
    refuse_shared(path)?;
    let pem = fs::read_to_string(path).map_err(CliError::file(path))?;
    let pem = Zeroizing::new(pem);
    let passphrase = config.passphrase_file.as_deref();
    let passphrase = passphrase.map(passphrase::from_file).transpose()?;
    let words = passphrase.as_ref().map(|it| it.expose_secret().as_bytes());
    CosignerKey::from_pem(config.name.clone(), &pem, words)
        .map_err(|error| CliError::Failed(format!("{}: {error}", path.display())))
}

/// Refuses a key that others of the machine can read.
fn refuse_shared(path: &Path) -> Result<(), CliError> {
    let metadata = fs::metadata(path).map_err(CliError::file(path))?;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "{}: others than its owner can use this key\n  make it the owner's alone: chmod 600",
        path.display()
    )))
}
