//! The charter that the log says is in force.

use crate::audit::Entry;
use crate::audit::Event;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

/// SHA-256 of the charter that is in force, by the log; nothing if there never was one.
///
/// The row of the charter says nothing of its time: an older one is as authentic, and one that was
/// removed looks like a vault that never had officers. Reads the log from its end to what says it
/// last: a change, or the vault when it began to serve, stopped, or gave its beginning away.
///
/// # Errors
///
/// If the log cannot be read, or an entry is damaged.
pub fn latest_charter(store: &dyn Store) -> Result<Option<[u8; 32]>, StoreError> {
    let (begins, mut end) = (store.pruned_size()?, store.tree_size()?);
    while end > begins {
        let from = end.saturating_sub(ENTRIES_PER_READ as u64).max(begins);
        let count = usize::try_from(end - from).unwrap_or(ENTRIES_PER_READ);
        for stored in store.entries(from, count)?.iter().rev() {
            // What says it is never erased.
            let StoredLeaf::Kept(stored) = stored else {
                continue;
            };
            let entry = Entry::decode(&stored.entry);
            let draft = entry
                .map_err(|_| StoreError::Corrupt { table: "audit" })?
                .draft;
            let says_it = matches!(
                draft.event,
                Event::CharterChanged
                    | Event::CharterFounded
                    | Event::LogPruned
                    | Event::Started
                    | Event::Stopped
            );
            if says_it {
                return Ok(draft.ceremony.charter_digest);
            }
        }
        end = from;
    }
    Ok(None)
}

const ENTRIES_PER_READ: usize = 1_024;
