//! The state as it was written.

use thiserror::Error;

use crate::access::rules::AccessRules;
use crate::access::rules::Window;
use crate::access::seen::SeenKey;
use crate::access::state::Access;
use crate::access::wire;
use crate::domain::Timestamp;
use crate::store::Row;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Table;

/// Why the state cannot be read. A vault does not serve without it.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A row is not one.
    #[error("row of {table} is damaged")]
    Damaged {
        /// The table.
        table: &'static str,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Access {
    /// Reads the state from the store. What no window has any more is left out.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or a row is damaged.
    pub fn load(rules: AccessRules, store: &dyn Store, now: Timestamp) -> Result<Self, LoadError> {
        let mut access = Self::new(rules);
        for (table, name) in TABLES {
            each(store, table, |key, value| {
                access
                    .take_row(table, key, value)
                    .ok_or(LoadError::Damaged { table: name })
            })?;
        }
        access.forget_what_is_past(now);
        Ok(access)
    }

    /// Takes one row as it was written; nothing if it is none.
    pub(super) fn take_row(&mut self, table: Table, key: &[u8], value: &[u8]) -> Option<()> {
        match table {
            Table::Budgets => {
                let (holder, seen, time_ms) = wire::read_seen(key, value)?;
                self.ledgers
                    .entry(holder)
                    .or_default()
                    .set(seen, Some(time_ms));
            }
            Table::Decoys => {
                self.decoys.insert(SeenKey::read(key)?);
            }
            Table::Freezes => {
                let freeze = wire::read_freeze(key, value)?;
                self.freezes.all.insert(freeze.target.clone(), freeze);
            }
            Table::Grants => {
                let grant = wire::read_grant(key, value)?;
                self.grants.insert(grant.id.clone(), grant);
            }
            Table::Guesses => {
                let (key, times_ms) = wire::read_guesses(key, value)?;
                self.guesses.insert(key, times_ms);
            }
            Table::Ceremonies | Table::Checkpoints | Table::Keys | Table::Meta => return None,
        }
        Some(())
    }

    /// Moves every window on to now.
    pub(super) fn forget_what_is_past(&mut self, now: Timestamp) {
        for ledger in self.ledgers.values_mut() {
            ledger.advance(now.unix_ms());
        }
        self.ledgers
            .retain(|_, ledger| ledger.values_count(Window::Month) > 0);
    }
}

/// Reads every row of a table.
fn each(
    store: &dyn Store,
    table: Table,
    mut read: impl FnMut(&[u8], &[u8]) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page: Vec<Row> = store.rows(table, after.as_deref(), ROWS_PER_READ)?;
        for (key, value) in &page {
            read(key, value)?;
        }
        match page.into_iter().last() {
            Some((last, _)) => after = Some(last),
            None => return Ok(()),
        }
    }
}

/// Rows in one read.
const ROWS_PER_READ: usize = 1_000;
/// The tables of the state, with their names in errors.
const TABLES: [(Table, &str); 5] = [
    (Table::Budgets, "budgets"),
    (Table::Decoys, "decoys"),
    (Table::Freezes, "freezes"),
    (Table::Grants, "grants"),
    (Table::Guesses, "guesses"),
];
