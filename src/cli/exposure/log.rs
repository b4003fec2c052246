//! Reports from a log on the disk, with progress on standard error.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::export_checkpoint;
use crate::audit::exposure::ExposureError;
use crate::audit::exposure::Query;
use crate::audit::exposure::RangeReport;
use crate::audit::exposure::newest_checkpoint;
use crate::audit::exposure::report_export;
use crate::audit::exposure::report_store;
use crate::cli::audit::open;
use crate::cli::audit::verify_error;
use crate::cli::error::CliError;

/// Reports from a data directory, as of its newest checkpoint.
pub(super) fn of_store(
    data_dir: &Path,
    head: Option<&SignedCheckpoint>,
    query: &Query,
    keys: &CheckpointKeys,
) -> Result<RangeReport, CliError> {
    let store = open(data_dir)?;
    let checkpoint = newest_checkpoint(&store, head, keys).map_err(verify_error)?;
    let bar = bar();
    let report = report_store(&store, &checkpoint, query, |count| bar.set_position(count));
    bar.finish_and_clear();
    report.map_err(exposure_error)
}

/// Reports from a data directory, as of a checkpoint that has been verified.
pub(super) fn as_of(
    data_dir: &Path,
    checkpoint: &SignedCheckpoint,
    query: &Query,
) -> Result<RangeReport, CliError> {
    let store = open(data_dir)?;
    let bar = bar();
    let report = report_store(&store, checkpoint, query, |count| bar.set_position(count));
    bar.finish_and_clear();
    report.map_err(exposure_error)
}

/// Reports from an export, after verifying it: as of a checkpoint, or of its own.
pub(super) fn of_export(
    path: &Path,
    checkpoint: Option<&SignedCheckpoint>,
    query: &Query,
    keys: &CheckpointKeys,
) -> Result<RangeReport, CliError> {
    let read = || File::open(path).map(BufReader::new);
    let own = export_checkpoint(read().map_err(CliError::file(path))?, keys);
    let own = own.map_err(verify_error)?;
    let checkpoint = checkpoint.unwrap_or(&own);
    let bar = bar();
    let reader = read().map_err(CliError::file(path))?;
    let report = report_export(reader, checkpoint, query, |count| bar.set_position(count));
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
        ExposureError::Log(error) => verify_error(error),
        ExposureError::TooMany(error) => CliError::failed(error),
    }
}
