//! An archive: the beginning of a log as files, each an export of entries that follow each other,
//! and what proves that they are the log's.
//!
//! A segment is `FIRST-END.jsonl`: a first line with the tree before it, but for the first segment;
//! the lines of an export from entry FIRST to the one before END; and a last line with the proof
//! that the tree after them is a prefix of that of a signed checkpoint. So a segment is verified by
//! itself, and segments that follow each other are the beginning of one log. They end where a tile
//! of level 0 does.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::audit::CheckpointKeys;
use crate::audit::VerifyError;
use crate::audit::archive_lines::SegmentEnd;
use crate::audit::archive_lines::segment_line;
use crate::audit::export;
use crate::audit::following_keys;
use crate::audit::handover::Handover;
use crate::audit::tree::StoredTree;
use crate::audit::verify::Beside;
use crate::audit::verify::verify_segment;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::ProofError;
use crate::crypto::merkle::consistency_proof;
use crate::store::Store;

/// The segments in a directory: the beginning of a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Archive {
    directory: PathBuf,
    segments: Vec<Segment>,
}

/// One file of an archive.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Segment {
    /// The index of its first entry.
    pub(super) first: u64,
    /// The index after its last entry.
    pub(super) end: u64,
}

/// The beginning of a log that an archive has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Archived {
    /// How many entries it has.
    pub size: u64,
    /// The root hash of the tree with these entries.
    pub root: Hash,
    /// How many of them were written now.
    pub added: u64,
}

impl Archive {
    /// The segments in a directory, which must follow each other from entry 0 on. It need not be
    /// there yet.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or a segment is missing.
    pub fn open(directory: &Path) -> Result<Self, VerifyError> {
        let mut segments = Vec::new();
        match fs::read_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(VerifyError::Read(error)),
            Ok(files) => {
                for file in files {
                    let name = file.map_err(VerifyError::Read)?.file_name();
                    segments.extend(name.to_str().and_then(Segment::read));
                }
            }
        }
        segments.sort_unstable();
        let mut index = 0;
        for segment in &segments {
            if segment.first != index {
                return Err(VerifyError::ArchiveGap { index });
            }
            index = segment.end;
        }
        Ok(Self {
            directory: directory.to_owned(),
            segments,
        })
    }

    /// How many entries it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.segments.last().map_or(0, |last| last.end)
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = (Segment, PathBuf)> {
        let path = |segment: &Segment| (*segment, self.directory.join(segment.name()));
        self.segments.iter().map(path)
    }

    /// Whether the last segment ends with the log of this tree, and none lacks what the log has.
    fn check_goes_on(
        &self,
        tree: &StoredTree<'_>,
        keys: &CheckpointKeys,
    ) -> Result<(), VerifyError> {
        let Some((segment, path)) = self.segments().last() else {
            return Ok(());
        };
        let file = File::open(&path).map_err(VerifyError::Read)?;
        let root = verify_segment(BufReader::new(file), segment, keys)?;
        if tree.frontier(segment.end)?.root() != root {
            return Err(VerifyError::Segment { index: segment.end });
        }
        let beside = Beside::of_store(tree.0, segment.end)?;
        beside.compare(self).map(|_| ())
    }

    /// Writes the entries that the archive does not have yet, up to the last end of a tile that is
    /// not after `before`, as a segment of its own, and verifies it.
    ///
    /// # Errors
    ///
    /// If the log cannot be read, the segment not be written, or what was written is wrong.
    pub fn grow(
        &mut self,
        store: &dyn Store,
        keys: &CheckpointKeys,
        before: u64,
    ) -> Result<Archived, VerifyError> {
        let keys = following_keys(store, keys)?;
        let checkpoint = store.checkpoint()?.and_then(|note| keys.verify(&note));
        let checkpoint = checkpoint.ok_or(VerifyError::Checkpoint)?;
        let handovers = Handover::read_all(store)?;
        let tree = StoredTree(store);
        self.check_goes_on(&tree, &keys)?;
        let first = self.size();
        let end = end_of_segment(before.min(checkpoint.size()), &handovers);
        if end <= first {
            let (size, root) = (first, tree.frontier(first)?.root());
            let added = 0;
            return Ok(Archived { size, root, added });
        }
        let proof = consistency_proof(&tree, end, checkpoint.size());
        let proof = proof.map_err(|error| match error {
            ProofError::OutsideTree => VerifyError::Index { index: end },
            ProofError::Reader(error) => error.into(),
        })?;
        let last = SegmentEnd {
            end_index: end,
            proof,
            checkpoint: checkpoint.note().to_owned(),
        };
        fs::create_dir_all(&self.directory).map_err(VerifyError::Read)?;
        let segment = Segment { first, end };
        let path = self.directory.join(segment.name());
        // Until it is whole and verified, it has no name of a segment.
        let beside = path.with_extension("new");
        write(&beside, store, &handovers, segment, &last)?;
        let file = File::open(&beside).map_err(VerifyError::Read)?;
        let root = verify_segment(BufReader::new(file), segment, &keys)?;
        if root != tree.frontier(end)?.root() {
            return Err(VerifyError::Segment { index: end });
        }
        fs::rename(&beside, &path).map_err(VerifyError::Read)?;
        let directory = File::open(&self.directory).map_err(VerifyError::Read)?;
        directory.sync_all().map_err(VerifyError::Read)?;
        self.segments.push(segment);
        let (size, added) = (end, end - first);
        Ok(Archived { size, root, added })
    }
}

impl Segment {
    fn read(name: &str) -> Option<Self> {
        let (first, end) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let segment = Self {
            first: first.parse().ok()?,
            end: end.parse().ok()?,
        };
        let is_one = segment.first < segment.end && segment.name() == name;
        is_one.then_some(segment)
    }

    fn name(self) -> String {
        format!("{}-{}{SUFFIX}", self.first, self.end)
    }
}

/// The last end of a tile that is not after an index, and that does not part the entry that
/// announces a key from the checkpoint by which the log came under it.
pub(super) fn end_of_segment(before: u64, handovers: &[Handover]) -> u64 {
    let mut end = before / TILE_WIDTH * TILE_WIDTH;
    for handover in handovers.iter().rev() {
        if handover.index < end && end < handover.size {
            end = handover.index / TILE_WIDTH * TILE_WIDTH;
        }
    }
    end
}

fn write(
    path: &Path,
    store: &dyn Store,
    handovers: &[Handover],
    segment: Segment,
    last: &SegmentEnd,
) -> Result<(), VerifyError> {
    let file = File::create(path).map_err(VerifyError::Read)?;
    let mut writer = BufWriter::new(file);
    let mut handovers = handovers
        .iter()
        .filter(|it| segment.first < it.size)
        .peekable();
    let mut from = segment.first;
    if from > 0 {
        let before = StoredTree(store).frontier(from)?;
        export::write_archived(&mut writer, &before).map_err(VerifyError::Read)?;
    }
    while from < segment.end {
        let left = usize::try_from(segment.end - from).unwrap_or(usize::MAX);
        let page = store.entries(from, ENTRIES_PER_READ.min(left))?;
        if page.is_empty() {
            return Err(VerifyError::Index { index: from });
        }
        for stored in &page {
            export::write_leaf(&mut writer, stored).map_err(VerifyError::Read)?;
            let size = stored.index() + 1;
            if let Some(handover) = handovers.next_if(|it| it.size == size) {
                let written = export::write_handover(&mut writer, &handover.note);
                written.map_err(VerifyError::Read)?;
            }
        }
        from += page.len() as u64;
    }
    let line = segment_line(last).map_err(io::Error::other);
    let written = line.and_then(|line| writeln!(writer, "{line}"));
    written.map_err(VerifyError::Read)?;
    let file = writer.into_inner().map_err(|error| error.into_error());
    let synced = file.and_then(|file| file.sync_all());
    synced.map_err(VerifyError::Read)
}

/// How many hashes a tile has.
pub(super) const TILE_WIDTH: u64 = 256;
const ENTRIES_PER_READ: usize = 1_024;
const SUFFIX: &str = ".jsonl";
