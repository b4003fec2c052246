//! Reports from a log on the disk, with progress on standard error.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use crate::audit::Archive;
use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::audit::export_checkpoint;
use crate::audit::export_checkpoint_behind;
use crate::audit::exposure::ExposureError;
use crate::audit::exposure::Query;
use crate::audit::exposure::RangeReport;
use crate::audit::exposure::newest_checkpoint;
use crate::audit::exposure::report_export;
use crate::audit::exposure::report_export_behind;
use crate::audit::exposure::report_store;
use crate::audit::exposure::report_store_behind;
use crate::audit::verify_store_behind;
use crate::cli::audit::verify_error;
use crate::cli::error::CliError;
use crate::store::Store;

/// Reports from a log on the disk, as of its newest checkpoint; with the archive of its beginning,
/// if one is given.
pub(super) fn of_store(
    store: &dyn Store,
    archive: Option<&Archive>,
    head: Option<&SignedCheckpoint>,
    query: &Query,
    keys: &CheckpointKeys,
) -> Result<RangeReport, CliError> {
    let checkpoint = newest_checkpoint(store, head, keys).map_err(verify_error)?;
    as_of(store, archive, &checkpoint, query, keys)
}

/// Reports from a log on the disk, as of a checkpoint that has been verified.
pub(super) fn as_of(
    store: &dyn Store,
    archive: Option<&Archive>,
    checkpoint: &SignedCheckpoint,
    query: &Query,
    keys: &CheckpointKeys,
) -> Result<RangeReport, CliError> {
    let bar = bar();
    let progress = |count| bar.set_position(count);
    let report = match archive {
        Some(archive) => {
            // No hash tells whether an archive has left an entry out as if it were erased.
            verify_store_behind(archive, store, None, keys).map_err(verify_error)?;
            report_store_behind(archive, store, checkpoint, query, progress)
        }
        None => report_store(store, checkpoint, query, progress),
    };
    bar.finish_and_clear();
    report.map_err(exposure_error)
}

/// Reports from an export, after verifying it: as of a checkpoint, or of its own; with the archive
/// of what was before it, if one is given.
pub(super) fn of_export(
    path: &Path,
    archive: Option<&Archive>,
    checkpoint: Option<&SignedCheckpoint>,
    query: &Query,
    keys: &CheckpointKeys,
) -> Result<RangeReport, CliError> {
    let read = || {
        let file = File::open(path).map(BufReader::new);
        file.map_err(CliError::file(path))
    };
    let own = match archive {
        Some(archive) => export_checkpoint_behind(archive, read()?, keys),
        None => export_checkpoint(read()?, keys),
    };
    let own = own.map_err(verify_error)?;
    let checkpoint = checkpoint.unwrap_or(&own);
    let bar = bar();
    let progress = |count| bar.set_position(count);
    let report = match archive {
        Some(archive) => report_export_behind(archive, read()?, checkpoint, query, progress),
        None => report_export(read()?, checkpoint, query, progress),
    };
    bar.finish_and_clear();
    report.map_err(exposure_error)
}

/// Counts entries where standard error is a terminal.
fn bar() -> ProgressBar {
    let template = "{spinner} {human_pos} entries  {per_sec}";
    let style = ProgressStyle::with_template(template);
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn exposure_error(error: ExposureError) -> CliError {
    match error {
        ExposureError::Log(error @ VerifyError::Archived { .. }) => {
            CliError::Failed(format!("{error}\n  give it with --archive DIR"))
        }
        ExposureError::Log(error) => verify_error(error),
        ExposureError::TooMany(error) => CliError::failed(error),
    }
}
