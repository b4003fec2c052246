//! Verifies an archive: each segment by itself, and all of them as the beginning of one log.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;

use super::Evidence;
use super::Report;
use super::VerifyError;
use super::lines::ReadLine;
use super::lines::each_line;
use super::verifier::ReadLeaf;
use super::verifier::Verifier;
use crate::audit::Archive;
use crate::audit::CheckpointKeys;
use crate::audit::archive::Segment;
use crate::audit::archive_lines::SegmentEnd;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::verify_consistency;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredHash;
use crate::store::StoredLeaf;

/// Verifies an archive by itself: it is the beginning of a log that was signed.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_archive(archive: &Archive, keys: &CheckpointKeys) -> Result<Report, VerifyError> {
    let mut verifier = Verifier::new(&Evidence::of(keys))?;
    let end = feed(archive, &mut verifier, u64::MAX, |_| Ok(()))?;
    let end = end.ok_or(VerifyError::Checkpoint)?;
    verifier.finish_within(&end.checkpoint, &end.proof)
}

/// Entries that a log has, and an archive may have too.
///
/// The leaf of an erased entry has the hash that it had before, so that the tree is the same: what
/// an archive says was erased must be compared by itself.
pub(super) struct Beside {
    /// The first entry that the log has.
    begins: u64,
    /// Which entries of the log are erased.
    erased: HashSet<u64>,
}

impl Beside {
    pub(super) fn new(begins: u64) -> Self {
        let erased = HashSet::new();
        Self { begins, erased }
    }

    /// The first entry that the log has.
    pub(super) fn begins(&self) -> u64 {
        self.begins
    }

    /// The entries of a store that an archive of as many has, too.
    pub(super) fn of_store(store: &dyn Store, size: u64) -> Result<Self, StoreError> {
        let mut beside = Self::new(store.pruned_size()?);
        let mut from = beside.begins;
        while from < size {
            let left = usize::try_from(size - from).unwrap_or(usize::MAX);
            let page = store.entries(from, ENTRIES_PER_READ.min(left))?;
            if page.is_empty() {
                break;
            }
            from += page.len() as u64;
            let leaves = page.iter();
            let erased = leaves.filter(|leaf| leaf.entry().is_none());
            beside.erased.extend(erased.map(StoredLeaf::index));
        }
        Ok(beside)
    }

    /// Notes a leaf of the log.
    pub(super) fn leaf(&mut self, leaf: &ReadLeaf) {
        self.erased.extend(leaf.erased_index());
    }

    /// Compares an archive that was verified: it has every entry that the log has. Returns how many
    /// it has that the log has erased since.
    pub(super) fn compare(&self, archive: &Archive) -> Result<u64, VerifyError> {
        let mut still_archived_count = 0;
        for (segment, path) in archive.segments() {
            if segment.end <= self.begins {
                continue;
            }
            let file = File::open(&path).map_err(VerifyError::Read)?;
            each_line(BufReader::new(file), |_, line| {
                let Some(ReadLine::Leaf(leaf)) = line else {
                    return Ok(());
                };
                let is_here = |index: &u64| *index >= self.begins;
                let is_erased = |index: &u64| self.erased.contains(index);
                if let Some(index) = leaf.erased_index().filter(is_here)
                    && !is_erased(&index)
                {
                    return Err(VerifyError::ArchiveBlank { index });
                }
                let kept = leaf.kept_index().filter(is_here).filter(is_erased);
                still_archived_count += u64::from(kept.is_some());
                Ok(())
            })?;
        }
        Ok(still_archived_count)
    }

    /// Verifies an archive that ends within the log, where that has this root hash.
    pub(super) fn verify(
        &self,
        archive: &Archive,
        root: Option<Hash>,
        keys: &CheckpointKeys,
    ) -> Result<u64, VerifyError> {
        let report = verify_archive(archive, keys)?;
        if root != Some(report.root) {
            let index = archive.size();
            return Err(VerifyError::Segment { index });
        }
        self.compare(archive)
    }
}

/// Verifies one segment by itself, and returns the root hash of the tree that it ends.
pub(in crate::audit) fn verify_segment(
    reader: impl BufRead + Send,
    segment: Segment,
    keys: &CheckpointKeys,
) -> Result<Hash, VerifyError> {
    let wrong = || VerifyError::Segment { index: segment.end };
    let (mut frontier, mut end) = (Frontier::new(), None);
    each_line(reader, |number, line| {
        let other = VerifyError::Line { line: number };
        if number == 1 && begins_at(line.as_ref()) != segment.first {
            return Err(wrong());
        }
        match line {
            Some(ReadLine::Archived(before)) if number == 1 => frontier = before,
            Some(ReadLine::Leaf(leaf)) if end.is_none() => {
                let index = frontier.size();
                let hash = leaf.hash_at(index).ok_or(VerifyError::Entry { index })?;
                let appended = frontier.append(hash, |_, _, _| ());
                appended.map_err(|_| VerifyError::Index { index })?;
            }
            // Whose it is, is judged with the whole log.
            Some(ReadLine::Handover(_)) if end.is_none() => {}
            Some(ReadLine::Segment(last)) if end.is_none() => end = Some(last),
            Some(_) | None => return Err(other),
        }
        Ok(())
    })?;
    let SegmentEnd {
        end_index,
        proof,
        checkpoint,
    } = end.ok_or_else(wrong)?;
    let checkpoint = keys.verify(&checkpoint).ok_or(VerifyError::Checkpoint)?;
    let (size, root) = (frontier.size(), frontier.root());
    if size != segment.end || end_index != size {
        return Err(wrong());
    }
    verify_consistency(size, &root, checkpoint.size(), &checkpoint.root(), &proof)
        .map_err(|_| wrong())?;
    Ok(root)
}

/// Reads the entries of an archive that are before an index, as the beginning of a log, and hands
/// over the hashes that they complete. Returns the end of the last segment that was read whole.
pub(super) fn feed(
    archive: &Archive,
    verifier: &mut Verifier<'_>,
    until: u64,
    mut completed: impl FnMut(&[StoredHash]) -> Result<(), VerifyError>,
) -> Result<Option<SegmentEnd>, VerifyError> {
    let mut last = None;
    for (segment, path) in archive.segments() {
        if segment.first >= until {
            break;
        }
        let file = File::open(&path).map_err(VerifyError::Read)?;
        let wrong = || VerifyError::Segment { index: segment.end };
        let mut hashes = Vec::new();
        let mut end = None;
        each_line(BufReader::new(file), |number, line| {
            let other = VerifyError::Line { line: number };
            // The log has the rest of this segment, which is compared by itself.
            let is_over = until < segment.end && verifier.size() >= until;
            if number == 1 && begins_at(line.as_ref()) != segment.first {
                return Err(wrong());
            }
            match line {
                Some(ReadLine::Archived(before)) if number == 1 => {
                    if !verifier.is_at(&before) {
                        return Err(wrong());
                    }
                }
                Some(ReadLine::Leaf(_)) if is_over && end.is_none() => {}
                Some(ReadLine::Leaf(leaf)) if end.is_none() => {
                    hashes.clear();
                    verifier.leaf(leaf, &mut hashes)?;
                    completed(&hashes)?;
                }
                Some(ReadLine::Handover(note)) if end.is_none() => {
                    if verifier.expects_handover() {
                        verifier.hand_over(&note)?;
                    } else if !is_over {
                        return Err(other);
                    }
                }
                Some(ReadLine::Segment(it)) if end.is_none() => end = Some(it),
                Some(_) | None => return Err(other),
            }
            Ok(())
        })?;
        let is_whole = verifier.size() == segment.end || verifier.size() >= until;
        // No segment ends between the entry that announces a key and the handover to it.
        let is_handed_over = verifier.size() != segment.end || !verifier.expects_handover();
        let is_whole = is_whole && is_handed_over;
        last = end.filter(|end| is_whole && end.end_index == segment.end);
        if last.is_none() {
            return Err(wrong());
        }
        // A segment has what the log had when it was written, and the next is from later.
        verifier.goes_on_after_archived();
    }
    Ok(last)
}

/// The index that a segment begins with, by its first line.
fn begins_at(first: Option<&ReadLine>) -> u64 {
    match first {
        Some(ReadLine::Archived(before)) => before.size(),
        Some(_) | None => 0,
    }
}

const ENTRIES_PER_READ: usize = 1_024;
