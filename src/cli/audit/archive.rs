//! `counterfoil audit archive`: the beginning of a log as files that verify by themselves.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::audit::Archive;
use crate::audit::exposure::index_from;
use crate::audit::exposure::newest_checkpoint;
use crate::cli::audit::LogArgs;
use crate::cli::audit::verify_error;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::exposure::read_time;
use crate::domain::Clock;
use crate::domain::SystemClock;
use crate::store::Store;

/// Writes the beginning of a log to an archive: what it does not have yet, as one more segment
///
/// What was erased since it was archived is taken out of the archive, once archive and log are
/// verified as one log. A segment ends where a tile does, so that it has a multiple of 256 entries,
/// and is verified once it is written. Nothing is taken out of the vault: that is for the officers,
/// once the archive is where it is kept (`counterfoil keys propose prune-log`).
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  counterfoil audit archive --to /mnt/archive --before 90d --dev .dev
  counterfoil audit archive --to /mnt/archive --before 1000000 --data-dir /var/lib/counterfoil \\
    --public-key audit.vkey")]
pub(in crate::cli) struct ArchiveArgs {
    #[command(flatten)]
    log: LogArgs,

    /// The directory of the archive
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// Which entries: those before this index, or before this time (2026-11-22, or how long ago:
    /// 90d)
    #[arg(long, value_name = "INDEX|TIME")]
    before: String,

    /// Write the result as one JSON object
    #[arg(long)]
    json: bool,
}

impl ArchiveArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let keys = self.log.public_keys()?;
        let head = self.log.head(&keys)?;
        let store = self.log.open()?;
        // No archive of a log that went back, or of another.
        let newest = newest_checkpoint(&store, Some(&head), &keys).map_err(verify_error)?;
        let before = self.before(&store, newest.size())?;
        let mut archive = Archive::open(&self.to).map_err(verify_error)?;
        let archived = archive.grow(&store, &keys, before).map_err(verify_error)?;
        let root = hex::encode(archived.root.as_bytes());
        let (size, added, erased) = (archived.size, archived.added, archived.erased_count);
        let text = if self.json {
            let counts = json!({ "size": size, "root_hash": root, "added": added,
                "erased_count": erased });
            counts.to_string()
        } else {
            format!("archived: {size} entries, {added} of them new, root hash {root}")
        };
        writeln!(io::stdout(), "{text}")?;
        if erased > 0 {
            say(format_args!(
                "{erased} entries were erased since they were archived: they are gone from it"
            ));
        }
        if archived.linked_count > 0 {
            let count = archived.linked_count;
            say(format_args!(
                "{count} of the files have another name too: by that, the entries are there still"
            ));
        }
        Ok(Exit::Done)
    }

    fn before(&self, store: &dyn Store, size: u64) -> Result<u64, CliError> {
        if let Ok(index) = self.before.parse() {
            return Ok(index);
        }
        let time = read_time(&self.before, SystemClock::default().now());
        let time = time.ok_or_else(|| {
            let problem = "--before is neither an index nor a time\n  use 2026-11-22, or 90d";
            CliError::Usage(problem.to_owned())
        })?;
        index_from(store, size, time).map_err(verify_error)
    }
}
