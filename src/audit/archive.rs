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
use crate::audit::archive_erasing::BESIDE;
use crate::audit::archive_erasing::Replaced;
use crate::audit::archive_erasing::create;
use crate::audit::archive_erasing::erase;
use crate::audit::archive_erasing::make_directory;
use crate::audit::archive_erasing::name;
use crate::audit::archive_erasing::sync;
use crate::audit::archive_lines::SegmentEnd;
use crate::audit::archive_lines::segment_line;
use crate::audit::export;
use crate::audit::following_keys;
use crate::audit::handover::Handover;
use crate::audit::tree::StoredTree;
use crate::audit::verify::verify_segment;
use crate::audit::verify_store_behind;
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
    /// How many were taken out now that were erased since they were archived.
    pub erased_count: u64,
    /// How many files these were in that have another name too: by that, they have them still.
    pub linked_count: u64,
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

    /// Whether archive and log are one log, and what of the archive is erased by now: it goes.
    fn follow(
        &self,
        store: &dyn Store,
        given: &CheckpointKeys,
        keys: &CheckpointKeys,
    ) -> Result<Replaced, VerifyError> {
        let (size, begins) = (self.size(), store.pruned_size()?);
        if size < begins {
            return Err(VerifyError::Archived { size: begins });
        }
        if size == 0 {
            return Ok(Replaced::default());
        }
        // Nothing is written before all of it is known to be right: an archive may be all there is.
        let report = verify_store_behind(self, store, None, given)?;
        if report.still_archived_count == 0 {
            return Ok(Replaced::default());
        }
        erase(self, store, keys)
    }

    /// Verifies the archive and the log as one log, and takes out of the archive what was erased
    /// since. Then writes the entries that it does not have yet, up to the last end of a tile that
    /// is not after `before`, as a segment of its own, and verifies it.
    ///
    /// # Errors
    ///
    /// If they are not one log, the log cannot be read, the archive not be written, or what was
    /// written is wrong.
    pub fn grow(
        &mut self,
        store: &dyn Store,
        keys: &CheckpointKeys,
        before: u64,
    ) -> Result<Archived, VerifyError> {
        let given = keys;
        let keys = following_keys(store, given)?;
        let checkpoint = store.checkpoint()?.and_then(|note| keys.verify(&note));
        let checkpoint = checkpoint.ok_or(VerifyError::Checkpoint)?;
        let handovers = Handover::read_all(store)?;
        let tree = StoredTree(store);
        let Replaced {
            entries_count: erased_count,
            linked_count,
        } = self.follow(store, given, &keys)?;
        let first = self.size();
        let end = end_of_segment(before.min(checkpoint.size()), &handovers);
        if end <= first {
            let (size, root) = (first, tree.frontier(first)?.root());
            return Ok(Archived {
                size,
                root,
                added: 0,
                erased_count,
                linked_count,
            });
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
        make_directory(&self.directory).map_err(VerifyError::Read)?;
        let segment = Segment { first, end };
        let path = self.directory.join(segment.name());
        // Until it is whole and verified, it has no name of a segment.
        let beside = path.with_extension(BESIDE);
        write(&beside, store, &handovers, segment, &last)?;
        let file = File::open(&beside).map_err(VerifyError::Read)?;
        let root = verify_segment(BufReader::new(file), segment, &keys)?;
        if root != tree.frontier(end)?.root() {
            return Err(VerifyError::Segment { index: end });
        }
        name(&beside, &path).map_err(VerifyError::Read)?;
        self.segments.push(segment);
        Ok(Archived {
            size: end,
            root,
            added: end - first,
            erased_count,
            linked_count,
        })
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
    let mut writer = BufWriter::new(create(path).map_err(VerifyError::Read)?);
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
    sync(writer).map_err(VerifyError::Read)
}

/// How many hashes a tile has.
pub(super) const TILE_WIDTH: u64 = 256;
const ENTRIES_PER_READ: usize = 1_024;
const SUFFIX: &str = ".jsonl";
