//! `counterfoil audit serve`: publishes the log's checkpoint and tiles over HTTP.

use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::audit::HeadError;
use crate::audit::PublishedCheckpoint;
use crate::cli::audit::LogArgs;
use crate::cli::audit::verify_error;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::server::PublishError;
use crate::server::PublishedLog;
use crate::server::publish;

/// Publishes checkpoint and tiles of a log, read-only, over plain HTTP (C2SP tlog-tiles)
///
/// Tiles are hashes: whoever has all of them knows how long the log is, and nothing of what is in
/// it. Entries are published only with --entries. The vault may be served meanwhile; what it adds
/// is published as soon as its head has it.
///
/// The checkpoint is the latest that the vault's witness has cosigned, if it has a witness, and so
/// stays behind while the witness is away.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
It writes one line, `ready http=ADDRESS`, when it answers, and ends with SIGTERM or SIGINT. A proxy
in front of it adds TLS, and may keep tiles for ever.

Examples:
  counterfoil audit serve --data-dir /var/lib/counterfoil --public-key audit.vkey \\
    --listen 127.0.0.1:7680
  counterfoil audit serve --dev .dev --listen 127.0.0.1:7680 --entries")]
pub(in crate::cli) struct ServeArgs {
    #[command(flatten)]
    log: LogArgs,

    /// Where to answer; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,

    /// Publish entries too: they name programs, people and customers
    #[arg(long)]
    entries: bool,

    /// Publish the latest checkpoint, though no witness has cosigned it yet
    #[arg(long)]
    latest: bool,
}

impl ServeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let keys = self.log.public_keys()?;
        let (data_dir, head_dir) = (self.log.data_dir()?, self.log.head_dir()?);
        let scratch = tempfile::tempdir()?;
        let checkpoint = published(self.latest);
        let log = PublishedLog::open(
            &data_dir,
            &head_dir,
            scratch.path(),
            keys,
            self.entries,
            checkpoint,
        );
        let log = log.map_err(|error| publish_error(error, &head_dir))?;
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
        let listener = TcpListener::bind(self.listen)
            .await
            .map_err(|error| CliError::Failed(format!("--listen {}: {error}", self.listen)))?;
        writeln!(io::stdout(), "ready http={}", listener.local_addr()?)?;
        let published = publish(log, listener, shutdown).await;
        published.map_err(|error| publish_error(error, &head_dir))?;
        Ok(Exit::Done)
    }
}

/// Which checkpoint is published, by the flag `--latest`.
pub(super) fn published(is_latest: bool) -> PublishedCheckpoint {
    if is_latest {
        PublishedCheckpoint::Latest
    } else {
        PublishedCheckpoint::Cosigned
    }
}

fn publish_error(error: PublishError, head_dir: &Path) -> CliError {
    match error {
        PublishError::Head(HeadError::Io(source)) => CliError::file(head_dir)(source),
        PublishError::Head(error) => {
            CliError::Verification(format!("{}: {error}", head_dir.display()))
        }
        PublishError::Listener(error) => CliError::Stream(error),
        PublishError::Log(error) => verify_error(error),
        PublishError::Store(error) => CliError::failed(error),
    }
}
