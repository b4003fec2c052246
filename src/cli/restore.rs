//! `counterfoil restore`: makes a data directory from a backup.

use std::path::PathBuf;

use clap::Args;

use crate::backup;
use crate::backup::BackupId;
use crate::backup::RestoredHead;
use crate::cli::audit::LogKeyArgs;
use crate::cli::backup::backup_error;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;

/// Makes a data directory from a backup, after verifying all of it; never over a database
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The signature, every byte and the whole audit log are verified before the database takes its name.
The head outside of the database is left alone, and made from the backup only where there is none.
A vault that is behind its head stays closed until officers accept the rollback, by
`counterfoil recover accept-rollback`.

To go back on the same machine, move the `rocksdb` directory out of the data directory, and leave
the head where it is: it knows what came after the backup.

Exit code 4: something is wrong with the backup. The first thing that is wrong is named.

Example:
  counterfoil restore --from /var/backups/counterfoil --to /var/lib/counterfoil \\
    --public-key audit.vkey")]
pub(super) struct RestoreArgs {
    /// The directory of backups
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// The data directory, without a database
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// Where the head is kept, as `audit.head_dir` says; `head` in the data directory if it is not
    /// configured
    #[arg(long, value_name = "DIR")]
    head_dir: Option<PathBuf>,

    /// Which backup; the youngest if none is named
    #[arg(long, value_name = "NUMBER")]
    backup: Option<u32>,

    #[command(flatten)]
    keys: LogKeyArgs,
}

impl RestoreArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let keys = self.keys.public_keys()?;
        let head_dir = self.head_dir.unwrap_or_else(|| self.to.join("head"));
        let id = self.backup.map(BackupId);
        let restored = backup::restore(&self.from, id, &self.to, &head_dir, &keys);
        let restored = restored.map_err(backup_error)?;
        let manifest = &restored.manifest;
        say(format_args!(
            "restored backup {}: {} entries of the audit log, verified",
            manifest.id, manifest.tree_size
        ));
        match restored.head {
            RestoredHead::Behind { entries_count } => say(format_args!(
                "the head was signed for {entries_count} entries more: the vault stays closed \
                 until officers accept the rollback\n  counterfoil keys statement accept-rollback"
            )),
            RestoredHead::Current => {}
            RestoredHead::Made => say(
                "there was no head, so it is the backup's: if the vault wrote anything after the \
                 backup, nothing here knows of it",
            ),
        }
        Ok(Exit::Done)
    }
}
