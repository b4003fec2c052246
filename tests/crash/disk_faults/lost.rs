//! What a power cut takes of files and of names in directories.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;

use super::files_of::Files;
use super::operations;
use super::operations::Operation;
use crate::testbed::Failure;

/// What the power cut takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cut {
    /// What was not synced.
    Unsynced,
    /// A planted fault: the bytes of no table were ever synced; their names were, and the removal
    /// of the log that had their rows.
    TablesToo,
}

/// What power cuts took.
#[derive(Debug, Default)]
pub(super) struct Lost {
    bytes: u64,
    names_count: usize,
}

/// A file as it was written and synced.
#[derive(Clone, Copy, Default)]
struct Content {
    length: u64,
    synced: u64,
    /// Something in its middle was written, and not synced.
    is_dirty: bool,
}

impl Lost {
    /// Takes what the operations since then have left unsynced.
    pub(super) fn cut(
        &mut self,
        before: &Files,
        directory: &Path,
        trace: &str,
        cut: Cut,
        random: u64,
    ) -> Result<(), Failure> {
        let lengths = before.lengths();
        let mut operations = operations::read(trace, lengths.clone())?;
        let is_ours = |operation: &Operation| Files::is_within(directory, operation.path());
        operations.done.retain(is_ours);
        let synced = |length| Content {
            length,
            synced: length,
            is_dirty: false,
        };
        let contents = lengths.into_iter().map(|(path, it)| (path, synced(it)));
        let mut contents: BTreeMap<PathBuf, Content> = contents.collect();
        let mut names = Vec::new();
        for operation in &operations.done {
            if let Operation::Truncated { path, length } = operation
                && contents.get(path).is_none_or(|it| it.length < *length)
            {
                return Err(UNTOLD.into());
            }
            note(operation, &mut contents, &mut names);
        }
        check_told(&contents, &operations.unfinished)?;
        for (path, content) in &contents {
            self.cut_end(path, *content, before, cut, random)?;
        }
        let kept = match (cut, random / 7 % 3) {
            (Cut::TablesToo, _) | (Cut::Unsynced, 0) => names.len(),
            (Cut::Unsynced, 1) => names.len() / 2,
            (Cut::Unsynced, _) => 0,
        };
        for operation in names.drain(kept..).rev() {
            self.names_count += 1;
            undo(&operation, before)?;
        }
        Ok(())
    }

    /// Loses the end of a file, or all that was written to it.
    fn cut_end(
        &mut self,
        path: &Path,
        content: Content,
        before: &Files,
        cut: Cut,
        random: u64,
    ) -> Result<(), Failure> {
        let Ok(file) = OpenOptions::new().write(true).open(path) else {
            return Ok(());
        };
        let was = before.bytes(path);
        if content.is_dirty && was.is_some() {
            return Ok(fs::write(path, was.unwrap_or_default())?);
        }
        let is_table = path.extension().is_some_and(|it| it == "sst");
        let there = file.metadata()?.len();
        let synced = match cut {
            Cut::TablesToo if is_table && was.is_none() => 0,
            Cut::TablesToo => there,
            Cut::Unsynced => content.synced.min(there),
        };
        let kept = match random / 21 % 2 {
            0 if cut == Cut::Unsynced => synced + random % (there - synced + 1),
            _ => synced,
        };
        self.bytes += there - kept;
        Ok(file.set_len(kept)?)
    }
}

/// Sees that the trace has told of all that is in the files: what it left out would be taken for
/// something that was never synced.
fn check_told(
    contents: &BTreeMap<PathBuf, Content>,
    unfinished: &BTreeSet<PathBuf>,
) -> Result<(), Failure> {
    for (path, content) in contents {
        let is_told = match fs::metadata(path) {
            Ok(there) => there.len() == content.length,
            Err(_) => content.length == 0,
        };
        if !is_told && !unfinished.contains(path) {
            return Err(UNTOLD.into());
        }
    }
    Ok(())
}

/// Follows an operation: what of files and names is on the disk for certain.
fn note(
    operation: &Operation,
    contents: &mut BTreeMap<PathBuf, Content>,
    names: &mut Vec<Operation>,
) {
    match operation {
        Operation::Created(path) => {
            // One that is there is opened.
            if !contents.contains_key(path) {
                contents.insert(path.clone(), Content::default());
                names.push(operation.clone());
            }
        }
        Operation::Appended { path, bytes } => {
            contents.entry(path.clone()).or_default().length += bytes;
        }
        Operation::Rewritten(path) => contents.entry(path.clone()).or_default().is_dirty = true,
        Operation::Truncated { path, length } => {
            let content = contents.entry(path.clone()).or_default();
            content.length = *length;
            content.synced = content.synced.min(*length);
        }
        Operation::Synced { path, began } => {
            if let Some(content) = contents.get_mut(path) {
                content.synced = content.length.min(*began);
                content.is_dirty = false;
            }
            // Of a directory, the names in it.
            names.retain(|name| name.directory() != Some(path.as_path()));
        }
        Operation::Renamed { from, to } => {
            let content = contents.remove(from).unwrap_or_default();
            contents.insert(to.clone(), content);
            names.push(operation.clone());
        }
        Operation::Removed(path) => {
            contents.remove(path);
            names.push(operation.clone());
        }
    }
}

/// Takes back what was done to a name.
fn undo(operation: &Operation, before: &Files) -> Result<(), Failure> {
    match operation {
        Operation::Created(path) => {
            // It may have gone since.
            let _gone = fs::remove_file(path);
        }
        Operation::Renamed { from, to } => {
            if to.exists() {
                fs::rename(to, from)?;
            }
            if let Some(bytes) = before.bytes(to) {
                fs::write(to, bytes)?;
            }
        }
        Operation::Removed(path) => {
            before.take_back(path)?;
        }
        Operation::Appended { .. }
        | Operation::Rewritten(_)
        | Operation::Synced { .. }
        | Operation::Truncated { .. } => {}
    }
    Ok(())
}

const UNTOLD: &str = "the trace does not say how long a file is";
