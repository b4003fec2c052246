//! Reads the part of a log that a report is about, and proves that it is all of it.
//!
//! The part begins with the first entry that can matter and ends after the last one. Its leaves,
//! appended to the tree before it, give the root hash of the tree after it; both trees are proven
//! to be prefixes of the tree of a signed checkpoint (RFC 9162, section 2.1.4). So no entry can
//! have been left out, added or changed, and the rest of the log need not be read.

use std::io::BufRead;

use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::Entry;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::audit::exposure::Exposure;
use crate::audit::exposure::LOOK_BACK_SECONDS;
use crate::audit::exposure::Query;
use crate::audit::exposure::Scan;
use crate::audit::exposure::TooMany;
use crate::audit::exposure::leaves::Content;
use crate::audit::exposure::leaves::Leaf;
use crate::audit::exposure::leaves::Leaves;
use crate::audit::exposure::leaves::decode;
use crate::audit::exposure::leaves::read_leaf;
use crate::audit::tree::StoredTree;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::crypto::merkle::ProofError;
use crate::crypto::merkle::consistency_proof;
use crate::crypto::merkle::verify_consistency;
use crate::domain::Timestamp;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

/// A report, and the part of the log that it was made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RangeReport {
    /// Who was seen.
    pub exposure: Exposure,
    /// What was read.
    pub range: LogRange,
}

/// A part of a log, proven to be one of the log of a checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogRange {
    /// The index of its first entry.
    pub first_index: u64,
    /// The index after its last entry.
    pub end_index: u64,
    /// How many of its entries are erased: what they said is not in the report.
    pub erased_count: u64,
    /// The root hash of the tree before its first entry: of `first_index` leaves.
    pub first_root: Hash,
    /// That this tree is a prefix of the checkpoint's.
    pub first_proof: Vec<Hash>,
    /// The root hash of the tree after its last entry: of `end_index` leaves.
    pub end_root: Hash,
    /// That this tree is a prefix of the checkpoint's.
    pub end_proof: Vec<Hash>,
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ExposureError {
    /// The log is wrong, or cannot be read.
    #[error(transparent)]
    Log(#[from] VerifyError),
    /// The report is too long.
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

/// The newest checkpoint of a store, which must not be behind the head, nor of another log.
///
/// # Errors
///
/// If there is none that the keys signed, or the head is not one of the same log's.
pub fn newest_checkpoint(
    store: &dyn Store,
    head: Option<&SignedCheckpoint>,
    keys: &CheckpointKeys,
) -> Result<SignedCheckpoint, VerifyError> {
    let checkpoint = match store.checkpoint()? {
        Some(note) => keys.verify(&note),
        // A log without entries has only its head's.
        None => head.cloned(),
    };
    let checkpoint = checkpoint.ok_or(VerifyError::Checkpoint)?;
    let Some(head) = head else {
        return Ok(checkpoint);
    };
    if checkpoint.size() < head.size() {
        return Err(VerifyError::Size {
            entries_count: checkpoint.size(),
            tree_size: head.size(),
        });
    }
    if StoredTree(store).frontier(head.size())?.root() != head.root() {
        return Err(VerifyError::Root {
            tree_size: head.size(),
        });
    }
    Ok(checkpoint)
}

/// Reports from a store, as of a checkpoint that is not newer than it. `progress` is told how many
/// entries have been read.
///
/// # Errors
///
/// If the log is not the one of the checkpoint, cannot be read, or the report is too long.
pub fn report_store(
    store: &dyn Store,
    checkpoint: &SignedCheckpoint,
    query: &Query,
    mut progress: impl FnMut(u64),
) -> Result<RangeReport, ExposureError> {
    let tree = StoredTree(store);
    let size = checkpoint.size();
    // The entry before shows that nothing that matters is before it.
    let first_index = index_from(store, size, look_back(query))?.saturating_sub(1);
    let frontier = tree.frontier(first_index).map_err(VerifyError::from)?;
    let mut reading = Reading::new(query, first_index, frontier);
    while reading.index < size && !reading.scan.is_done() {
        let left = usize::try_from(size - reading.index).unwrap_or(usize::MAX);
        let page = store.entries(reading.index, PAGE_ENTRIES_MAX.min(left));
        let page = page.map_err(VerifyError::from)?;
        if page.is_empty() {
            let index = reading.index;
            return Err(VerifyError::Index { index }.into());
        }
        for read in decode(&page) {
            reading.leaf(&read)?;
            if reading.scan.is_done() {
                break;
            }
        }
        progress(reading.index - first_index);
    }
    reading.finish(&tree, checkpoint)
}

/// Reports from an export that has been verified, as of a checkpoint that is not newer than it.
/// Holds 32 bytes for each entry of the log.
///
/// # Errors
///
/// If the log is not the one of the checkpoint, cannot be read, or the report is too long.
pub fn report_export(
    mut reader: impl BufRead,
    checkpoint: &SignedCheckpoint,
    query: &Query,
    progress: impl FnMut(u64),
) -> Result<RangeReport, ExposureError> {
    let mut text = String::new();
    let next = |index| read_leaf(&mut reader, &mut text, index);
    report_leaves(next, checkpoint, query, progress)
}

/// Reports from the leaves of a log, which `next` hands over in their order, all of them: as of a
/// checkpoint that is not newer.
pub(super) fn report_leaves(
    mut next: impl FnMut(u64) -> Result<Leaf, VerifyError>,
    checkpoint: &SignedCheckpoint,
    query: &Query,
    mut progress: impl FnMut(u64),
) -> Result<RangeReport, ExposureError> {
    let mut leaves = Leaves(Vec::new());
    let mut reading: Option<Reading> = None;
    // The tree before the latest entry that is too early to matter, and what comes after that tree:
    // this entry, and erased ones.
    let (mut before, mut latest) = (Frontier::new(), Vec::new());
    for index in 0..checkpoint.size() {
        let read = next(index)?;
        leaves.0.push(read.hash);
        if index % PAGE_ENTRIES_MAX as u64 == 0 {
            progress(index);
        }
        if reading.is_none() {
            match &read.content {
                Content::Erased => {
                    latest.push(read);
                    continue;
                }
                Content::Entry(entry) if entry.time < look_back(query) => {
                    for Leaf { hash, .. } in latest.drain(..) {
                        let appended = before.append(hash, |_, _, _| ());
                        appended.map_err(|_| VerifyError::Index { index })?;
                    }
                    latest.push(read);
                    continue;
                }
                Content::Entry(_) | Content::Unreadable => {}
            }
        }
        let reading = match &mut reading {
            Some(reading) => reading,
            None => reading.insert(Reading::after(query, &before, &latest)?),
        };
        if !reading.scan.is_done() {
            reading.leaf(&read)?;
        }
    }
    let reading = match reading {
        Some(reading) => reading,
        None => Reading::after(query, &before, &latest)?,
    };
    reading.finish(&leaves, checkpoint)
}

/// What has been read.
struct Reading {
    first_index: u64,
    first_root: Hash,
    index: u64,
    erased_count: u64,
    frontier: Frontier,
    first_time: Option<Timestamp>,
    latest_time: Timestamp,
    look_back: Timestamp,
    scan: Scan,
}

impl Reading {
    /// Begins after a tree, with the entry before the first that can matter, if there is one, and
    /// with erased ones that may.
    fn after(query: &Query, before: &Frontier, latest: &[Leaf]) -> Result<Self, ExposureError> {
        let mut reading = Self::new(query, before.size(), before.clone());
        for read in latest {
            reading.leaf(read)?;
        }
        Ok(reading)
    }

    fn new(query: &Query, first_index: u64, frontier: Frontier) -> Self {
        Self {
            first_index,
            first_time: None,
            look_back: look_back(query),
            first_root: frontier.root(),
            index: first_index,
            erased_count: 0,
            frontier,
            latest_time: Timestamp::default(),
            scan: Scan::new(query.clone()),
        }
    }

    fn leaf(&mut self, read: &Leaf) -> Result<(), ExposureError> {
        let index = self.index;
        match &read.content {
            Content::Entry(entry) => self.entry(entry)?,
            Content::Erased => {
                self.erased_count += 1;
                self.scan.erased(index);
            }
            Content::Unreadable => return Err(VerifyError::Entry { index }.into()),
        }
        let appended = self.frontier.append(read.hash, |_, _, _| ());
        appended.map_err(|_| VerifyError::Index { index })?;
        self.index += 1;
        Ok(())
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), ExposureError> {
        let index = self.index;
        if entry.index != index {
            return Err(VerifyError::Index { index }.into());
        }
        if entry.time < self.latest_time {
            return Err(VerifyError::Time { index }.into());
        }
        self.latest_time = entry.time;
        self.first_time.get_or_insert(entry.time);
        Ok(self.scan.entry(entry)?)
    }

    fn finish<R: HashReader<Error = StoreError>>(
        self,
        tree: &R,
        checkpoint: &SignedCheckpoint,
    ) -> Result<RangeReport, ExposureError> {
        let (size, end_root) = (checkpoint.size(), self.frontier.root());
        // Where to begin was found by times that nothing proves; this entry's is proven.
        if self.first_index > 0 && self.first_time >= Some(self.look_back) {
            let index = self.first_index;
            return Err(VerifyError::Time { index }.into());
        }
        let prove = |index| {
            consistency_proof(tree, index, size).map_err(|error| match error {
                ProofError::Reader(error) => VerifyError::Store(error),
                ProofError::OutsideTree => VerifyError::Root { tree_size: size },
            })
        };
        let range = LogRange {
            first_index: self.first_index,
            end_index: self.index,
            erased_count: self.erased_count,
            first_root: self.first_root,
            first_proof: prove(self.first_index)?,
            end_root,
            end_proof: prove(self.index)?,
            checkpoint: checkpoint.clone(),
        };
        if !range.is_proven() {
            return Err(VerifyError::Root { tree_size: size }.into());
        }
        let exposure = self.scan.finish();
        Ok(RangeReport { exposure, range })
    }
}

impl LogRange {
    /// Whether both trees are prefixes of the checkpoint's. It does not verify its signature.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        let (size, root) = (self.checkpoint.size(), self.checkpoint.root());
        let is_prefix = |index, own: &Hash, proof: &[Hash]| {
            verify_consistency(index, own, size, &root, proof).is_ok()
        };
        self.first_index <= self.end_index
            && is_prefix(self.first_index, &self.first_root, &self.first_proof)
            && is_prefix(self.end_index, &self.end_root, &self.end_proof)
    }
}

/// The index of the first entry that is not before the time, or of erased ones right before it.
/// Times never go back.
///
/// # Errors
///
/// If the log cannot be read, or the place is in an archive.
pub fn index_from(store: &dyn Store, size: u64, time: Timestamp) -> Result<u64, VerifyError> {
    let begins = store.pruned_size()?;
    let (mut low, mut high) = (begins, size);
    while low < high {
        let index = low + (high - low) / 2;
        if time_from(store, index)? < time {
            low = index + 1;
        } else {
            high = index;
        }
    }
    // The one before it, which shows that nothing is missing, is in the archive.
    if low == begins && begins > 0 {
        return Err(VerifyError::Archived { size: begins });
    }
    Ok(low)
}

/// The time of the first entry from an index on that is not erased. There is one: what erases an
/// entry comes after it, and stays.
fn time_from(store: &dyn Store, from: u64) -> Result<Timestamp, VerifyError> {
    let mut index = from;
    let mut limit = 1;
    loop {
        let page = store.entries(index, limit)?;
        if let Some(stored) = page.iter().find_map(StoredLeaf::entry) {
            let index = stored.index;
            let entry = Entry::decode(&stored.entry);
            return Ok(entry.map_err(|_| VerifyError::Entry { index })?.time);
        }
        let last = page.last().ok_or(VerifyError::Index { index })?;
        index = last.index() + 1;
        limit = PAGE_ENTRIES_MAX;
    }
}

/// The first time whose entries can matter.
fn look_back(query: &Query) -> Timestamp {
    let from_ms = query.from.unix_ms();
    Timestamp::from_unix_ms(from_ms.saturating_sub(LOOK_BACK_SECONDS * 1_000))
}

/// How many entries are in memory at once.
pub(super) const PAGE_ENTRIES_MAX: usize = 4_096;
