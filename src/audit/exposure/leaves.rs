//! The leaves of a log as reports read them: each with its hash, and what it says.

use std::io::BufRead;
use std::io::Read;
use std::num::NonZeroUsize;
use std::thread;

use crate::audit::Entry;
use crate::audit::VerifyError;
use crate::audit::export;
use crate::audit::export::ExportLine;
use crate::audit::tree::entry_leaf_hash;
use crate::audit::verify::LINE_BYTES_MAX;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::store::StoreError;
use crate::store::StoredEntry;
use crate::store::StoredLeaf;

/// A leaf of the log, as it was read.
pub(super) struct Leaf {
    pub(super) hash: Hash,
    pub(super) content: Content,
}

pub(super) enum Content {
    Entry(Box<Entry>),
    Erased,
    /// Bytes that are no entry.
    Unreadable,
}

impl Leaf {
    fn new(stored: &StoredLeaf) -> Self {
        match stored {
            StoredLeaf::Kept(stored) => Self::of_entry(stored),
            StoredLeaf::Erased { hash, .. } => Self::of_erased(Hash::from_bytes(*hash)),
        }
    }

    fn of_entry(stored: &StoredEntry) -> Self {
        let entry = Entry::decode(&stored.entry);
        Self {
            hash: entry_leaf_hash(stored),
            content: entry.map_or(Content::Unreadable, |entry| Content::Entry(Box::new(entry))),
        }
    }

    fn of_erased(hash: Hash) -> Self {
        let content = Content::Erased;
        Self { hash, content }
    }
}

/// The next leaf of an export.
pub(super) fn read_leaf(
    reader: &mut impl BufRead,
    text: &mut String,
    index: u64,
) -> Result<Leaf, VerifyError> {
    match read_line(reader, text, index)? {
        Line::Leaf(leaf) => Ok(leaf),
        Line::Archived(before) => {
            let size = before.size();
            Err(VerifyError::Archived { size })
        }
        Line::End => Err(VerifyError::Line { line: index + 1 }),
    }
}

/// A line of an export, or of a segment of an archive.
pub(super) enum Line {
    Archived(Frontier),
    /// A checkpoint, or the end of a segment.
    End,
    Leaf(Leaf),
}

/// The next line that is no checkpoint between entries: a cosigned one, or one where the log came
/// under another key.
pub(super) fn read_line(
    reader: &mut impl BufRead,
    text: &mut String,
    index: u64,
) -> Result<Line, VerifyError> {
    let wrong = || VerifyError::Line { line: index + 1 };
    loop {
        text.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_line(text);
        read.map_err(VerifyError::Read)?;
        return Ok(
            match export::read_line(text.trim_end()).ok_or_else(wrong)? {
                ExportLine::Archived(before) => Line::Archived(before),
                ExportLine::Checkpoint(_) | ExportLine::Segment(_) => Line::End,
                ExportLine::Entry(stored) => Line::Leaf(Leaf::of_entry(&stored)),
                ExportLine::Erased { hash, .. } => Line::Leaf(Leaf::of_erased(hash)),
                ExportLine::Cosigned(_) | ExportLine::Handover(_) => continue,
            },
        );
    }
}

/// The leaves of a log, all in memory.
pub(super) struct Leaves(pub(super) Vec<Hash>);

impl HashReader for Leaves {
    type Error = StoreError;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "tiles" };
        let from = usize::try_from(index << level).map_err(|_| corrupt())?;
        let leaves = self.0.get(from..from + (1 << level)).ok_or_else(corrupt)?;
        let mut frontier = Frontier::new();
        for leaf in leaves {
            frontier
                .append(*leaf, |_, _, _| ())
                .map_err(|_| corrupt())?;
        }
        Ok(frontier.root())
    }
}

/// The leaves of a page, on all processors.
pub(super) fn decode(page: &[StoredLeaf]) -> Vec<Leaf> {
    let one = Leaf::new;
    let threads_count = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let each = page.len().div_ceil(threads_count).max(PART_ENTRIES_MIN);
    if page.len() <= each {
        return page.iter().map(one).collect();
    }
    thread::scope(|scope| {
        let parts = page.chunks(each);
        let parts = parts.map(|part| (part, scope.spawn(move || part.iter().map(one).collect())));
        let parts: Vec<(_, thread::ScopedJoinHandle<'_, Vec<_>>)> = parts.collect();
        let join = |(part, handle): (&[StoredLeaf], thread::ScopedJoinHandle<'_, Vec<_>>)| {
            // A thread that ended before its time has its part done again here.
            handle
                .join()
                .unwrap_or_else(|_| part.iter().map(one).collect())
        };
        parts.into_iter().flat_map(join).collect()
    })
}

/// How many entries are worth a thread.
const PART_ENTRIES_MIN: usize = 512;
