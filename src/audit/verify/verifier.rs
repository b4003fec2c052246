//! What is known of a log while it is read from its beginning.

use std::collections::BTreeMap;
use std::collections::HashSet;

use super::AcceptedRollback;
use super::Evidence;
use super::Report;
use super::VerifyError;
use super::erasures::Erasures;
use super::evidence::Kept;
use crate::audit::Decision;
use crate::audit::Entry;
use crate::audit::Event;
use crate::audit::SignedCheckpoint;
use crate::audit::WitnessKeys;
use crate::audit::Witnessed;
use crate::audit::handover::Handover;
use crate::audit::handover::Succession;
use crate::audit::tree;
use crate::audit::tree::entry_leaf_hash;
use crate::ceremony::LogPoint;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::verify_consistency;
use crate::crypto::note::NoteError;
use crate::domain::Timestamp;
use crate::store::StoredEntry;
use crate::store::StoredHash;
use crate::store::StoredLeaf;

/// What can be said of a stored leaf by itself.
pub(in crate::audit) struct ReadLeaf {
    /// Where it was found.
    index: u64,
    hash: Hash,
    content: Content,
}

enum Content {
    Entry(Box<Entry>),
    Erased,
    /// Bytes that are no entry.
    Unreadable,
}

impl ReadLeaf {
    pub(in crate::audit) fn new(stored: &StoredLeaf) -> Self {
        match stored {
            StoredLeaf::Kept(stored) => Self::of_entry(stored),
            StoredLeaf::Erased { index, hash } => Self::of_erased(*index, Hash::from_bytes(*hash)),
        }
    }

    pub(in crate::audit) fn of_entry(stored: &StoredEntry) -> Self {
        let entry = Entry::decode(&stored.entry);
        Self {
            index: stored.index,
            hash: entry_leaf_hash(stored),
            content: entry.map_or(Content::Unreadable, |entry| Content::Entry(Box::new(entry))),
        }
    }

    pub(in crate::audit) fn of_erased(index: u64, hash: Hash) -> Self {
        let content = Content::Erased;
        Self {
            index,
            hash,
            content,
        }
    }

    /// Its index, if its content was erased.
    pub(super) fn erased_index(&self) -> Option<u64> {
        matches!(self.content, Content::Erased).then_some(self.index)
    }

    /// Its index, if it has content.
    pub(super) fn kept_index(&self) -> Option<u64> {
        (!matches!(self.content, Content::Erased)).then_some(self.index)
    }

    /// The leaf's hash, if it is one that can be at this index.
    pub(super) fn hash_at(&self, index: u64) -> Option<Hash> {
        let is_there = match &self.content {
            Content::Entry(entry) => entry.index == index,
            Content::Erased => true,
            Content::Unreadable => false,
        };
        (is_there && self.index == index).then_some(self.hash)
    }
}

/// What is known of the log so far.
pub(in crate::audit) struct Verifier<'a> {
    frontier: Frontier,
    /// The log before the first entry that is judged.
    before: LogPoint,
    /// What the log says last of what was archived.
    archived: Option<LogPoint>,
    latest_time: Timestamp,
    counts: BTreeMap<Event, u64>,
    open_intents: HashSet<u64>,
    erasures: Erasures,
    rollbacks: Vec<AcceptedRollback>,
    succession: Succession<'a>,
    head: Option<&'a SignedCheckpoint>,
    kept: Kept<'a>,
    witnesses: Option<&'a WitnessKeys>,
    cosigned: Option<Cosigned>,
}

/// A cosigned checkpoint, which is of the log as far as it was read then.
struct Cosigned {
    checkpoint: SignedCheckpoint,
    /// Whether the log had not come under another key by then.
    is_of_first_key: bool,
}

impl<'a> Verifier<'a> {
    pub(in crate::audit) fn new(evidence: &Evidence<'a>) -> Result<Self, VerifyError> {
        let mut verifier = Self {
            before: point(&Frontier::new()),
            archived: None,
            frontier: Frontier::new(),
            latest_time: Timestamp::default(),
            counts: BTreeMap::new(),
            open_intents: HashSet::new(),
            erasures: Erasures::default(),
            rollbacks: Vec::new(),
            succession: Succession::new(evidence.keys),
            head: evidence.head,
            kept: Kept::new(evidence.kept),
            witnesses: evidence.witnesses,
            cosigned: None,
        };
        verifier.compare()?;
        Ok(verifier)
    }

    /// Begins behind entries that are not there.
    pub(super) fn begin_after(&mut self, before: Frontier) -> Result<(), VerifyError> {
        self.before = point(&before);
        self.frontier = before;
        self.compare()
    }

    /// What was judged so far was archived; what comes next was written later, and may say that
    /// of it was erased since.
    pub(super) fn goes_on_after_archived(&mut self) {
        self.erasures.archived(self.frontier.size());
    }

    /// The root hash of the log, up to the last leaf that was judged.
    pub(super) fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Whether what was judged so far is the log of this tree.
    pub(super) fn is_at(&self, tree: &Frontier) -> bool {
        self.frontier == *tree
    }

    /// How many leaves the log has, up to the last that was judged.
    pub(in crate::audit) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Judges the next leaf, and names the hashes that it completes.
    pub(in crate::audit) fn leaf(
        &mut self,
        read: ReadLeaf,
        hashes: &mut Vec<StoredHash>,
    ) -> Result<(), VerifyError> {
        let index = self.frontier.size();
        if read.index != index {
            return Err(VerifyError::Index { index });
        }
        match read.content {
            Content::Entry(entry) => self.entry(&entry)?,
            Content::Erased => self.erasures.erased(index),
            Content::Unreadable => return Err(VerifyError::Entry { index }),
        }
        tree::append(&mut self.frontier, read.hash, hashes)
            .map_err(|_| VerifyError::Index { index })?;
        self.compare()
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), VerifyError> {
        let index = self.frontier.size();
        if entry.index != index {
            return Err(VerifyError::Index { index });
        }
        if entry.time < self.latest_time {
            return Err(VerifyError::Time { index });
        }
        self.latest_time = entry.time;
        self.check_intent(entry)?;
        self.erasures.entry(entry, self.before.size)?;
        self.note_archived(entry)?;
        self.note_rollback(entry);
        self.succession.entry(entry)?;
        *self.counts.entry(entry.draft.event).or_default() += 1;
        Ok(())
    }

    /// Whether a key was announced, and not handed over to yet.
    pub(in crate::audit) fn expects_handover(&self) -> bool {
        self.succession.announced_index().is_some()
    }

    /// Judges a checkpoint within the log: where it came under another key.
    pub(in crate::audit) fn hand_over(&mut self, note: &str) -> Result<(), VerifyError> {
        let (size, root) = (self.frontier.size(), self.frontier.root());
        // Of one size, it stands before the cosigned one.
        let cosigned = self.cosigned.as_ref();
        if cosigned.is_some_and(|cosigned| cosigned.checkpoint.size() == size) {
            return Err(VerifyError::Cosigned);
        }
        self.succession.hand_over(note, size, root)
    }

    /// Judges a handover that a store has kept.
    pub(in crate::audit) fn kept_handover(
        &mut self,
        handover: &Handover,
    ) -> Result<(), VerifyError> {
        if self.succession.announced_index() != Some(handover.index) {
            let index = handover.index;
            return Err(VerifyError::Handover { index });
        }
        self.hand_over(&handover.note)
    }

    fn check_intent(&mut self, entry: &Entry) -> Result<(), VerifyError> {
        let index = entry.index;
        let is_outcome = entry.draft.event == Event::DetokenizeOutcome;
        let follows = entry.draft.intent_index.is_some_and(|it| {
            self.open_intents.remove(&it)
                || self.erasures.was_perhaps_intent(it)
                || it < self.before.size
        });
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

    fn note_archived(&mut self, entry: &Entry) -> Result<(), VerifyError> {
        let (index, archived) = (entry.index, entry.draft.ceremony.archived);
        let is_before = archived.is_none_or(|archived| archived.size <= index);
        if (entry.draft.event == Event::LogPruned) != archived.is_some() || !is_before {
            return Err(VerifyError::Pruning { index });
        }
        self.archived = archived.or(self.archived);
        let Some(size) = entry.draft.ceremony.archived_size else {
            return Ok(());
        };
        let is_told = match self.archived {
            Some(archived) => size == archived.size,
            None if self.before.size == 0 => size == 0,
            // What was pruned before that, an entry of the archive says.
            None => size < self.before.size,
        };
        if entry.draft.counts_archived() && is_told {
            Ok(())
        } else {
            Err(VerifyError::Pruning { index })
        }
    }

    fn note_rollback(&mut self, entry: &Entry) {
        let index = entry.index;
        let lost = entry.draft.ceremony.lost_head;
        let rollback = lost.map(|lost| AcceptedRollback { index, lost });
        self.rollbacks.extend(rollback);
    }

    /// Judges the checkpoint that a witness has cosigned last: of the log as far as it was read.
    pub(in crate::audit) fn cosigned(&mut self, note: &str) -> Result<(), VerifyError> {
        let checkpoint = SignedCheckpoint::claimed(note).ok_or(VerifyError::Cosigned)?;
        let is_here =
            checkpoint.size() == self.frontier.size() && checkpoint.root() == self.frontier.root();
        let cosigned = Cosigned {
            checkpoint,
            is_of_first_key: !self.succession.has_successors(),
        };
        match self.cosigned.replace(cosigned) {
            None if is_here => Ok(()),
            // There is one at the most.
            None | Some(_) => Err(VerifyError::Cosigned),
        }
    }

    /// Judges whose the cosigned checkpoint is, once all keys of the log are known.
    fn finish_cosigned(&self, origin: &str) -> Result<Option<Witnessed>, VerifyError> {
        let Some(cosigned) = &self.cosigned else {
            return match self.witnesses {
                Some(_) => Err(VerifyError::Unwitnessed),
                None => Ok(None),
            };
        };
        let note = cosigned.checkpoint.note();
        let signed = note.parse().map_err(|_| VerifyError::Cosigned)?;
        let keys = self.succession.known_keys();
        let signers = keys.signers(&signed).map_err(|_| VerifyError::Cosigned)?;
        let is_signed = signers.iter().any(|key| key.name().as_str() == origin);
        // Whoever knows the log by a later key need not have its first one.
        let is_of_unknown_key = cosigned.is_of_first_key && self.succession.is_first_unknown();
        if cosigned.checkpoint.origin() != origin || !(is_signed || is_of_unknown_key) {
            return Err(VerifyError::Cosigned);
        }
        let Some(witnesses) = self.witnesses else {
            return Ok(None);
        };
        match witnesses.verify(note) {
            Ok(unix_seconds) => Ok(Some(Witnessed {
                size: cosigned.checkpoint.size(),
                unix_seconds,
            })),
            Err(NoteError::NotSigned) => Err(VerifyError::Unwitnessed),
            Err(_) => Err(VerifyError::Cosigned),
        }
    }

    /// Compares the log, as far as it was read, with what is known of it from elsewhere.
    fn compare(&mut self) -> Result<(), VerifyError> {
        self.kept.meet(&self.frontier);
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

    /// Judges the checkpoint at the end of the log.
    pub(in crate::audit) fn finish(
        mut self,
        note: &str,
    ) -> Result<(Report, SignedCheckpoint), VerifyError> {
        let (entries_count, root) = (self.frontier.size(), self.frontier.root());
        // A head beyond the end was never compared: the log was cut short.
        let behind = self.head.filter(|head| head.size() > entries_count);
        if let Some(head) = behind {
            return Err(VerifyError::Size {
                entries_count,
                tree_size: head.size(),
            });
        }
        let erased_count = self.erasures.finish()?;
        let size = self.before.size;
        if size > 0 && self.archived != Some(self.before) {
            return Err(VerifyError::Unarchived { size });
        }
        let checkpoint = self.succession.finish(note, entries_count, root)?;
        if checkpoint.size() != entries_count {
            return Err(VerifyError::Size {
                entries_count,
                tree_size: checkpoint.size(),
            });
        }
        self.compare_root(&checkpoint)?;
        // What was kept outside comes first: it says more of what became of the log.
        let witnessed = self.finish_cosigned(checkpoint.origin());
        let keys = self.succession.known_keys();
        self.kept.finish(&keys, self.before.size, entries_count)?;
        let report = Report {
            archived_size: self.before.size,
            counts: self.counts,
            erased_count,
            still_archived_count: self.erasures.still_archived_count(),
            untold_count: 0,
            open_intents_count: self.open_intents.len() as u64,
            rollbacks: self.rollbacks,
            root,
            successors: self.succession.into_successors(),
            tree_size: entries_count,
            witnessed: witnessed?,
        };
        Ok((report, checkpoint))
    }

    /// Judges the log as the beginning of that of a checkpoint.
    pub(super) fn finish_within(self, note: &str, proof: &[Hash]) -> Result<Report, VerifyError> {
        let (tree_size, root) = (self.frontier.size(), self.frontier.root());
        let checkpoint = self.succession.verify(note);
        let checkpoint = checkpoint.ok_or(VerifyError::Checkpoint)?;
        let (size, other) = (checkpoint.size(), checkpoint.root());
        verify_consistency(tree_size, &root, size, &other, proof)
            .map_err(|_| VerifyError::Root { tree_size: size })?;
        Ok(Report {
            archived_size: self.before.size,
            counts: self.counts,
            erased_count: self.erasures.count(),
            still_archived_count: self.erasures.still_archived_count(),
            // What says so may be behind its end.
            untold_count: self.erasures.untold_count(),
            open_intents_count: self.open_intents.len() as u64,
            rollbacks: self.rollbacks,
            root,
            successors: self.succession.into_successors(),
            tree_size,
            witnessed: None,
        })
    }
}

/// The log of a tree.
fn point(tree: &Frontier) -> LogPoint {
    LogPoint {
        size: tree.size(),
        root: *tree.root().as_bytes(),
    }
}
