//! Following the log from outside: what is handed out is believed only if it is the log's.
//!
//! A follower holds the tree's right edge. Each entry must be what its leaf says, each page must
//! follow on the one before, and every checkpoint must be signed and be that of the entries below
//! it: two checkpoints that cannot be of one log are found as soon as the second one's entries are
//! there.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::Entry;
use crate::audit::EntryDraft;
use crate::audit::EntryPage;
use crate::audit::PageEntry;
use crate::audit::SignedCheckpoint;
use crate::audit::Successor;
use crate::audit::export;
use crate::audit::export::ExportLine;
use crate::audit::tree::entry_leaf_hash;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::verify_consistency;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::NoteVerifier;

/// What is wrong with a page: the first thing that was found.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum FollowError {
    /// The checkpoint is not signed by the given keys.
    #[error("there is no checkpoint that is signed by the given keys")]
    Checkpoint,
    /// An entry is not what its leaf says, or not in its place.
    #[error("entry {index} is not what its leaf says, or not in its place")]
    Entry {
        /// The index that it should have.
        index: u64,
    },
    /// The content of an entry was not handed out, and the log does not say that it was erased.
    #[error("entry {index} is missing without a word of the log")]
    Untold {
        /// The index of the entry.
        index: u64,
    },
    /// Checkpoints contradict each other, or the entries: the log is two.
    #[error("entries up to {tree_size} are not those of a checkpoint that was signed")]
    Fork {
        /// The number of entries.
        tree_size: u64,
    },
    /// A page does not follow on the one before.
    #[error("page does not follow on entry {index}")]
    Gap {
        /// The index that it should begin at.
        index: u64,
    },
    /// The log tells of more checkpoints, or of more erased entries, than are kept until entries
    /// come.
    #[error("more than {PENDING_MAX} checkpoints or erased entries are ahead of their entries")]
    TooManyAhead,
}

/// Verifies pages, one after the other.
#[derive(Debug)]
pub struct Follower {
    keys: CheckpointKeys,
    /// Nothing before the first page.
    frontier: Option<Frontier>,
    first_index: u64,
    /// Checkpoints whose entries have not all come yet.
    pending: BTreeMap<u64, Hash>,
    /// The keys that the log came under, and nobody was told of.
    successors: Vec<Successor>,
    untold: Untold,
}

impl Follower {
    /// Follows from this index on, and believes the checkpoints of these keys.
    #[must_use]
    pub fn new(keys: CheckpointKeys, first_index: u64) -> Self {
        Self {
            keys,
            frontier: None,
            first_index,
            pending: BTreeMap::new(),
            successors: Vec::new(),
            untold: Untold::default(),
        }
    }

    /// Remembers a checkpoint of an earlier time: the log must have been that, too.
    ///
    /// # Errors
    ///
    /// [`FollowError::Gap`] if its entries are not among those that are followed, or
    /// [`FollowError::Fork`] if another one of its size is remembered, or was followed.
    pub fn remember(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), FollowError> {
        let index = checkpoint.size();
        if self.next_index() > index {
            return Err(FollowError::Gap { index });
        }
        match self.frontier.clone() {
            Some(frontier) => self.expect(checkpoint, &frontier),
            None => self.await_entries(checkpoint),
        }
    }

    /// Reads a checkpoint that the log's keys signed, as far as they are known by now.
    #[must_use]
    pub fn checkpoint(&self, note: &str) -> Option<SignedCheckpoint> {
        self.keys.verify(note)
    }

    /// The erased entries that were handed out, and that the log has not told of yet.
    #[must_use]
    pub fn untold(&self) -> Vec<UntoldEntry> {
        let entries = self.untold.0.iter();
        let entry = |(index, (count, size)): (&u64, &(u8, u64))| UntoldEntry {
            index: *index,
            checkpoints_count: *count,
            latest_size: *size,
        };
        entries.map(entry).collect()
    }

    /// Remembers erased entries of an earlier time: the log must still tell of them.
    pub fn remember_untold(&mut self, entries: &[UntoldEntry]) {
        let known = entries.iter().map(|entry| {
            let count = entry.checkpoints_count.min(CHECKPOINTS_UNTOLD_MAX);
            (entry.index, (count, entry.latest_size))
        });
        self.untold.0.extend(known);
    }

    /// Takes the next page, if everything about it is right. Returns its checkpoint.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. Nothing of the page may then be believed.
    pub fn take(&mut self, page: &EntryPage) -> Result<SignedCheckpoint, FollowError> {
        let mut frontier = self.begin(page)?;
        // What is cheap to find comes first.
        let (mut leaves, mut announced) = (Vec::with_capacity(page.entries.len()), Vec::new());
        let mut untold = self.untold.clone();
        for (index, entry) in (frontier.size()..).zip(&page.entries) {
            let (leaf, entry) = read(entry, index).ok_or(FollowError::Entry { index })?;
            leaves.push(leaf);
            match entry {
                Some(draft) => {
                    announced.extend(draft.ceremony.public_key.map(|key| (index, key)));
                    untold.tell(&draft);
                }
                None => untold.erased(index),
            }
        }
        let checkpoint = self.keys.verify(&page.checkpoint);
        let checkpoint = checkpoint.ok_or(FollowError::Checkpoint)?;
        self.expect(&checkpoint, &frontier)?;
        for leaf in leaves {
            let full = FollowError::Entry {
                index: frontier.size(),
            };
            frontier.append(leaf, |_, _, _| ()).map_err(|_| full)?;
            self.meet(&frontier)?;
        }
        let fork = FollowError::Fork {
            tree_size: frontier.size(),
        };
        verify_consistency(
            frontier.size(),
            &frontier.root(),
            checkpoint.size(),
            &checkpoint.root(),
            &page.proof,
        )
        .map_err(|_| fork)?;
        untold.judge(checkpoint.size(), frontier.size())?;
        self.untold = untold;
        self.frontier = Some(frontier);
        self.believe(&announced, &checkpoint);
        Ok(checkpoint)
    }

    /// Believes the keys that entries announce under a checkpoint that is believed: the log goes on
    /// with them. One that has signed that checkpoint is the only one that counts from then on, so
    /// that a key from before it, which may be stolen, cannot go on with the log. One that has not
    /// was itself replaced before that checkpoint: those that are believed must do until the entry
    /// of its successor comes.
    fn believe(&mut self, announced: &[(u64, [u8; 32])], checkpoint: &SignedCheckpoint) {
        let origin = checkpoint.note().lines().next().unwrap_or_default();
        for (index, public_key) in announced {
            let key = NoteKeyName::new(origin).and_then(|name| NoteVerifier::new(name, public_key));
            let Ok(key) = key else { continue };
            self.successors.push(Successor {
                index: *index,
                key: key.clone(),
            });
            let alone = CheckpointKeys::new(vec![key.clone()]);
            self.keys = match alone.verify(checkpoint.note()) {
                Some(_) => alone,
                None => self.keys.clone().and(key),
            };
        }
    }

    /// The keys that the log came under since this was asked last, in the order of the log.
    pub fn take_successors(&mut self) -> Vec<Successor> {
        std::mem::take(&mut self.successors)
    }

    /// The index that the next page begins at.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        let frontier = self.frontier.as_ref();
        frontier.map_or(self.first_index, Frontier::size)
    }

    /// The tree that the page follows on: the one so far, or for the first page the one that the
    /// page says. A false one does not come out at the checkpoint's root.
    fn begin(&self, page: &EntryPage) -> Result<Frontier, FollowError> {
        let index = self.next_index();
        let gap = FollowError::Gap { index };
        let hashes = page.first_hashes.clone();
        let told = Frontier::from_hashes(page.first_index, hashes).map_err(|_| gap)?;
        match &self.frontier {
            Some(frontier) if *frontier == told => Ok(told),
            None if told.size() == index => Ok(told),
            Some(_) | None => Err(gap),
        }
    }

    /// Keeps a checkpoint until its entries are there.
    fn expect(
        &mut self,
        checkpoint: &SignedCheckpoint,
        frontier: &Frontier,
    ) -> Result<(), FollowError> {
        self.await_entries(checkpoint)?;
        self.meet(frontier)
    }

    fn await_entries(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), FollowError> {
        let (tree_size, root) = (checkpoint.size(), checkpoint.root());
        let earlier = self.pending.insert(tree_size, root);
        if earlier.is_some_and(|earlier| earlier != root) {
            return Err(FollowError::Fork { tree_size });
        }
        if self.pending.len() > PENDING_MAX {
            return Err(FollowError::TooManyAhead);
        }
        Ok(())
    }

    /// Compares the tree with the checkpoint of its size, if there is one.
    fn meet(&mut self, frontier: &Frontier) -> Result<(), FollowError> {
        let tree_size = frontier.size();
        match self.pending.remove(&tree_size) {
            Some(root) if root != frontier.root() => Err(FollowError::Fork { tree_size }),
            Some(_) | None => Ok(()),
        }
    }
}

/// An erased entry that a follower was handed, and that no later one has told of yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UntoldEntry {
    /// The place in the log, from 0.
    pub index: u64,
    /// How many checkpoints have come since.
    pub checkpoints_count: u8,
    /// The size of the latest of them.
    pub latest_size: u64,
}

/// Erased entries that no entry has told of yet, by their index: how many checkpoints have come
/// since, at the most [`CHECKPOINTS_UNTOLD_MAX`], and the size of the latest of them.
///
/// An entry is erased in one write with the entry that says so. Whoever reads the log while that is
/// written may be handed the erased entry under a checkpoint from before, and the next one may be
/// from before, too. By the second one after that, the log says so.
#[derive(Clone, Debug, Default)]
struct Untold(BTreeMap<u64, (u8, u64)>);

impl Untold {
    fn erased(&mut self, index: u64) {
        // Who begins before where it was keeps what is known.
        self.0.entry(index).or_insert((0, 0));
    }

    fn tell(&mut self, draft: &EntryDraft) {
        if let Some(index) = draft.erases() {
            self.0.remove(&index);
        }
    }

    /// Judges by the checkpoint of a page and the size of the log that has been followed.
    fn judge(&mut self, checkpoint_size: u64, followed_size: u64) -> Result<(), FollowError> {
        if self.0.len() > PENDING_MAX {
            return Err(FollowError::TooManyAhead);
        }
        for (index, (count, size)) in &mut self.0 {
            if *count < CHECKPOINTS_UNTOLD_MAX && checkpoint_size > *size {
                (*count, *size) = (*count + 1, checkpoint_size);
            }
            if *count == CHECKPOINTS_UNTOLD_MAX && followed_size >= *size {
                return Err(FollowError::Untold { index: *index });
            }
        }
        Ok(())
    }
}

/// The hash of an entry's leaf and what the entry says, nothing if it was erased; if entry, leaf
/// and line say the same.
fn read(entry: &PageEntry, index: u64) -> Option<(Hash, Option<EntryDraft>)> {
    let stored = match export::read_line(&entry.line)? {
        ExportLine::Entry(stored) => stored,
        ExportLine::Erased { index: of, hash } => {
            let is_same = of == index && entry.index == index && entry.erased == Some(hash);
            return (is_same && entry.leaf.is_empty()).then_some((hash, None));
        }
        ExportLine::Archived(_)
        | ExportLine::Checkpoint(_)
        | ExportLine::Cosigned(_)
        | ExportLine::Handover(_)
        | ExportLine::Segment(_) => return None,
    };
    let is_same = stored.index == index
        && entry.index == index
        && entry.erased.is_none()
        && entry.leaf == [&stored.salt, stored.entry.as_slice()].concat();
    let draft = Entry::decode(&stored.entry).ok()?.draft;
    is_same.then(|| (entry_leaf_hash(&stored), Some(draft)))
}

/// The page's own checkpoint, and two more.
const CHECKPOINTS_UNTOLD_MAX: u8 = 3;
/// The most checkpoints, and erased entries, that are kept until entries come: some 100 bytes each.
const PENDING_MAX: usize = 65_536;
