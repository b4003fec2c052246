//! Taking out of an archive what was erased since it was written.
//!
//! An erasing does not reach archives by itself. Whoever makes an archive again has verified it and
//! the log as one log before; so what they say is erased is, and the hash of the leaf takes the
//! entry's place. Each segment is written beside itself, verified, and renamed: a crash leaves one
//! or the other.

use std::collections::HashSet;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::audit::Archive;
use crate::audit::CheckpointKeys;
use crate::audit::Entry;
use crate::audit::VerifyError;
use crate::audit::archive::Segment;
use crate::audit::erased_by;
use crate::audit::export;
use crate::audit::export::ExportLine;
use crate::audit::tree::entry_leaf_hash;
use crate::audit::verify::LINE_BYTES_MAX;
use crate::audit::verify::verify_segment;
use crate::durable;
use crate::store::Store;
use crate::store::StoredEntry;
use crate::store::StoredLeaf;

/// What was taken out of an archive.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Replaced {
    /// How many entries.
    pub(super) entries_count: u64,
    /// How many of the files were under another name too, where they are as they were.
    pub(super) linked_count: u64,
}

/// Puts the hash of its leaf in the place of each entry that an archive has, and that the archive
/// or the log says was erased. Both must have been verified as one log.
pub(super) fn erase(
    archive: &Archive,
    store: &dyn Store,
    keys: &CheckpointKeys,
) -> Result<Replaced, VerifyError> {
    let mut erased: HashSet<u64> = HashSet::new();
    for (_, path) in archive.segments() {
        each_entry(&path, |stored| {
            let entry = Entry::decode(&stored.entry).ok();
            erased.extend(entry.and_then(|entry| entry.draft.erases()));
        })?;
    }
    erased.extend(erased_by(store, store.pruned_size()?..store.tree_size()?)?);
    let mut replaced = Replaced::default();
    for (segment, path) in archive.segments() {
        let mut count = 0;
        each_entry(&path, |stored| {
            count += u64::from(erased.contains(&stored.index));
        })?;
        if count == 0 {
            continue;
        }
        // Where the name is a link, what it names has the content.
        let path = fs::canonicalize(&path).map_err(VerifyError::Read)?;
        let links_count = fs::metadata(&path).map_err(VerifyError::Read)?.nlink();
        rewrite(&path, segment, &erased, keys)?;
        replaced.entries_count += count;
        replaced.linked_count += u64::from(links_count > 1);
    }
    Ok(replaced)
}

/// Writes a segment anew without entries.
fn rewrite(
    path: &Path,
    segment: Segment,
    erased: &HashSet<u64>,
    keys: &CheckpointKeys,
) -> Result<(), VerifyError> {
    let beside = path.with_extension(BESIDE);
    let mut writer = BufWriter::new(create(&beside).map_err(VerifyError::Read)?);
    let mut write = |line: &str, stored: Option<&StoredEntry>| -> io::Result<()> {
        match stored.filter(|stored| erased.contains(&stored.index)) {
            Some(stored) => {
                let (index, hash) = (stored.index, *entry_leaf_hash(stored).as_bytes());
                export::write_leaf(&mut writer, &StoredLeaf::Erased { index, hash })
            }
            None => writeln!(writer, "{line}"),
        }
    };
    each_line(path, |line, stored| {
        write(line, stored).map_err(VerifyError::Read)
    })?;
    sync(writer).map_err(VerifyError::Read)?;
    let reader = |path: &Path| File::open(path).map(BufReader::new);
    let before = verify_segment(reader(path).map_err(VerifyError::Read)?, segment, keys)?;
    let after = verify_segment(reader(&beside).map_err(VerifyError::Read)?, segment, keys)?;
    if before != after {
        return Err(VerifyError::Segment { index: segment.end });
    }
    name(&beside, path).map_err(VerifyError::Read)
}

fn each_entry(path: &Path, mut each: impl FnMut(&StoredEntry)) -> Result<(), VerifyError> {
    each_line(path, |_, stored| {
        stored.into_iter().for_each(&mut each);
        Ok(())
    })
}

/// Hands over each line of a segment without its end, and the entry that it has, if it has one.
fn each_line(
    path: &Path,
    mut each: impl FnMut(&str, Option<&StoredEntry>) -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let mut reader = BufReader::new(File::open(path).map_err(VerifyError::Read)?);
    let (mut text, mut number) = (String::new(), 0);
    loop {
        text.clear();
        number += 1;
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut text);
        if read.map_err(VerifyError::Read)? == 0 {
            return Ok(());
        }
        let line = text.trim_end_matches('\n');
        match export::read_line(line) {
            Some(ExportLine::Entry(stored)) => each(line, Some(&stored))?,
            Some(
                ExportLine::Archived(_)
                | ExportLine::Checkpoint(_)
                | ExportLine::Cosigned(_)
                | ExportLine::Erased { .. }
                | ExportLine::Handover(_)
                | ExportLine::Segment(_),
            ) => each(line, None)?,
            None => return Err(VerifyError::Line { line: number }),
        }
    }
}

/// Creates a file that is to take another's place. What a killed command has left under its name
/// goes, and nothing is written through it: it may be a link to something else.
pub(super) fn create(beside: &Path) -> io::Result<File> {
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    File::create_new(beside)
}

/// Brings what was written to the disk.
pub(super) fn sync(writer: BufWriter<File>) -> io::Result<()> {
    let file = writer.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()
}

/// Makes the directory of an archive. Its name must outlast a power cut: once it is archived, the
/// log may be pruned.
pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    durable::sync_own_name(directory)
}

/// Gives a file that is whole the name of a segment.
pub(super) fn name(beside: &Path, path: &Path) -> io::Result<()> {
    fs::rename(beside, path)?;
    // If we crash before this line, the name may be that of the file before.
    durable::sync_names(durable::directory_of(path))
}

/// What the name of a segment ends with until it is whole.
pub(super) const BESIDE: &str = "partial";
