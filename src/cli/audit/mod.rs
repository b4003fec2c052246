//! `counterfoil audit`: verifies, exports and publishes the audit log, checks receipts, and lists
//! who was seen. Only `watch`, and what is asked with `--online`, needs a server.

mod archive;
mod auditor;
mod check_receipt;
mod disk_log;
mod export;
pub(super) mod prove;
mod report;
mod serve;
mod syslog;
mod tiles;
mod watch;
mod watch_state;
mod watched;

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::audit::Archive;
use crate::audit::CheckpointKeys;
use crate::audit::Evidence;
use crate::audit::Head;
use crate::audit::HeadError;
use crate::audit::KeptCheckpoint;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::audit::WitnessKeys;
use crate::audit::following_keys;
use crate::audit::verify_archive;
use crate::audit::verify_export_against;
use crate::audit::verify_store_against;
use crate::cli::audit::archive::ArchiveArgs;
use crate::cli::audit::check_receipt::CheckReceiptArgs;
use crate::cli::audit::disk_log::DiskLog;
use crate::cli::audit::export::ExportArgs;
use crate::cli::audit::prove::ProveConsistencyArgs;
use crate::cli::audit::prove::ProveInclusionArgs;
use crate::cli::audit::report::json_report;
use crate::cli::audit::report::text_report;
use crate::cli::audit::serve::ServeArgs;
use crate::cli::audit::watch::WatchArgs;
use crate::cli::backup;
use crate::cli::block_on;
use crate::cli::dev::DevDirectory;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::exposure::ExposureArgs;
use crate::cli::public_keys::WitnessKeyArgs;
use crate::cli::public_keys::read_public_keys;
use crate::crypto::note::NoteError;
use crate::durable;
use crate::store::StoreError;
use crate::store::rocks::RocksStore;

/// The audit log: verify, export, follow and publish it, check receipts, list who was seen
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    Archive(ArchiveArgs),
    CheckReceipt(CheckReceiptArgs),
    Export(ExportArgs),
    Exposure(Box<ExposureArgs>),
    ProveConsistency(ProveConsistencyArgs),
    ProveInclusion(ProveInclusionArgs),
    Serve(ServeArgs),
    Verify(VerifyArgs),
    Watch(WatchArgs),
}

/// Verifies a log with nothing but its public key: entries, tree, checkpoint and head
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit code 4: something is wrong. The first thing that is wrong is named. With --witness-key also
where no such witness has cosigned the log; with --kept where it is not the log of what was kept.

Examples:
  counterfoil audit verify --dev .dev
  counterfoil audit verify --data-dir /var/lib/counterfoil --public-key audit.vkey
  counterfoil audit verify --export log.jsonl --public-key audit.vkey
  counterfoil audit verify --backup /var/backups/counterfoil --public-key audit.vkey
  counterfoil audit verify --archive /mnt/archive --dev .dev
  counterfoil audit verify --export log.jsonl --public-key audit.vkey --witness-key w1.vkey \\
    --kept kept.checkpoint --kept receipts/17-e4bc3f01.tlog-proof")]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    log: LogArgs,

    /// Verify an export instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data_dir", "head_dir"])]
    export: Option<PathBuf>,

    /// Verify this archive too, as the beginning of the log; alone, if no log is given
    #[arg(long, value_name = "DIR", conflicts_with = "backup")]
    archive: Option<PathBuf>,

    /// Verify the youngest backup in a directory instead, every byte of it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data_dir", "head_dir", "export"])]
    backup: Option<PathBuf>,

    /// A signed checkpoint or a receipt that somebody kept: the log must begin as it was then. May
    /// be given more than once
    #[arg(long, value_name = "FILE")]
    kept: Vec<PathBuf>,

    #[command(flatten)]
    witness: WitnessKeyArgs,

    /// Write the report as one JSON object
    #[arg(long)]
    json: bool,
}

/// Which log, and whose signature is believed.
#[derive(Args, Clone, Debug)]
pub(super) struct LogArgs {
    #[command(flatten)]
    keys: LogKeyArgs,

    /// The data directory of a vault, which may be served meanwhile
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Where the head is kept; `head` in the data directory if there is none
    #[arg(long, value_name = "DIR")]
    head_dir: Option<PathBuf>,
}

/// Whose signature is believed.
#[derive(Args, Clone, Debug)]
pub(super) struct LogKeyArgs {
    /// The log of the vault that `serve --dev DIR` has run
    #[arg(long, value_name = "DIR")]
    dev: Option<PathBuf>,

    /// The public key of the log, as `init` printed it, in a file. After a rotation the newest is
    /// enough for a log; receipts of before need the key of their time, too
    #[arg(long = "public-key", value_name = "FILE")]
    public_keys: Vec<PathBuf>,
}

impl AuditCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::Archive(arguments) => arguments.run(),
            Self::CheckReceipt(arguments) => arguments.run(),
            Self::Export(arguments) => arguments.run(),
            Self::Exposure(arguments) => arguments.run(),
            Self::ProveConsistency(arguments) => arguments.run(),
            Self::ProveInclusion(arguments) => arguments.run(),
            Self::Serve(arguments) => block_on(arguments.run()),
            Self::Verify(arguments) => arguments.run(),
            Self::Watch(arguments) => block_on(arguments.run()),
        }
    }
}

impl VerifyArgs {
    fn run(self) -> Result<Exit, CliError> {
        let keys = self.log.public_keys()?;
        let archive = self.archive.as_deref().map(Archive::open).transpose();
        let archive = archive.map_err(verify_error)?;
        let kept = self.kept.iter().map(|path| read_kept(path));
        let kept = kept.collect::<Result<Vec<_>, _>>()?;
        let witnesses = self.witness.read()?;
        let evidence = Evidence {
            kept: &kept,
            witnesses: witnesses.as_ref(),
            ..Evidence::of(&keys)
        };
        let mut is_cut_off = false;
        let report = match (&self.export, &self.backup, &archive) {
            (_, Some(directory), _) => Ok(backup::verify_log(directory, &evidence)?),
            (Some(path), None, archive) => {
                let file = File::open(path).map_err(CliError::file(path))?;
                let reader = BufReader::new(file);
                verify_export_against(reader, archive.as_ref(), &evidence)
            }
            (None, None, Some(archive)) if self.log.data_dir().is_err() => {
                if !kept.is_empty() {
                    let problem = "--kept is held against a log\n  give it beside the archive, \
                                   with --data-dir or --export";
                    return Err(CliError::Usage(problem.to_owned()));
                }
                // The latest cosigned checkpoint is the log's, not the archive's.
                match (verify_archive(archive, &keys), &witnesses) {
                    (Ok(_), Some(_)) => Err(VerifyError::Unwitnessed),
                    (verified, _) => verified,
                }
            }
            (None, None, archive) => {
                // First the head, then the log: a vault that is served meanwhile makes the log
                // longer, and a log may be longer than its head.
                let head = self.log.head(&keys);
                // Of a log that is damaged, that is said first.
                let log = DiskLog::open(&self.log)?;
                is_cut_off = log.is_cut_off;
                let head = head?;
                let evidence = evidence.with_head(Some(&head));
                verify_store_against(&log.into_store(), archive.as_ref(), &evidence)
            }
        };
        let report = report.map_err(verify_error)?;
        let text = if self.json {
            json_report(&report, is_cut_off)
        } else {
            text_report(&report)
        };
        writeln!(io::stdout(), "{text}")?;
        Ok(Exit::Done)
    }
}

impl LogArgs {
    /// The development vault whose log it is, if it is one.
    pub(super) fn dev(&self) -> Option<&Path> {
        self.keys.dev.as_deref()
    }

    /// The log in another data directory.
    pub(super) fn of_data_dir(&self, data_dir: &Path) -> Self {
        Self {
            data_dir: Some(data_dir.to_owned()),
            ..self.clone()
        }
    }

    pub(super) fn data_dir(&self) -> Result<PathBuf, CliError> {
        match (&self.data_dir, &self.keys.dev) {
            (Some(directory), _) => Ok(directory.clone()),
            (None, Some(dev)) => Ok(DevDirectory::new(dev).data_dir()),
            (None, None) => {
                let problem = "--data-dir is missing\n  give it, or --dev DIR";
                Err(CliError::Usage(problem.to_owned()))
            }
        }
    }

    /// The given keys, and those that the log came under after them, by its own proof.
    pub(super) fn public_keys(&self) -> Result<CheckpointKeys, CliError> {
        let given = self.keys.public_keys()?;
        // Where no log can be opened, a command that needs one says so itself; others read a file.
        match DiskLog::open(self) {
            Ok(log) => following_keys(&log.store, &given).map_err(|error| store_error(&error)),
            Err(_) => Ok(given),
        }
    }

    /// Opens the log on the disk, and says on standard error if it was cut off.
    pub(super) fn open(&self) -> Result<RocksStore, CliError> {
        Ok(DiskLog::open(self)?.into_store())
    }

    /// Where the head is.
    fn head_dir(&self) -> Result<PathBuf, CliError> {
        match &self.head_dir {
            Some(head_dir) => Ok(head_dir.clone()),
            None => Ok(self.data_dir()?.join("head")),
        }
    }

    /// The head of the log.
    pub(super) fn head(&self, keys: &CheckpointKeys) -> Result<SignedCheckpoint, CliError> {
        let head_dir = self.head_dir()?;
        Head::read(&head_dir, keys).map_err(|error| head_error(error, &head_dir))
    }
}

impl LogKeyArgs {
    /// The keys.
    ///
    /// # Errors
    ///
    /// If none is given, or a file has something else.
    pub(super) fn public_keys(&self) -> Result<CheckpointKeys, CliError> {
        let mut files = self.public_keys.clone();
        if let (true, Some(dev)) = (files.is_empty(), &self.dev) {
            files.push(DevDirectory::new(dev).audit_vkey());
        }
        if files.is_empty() {
            // The one beside the log would prove nothing: who changes the log changes it too.
            let problem = "--public-key is missing\n  give the key that `init` printed";
            return Err(CliError::Usage(problem.to_owned()));
        }
        read_public_keys(&files)
    }
}

/// When one of the witnesses cosigned a checkpoint, in seconds since 1970-01-01T00:00:00Z; or what
/// is wrong.
fn cosigned_at(witnesses: &WitnessKeys, checkpoint: &str) -> Result<u64, String> {
    witnesses
        .verify(checkpoint)
        .map_err(|error| match error == NoteError::NotSigned {
            true => "no given witness has cosigned its checkpoint".to_owned(),
            false => error.to_string(),
        })
}

/// Reads a checkpoint or a receipt that somebody kept.
fn read_kept(path: &Path) -> Result<KeptCheckpoint, CliError> {
    let text = fs::read_to_string(path).map_err(CliError::file(path))?;
    KeptCheckpoint::read(&text).map_err(|error| {
        let path = path.display();
        CliError::Verification(format!("NOT verified: {path}: {error}"))
    })
}

/// Writes a file in the place of what was there: whoever reads it sees one or the other.
pub(super) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    durable::replace(path, bytes).map_err(CliError::file(path))
}

/// A log that cannot be read proves nothing; one that can, and is wrong, proves something.
pub(super) fn verify_error(error: VerifyError) -> CliError {
    match &error {
        VerifyError::Read(source) => CliError::Failed(format!("{error}: {source}")),
        VerifyError::Store(store) => store_error(store),
        VerifyError::Archived { .. } => CliError::failed(error),
        VerifyError::ArchiveBlank { .. }
        | VerifyError::ArchiveGap { .. }
        | VerifyError::Checkpoint
        | VerifyError::Cosigned
        | VerifyError::Entry { .. }
        | VerifyError::Erasure { .. }
        | VerifyError::Handover { .. }
        | VerifyError::Hash { .. }
        | VerifyError::Index { .. }
        | VerifyError::Intent { .. }
        | VerifyError::KeptBehind { .. }
        | VerifyError::KeptFork { .. }
        | VerifyError::KeptUnsigned { .. }
        | VerifyError::Line { .. }
        | VerifyError::Pruning { .. }
        | VerifyError::Root { .. }
        | VerifyError::Segment { .. }
        | VerifyError::Size { .. }
        | VerifyError::Time { .. }
        | VerifyError::Unarchived { .. }
        | VerifyError::Untold { .. }
        | VerifyError::Unwitnessed => CliError::Verification(format!("NOT verified: {error}")),
    }
}

fn head_error(error: HeadError, head_dir: &Path) -> CliError {
    match error {
        HeadError::Io(source) => CliError::file(head_dir)(source),
        HeadError::AlreadyExists | HeadError::Missing | HeadError::TooLarge => {
            CliError::Verification(format!("{}: {error}", head_dir.display()))
        }
    }
}

fn store_error(error: &StoreError) -> CliError {
    if matches!(error, StoreError::Corrupt { .. }) {
        return CliError::Verification(format!("NOT verified: {error}"));
    }
    CliError::failed(error)
}
