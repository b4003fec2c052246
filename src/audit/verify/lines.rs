//! Writes a log as an export, and verifies one.
//!
//! Entries from the first on; after the last the signed checkpoint. Where the log came under
//! another key, the checkpoint at which it did stands between the entries, and so does the latest
//! one that a witness has cosigned: whoever reads them compares it with the tree of its size, and
//! keeps no other.

use std::io;
use std::io::BufRead;
use std::io::Read;

use super::Evidence;
use super::Report;
use super::VerifyError;
use super::archived::Beside;
use super::archived::feed;
use super::verifier::ReadLeaf;
use super::verifier::Verifier;
use crate::audit::Archive;
use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::archive_lines::SegmentEnd;
use crate::audit::cosigned_checkpoint;
use crate::audit::export;
use crate::audit::export::ExportLine;
use crate::audit::following_keys;
use crate::audit::handover::Handover;
use crate::audit::in_order::in_order;
use crate::audit::ocsf;
use crate::audit::tree::StoredTree;
use crate::crypto::merkle::Frontier;
use crate::store::ENTRY_BYTES_MAX;
use crate::store::Store;
use crate::store::StoredLeaf;

/// Verifies an export.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_export(
    reader: impl BufRead + Send,
    keys: &CheckpointKeys,
) -> Result<Report, VerifyError> {
    verify_export_against(reader, None, &Evidence::of(keys))
}

/// Verifies an export of a log whose beginning is in an archive, and both as one log.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_export_behind(
    archive: &Archive,
    reader: impl BufRead + Send,
    keys: &CheckpointKeys,
) -> Result<Report, VerifyError> {
    verify_export_against(reader, Some(archive), &Evidence::of(keys))
}

/// Verifies an export, behind an archive if there is one, against all that is known of the log.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_export_against(
    reader: impl BufRead + Send,
    archive: Option<&Archive>,
    evidence: &Evidence<'_>,
) -> Result<Report, VerifyError> {
    verify_lines(reader, archive, evidence).map(|(report, _)| report)
}

/// Verifies an export, and returns its checkpoint.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn export_checkpoint(
    reader: impl BufRead + Send,
    keys: &CheckpointKeys,
) -> Result<SignedCheckpoint, VerifyError> {
    verify_lines(reader, None, &Evidence::of(keys)).map(|(_, checkpoint)| checkpoint)
}

/// Verifies an export of a log whose beginning is in an archive, and both as one log; returns its
/// checkpoint.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn export_checkpoint_behind(
    archive: &Archive,
    reader: impl BufRead + Send,
    keys: &CheckpointKeys,
) -> Result<SignedCheckpoint, VerifyError> {
    verify_lines(reader, Some(archive), &Evidence::of(keys)).map(|(_, checkpoint)| checkpoint)
}

fn verify_lines(
    reader: impl BufRead + Send,
    archive: Option<&Archive>,
    evidence: &Evidence<'_>,
) -> Result<(Report, SignedCheckpoint), VerifyError> {
    let mut verifier = Verifier::new(evidence)?;
    let archived_size = archive.map_or(0, Archive::size);
    let (mut beside, mut archived_root) = (Beside::new(0), None);
    let mut checkpoint: Option<String> = None;
    let mut hashes = Vec::new();
    each_line(reader, |number, line| {
        let wrong = VerifyError::Line { line: number };
        match line {
            Some(ReadLine::Archived(before)) if number == 1 => match archive {
                None => verifier.begin_after(before)?,
                Some(archive) => {
                    let size = before.size();
                    beside = Beside::new(size);
                    feed(archive, &mut verifier, size, |_| Ok(()))?;
                    if !verifier.is_at(&before) {
                        return Err(VerifyError::Segment { index: size });
                    }
                }
            },
            Some(ReadLine::Leaf(leaf)) if checkpoint.is_none() => {
                hashes.clear();
                beside.leaf(&leaf);
                verifier.leaf(leaf, &mut hashes)?;
                if verifier.size() == archived_size {
                    archived_root = Some(verifier.root());
                }
            }
            Some(ReadLine::Handover(note))
                if checkpoint.is_none() && verifier.expects_handover() =>
            {
                verifier.hand_over(&note)?;
            }
            Some(ReadLine::Cosigned(note)) if checkpoint.is_none() => verifier.cosigned(&note)?,
            Some(ReadLine::Checkpoint(note)) if checkpoint.is_none() => {
                checkpoint = Some(note);
            }
            // A line that is none, one after the checkpoint, or a handover to nobody.
            Some(_) | None => return Err(wrong),
        }
        Ok(())
    })?;
    let checkpoint = checkpoint.ok_or(VerifyError::Checkpoint)?;
    let (mut report, checkpoint) = verifier.finish(&checkpoint)?;
    // What both have is the same in both.
    if let Some(archive) = archive
        && archived_size > beside.begins()
    {
        let successors = report.successors.iter();
        let keys = successors.fold(evidence.keys.clone(), |keys, it| keys.and(it.key.clone()));
        report.still_archived_count += beside.verify(archive, archived_root, &keys)?;
    }
    Ok((report, checkpoint))
}

/// Hands over each line with its number, from 1; nothing for a line that is none.
pub(super) fn each_line(
    reader: impl BufRead + Send,
    mut each: impl FnMut(u64, Option<ReadLine>) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    in_order(Pages::new(reader), read_page, |page: ReadPage| {
        for (number, line) in (page.first_number..).zip(page.lines) {
            each(number, line)?;
        }
        page.end.map_or(Ok(()), Err)
    })
}

/// Writes a log as an export, as of the newest checkpoint, which it must have.
///
/// The log may grow meanwhile: what is written is the log of the checkpoint.
///
/// # Errors
///
/// If the store cannot be read, the log has no checkpoint, or the writer fails.
pub fn write_export(
    writer: &mut dyn io::Write,
    store: &dyn Store,
    keys: &CheckpointKeys,
) -> Result<(), VerifyError> {
    // First the cosigned one, then the latest, which may be newer.
    let mut cosigned = cosigned_checkpoint(store, &following_keys(store, keys)?)?;
    let checkpoint = latest_checkpoint(store, keys)?;
    let begins = store.pruned_size()?;
    let handovers = Handover::read_all(store)?.into_iter();
    let mut handovers = handovers
        .filter(|it| begins < it.size && it.size < checkpoint.size())
        .peekable();
    if begins > 0 {
        let before = StoredTree(store).frontier(begins)?;
        export::write_archived(writer, &before).map_err(VerifyError::Read)?;
    }
    if let Some(cosigned) = cosigned.take_if(|it| it.size() == begins) {
        export::write_cosigned(writer, cosigned.note()).map_err(VerifyError::Read)?;
    }
    each_leaf(store, checkpoint.size(), |stored| {
        export::write_leaf(writer, stored)?;
        let size = stored.index() + 1;
        if let Some(handover) = handovers.next_if(|handover| handover.size == size) {
            export::write_handover(writer, &handover.note)?;
        }
        match cosigned.take_if(|it| it.size() == size) {
            Some(cosigned) => export::write_cosigned(writer, cosigned.note()),
            None => Ok(()),
        }
    })?;
    export::write_checkpoint(writer, checkpoint.note()).map_err(VerifyError::Read)
}

/// Writes a log as events of OCSF, one in a line: a rendering for what collects events, which
/// cannot be verified.
///
/// # Errors
///
/// If the store cannot be read, the log has no checkpoint, or the writer fails.
pub fn write_ocsf(
    writer: &mut dyn io::Write,
    store: &dyn Store,
    keys: &CheckpointKeys,
) -> Result<(), VerifyError> {
    let checkpoint = latest_checkpoint(store, keys)?;
    let origin = checkpoint.note().lines().next().unwrap_or_default();
    each_leaf(store, checkpoint.size(), |stored| {
        // There is nothing to tell of an erased one; the entry that says so is an event.
        let StoredLeaf::Kept(stored) = stored else {
            return Ok(());
        };
        let line = ocsf::line(stored, origin);
        let line = line.ok_or_else(|| io::Error::other("entry cannot be read"))?;
        writeln!(writer, "{line}")
    })
}

/// The latest checkpoint of a log, by the given keys or those that came after them.
///
/// # Errors
///
/// If the store cannot be read, or there is none that is signed by one of them.
pub fn latest_checkpoint(
    store: &dyn Store,
    keys: &CheckpointKeys,
) -> Result<SignedCheckpoint, VerifyError> {
    let keys = following_keys(store, keys)?;
    let checkpoint = store.checkpoint()?.and_then(|note| keys.verify(&note));
    checkpoint.ok_or(VerifyError::Checkpoint)
}

/// Hands over the leaves of a log before this index, from the first that is not archived.
fn each_leaf(
    store: &dyn Store,
    size: u64,
    mut write: impl FnMut(&StoredLeaf) -> io::Result<()>,
) -> Result<(), VerifyError> {
    let mut from = store.pruned_size()?;
    while from < size {
        let left = usize::try_from(size - from).unwrap_or(usize::MAX);
        let page = store.entries(from, PAGE_ENTRIES_MAX.min(left))?;
        if page.is_empty() {
            return Err(VerifyError::Index { index: from });
        }
        for stored in &page {
            write(stored).map_err(VerifyError::Read)?;
        }
        from += page.len() as u64;
    }
    Ok(())
}

/// Lines of an export that lie side by side.
struct Page {
    /// The number of the first, from 1.
    first_number: u64,
    lines: Vec<String>,
    /// Why there are no more, if that is wrong.
    end: Option<VerifyError>,
}

/// The same, once they are read.
struct ReadPage {
    first_number: u64,
    /// Nothing for a line that is none.
    lines: Vec<Option<ReadLine>>,
    end: Option<VerifyError>,
}

/// A line, once it is read.
pub(super) enum ReadLine {
    Archived(Frontier),
    Checkpoint(String),
    Cosigned(String),
    Handover(String),
    Leaf(ReadLeaf),
    Segment(SegmentEnd),
}

fn read_page(page: Page) -> ReadPage {
    let read = |line: &String| {
        Some(match export::read_line(line)? {
            ExportLine::Archived(before) => ReadLine::Archived(before),
            ExportLine::Checkpoint(note) => ReadLine::Checkpoint(note),
            ExportLine::Cosigned(note) => ReadLine::Cosigned(note),
            ExportLine::Entry(stored) => ReadLine::Leaf(ReadLeaf::of_entry(&stored)),
            ExportLine::Erased { index, hash } => ReadLine::Leaf(ReadLeaf::of_erased(index, hash)),
            ExportLine::Handover(note) => ReadLine::Handover(note),
            ExportLine::Segment(end) => ReadLine::Segment(end),
        })
    };
    ReadPage {
        first_number: page.first_number,
        lines: page.lines.iter().map(read).collect(),
        end: page.end,
    }
}

/// Cuts an export into pages.
struct Pages<R> {
    reader: R,
    next_number: u64,
    is_done: bool,
}

impl<R: BufRead> Pages<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            next_number: 1,
            is_done: false,
        }
    }

    /// The next line without its end; nothing at the end.
    fn line(&mut self) -> Result<Option<String>, VerifyError> {
        let mut text = String::new();
        let read = (&mut self.reader).take(LINE_BYTES_MAX).read_line(&mut text);
        if read.map_err(VerifyError::Read)? == 0 {
            return Ok(None);
        }
        let line = self.next_number;
        if text.pop() != Some('\n') {
            return Err(VerifyError::Line { line });
        }
        self.next_number += 1;
        Ok(Some(text))
    }
}

impl<R: BufRead> Iterator for Pages<R> {
    type Item = Page;

    fn next(&mut self) -> Option<Page> {
        if self.is_done {
            return None;
        }
        let first_number = self.next_number;
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let mut end = None;
        while lines.len() < PAGE_ENTRIES_MAX && bytes < PAGE_BYTES_MAX {
            match self.line() {
                Ok(Some(line)) => {
                    bytes += line.len();
                    lines.push(line);
                }
                Ok(None) => {
                    self.is_done = true;
                    break;
                }
                Err(error) => {
                    self.is_done = true;
                    end = Some(error);
                    break;
                }
            }
        }
        Some(Page {
            first_number,
            lines,
            end,
        })
    }
}

/// How many entries a page has, at the most.
const PAGE_ENTRIES_MAX: usize = 1_024;
/// A page ends with the line that makes it longer.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// The longest line of an export: an entry of 1,000 items as JSON, and as a leaf.
pub(in crate::audit) const LINE_BYTES_MAX: u64 = 4 * ENTRY_BYTES_MAX as u64;
