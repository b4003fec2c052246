//! The charter that the log says is in force.

use crate::audit::Event;
use crate::audit::StartError;
use crate::audit::tail::Tail;
use crate::audit::tree::StoredTree;
use crate::store::Store;

/// SHA-256 of the charter that is in force, by the log; nothing if there never was one.
///
/// The row of the charter says nothing of its time: an older one is as authentic, and one that was
/// removed looks like a vault that never had officers. Reads the log from its end to what says it
/// last: a change, or the vault when it began to serve, stopped, or gave its beginning away. What
/// says it is never erased, so nothing that is gone without a word of the log is passed over.
///
/// It is as sure as the root hash of the log: whoever calls this sees that it is the one that was
/// signed.
///
/// # Errors
///
/// If the log cannot be read, or an entry is damaged, or gone without a word of the log.
pub fn latest_charter(store: &dyn Store) -> Result<Option<[u8; 32]>, StartError> {
    let tree = StoredTree(store).frontier(store.tree_size()?)?;
    let mut tail = Tail::new(store, tree)?;
    loop {
        for entry in tail.page(ENTRIES_PER_READ)?.into_iter().rev() {
            let says_it = matches!(
                entry.draft.event,
                Event::CharterChanged
                    | Event::CharterFounded
                    | Event::LogPruned
                    | Event::Started
                    | Event::Stopped
            );
            if says_it {
                return Ok(entry.draft.ceremony.charter_digest);
            }
        }
        if tail.is_at_beginning() {
            return Ok(None);
        }
    }
}

const ENTRIES_PER_READ: usize = 1_024;
