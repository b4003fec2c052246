//! `counterfoil serve`: runs a vault.

use std::fs;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tracing_subscriber::EnvFilter;

use crate::cli::block_on;
use crate::cli::config_check;
use crate::cli::dev::DevDirectory;
use crate::cli::dev::Endpoints;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::example_keys;
use crate::cli::exit::Exit;
use crate::cli::root_key;
use crate::cli::shares::ShareArgs;
use crate::cli::wiring;
use crate::cli::wiring::RootKeySource;
use crate::cli::wiring::Served;
use crate::config::Config;
use crate::config::RootKeyConfig;
use crate::keys::hardening;
use crate::keys::root::RootKeyHolder;
use crate::keys::root::shares::SharingFile;

/// Runs a vault, until it is told to stop by SIGTERM or SIGINT; SIGHUP loads its policies anew
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Prints one line on standard output when it answers: ready token=ADDRESS reveal=ADDRESS. A vault
whose root key is shared among officers prints sealed token=ADDRESS reveal=ADDRESS before, and waits
for `counterfoil unseal`.

Examples:
  counterfoil serve --config /etc/counterfoil/config.toml
  counterfoil serve --dev .dev      (makes everything it needs in .dev, the first time)")]
pub(super) struct ServeArgs {
    /// The configuration of a vault that `init` has made
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERFOIL_CONFIG",
        required_unless_present = "dev"
    )]
    config: Option<PathBuf>,

    /// Run a vault for development with generated keys in DIR, ready for client commands with
    /// --dev DIR
    #[arg(long, value_name = "DIR")]
    dev: Option<PathBuf>,

    /// Where the token listener answers, instead of what the configuration says
    #[arg(long, value_name = "ADDRESS")]
    token_listen: Option<SocketAddr>,

    /// Where the reveal listener answers, instead of what the configuration says
    #[arg(long, value_name = "ADDRESS")]
    reveal_listen: Option<SocketAddr>,
}

impl ServeArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        hardening::protect_process_memory()?;
        log_to_standard_error();
        let dev = self.dev.as_deref().map(DevDirectory::new);
        if let Some(dev) = &dev {
            dev.ensure()?;
        }
        let mut config = self.read()?;
        if dev.is_none() {
            example_keys::refuse(&config)?;
        }
        config.listen.token = self.token_listen.unwrap_or(config.listen.token);
        config.listen.reveal = self.reveal_listen.unwrap_or(config.listen.reveal);
        if dev.is_some() {
            refuse_strangers(&config)?;
        }
        config_check::check_files(&config)?;
        if dev.is_none() && !config.data_dir.exists() {
            return Err(CliError::Usage(format!(
                "there is no vault in {}\n  make it with `counterfoil init`",
                config.data_dir.display()
            )));
        }
        let read = move || self.read();
        block_on(serve(config, dev, read))?;
        Ok(Exit::Done)
    }

    /// Reads the configuration.
    fn read(&self) -> Result<Config, CliError> {
        match (&self.dev, &self.config) {
            // The environment's passphrase is of another vault.
            (Some(dev), _) => Ok(Config::load(&DevDirectory::new(dev).config(), None)?),
            (None, Some(path)) => config_check::load(path),
            (None, None) => Err(CliError::Usage("--config or --dev is missing".to_owned())),
        }
    }
}

/// Keeps a vault for development to this machine: its keys may be the public examples.
fn refuse_strangers(config: &Config) -> Result<(), CliError> {
    let is_local = [config.listen.token, config.listen.reveal]
        .iter()
        .all(|address| address.ip().is_loopback());
    if is_local {
        return Ok(());
    }
    Err(CliError::Usage(
        "--dev answers on the loopback interface only\n  make a vault with `counterfoil init`"
            .to_owned(),
    ))
}

async fn serve(
    config: Config,
    dev: Option<DevDirectory>,
    read: impl Fn() -> Result<Config, CliError> + Send + 'static,
) -> Result<(), CliError> {
    let root = match &config.root_key {
        RootKeyConfig::Shares { file } => {
            let sharing = SharingFile::read(file).map_err(|error| CliError::caused(&error))?;
            RootKeySource::Officers(sharing)
        }
        RootKeyConfig::PassphraseFile { .. } | RootKeyConfig::Pkcs11 { .. } => {
            let root = root_key::open(&config, &ShareArgs::default())?;
            if let Some(dev) = &dev {
                ensure_dev_vault(dev, &config, &*root).await?;
            }
            RootKeySource::Held(root)
        }
    };
    // Before anything answers: a vault that is told to stop while it starts stops in order.
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let hangup = signal(SignalKind::hangup())?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let ready = |endpoints: Endpoints| {
        if let Some(dev) = &dev
            && let Err(error) = dev.set_endpoints(&endpoints)
        {
            say(format_args!(
                "client commands will not find this vault: {error}"
            ));
        }
        let Endpoints { token, reveal } = endpoints;
        // Nobody has to listen to this line.
        let _ = writeln!(io::stdout(), "ready token={token} reveal={reveal}");
    };
    let sealed = |endpoints: Endpoints| {
        let Endpoints { token, reveal } = endpoints;
        let _ = writeln!(io::stdout(), "sealed token={token} reveal={reveal}");
        say("the vault is sealed: its officers unseal it by `counterfoil unseal`");
    };
    let served = Served {
        sealed,
        ready,
        hangup,
        read,
    };
    wiring::serve(&config, root, shutdown, served).await
}

/// Makes the vault of a directory for development, the first time. One that was made and is gone
/// is not made again: whoever lost it should know.
async fn ensure_dev_vault(
    dev: &DevDirectory,
    config: &Config,
    root: &dyn RootKeyHolder,
) -> Result<(), CliError> {
    let key_file = dev.audit_vkey();
    if key_file.exists() {
        return Ok(());
    }
    // If we crash after the vault is made and before its public key is here, the vault is there.
    if !config.data_dir.exists() {
        wiring::create(config, root).await?;
    }
    fs::copy(wiring::audit_key_file(config), &key_file).map_err(CliError::file(&key_file))?;
    Ok(())
}

/// What a server says of itself while it runs: how much of it, `COUNTERFOIL_LOG` says.
pub(super) fn log_to_standard_error() {
    let filter = EnvFilter::try_from_env("COUNTERFOIL_LOG");
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("warn,counterfoil=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}
