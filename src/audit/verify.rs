//! The offline verifier: believes nothing but public keys.
//!
//! It computes every leaf hash from the stored bytes, grows the tree anew, and compares it with
//! what was signed. It holds the tree's right edge and the intents that have no outcome yet, not
//! the log, so that a log of any size can be verified.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::io;
use std::io::BufRead;
use std::io::Read;

use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::Decision;
use crate::audit::Entry;
use crate::audit::Event;
use crate::audit::SignedCheckpoint;
use crate::audit::export;
use crate::audit::export::ExportLine;
use crate::audit::tree;
use crate::audit::tree::entry_leaf_hash;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::domain::Timestamp;
use crate::store::ENTRY_BYTES_MAX;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredEntry;
use crate::store::StoredHash;

/// What a verified log has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// How many entries of each event.
    pub counts: BTreeMap<Event, u64>,
    /// Intents to reveal without an outcome: they count as revealed.
    pub open_intents_count: u64,
    /// The root hash of the tree.
    pub root: Hash,
    /// How many entries the log has.
    pub tree_size: u64,
}

/// What is wrong with a log: the first thing that was found.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// There is no checkpoint, or none of the keys has signed it.
    #[error("there is no checkpoint that is signed by the given keys")]
    Checkpoint,
    /// The bytes are not an entry.
    #[error("entry {index} cannot be read")]
    Entry {
        /// The index that it should have.
        index: u64,
    },
    /// A stored Merkle hash is not the one of the entries.
    #[error("stored hash {index} of level {level} is not that of the entries below it")]
    Hash {
        /// The level of the hash.
        level: u8,
        /// The index of the hash in its level.
        index: u64,
    },
    /// An entry is missing, or there twice, or in another's place.
    #[error("entry {index} is missing, or not in its place")]
    Index {
        /// The index that should come next.
        index: u64,
    },
    /// An outcome does not refer to an earlier intent that has none yet.
    #[error("entry {index} is an outcome without its intent")]
    Intent {
        /// The index of the outcome.
        index: u64,
    },
    /// A line of an export is none, or does not say what its leaf says.
    #[error("line {line} of the export is not what its leaf says")]
    Line {
        /// The number of the line, from 1.
        line: u64,
    },
    /// The export cannot be read.
    #[error("export cannot be read")]
    Read(#[source] io::Error),
    /// The entries are not those that the checkpoint was signed for.
    #[error("entries are not those of the checkpoint of {tree_size} entries")]
    Root {
        /// The tree size of the checkpoint.
        tree_size: u64,
    },
    /// The log has more or fewer entries than its checkpoint says.
    #[error("log has {entries_count} entries, its checkpoint says {tree_size}")]
    Size {
        /// How many entries there are.
        entries_count: u64,
        /// The tree size of the checkpoint.
        tree_size: u64,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry is earlier than the one before it.
    #[error("entry {index} is earlier than the one before it")]
    Time {
        /// The index of the entry.
        index: u64,
    },
}

/// Verifies the log in a store against its own checkpoint and, where there is one, the head.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_store(
    store: &dyn Store,
    head: Option<&SignedCheckpoint>,
    keys: &CheckpointKeys,
) -> Result<Report, VerifyError> {
    let note = store.checkpoint()?;
    let checkpoint = note.map(|note| keys.verify(&note).ok_or(VerifyError::Checkpoint));
    // A log without entries has no checkpoint of its own yet; its head has.
    let checkpoint = checkpoint.transpose()?.or_else(|| head.cloned());
    let checkpoint = checkpoint.ok_or(VerifyError::Checkpoint)?;
    let mut verifier = Verifier::new(head)?;
    loop {
        let size = verifier.frontier.size();
        let page = store.entries(size, PAGE_ENTRIES_MAX)?;
        if page.is_empty() {
            break;
        }
        let mut hashes = Vec::with_capacity(page.len() + 8);
        for stored in &page {
            verifier.entry(stored, &mut hashes)?;
        }
        compare_hashes(store, size, page.len(), &hashes)?;
    }
    let leaves_after = store.hashes(0, verifier.frontier.size(), 1)?;
    if !leaves_after.is_empty() {
        return Err(VerifyError::Index {
            index: verifier.frontier.size(),
        });
    }
    verifier.finish(&checkpoint)
}

/// Verifies an export: entries from the first on, and the checkpoint last.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_export(reader: impl BufRead, keys: &CheckpointKeys) -> Result<Report, VerifyError> {
    verify_lines(reader, keys).map(|(report, _)| report)
}

/// Verifies an export, and returns its checkpoint.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn export_checkpoint(
    reader: impl BufRead,
    keys: &CheckpointKeys,
) -> Result<SignedCheckpoint, VerifyError> {
    verify_lines(reader, keys).map(|(_, checkpoint)| checkpoint)
}

fn verify_lines(
    mut reader: impl BufRead,
    keys: &CheckpointKeys,
) -> Result<(Report, SignedCheckpoint), VerifyError> {
    let mut verifier = Verifier::new(None)?;
    let mut checkpoint = None;
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut text);
        if read.map_err(VerifyError::Read)? == 0 {
            break;
        }
        let wrong = VerifyError::Line { line };
        let text = text.strip_suffix('\n').ok_or(VerifyError::Line { line })?;
        match export::read_line(text) {
            Some(ExportLine::Entry(stored)) if checkpoint.is_none() => {
                verifier.entry(&stored, &mut Vec::new())?;
            }
            Some(ExportLine::Checkpoint(note)) if checkpoint.is_none() => {
                checkpoint = Some(keys.verify(&note).ok_or(VerifyError::Checkpoint)?);
            }
            // A line that is none, or one after the checkpoint.
            Some(ExportLine::Entry(_) | ExportLine::Checkpoint(_)) | None => return Err(wrong),
        }
    }
    let checkpoint = checkpoint.ok_or(VerifyError::Checkpoint)?;
    let report = verifier.finish(&checkpoint)?;
    Ok((report, checkpoint))
}

/// Writes a log as an export: its entries and its checkpoint, which it must have.
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
    let checkpoint = store.checkpoint()?.and_then(|note| keys.verify(&note));
    let checkpoint = checkpoint.ok_or(VerifyError::Checkpoint)?;
    let mut from = 0;
    while from < checkpoint.size() {
        let left = usize::try_from(checkpoint.size() - from).unwrap_or(usize::MAX);
        let page = store.entries(from, PAGE_ENTRIES_MAX.min(left))?;
        if page.is_empty() {
            return Err(VerifyError::Index { index: from });
        }
        for stored in &page {
            export::write_entry(writer, stored).map_err(VerifyError::Read)?;
        }
        from += page.len() as u64;
    }
    export::write_checkpoint(writer, checkpoint.note()).map_err(VerifyError::Read)
}

/// What is known of the log so far.
struct Verifier<'a> {
    frontier: Frontier,
    latest_time: Timestamp,
    counts: BTreeMap<Event, u64>,
    open_intents: HashSet<u64>,
    head: Option<&'a SignedCheckpoint>,
}

impl<'a> Verifier<'a> {
    fn new(head: Option<&'a SignedCheckpoint>) -> Result<Self, VerifyError> {
        let verifier = Self {
            frontier: Frontier::new(),
            latest_time: Timestamp::default(),
            counts: BTreeMap::new(),
            open_intents: HashSet::new(),
            head,
        };
        verifier.compare_head()?;
        Ok(verifier)
    }

    fn entry(
        &mut self,
        stored: &StoredEntry,
        hashes: &mut Vec<StoredHash>,
    ) -> Result<(), VerifyError> {
        let index = self.frontier.size();
        let entry = Entry::decode(&stored.entry).map_err(|_| VerifyError::Entry { index })?;
        if stored.index != index || entry.index != index {
            return Err(VerifyError::Index { index });
        }
        if entry.time < self.latest_time {
            return Err(VerifyError::Time { index });
        }
        self.latest_time = entry.time;
        self.check_intent(&entry)?;
        *self.counts.entry(entry.draft.event).or_default() += 1;
        tree::append(&mut self.frontier, entry_leaf_hash(stored), hashes)
            .map_err(|_| VerifyError::Index { index })?;
        self.compare_head()
    }

    fn check_intent(&mut self, entry: &Entry) -> Result<(), VerifyError> {
        let index = entry.index;
        let is_outcome = entry.draft.event == Event::DetokenizeOutcome;
        let follows = entry
            .draft
            .intent_index
            .is_some_and(|it| self.open_intents.remove(&it));
        if is_outcome != entry.draft.intent_index.is_some() || is_outcome != follows {
            return Err(VerifyError::Intent { index });
        }
        // A denied call revealed nothing, and has no outcome.
        let is_intent = entry.draft.event == Event::Detokenize;
        if is_intent && entry.draft.decision != Some(Decision::Deny) {
            self.open_intents.insert(index);
        }
        Ok(())
    }

    fn compare_head(&self) -> Result<(), VerifyError> {
        match self.head {
            Some(head) if head.size() == self.frontier.size() => self.compare_root(head),
            Some(_) | None => Ok(()),
        }
    }

    fn compare_root(&self, checkpoint: &SignedCheckpoint) -> Result<(), VerifyError> {
        if checkpoint.root() == self.frontier.root() {
            return Ok(());
        }
        Err(VerifyError::Root {
            tree_size: checkpoint.size(),
        })
    }

    fn finish(self, checkpoint: &SignedCheckpoint) -> Result<Report, VerifyError> {
        let entries_count = self.frontier.size();
        // A head beyond the end was never compared: the log was cut short.
        let behind = self.head.filter(|head| head.size() > entries_count);
        if let Some(head) = behind {
            return Err(VerifyError::Size {
                entries_count,
                tree_size: head.size(),
            });
        }
        if checkpoint.size() != entries_count {
            return Err(VerifyError::Size {
                entries_count,
                tree_size: checkpoint.size(),
            });
        }
        self.compare_root(checkpoint)?;
        Ok(Report {
            counts: self.counts,
            open_intents_count: self.open_intents.len() as u64,
            root: self.frontier.root(),
            tree_size: entries_count,
        })
    }
}

/// Compares the hashes that a page of entries completes with those that the store has.
fn compare_hashes(
    store: &dyn Store,
    from: u64,
    leaves_count: usize,
    computed: &[StoredHash],
) -> Result<(), VerifyError> {
    let mut leaves = store.hashes(0, from, leaves_count)?.into_iter();
    for StoredHash { level, index, hash } in computed {
        let stored = match level {
            0 => leaves.next(),
            _ => store.hashes(*level, *index, 1)?.into_iter().next(),
        };
        if stored != Some(*hash) {
            return Err(VerifyError::Hash {
                level: *level,
                index: *index,
            });
        }
    }
    Ok(())
}

/// How many entries are in memory at once.
const PAGE_ENTRIES_MAX: usize = 1_024;
/// The longest line of an export: an entry of 1,000 items as JSON, and as a leaf.
pub(super) const LINE_BYTES_MAX: u64 = 4 * ENTRY_BYTES_MAX as u64;
