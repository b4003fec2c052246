//! `counterfoil audit export`: the log for others, as lines, as tiles, or to a collector of syslog.

use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::audit::following_keys;
use crate::audit::latest_checkpoint;
use crate::audit::write_export;
use crate::audit::write_ocsf;
use crate::cli::audit::LogArgs;
use crate::cli::audit::serve::published;
use crate::cli::audit::store_error;
use crate::cli::audit::syslog::Collector;
use crate::cli::audit::syslog::FormatArg;
use crate::cli::audit::syslog::SyslogArgs;
use crate::cli::audit::tiles;
use crate::cli::audit::verify_error;
use crate::cli::backup::open_log;
use crate::cli::block_on;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::outbound::syslog::Patience;
use crate::outbound::syslog::SyslogMessage;
use crate::store::Store;
use crate::store::StoredEntry;
use crate::store::StoredLeaf;
use crate::store::rocks::RocksStore;

/// Writes a log as JSON Lines, entries first and the signed checkpoint last; or as tiles
///
/// With --tiles, the directory is what `audit serve` publishes (C2SP tlog-tiles), for any web
/// server: only what is new is written, the checkpoint last. That is the latest which the vault's
/// witness has cosigned, if it has a witness.
///
/// With --syslog, entries are sent to a collector, as OCSF events unless --format says otherwise.
/// A collector over tcp or tls has read all of them when the command ends with exit code 0; of
/// datagrams nobody can know.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  counterfoil audit export --dev .dev > log.jsonl
  counterfoil audit export --dev .dev --format ocsf > events.jsonl
  counterfoil audit export --dev .dev --tiles /var/www/log
  counterfoil audit export --backup /var/backups/counterfoil --public-key audit.vkey > log.jsonl
  counterfoil audit export --dev .dev --syslog unix:/dev/log
  counterfoil audit export --dev .dev --syslog tls:collector.example:6514 --syslog-ca ca.pem")]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    log: LogArgs,

    /// The log of the youngest backup in a directory instead; every byte of that is verified first
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data_dir", "head_dir"])]
    backup: Option<PathBuf>,

    /// How each entry is written; by default as lines, and to a collector as events
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormatArg>,

    /// Write checkpoint and tiles into this directory instead
    #[arg(long, value_name = "DIR", conflicts_with_all = ["format", "syslog"])]
    tiles: Option<PathBuf>,

    /// With --tiles: entries too, which name programs, people and customers
    #[arg(long, requires = "tiles")]
    entries: bool,

    /// With --tiles: the latest checkpoint, though no witness has cosigned it yet
    #[arg(long, requires = "tiles")]
    latest: bool,

    #[command(flatten)]
    syslog: SyslogArgs,
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let keys = self.log.public_keys()?;
        let collector = self.syslog.collector(self.format, Patience::None)?;
        if let Some(directory) = &self.backup {
            let backup = open_log(directory, &keys)?;
            let keys = following_keys(backup.store(), &keys);
            let keys = keys.map_err(|error| store_error(&error))?;
            return match &self.tiles {
                Some(to) => self.write_tiles(to, backup.store(), backup.checkpoint(), &keys),
                None => self.write(backup.store(), &keys, collector),
            };
        }
        match &self.tiles {
            Some(to) => {
                // First the head, then the log, which may be longer.
                let head = self.log.head(&keys)?;
                self.write_tiles(to, &self.log.open()?, &head, &keys)
            }
            None => self.write(&self.log.open()?, &keys, collector),
        }
    }

    /// Writes the log as tiles. It is as long as the head at least.
    fn write_tiles(
        &self,
        directory: &Path,
        store: &RocksStore,
        head: &SignedCheckpoint,
        keys: &CheckpointKeys,
    ) -> Result<Exit, CliError> {
        let checkpoint = published(self.latest);
        tiles::write(directory, store, head, keys, self.entries, checkpoint)?;
        Ok(Exit::Done)
    }

    /// Sends the log to a collector, or writes its lines or events.
    fn write(
        &self,
        store: &RocksStore,
        keys: &CheckpointKeys,
        collector: Option<Collector>,
    ) -> Result<Exit, CliError> {
        if let Some(collector) = collector {
            return block_on(send(store, keys, collector));
        }
        let mut output = BufWriter::new(io::stdout().lock());
        let written = match self.format {
            None | Some(FormatArg::Jsonl) => write_export(&mut output, store, keys),
            Some(FormatArg::Ocsf) => write_ocsf(&mut output, store, keys),
        };
        written.map_err(export_error)?;
        output.flush()?;
        Ok(Exit::Done)
    }
}

/// The store has errors of its own: what cannot be read or written is the output.
fn export_error(error: VerifyError) -> CliError {
    if let VerifyError::Read(error) = error {
        return CliError::Stream(error);
    }
    verify_error(error)
}

/// Sends every entry of the log to a collector.
async fn send(
    store: &RocksStore,
    keys: &CheckpointKeys,
    mut collector: Collector,
) -> Result<Exit, CliError> {
    let checkpoint = latest_checkpoint(store, keys).map_err(verify_error)?;
    let origin = checkpoint.note().lines().next().unwrap_or_default();
    let mut index = store.pruned_size().map_err(|error| store_error(&error))?;
    while index < checkpoint.size() {
        let left = usize::try_from(checkpoint.size() - index).unwrap_or(usize::MAX);
        let entries = store.entries(index, ENTRIES_PER_READ.min(left));
        let entries = entries.map_err(|error| store_error(&error))?;
        if entries.is_empty() {
            return Err(CliError::Verification(format!("entry {index} is missing")));
        }
        index += entries.len() as u64;
        let messages = messages(&entries, &collector, origin)?;
        let mut sent = collector.delivery.deliver(messages).await;
        if sent.is_ok() && (collector.delivery.is_full() || index == checkpoint.size()) {
            sent = collector.delivery.confirm().await;
        }
        sent.map_err(|error| collector.failed(&error))?;
    }
    match collector.delivery.too_long_count() {
        0 => Ok(Exit::Done),
        count => Err(CliError::Failed(format!(
            "{count} entries had no room in a datagram: notes were sent in their place"
        ))),
    }
}

fn messages(
    leaves: &[StoredLeaf],
    collector: &Collector,
    origin: &str,
) -> Result<Vec<SyslogMessage>, CliError> {
    // There is nothing to tell of an erased entry; the entry that says so has a message.
    let kept = leaves.iter().filter_map(|leaf| match leaf {
        StoredLeaf::Kept(stored) => Some(stored),
        StoredLeaf::Erased { .. } => None,
    });
    let message = |stored: &StoredEntry| {
        let message = collector.form.message(stored, origin);
        let unreadable = || format!("entry {} cannot be read", stored.index);
        message.ok_or_else(|| CliError::Verification(unreadable()))
    };
    kept.map(message).collect()
}

const ENTRIES_PER_READ: usize = 500;
