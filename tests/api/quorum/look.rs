//! What an effect would change, as it is in the store and in the log.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::ceremony::OperationKind;
use counterfoil::store::Row;
use counterfoil::store::StoredLeaf;
use counterfoil::store::Table;
use sha2::Digest;
use sha2::Sha256;

use super::wishes::ERASED;
use crate::office::Office;

/// What an effect would change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Look {
    /// SHA-256 of each row of the table of keys.
    keys: Vec<String>,
    /// Of the row of the charter.
    charter: Option<String>,
    /// Operations that allow something now, whoever proposed them.
    allowances_count: usize,
    /// Whether the entry that is to be erased is.
    is_entry_erased: bool,
    /// Where the log begins.
    pruned_size: u64,
    /// Of the rows of ceremonies that are not of those who try, under way or over.
    ceremonies: BTreeMap<String, String>,
}

impl Look {
    pub(super) fn at(office: &Office, own: &BTreeSet<String>) -> Self {
        let rows = |table| {
            let rows = |store: &dyn counterfoil::store::Store| store.rows(table, None, ROWS_MAX);
            office.vault.with_store(rows).unwrap()
        };
        let charter = rows(Table::Meta);
        let mut charter = charter.iter().filter(|(key, _)| key == b"charter");
        let ceremonies = rows(Table::Ceremonies);
        let allowances_count = ceremonies.iter().filter(|row| is_allowance(row)).count();
        let ceremonies = ceremonies.into_iter();
        let ceremonies = ceremonies.map(|row| (String::from_utf8(row.0.clone()).unwrap(), row));
        let others = ceremonies.filter(|(id, _)| !own.contains(id));
        Self {
            keys: rows(Table::Keys).iter().map(digest).collect(),
            charter: charter.next().map(digest),
            allowances_count,
            is_entry_erased: is_erased(office),
            pruned_size: office
                .vault
                .with_store(|store| store.pruned_size().unwrap()),
            ceremonies: others.map(|(id, row)| (id, digest(&row))).collect(),
        }
    }
}

/// Whether the row is of an operation that allows something now: its text is not sealed.
fn is_allowance((_, stored): &Row) -> bool {
    let text = String::from_utf8_lossy(stored);
    text.contains("\\noperation retokenize\\n") && text.contains("\"state\":\"running\"")
}

fn digest((key, value): &Row) -> String {
    hex::encode(Sha256::digest([key.as_slice(), value].concat()))
}

/// The place in the log from which on entries are looked at.
pub(super) struct Since(u64);

impl Since {
    pub(super) fn now(office: &Office) -> Self {
        Self(office.vault.with_store(|store| store.tree_size().unwrap()))
    }

    /// What the log says was done since then, but for reading, what was refused, turns that were
    /// repeated and turns of these ceremonies.
    pub(super) fn effects(&self, office: &Office, own: &BTreeSet<String>) -> Vec<Event> {
        let stored = office
            .vault
            .with_store(|store| store.entries(self.0, usize::MAX).unwrap());
        let kept = stored.iter().filter_map(StoredLeaf::entry);
        let entries = kept.map(|stored| Entry::decode(&stored.entry).unwrap());
        let effects = entries.filter(|entry| !is_without_effect(entry, own));
        effects.map(|entry| entry.draft.event).collect()
    }
}

fn is_without_effect(entry: &Entry, own: &BTreeSet<String>) -> bool {
    let draft = &entry.draft;
    let id = draft.ceremony.id.as_ref();
    let is_own = id.is_some_and(|id| own.contains(id.as_str()));
    let is_turn = matches!(
        draft.event,
        Event::OperationProposed
            | Event::OperationApproved
            | Event::OperationCancelled
            | Event::OperationEnded
            | Event::RecordsRewrapped
    );
    // A turn that had been taken before names no officer: nobody has signed anything by it.
    let is_repeated = is_turn && draft.ceremony.officers.is_empty() && is_call(entry);
    draft.error.is_some() || draft.event == Event::KeysRead || is_repeated || is_turn && is_own
}

/// Whether somebody asked for it, and not the vault by itself.
fn is_call(entry: &Entry) -> bool {
    entry.draft.principal.is_some()
}

/// Whether an operation of this kind shows in the log by more than its own turns.
pub(super) fn has_entry_of_its_own(kind: OperationKind) -> bool {
    // What it allows has entries, each when somebody makes use of it.
    kind != OperationKind::Retokenize
}

fn is_erased(office: &Office) -> bool {
    let stored = office.vault.with_store(|store| store.entries(ERASED, 1));
    // Once it is in the archive, it is not to be erased any more.
    stored.is_ok_and(|stored| stored.iter().any(|it| it.entry().is_none()))
}

const ROWS_MAX: usize = 10_000;
