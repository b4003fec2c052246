//! Reports from a log whose beginning is in an archive: of both, as of one log.
//!
//! What both have is read from the log. The hash of an erased entry proves nothing of whether it
//! should be: archive and log must have been verified as one, which compares them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::path::PathBuf;

use crate::audit::Archive;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::audit::exposure::ExposureError;
use crate::audit::exposure::Query;
use crate::audit::exposure::RangeReport;
use crate::audit::exposure::leaves::Leaf;
use crate::audit::exposure::leaves::Line;
use crate::audit::exposure::leaves::decode;
use crate::audit::exposure::leaves::read_leaf;
use crate::audit::exposure::leaves::read_line;
use crate::audit::exposure::read::PAGE_ENTRIES_MAX;
use crate::audit::exposure::read::report_leaves;
use crate::store::Store;

/// Reports from a store and the archive of its beginning, which have been verified as one log, as
/// of a checkpoint that is not newer. Holds 32 bytes for each entry of the log.
///
/// # Errors
///
/// If the log is not the one of the checkpoint, cannot be read, or the report is too long.
pub fn report_store_behind(
    archive: &Archive,
    store: &dyn Store,
    checkpoint: &SignedCheckpoint,
    query: &Query,
    progress: impl FnMut(u64),
) -> Result<RangeReport, ExposureError> {
    let begins = store.pruned_size().map_err(VerifyError::from)?;
    let mut archived = ArchivedLeaves::of(archive);
    let mut page = VecDeque::new();
    let next = |index| {
        if index < begins {
            return archived.next(index);
        }
        if page.is_empty() {
            page.extend(decode(&store.entries(index, PAGE_ENTRIES_MAX)?));
        }
        page.pop_front().ok_or(VerifyError::Index { index })
    };
    report_leaves(next, checkpoint, query, progress)
}

/// Reports from an export and the archive of what was before it, which have been verified as one
/// log, as of a checkpoint that is not newer. Holds 32 bytes for each entry of the log.
///
/// # Errors
///
/// As [`report_store_behind`].
pub fn report_export_behind(
    archive: &Archive,
    mut reader: impl BufRead,
    checkpoint: &SignedCheckpoint,
    query: &Query,
    progress: impl FnMut(u64),
) -> Result<RangeReport, ExposureError> {
    let mut text = String::new();
    let (begins, mut first) = match read_line(&mut reader, &mut text, 0)? {
        Line::Archived(before) => (before.size(), None),
        Line::Leaf(leaf) => (0, Some(leaf)),
        // A log without entries.
        Line::End => (0, None),
    };
    let mut archived = ArchivedLeaves::of(archive);
    let next = |index| {
        if index < begins {
            return archived.next(index);
        }
        match first.take() {
            Some(leaf) => Ok(leaf),
            None => read_leaf(&mut reader, &mut text, index),
        }
    };
    report_leaves(next, checkpoint, query, progress)
}

/// The leaves of an archive, in their order.
struct ArchivedLeaves {
    /// The files that were not opened yet.
    paths: VecDeque<PathBuf>,
    reader: Option<BufReader<File>>,
    text: String,
}

impl ArchivedLeaves {
    fn of(archive: &Archive) -> Self {
        Self {
            paths: archive.segments().map(|(_, path)| path).collect(),
            reader: None,
            text: String::new(),
        }
    }

    fn next(&mut self, index: u64) -> Result<Leaf, VerifyError> {
        loop {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => {
                    let path = self.paths.pop_front();
                    let path = path.ok_or(VerifyError::ArchiveGap { index })?;
                    let file = File::open(path).map_err(VerifyError::Read)?;
                    self.reader.insert(BufReader::new(file))
                }
            };
            match read_line(reader, &mut self.text, index)? {
                Line::Leaf(leaf) => return Ok(leaf),
                Line::End => self.reader = None,
                Line::Archived(_) => {}
            }
        }
    }
}
