//! The job after the audit fingerprint key was rotated: the rows of charter and ceremonies come to
//! be authenticated by the active version.
//!
//! Until then they open under the version of before. The job takes turns like an officer, so nobody
//! who acts meanwhile is told that another was faster; a batch that a crash prevents is made anew,
//! since what has moved is found to have. What entries have of the key stays as it is: nobody has
//! the tokens to make other fingerprints of.

use std::time::Duration;

use crate::audit::CeremonyNote;
use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::CeremonyState;
use crate::ceremony::Progress;
use crate::domain::CeremonyId;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::keys::Keyring;
use crate::keys::Ring;
use crate::store::Row;
use crate::store::RowChange;
use crate::store::StoreError;
use crate::store::Table;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::act::note;
use crate::vault::officers::carry_out::Carried;
use crate::vault::officers::desk::CEREMONIES;
use crate::vault::officers::desk::CHARTER_KEY;
use crate::vault::officers::desk::Kept;
use crate::vault::officers::desk::META;
use crate::vault::officers::desk::charter_row;
use crate::vault::officers::rewrap::Step;
use crate::vault::work;

/// What a look at every row has found.
#[derive(Default)]
struct Found {
    /// Rows that the active version is to authenticate.
    changes: Vec<RowChange>,
    looked_at: u64,
    damaged: u64,
    is_all: bool,
}

impl Vault {
    /// Has a batch of rows authenticated by the active version, and says so in the end.
    pub(super) async fn reseal(&self, id: &CeremonyId) -> Result<Step, VaultError> {
        let _turn = self.desk.turn.lock().await;
        // The keys do not change while the desk is taken.
        let ring = self.ring();
        let kept = self.ceremony(id)?;
        if kept.ceremony.state != CeremonyState::Running {
            return Ok(Step::Taken(Duration::ZERO));
        }
        let found = work(usize::MAX, || self.older_rows(&ring, &kept))?;
        let (carried, entry) = self.resealed(&ring, &kept, found)?;
        match self.commit_carried(entry, None, carried).await {
            // The job of a wrapping key has written its place: the batch is made anew.
            Ok(_) | Err(CommitError::Conflicts(_)) => Ok(Step::Taken(Duration::ZERO)),
            Err(CommitError::Overloaded | CommitError::DiskFull) => Ok(Step::Taken(OVERLOAD_DELAY)),
            Err(error) => Err(error.into()),
        }
    }

    /// How many rows only this version authenticates.
    pub(super) fn rows_under(&self, version: KeyVersion) -> Result<u64, VaultError> {
        let ring = self.ring();
        let mut count = 0;
        self.each_sealed_row(&mut |_, name, (key, stored)| {
            count += u64::from(ring.row_version(name, &key, &stored) == Some(version));
            true
        })?;
        Ok(count)
    }

    /// Rows that another version than the active one authenticates, without the ceremony's own.
    fn older_rows(&self, ring: &Keyring, kept: &Kept) -> Result<Found, VaultError> {
        let active = ring.audit_fingerprint().active_version();
        let own = kept.ceremony.id();
        let mut found = Found::default();
        found.is_all = self.each_sealed_row(&mut |table, name, (key, stored)| {
            found.looked_at += 1;
            match ring.row_version(name, &key, &stored) {
                Some(version) if version == active || key == own.as_str().as_bytes() => {}
                Some(_) => {
                    let value = Keyring::peek_row(&stored).unwrap_or_default();
                    found.changes.push(RowChange {
                        table,
                        value: Some(ring.seal_row(name, &key, value)),
                        expected: Some(stored),
                        key,
                    });
                }
                None => found.damaged += 1,
            }
            found.changes.len() < ROWS_PER_BATCH
        })?;
        Ok(found)
    }

    /// What a batch writes, and its entry.
    fn resealed(
        &self,
        ring: &Ring,
        kept: &Kept,
        found: Found,
    ) -> Result<(Carried, EntryDraft), VaultError> {
        let Found {
            changes,
            looked_at,
            damaged,
            is_all,
        } = found;
        let before = kept.ceremony.progress.unwrap_or_default();
        let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let progress = Progress {
            looked_at,
            changed: before.changed.saturating_add(count),
            damaged,
            after: None,
        };
        let mut after = kept.ceremony.at(progress);
        let (mut event, mut records_count) = (Event::RecordsRewrapped, count);
        if is_all {
            after = after.done(self.now())?;
            (event, records_count) = (Event::OperationEnded, progress.changed);
        }
        let entry = EntryDraft {
            key: Some((
                KeyPurpose::AuditFingerprint,
                ring.audit_fingerprint().active_version(),
            )),
            ceremony: CeremonyNote {
                records_count: Some(records_count),
                ..note(&after, None)
            },
            ..EntryDraft::new(event)
        };
        let mut carried = Carried::waiting(kept.change(ring, &after), after);
        carried.rows.extend(changes);
        Ok((carried, entry))
    }

    /// Shows every row that a key of the vault authenticates, with its table and the name that it
    /// has there, until it is told that it is enough. Says whether it has shown all of them.
    fn each_sealed_row(
        &self,
        show: &mut dyn FnMut(Table, &'static str, Row) -> bool,
    ) -> Result<bool, StoreError> {
        if let Some(stored) = charter_row(self.store())?
            && !show(Table::Meta, META, (CHARTER_KEY.to_vec(), stored))
        {
            return Ok(false);
        }
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self
                .store()
                .rows(Table::Ceremonies, after.as_deref(), ROWS_PER_READ)?;
            let Some((last, _)) = page.last() else {
                return Ok(true);
            };
            after = Some(last.clone());
            for row in page {
                if !show(Table::Ceremonies, CEREMONIES, row) {
                    return Ok(false);
                }
            }
        }
    }
}

/// Rows that one batch changes, at the most.
const ROWS_PER_BATCH: usize = 1_000;
const ROWS_PER_READ: usize = 1_000;
const OVERLOAD_DELAY: Duration = Duration::from_millis(200);
