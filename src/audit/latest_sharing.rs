//! The shares of the root key that the log named last.

use crate::audit::Event;
use crate::audit::StartError;
use crate::audit::tail::Tail;
use crate::audit::tree::StoredTree;
use crate::store::Store;

/// The hash of the sharing that the log named last, of those that were made anew; nothing if it
/// names none. Whoever calls this sees that the log is the one that was signed.
///
/// # Errors
///
/// If the log cannot be read, or an entry is damaged, or gone without a word of the log.
pub fn latest_sharing(store: &dyn Store) -> Result<Option<[u8; 32]>, StartError> {
    let tree = StoredTree(store).frontier(store.tree_size()?)?;
    let mut tail = Tail::new(store, tree)?;
    loop {
        for entry in tail.page(ENTRIES_PER_READ)?.iter().rev() {
            if entry.draft.event == Event::RootKeyReshared {
                return Ok(entry.draft.sharing.as_ref().map(|sharing| sharing.digest));
            }
        }
        if tail.is_at_beginning() {
            return Ok(None);
        }
    }
}

const ENTRIES_PER_READ: usize = 1_024;
