//! `counterfoil backup`: has a backup made by a running vault, and looks at those that there are.

use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use serde_json::json;

use crate::audit::CheckpointKeys;
use crate::audit::Evidence;
use crate::audit::Report;
use crate::backup;
use crate::backup::BackupError;
use crate::backup::BackupId;
use crate::backup::Manifest;
use crate::backup::OpenBackup;
use crate::cli::acting::ActingArgs;
use crate::cli::audit::LogKeyArgs;
use crate::cli::block_on;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::client::ClientError;
use crate::domain::DateTime;
use crate::domain::Timestamp;
use crate::protocol::BackupCreated;
use crate::protocol::create_backup_response::Part;

/// Has the running vault make a backup; lists and verifies those that there are
#[derive(Args, Clone, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
The vault writes the backup itself, on its own machine, within the directory that `backup.dir`
configures. Only files that no earlier backup there has are written.

Examples:
  counterfoil backup --to /var/backups/counterfoil --config-client client.toml
  counterfoil backup list --from /var/backups/counterfoil
  counterfoil backup verify --from /var/backups/counterfoil --public-key audit.vkey"
)]
pub(super) struct BackupArgs {
    #[command(subcommand)]
    command: Option<BackupCommand>,

    /// Where to: a directory on the vault's machine
    #[arg(long, value_name = "DIR", required = true)]
    to: Option<PathBuf>,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Clone, Debug, Subcommand)]
enum BackupCommand {
    List(ListArgs),
    Verify(VerifyArgs),
}

/// Lists the backups in a directory, the oldest first
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
What it says is what the backups say of themselves: `backup verify` checks it.

Example:
  counterfoil backup list --from /var/backups/counterfoil")]
struct ListArgs {
    /// The directory
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// Write a JSON object a line
    #[arg(long)]
    json: bool,
}

/// Verifies a backup: its signature, every byte, and its whole audit log
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit code 4: something is wrong. The first thing that is wrong is named.

Example:
  counterfoil backup verify --from /var/backups/counterfoil --public-key audit.vkey")]
struct VerifyArgs {
    /// The directory
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// Which backup; the youngest if none is named
    #[arg(long, value_name = "NUMBER")]
    backup: Option<u32>,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    keys: LogKeyArgs,
}

impl BackupArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match &self.command {
            Some(BackupCommand::List(arguments)) => arguments.run(),
            Some(BackupCommand::Verify(arguments)) => arguments.run(),
            None => block_on(self.create()),
        }
    }

    async fn create(self) -> Result<Exit, CliError> {
        let to = self.to.clone().unwrap_or_default();
        let to = std::path::absolute(&to).map_err(CliError::file(&to))?;
        let client = self.acting.backups(&self.connection).await?;
        let mut parts = client.create(&to).await?;
        let bar = progress_bar();
        let mut made = None;
        while let Some(part) = parts.message().await.map_err(ClientError::from)? {
            match part.part {
                Some(Part::Progress(step)) => {
                    bar.set_length(step.total_bytes);
                    bar.set_position(step.done_bytes);
                }
                Some(Part::Created(created)) => made = Some(created),
                None => {}
            }
        }
        bar.finish_and_clear();
        let made = made.ok_or_else(|| {
            CliError::Failed("the vault did not say that the backup is made".to_owned())
        })?;
        print_created(&made, self.json)?;
        Ok(Exit::Done)
    }
}

impl ListArgs {
    fn run(&self) -> Result<Exit, CliError> {
        let mut output = io::stdout().lock();
        for id in backup::list(&self.from).map_err(backup_error)? {
            let manifest = backup::read_unsigned(&self.from, id).map_err(backup_error)?;
            let line = if self.json {
                to_json(&manifest).to_string()
            } else {
                text(&manifest)
            };
            writeln!(output, "{line}")?;
        }
        Ok(Exit::Done)
    }
}

impl VerifyArgs {
    fn run(&self) -> Result<Exit, CliError> {
        let keys = self.keys.public_keys()?;
        let id = self.backup.map(BackupId);
        let verified = backup::verify(&self.from, id, &keys).map_err(backup_error)?;
        let mut output = io::stdout().lock();
        if self.json {
            let mut line = to_json(&verified.manifest);
            if let Some(line) = line.as_object_mut() {
                line.insert("verified".to_owned(), json!(true));
            }
            writeln!(output, "{line}")?;
        } else {
            writeln!(output, "verified: backup {}", text(&verified.manifest))?;
        }
        Ok(Exit::Done)
    }
}

fn print_created(made: &BackupCreated, is_json: bool) -> io::Result<()> {
    let BackupCreated {
        id,
        tree_size,
        total_bytes,
        new_bytes,
        ..
    } = made;
    let mut output = io::stdout().lock();
    if is_json {
        let line = json!({
            "id": id,
            "tree_size": tree_size,
            "total_bytes": total_bytes,
            "new_bytes": new_bytes,
        });
        return writeln!(output, "{line}");
    }
    let id = BackupId(*id);
    writeln!(
        output,
        "backup {id}: {tree_size} entries, {total_bytes} bytes, {new_bytes} of them new"
    )
}

fn text(manifest: &Manifest) -> String {
    let created = DateTime(Timestamp::from_unix_ms(manifest.created_unix_ms));
    format!(
        "{}  {created}  {} entries, {} bytes in {} files",
        manifest.id,
        manifest.tree_size,
        manifest.bytes(),
        manifest.files.len()
    )
}

fn to_json(manifest: &Manifest) -> serde_json::Value {
    json!({
        "id": manifest.id,
        "created_unix_ms": manifest.created_unix_ms,
        "tree_size": manifest.tree_size,
        "total_bytes": manifest.bytes(),
        "files_count": manifest.files.len(),
    })
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
    // The template is a constant; where it were wrong, the bar would look plain.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// A backup that cannot be read proves nothing; one that can, and is wrong, proves something.
pub(super) fn backup_error(error: BackupError) -> CliError {
    if error.is_damage() {
        CliError::Verification(format!("NOT verified: {error}"))
    } else {
        CliError::caused(&error)
    }
}

/// Verifies the youngest backup, for `audit verify --backup`.
pub(super) fn verify_log(directory: &Path, evidence: &Evidence<'_>) -> Result<Report, CliError> {
    let verified = backup::verify_against(directory, None, evidence).map_err(backup_error)?;
    Ok(verified.report)
}

/// Opens the youngest backup, for `audit export --backup`.
pub(super) fn open_log(directory: &Path, keys: &CheckpointKeys) -> Result<OpenBackup, CliError> {
    OpenBackup::open(directory, None, keys).map_err(backup_error)
}
