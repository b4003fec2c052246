//! The audit log, as those see it who write to it.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use thiserror::Error;
use tokio::sync::Mutex;
use tokio::sync::broadcast;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::access::Access;
use crate::access::AccessEvent;
use crate::access::Act;
use crate::access::Claim;
use crate::access::Granted;
use crate::access::Refusal;
use crate::audit::CheckpointKeys;
use crate::audit::CheckpointSigner;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::ITEMS_MAX;
use crate::audit::Recorded;
use crate::audit::SignedCheckpoint;
use crate::audit::StartError;
use crate::audit::WitnessWindow;
use crate::audit::WriteHead;
use crate::audit::growth::Growth;
use crate::audit::sequencer::Sequencer;
use crate::audit::sequencer::Tell;
use crate::audit::start;
use crate::audit::tree::StoredTree;
use crate::audit::window::Window;
use crate::audit::writing::Writing;
use crate::crypto::Entropy;
use crate::crypto::merkle;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::crypto::merkle::ProofError;
use crate::domain::Clock;
use crate::domain::Epoch;
use crate::store::Changes;
use crate::store::Conflict;
use crate::store::RECORDS_MAX;
use crate::store::Store;
use crate::store::StoreError;

/// What a call writes: its changes and the entry that tells of them, as one.
#[derive(Debug)]
pub struct Commit {
    /// The changes; none for a call that only reads.
    pub changes: Changes,
    /// The entry.
    pub entry: EntryDraft,
    /// What grants, budgets and freezes must allow; nothing for what the vault does by itself.
    pub claim: Option<Claim>,
    /// The keys that the changes were made with: they must still be in use. Nothing for a call
    /// that seals nothing.
    pub epoch: Option<Epoch>,
    /// Entries that follow right behind, of what the call brought about.
    pub further: Vec<EntryDraft>,
    /// Who signs the log from the call on; the same as before if nobody is named. Where it is
    /// another key's, one of the entries announces it.
    pub signer: Option<CheckpointSigner>,
}

impl Commit {
    /// A call that writes this, and seals nothing.
    #[must_use]
    pub fn new(changes: Changes, entry: EntryDraft, claim: Option<Claim>) -> Self {
        Self {
            changes,
            entry,
            claim,
            epoch: None,
            further: Vec::new(),
            signer: None,
        }
    }

    /// Whether values leave once it is recorded, or are opened to be given other tokens.
    pub(super) fn releases_values(&self) -> bool {
        let (event, act) = (
            self.entry.event,
            self.claim.as_ref().map(|claim| &claim.act),
        );
        (event == Event::Detokenize && matches!(act, Some(Act::Disclose(_))))
            || (event == Event::Retokenize && matches!(act, Some(Act::Retokenize { .. })))
    }

    /// An entry of what the vault did by itself, and that changes nothing.
    #[must_use]
    pub fn of_vault(entry: EntryDraft) -> Self {
        Self::new(Changes::default(), entry, None)
    }
}

/// Where an entry is in the log.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The index of the entry.
    pub index: u64,
    /// The size of the tree that the checkpoint is of.
    pub tree_size: u64,
    /// The first signed checkpoint whose tree has the entry.
    pub checkpoint: Arc<SignedCheckpoint>,
    /// What came of the call's claim.
    pub granted: Granted,
    /// What the group added to the tree.
    pub(super) growth: Arc<Growth>,
}

impl Receipt {
    /// Proves that the entry is in the tree of the checkpoint: the hash of its leaf, and the
    /// hashes from there to the root. They are those that the root was made of when it was signed:
    /// nothing is read, and every receipt of a log gives them.
    #[must_use]
    pub fn prove(&self) -> Option<(Hash, Vec<Hash>)> {
        self.growth.prove(self.index, self.tree_size).ok()
    }
}

/// Why a call was not recorded, so that it must not be carried out.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum CommitError {
    /// Conditions of the call do not hold. Nothing was written.
    #[error("conditions of the call do not hold")]
    Conflicts(Vec<Conflict>),
    /// A stored row that the call needs is damaged. Nothing was written.
    #[error("stored row is damaged")]
    Damaged,
    /// Too little space is left on the disk. Nothing was written.
    #[error("disk is full")]
    DiskFull,
    /// The keys that the call was made with are no longer in use. Nothing was written.
    #[error("keys have changed since")]
    KeysChanged,
    /// As many calls wait as may. Nothing was written.
    #[error("too many calls wait for the audit log")]
    Overloaded,
    /// Grants, budgets or freezes do not allow the call. Nothing was written of it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The call is larger than a group may be. Nothing was written.
    #[error("call is too large for the audit log")]
    TooLarge,
    /// The log cannot be written. Whether the call was written is not known.
    #[error("audit log is unavailable")]
    Unavailable,
    /// The witness has not seen the latest entries, so no value may leave. Nothing was written.
    #[error("witness has not seen the latest entries of the audit log")]
    Unwitnessed,
}

/// Whether the log can be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogState {
    /// It can.
    Open,
    /// It was closed in order.
    Closed,
    /// A write failed. The process must report that it does not serve, and stop.
    Fatal,
}

/// What a log is made of.
pub struct LogParts {
    /// Where entries go, with the changes that they tell of.
    pub store: Arc<dyn Store>,
    /// Where each checkpoint goes, outside the store.
    pub head: Box<dyn WriteHead>,
    /// The checkpoint that the head has.
    pub head_checkpoint: SignedCheckpoint,
    /// Grants, budgets and freezes.
    pub access: Access,
    /// What signs checkpoints.
    pub signer: CheckpointSigner,
    /// Whose checkpoints are believed at the start.
    pub keys: CheckpointKeys,
    /// What the time is.
    pub clock: Arc<dyn Clock>,
    /// Where salts come from.
    pub entropy: Arc<dyn Entropy>,
    /// How much may be revealed that the witness has not seen; nothing without a witness.
    pub witness: Option<WitnessWindow>,
}

impl fmt::Debug for LogParts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogParts").finish_non_exhaustive()
    }
}

/// The audit log. Clones write to the same log; it closes when the last is dropped.
#[derive(Clone)]
pub struct AuditLog {
    calls: mpsc::Sender<Call>,
    state: watch::Receiver<LogState>,
    pub(super) state_sender: watch::Sender<LogState>,
    pub(super) latest: watch::Receiver<Option<Arc<SignedCheckpoint>>>,
    pub(super) cosigned: watch::Sender<Option<Arc<SignedCheckpoint>>>,
    pub(super) window: Option<Arc<Window>>,
    writing: Arc<Writing>,
    access: Arc<Mutex<Access>>,
    events: broadcast::Sender<AccessEvent>,
    pub(super) store: Arc<dyn Store>,
}

/// The thread that writes the log.
#[derive(Debug)]
pub struct SequencerThread(JoinHandle<()>);

/// A call that waits to be sequenced, and where to answer it.
pub(super) struct Call {
    pub(super) commit: Commit,
    pub(super) answer: Answer,
}

/// Where a call is answered.
pub(super) type Answer = oneshot::Sender<Result<Receipt, CommitError>>;

impl AuditLog {
    /// Checks the log in the store against the head, and starts the sequencer.
    ///
    /// # Errors
    ///
    /// If the log is not the one that was signed for last: the vault must not serve then.
    pub fn open(parts: LogParts) -> Result<(Self, SequencerThread), StartError> {
        let checked = start::check(parts.store.as_ref(), &parts.head_checkpoint, &parts.keys)?;
        let (calls, waiting) = mpsc::channel(WAITING_CALLS_MAX);
        let (state_sender, state) = watch::channel(LogState::Open);
        let (latest_sender, latest) = watch::channel(None);
        let store = Arc::clone(&parts.store);
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let (cosigned, _) = watch::channel(None);
        let tree_size = checked.frontier.size();
        let window = parts
            .witness
            .map(|rules| Arc::new(Window::new(rules, Arc::clone(&parts.clock), tree_size)));
        let writing = Arc::new(Writing::new(Arc::clone(&parts.clock)));
        let tell = Tell {
            state: state_sender.clone(),
            writing: Arc::clone(&writing),
            latest: latest_sender,
            events: events.clone(),
            window: window.clone(),
        };
        let sequencer = Sequencer::new(parts, checked, tell);
        let access = sequencer.access();
        let thread = thread::Builder::new()
            .name("audit-sequencer".to_owned())
            .spawn(move || sequencer.run(waiting))
            .map_err(StartError::Thread)?;
        Ok((
            Self {
                calls,
                state,
                state_sender,
                latest,
                cosigned,
                window,
                writing,
                access,
                events,
                store,
            },
            SequencerThread(thread),
        ))
    }

    /// Writes the changes and the entry as one. When it returns, both are on the disk, under a
    /// signed checkpoint, and the head says so.
    ///
    /// A call whose caller goes away is written all the same.
    ///
    /// # Errors
    ///
    /// If they were not written, or, for [`CommitError::Unavailable`], may not have been.
    pub async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let too_many = commit.entry.items.len() > ITEMS_MAX
            || commit.changes.records.len() > RECORDS_MAX
            || commit.further.len() > FURTHER_MAX;
        if too_many || commit.changes.bytes_estimate() > CALL_BYTES_MAX {
            return Err(CommitError::TooLarge);
        }
        let (answer, answered) = oneshot::channel();
        self.calls
            .try_send(Call { commit, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => CommitError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => CommitError::Unavailable,
            })?;
        answered.await.unwrap_or(Err(CommitError::Unavailable))
    }

    /// Records what is about to be carried out, and returns it with the proof that it is recorded.
    ///
    /// # Errors
    ///
    /// As [`AuditLog::commit`]; the value comes back then, and must not be carried out.
    pub async fn record<T>(
        &self,
        value: T,
        commit: Commit,
    ) -> Result<Recorded<T>, (T, CommitError)> {
        match self.commit(commit).await {
            Ok(receipt) => Ok(Recorded::new(value, receipt)),
            Err(error) => Err((value, error)),
        }
    }

    /// Whether the log can be written; it tells when that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<LogState> {
        self.state.clone()
    }

    /// For how long the group that is being written has been, in milliseconds; 0 if none is. A
    /// disk that works takes some milliseconds; one that hangs may never answer.
    #[must_use]
    pub fn writing_ms(&self) -> u64 {
        self.writing.age_ms()
    }

    /// Looks at grants, budgets and freezes as they are on the disk. Waits for the group that is
    /// being written, for as long as a sync takes, and holds no thread up meanwhile.
    pub async fn access<T>(&self, look: impl FnOnce(&mut Access) -> T) -> T {
        look(&mut *self.access.lock().await)
    }

    /// What becomes of grants and freezes from now on. Who does not keep up loses the oldest, and
    /// is told so.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<AccessEvent> {
        self.events.subscribe()
    }

    /// The latest checkpoint since the start, if there was one.
    #[must_use]
    pub fn latest_checkpoint(&self) -> Option<Arc<SignedCheckpoint>> {
        self.latest.borrow().clone()
    }

    /// The latest checkpoint since the start; it tells when there is a later one, and when the log
    /// is closed.
    #[must_use]
    pub fn checkpoints(&self) -> watch::Receiver<Option<Arc<SignedCheckpoint>>> {
        self.latest.clone()
    }

    /// Proves that the entry is in the tree of this size. Reads the store, and blocks.
    ///
    /// # Errors
    ///
    /// If it is not, or the store cannot be read.
    pub fn inclusion_proof(
        &self,
        index: u64,
        tree_size: u64,
    ) -> Result<Vec<Hash>, ProofError<StoreError>> {
        merkle::inclusion_proof(&StoredTree(self.store.as_ref()), index, tree_size)
    }

    /// The hash of an entry's leaf. Reads the store, and blocks.
    ///
    /// # Errors
    ///
    /// If there is no such entry, or the store cannot be read.
    pub fn leaf_hash(&self, index: u64) -> Result<Hash, StoreError> {
        StoredTree(self.store.as_ref()).hash(0, index)
    }

    /// Proves that the tree of the second size extends the first. Reads the store, and blocks.
    ///
    /// # Errors
    ///
    /// If it does not, or the store cannot be read.
    pub fn consistency_proof(
        &self,
        first_size: u64,
        second_size: u64,
    ) -> Result<Vec<Hash>, ProofError<StoreError>> {
        merkle::consistency_proof(&StoredTree(self.store.as_ref()), first_size, second_size)
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AuditLog").finish_non_exhaustive()
    }
}

impl SequencerThread {
    /// Waits until the log is closed and everything that was answered is written. Blocks.
    pub fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("audit sequencer panicked");
        }
    }
}

/// How many events may wait for a watcher.
const EVENTS_MAX: usize = 1_024;
/// The most entries that follow from one call.
const FURTHER_MAX: usize = 64;
/// How many calls may wait for the sequencer; more are turned away at once.
const WAITING_CALLS_MAX: usize = 4_096;
/// The most bytes that the changes of one call may have.
const CALL_BYTES_MAX: usize = 8 << 20;
