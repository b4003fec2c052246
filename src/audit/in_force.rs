//! What the log says is in force: of the officers, and of the keys.

use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::StartError;
use crate::audit::tail::Tail;
use crate::audit::tree::StoredTree;
use crate::store::Store;

/// What the log says is in force, each by its SHA-256.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct InForce {
    /// The charter; nothing if there never was one.
    pub charter: Option<[u8; 32]>,
    /// The states of all keys, and all ceremonies; nothing in a log from before entries said so.
    pub register: Option<[u8; 32]>,
}

impl InForce {
    /// An entry that says what is in force.
    #[must_use]
    pub fn entry(self, event: Event) -> EntryDraft {
        let mut draft = EntryDraft::new(event);
        draft.ceremony.charter_digest = self.charter;
        draft.ceremony.register_digest = self.register;
        draft
    }
}

/// What the log says is in force.
///
/// Rows of the charter, of keys and of ceremonies say nothing of their time: older ones are as
/// authentic, and one that was removed looks like one that never was. Reads the log from its end to
/// what says it last: a change, or the vault when it began to serve, stopped, or gave its beginning
/// away. What says it is never erased, so nothing that is gone without a word of the log is passed
/// over.
///
/// It is as sure as the root hash of the log: whoever calls this sees that it is the one that was
/// signed.
///
/// # Errors
///
/// If the log cannot be read, or an entry is damaged, or gone without a word of the log.
pub fn in_force(store: &dyn Store) -> Result<InForce, StartError> {
    let tree = StoredTree(store).frontier(store.tree_size()?)?;
    let mut tail = Tail::new(store, tree)?;
    let mut charter = None;
    let mut register = None;
    loop {
        for entry in tail.page(ENTRIES_PER_READ)?.iter().rev() {
            charter = charter.or_else(|| said_of_charter(&entry.draft));
            register = register.or(entry.draft.ceremony.register_digest);
            let is_all = register.is_some() || names_no_register(&entry.draft);
            if let (Some(charter), true) = (charter, is_all) {
                return Ok(InForce { charter, register });
            }
        }
        if tail.is_at_beginning() {
            let charter = charter.flatten();
            return Ok(InForce { charter, register });
        }
    }
}

/// What an entry says of the charter: which is in force, or that none is.
fn said_of_charter(draft: &EntryDraft) -> Option<Option<[u8; 32]>> {
    let says_it = matches!(
        draft.event,
        Event::CharterChanged
            | Event::CharterFounded
            | Event::LogPruned
            | Event::Started
            | Event::Stopped
    );
    says_it.then_some(draft.ceremony.charter_digest)
}

/// Whether an entry is from before entries named the register: there is none before it either.
fn names_no_register(draft: &EntryDraft) -> bool {
    let would_name_it = matches!(draft.event, Event::Started | Event::Stopped);
    would_name_it && draft.ceremony.register_digest.is_none()
}

const ENTRIES_PER_READ: usize = 1_024;
