//! The officers' desk: where the charter and the ceremonies lie. One turn is taken at a time.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::sync::Notify;

use crate::audit::CeremonyNote;
use crate::audit::Commit;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::CeremonyState;
use crate::ceremony::Charter;
use crate::domain::CeremonyId;
use crate::keys::Bygone;
use crate::keys::Keyring;
use crate::store::Changes;
use crate::store::Row;
use crate::store::RowChange;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Table;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::purging::Purges;
use crate::vault::officers::register::Register;

/// Who works with keys takes the desk first, so that no two turns meet.
#[derive(Default)]
pub(in crate::vault) struct Desk {
    pub(super) turn: Mutex<()>,
    /// Rings that are out of use, as long as calls may work with them.
    pub(super) bygone: std::sync::Mutex<Vec<Bygone>>,
    /// What destructions must wait for before they are said to be done.
    pub(in crate::vault) purges: Purges,
    /// Somebody took a turn: there may be a job.
    pub(super) taken: Arc<Notify>,
    /// Ceremonies that are not over; nothing before they are read for the first time.
    unfinished: std::sync::Mutex<Option<BTreeSet<CeremonyId>>>,
    /// When the delay of each that waits began, by the clock that nobody sets; nothing of one that
    /// waited already when the vault was opened.
    waits: std::sync::Mutex<BTreeMap<CeremonyId, Option<Duration>>>,
    /// Every key and ceremony as it was written last; nothing before the first turn.
    pub(super) register: std::sync::Mutex<Option<Register>>,
    /// Held while ceremonies and their jobs are kept going.
    pub(super) job: Mutex<()>,
    /// The vault is about to close: jobs end after their batch, and go on at the next start.
    pub(super) is_closing: AtomicBool,
}

/// A ceremony, and its row as it was read.
pub(super) struct Kept {
    pub(super) ceremony: Ceremony,
    stored: Option<Vec<u8>>,
}

impl Kept {
    /// A ceremony that there was none of.
    pub(super) fn new(ceremony: Ceremony) -> Self {
        let stored = None;
        Self { ceremony, stored }
    }

    /// The change of the row that makes the ceremony what it is after a turn.
    pub(super) fn change(&self, ring: &Keyring, after: &Ceremony) -> RowChange {
        let key = row_key(&after.id());
        let value = ring.seal_row(CEREMONIES, &key, &after.encode());
        RowChange {
            table: Table::Ceremonies,
            key,
            expected: self.stored.clone(),
            value: Some(value),
        }
    }
}

impl Desk {
    /// Notes a ceremony as it is after a turn that was taken then, by the clock that nobody sets.
    pub(super) fn note(&self, after: &Ceremony, steady: Duration) {
        self.note_wait(after, steady);
        let mut unfinished = self
            .unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(unfinished) = &mut *unfinished {
            if after.state.is_final() {
                unfinished.remove(&after.id());
            } else {
                unfinished.insert(after.id());
            }
        }
    }

    fn note_wait(&self, after: &Ceremony, steady: Duration) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if after.state == CeremonyState::Waiting {
            waits.entry(after.id()).or_insert(Some(steady));
        } else {
            waits.remove(&after.id());
        }
    }
}

impl Vault {
    /// Whether a ceremony's delay has passed by the clock that nobody sets, too. Who sets the
    /// machine's clock forward would end it otherwise, while somebody may still cancel it.
    pub(super) fn has_waited(&self, ceremony: &Ceremony) -> bool {
        let waits = &self.desk.waits;
        let waits = waits.lock().unwrap_or_else(PoisonError::into_inner);
        let began = waits.get(&ceremony.id()).copied().flatten();
        let delay = Duration::from_secs(ceremony.rule.delay_seconds);
        began.is_none_or(|began| self.parts.clock.steady().saturating_sub(began) >= delay)
    }

    /// SHA-256 of the charter that is in force; nothing without officers.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or the charter was not written by this vault.
    pub fn charter_digest(&self) -> Result<Option<[u8; 32]>, StoreError> {
        let charter = reread(|| open_charter(charter_row(self.store())?, &self.ring()))?;
        Ok(charter.map(|charter| charter.digest()))
    }

    /// The charter that is in force.
    pub(super) fn charter(&self) -> Result<Charter, VaultError> {
        let charter = reread(|| open_charter(charter_row(self.store())?, &self.ring()))?;
        charter.ok_or(VaultError::Ceremony(CeremonyError::NoOfficers))
    }

    /// The change of the row that puts another charter in force.
    pub(super) fn charter_change(
        &self,
        ring: &Keyring,
        charter: &Charter,
    ) -> Result<RowChange, VaultError> {
        let stored = charter_row(self.store())?;
        Ok(RowChange {
            table: Table::Meta,
            key: CHARTER_KEY.to_vec(),
            expected: stored,
            value: Some(ring.seal_row(META, CHARTER_KEY, charter.to_string().as_bytes())),
        })
    }

    /// The ceremony with this id.
    pub(super) fn ceremony(&self, id: &CeremonyId) -> Result<Kept, VaultError> {
        let key = row_key(id);
        // Rows that begin like it come right after their common beginning.
        let before = key.split_last().map(|(_, beginning)| beginning);
        let kept = reread(|| {
            let page = self.store().rows(Table::Ceremonies, before, ALIKE_MAX)?;
            let row = page.into_iter().find(|(other, _)| *other == key);
            row.map(|row| open(&self.ring(), row)).transpose()
        })?;
        kept.ok_or(VaultError::Ceremony(CeremonyError::Missing))
    }

    /// Every ceremony, in the order of their ids.
    pub(super) fn ceremonies(&self) -> Result<Vec<Kept>, VaultError> {
        let ceremonies = reread(|| {
            let mut rows = Vec::new();
            each_ceremony_row(self.store(), &mut |row| rows.push(row))?;
            let ring = self.ring();
            rows.into_iter().map(|row| open(&ring, row)).collect()
        });
        Ok(ceremonies?)
    }

    /// The ceremonies that are not over. Only the first time all of them are read.
    pub(super) fn unfinished(&self) -> Result<Vec<Kept>, VaultError> {
        // Held while they are read: a ceremony that is proposed meanwhile is noted after.
        let unfinished = self.desk.unfinished.lock();
        let mut unfinished = unfinished.unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*unfinished {
            return known.iter().map(|id| self.ceremony(id)).collect();
        }
        let mut kept = self.ceremonies()?;
        kept.retain(|kept| !kept.ceremony.state.is_final());
        let waits = &self.desk.waits;
        let mut waits = waits.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = kept.iter().map(|kept| &kept.ceremony);
        for ceremony in waiting.filter(|it| it.state == CeremonyState::Waiting) {
            waits.entry(ceremony.id()).or_insert(None);
        }
        *unfinished = Some(kept.iter().map(|kept| kept.ceremony.id()).collect());
        Ok(kept)
    }
}

/// Reads rows, and opens them by the keys that are in use after that: whoever wrote a row had
/// these, or older ones. What does not open is read once more: the version that it was under may
/// have been destroyed in between, and the row have moved away from it before.
fn reread<T>(read: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    match read() {
        Err(StoreError::Corrupt { .. }) => read(),
        done => done,
    }
}

/// Shows the row of every ceremony, in the order of their ids.
pub(super) fn each_ceremony_row(
    store: &dyn Store,
    show: &mut dyn FnMut(Row),
) -> Result<(), StoreError> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store.rows(Table::Ceremonies, after.as_deref(), ROWS_PER_READ)?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        page.into_iter().for_each(&mut *show);
    }
}

/// A ceremony from its row.
pub(super) fn open(ring: &Keyring, (key, stored): Row) -> Result<Kept, StoreError> {
    let value = ring.open_row(CEREMONIES, &key, &stored);
    let ceremony = value
        .and_then(|value| Ceremony::decode(value).ok())
        .filter(|ceremony| row_key(&ceremony.id()) == key)
        .ok_or(StoreError::Corrupt { table: CEREMONIES })?;
    Ok(Kept {
        ceremony,
        stored: Some(stored),
    })
}

/// What a vault without officers does with those of its configuration: they are its first. Says
/// nothing if it has officers already. The caller has seen that the log agrees with the database.
///
/// # Errors
///
/// If the store cannot be read, the charter was not written by this vault, or it is gone.
pub fn found_charter(
    store: &dyn Store,
    keyring: &Keyring,
    configured: Option<&Charter>,
) -> Result<Option<Commit>, StoreError> {
    let current = read_charter(store, keyring)?;
    match (configured, current) {
        (Some(configured), None) => {
            let text = configured.to_string();
            let row = RowChange {
                table: Table::Meta,
                key: CHARTER_KEY.to_vec(),
                expected: None,
                value: Some(keyring.seal_row(META, CHARTER_KEY, text.as_bytes())),
            };
            let changes = Changes {
                rows: vec![row],
                ..Changes::default()
            };
            let entry = EntryDraft {
                ceremony: CeremonyNote {
                    charter_digest: Some(configured.digest()),
                    ..CeremonyNote::default()
                },
                ..EntryDraft::new(Event::CharterFounded)
            };
            Ok(Some(Commit::new(changes, entry, None)))
        }
        (Some(configured), Some(current)) if !configured.agrees_with(&current) => {
            tracing::warn!(
                "officers of the configuration are not those of the vault, which hold; \
                 change them by a ceremony, or correct the configuration"
            );
            Ok(None)
        }
        (Some(_) | None, _) => Ok(None),
    }
}

/// The charter in the store; nothing for a vault without officers.
///
/// # Errors
///
/// If the store cannot be read, or the charter was not written by this vault.
pub fn read_charter(store: &dyn Store, keyring: &Keyring) -> Result<Option<Charter>, StoreError> {
    open_charter(charter_row(store)?, keyring)
}

fn open_charter(row: Option<Vec<u8>>, keyring: &Keyring) -> Result<Option<Charter>, StoreError> {
    let Some(stored) = row else {
        return Ok(None);
    };
    let value = keyring.open_row(META, CHARTER_KEY, &stored);
    let charter = value
        .and_then(|value| str::from_utf8(value).ok())
        .and_then(|text| Charter::read(text).ok());
    charter.map(Some).ok_or(StoreError::Corrupt { table: META })
}

/// The charter as the store has it, for who has no key of the vault: not authenticated.
///
/// # Errors
///
/// If the store cannot be read, or the row is none.
pub fn peek_charter(store: &dyn Store) -> Result<Option<Charter>, StoreError> {
    let Some(stored) = charter_row(store)? else {
        return Ok(None);
    };
    let charter = Keyring::peek_row(&stored)
        .and_then(|value| str::from_utf8(value).ok())
        .and_then(|text| Charter::read(text).ok());
    charter.map(Some).ok_or(StoreError::Corrupt { table: META })
}

pub(super) fn charter_row(store: &dyn Store) -> Result<Option<Vec<u8>>, StoreError> {
    let rows = store.rows(Table::Meta, None, META_ROWS_MAX)?;
    let row = rows.into_iter().find(|(key, _)| key == CHARTER_KEY);
    Ok(row.map(|(_, value)| value))
}

fn row_key(id: &CeremonyId) -> Vec<u8> {
    id.as_str().as_bytes().to_vec()
}

pub(super) const CEREMONIES: &str = "ceremonies";
pub(super) const META: &str = "meta";
pub(super) const CHARTER_KEY: &[u8] = b"charter";
/// Rows of the table, at the most: its rows are few and named in the code.
const META_ROWS_MAX: usize = 100;
const ROWS_PER_READ: usize = 1_000;
/// Ids that differ in their last character only, which is a hexadecimal digit.
const ALIKE_MAX: usize = 16;
