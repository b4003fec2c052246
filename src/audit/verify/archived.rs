//! Verifies an archive: each segment by itself, and all of them as the beginning of one log.

use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;

use super::Report;
use super::VerifyError;
use super::lines::ReadLine;
use super::lines::each_line;
use super::verifier::Verifier;
use crate::audit::Archive;
use crate::audit::CheckpointKeys;
use crate::audit::archive::Segment;
use crate::audit::archive_lines::SegmentEnd;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::verify_consistency;
use crate::store::StoredHash;

/// Verifies an archive by itself: it is the beginning of a log that was signed.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_archive(archive: &Archive, keys: &CheckpointKeys) -> Result<Report, VerifyError> {
    let mut verifier = Verifier::new(keys, None)?;
    let end = feed(archive, &mut verifier, u64::MAX, |_| Ok(()))?;
    let end = end.ok_or(VerifyError::Checkpoint)?;
    verifier.finish_within(&end.checkpoint, &end.proof)
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
            let is_over = verifier.size() >= until;
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
        last = end.filter(|end| is_whole && end.end_index == segment.end);
        if last.is_none() {
            return Err(wrong());
        }
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
