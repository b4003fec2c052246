//! The job after a wrapping key was rotated: records move to the active version.
//!
//! In batches, in the order of record ids. The place that was reached is written with each batch,
//! so that a restart goes on there. Nothing else of a record changes: its token and its residue
//! are under the token key, which is only wrapped anew.

use std::time::Duration;

use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::CeremonyState;
use crate::ceremony::Progress;
use crate::domain::CeremonyId;
use crate::domain::FieldName;
use crate::keys::Ring;
use crate::store::Changes;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::Replacement;
use crate::store::Successor;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::officers::act::note;
use crate::vault::read::Workplace;
use crate::vault::work;

/// What became of a step of a job.
pub(super) enum Step {
    /// It was taken: so long until the next.
    Taken(Duration),
    /// It cannot be taken yet: so long until another look.
    Waits(Duration),
}

/// What a batch makes of some records.
struct Batch {
    replacements: Vec<Replacement>,
    progress: Progress,
    is_last: bool,
}

impl Vault {
    /// Moves a batch of records of the ceremony's namespace to the active version, from where it
    /// was left, and says so in the end.
    pub(super) async fn rewrap(&self, id: &CeremonyId) -> Result<Step, VaultError> {
        if !self.has_let_go_of_bygone_rings() {
            return Ok(Step::Waits(BYGONE_PERIOD));
        }
        let ring = self.ring();
        let kept = self.ceremony(id)?;
        if kept.ceremony.state != CeremonyState::Running {
            return Ok(Step::Taken(Duration::ZERO));
        }
        let batch = work(usize::MAX, || self.next_batch(&ring, &kept.ceremony))?;
        let changed_count = batch.replacements.len();
        let mut after = kept.ceremony.at(batch.progress);
        let mut register_digest = None;
        // Nobody changes the register while the entry that ends the operation names it.
        let mut _turn = None;
        if batch.is_last {
            _turn = Some(self.desk.turn.lock().await);
            after = after.done(self.now())?;
            register_digest = Some(self.register_after(&after, None)?);
        }
        let mut entry = entry(&ring, &after, changed_count);
        entry.ceremony.register_digest = register_digest;
        let commit = Commit {
            epoch: Some(ring.epoch().clone()),
            ..Commit::new(
                Changes {
                    replacements: batch.replacements,
                    rows: vec![kept.change(&ring, &after)],
                    ..Changes::default()
                },
                entry,
                None,
            )
        };
        match self.parts.log.commit(commit).await {
            Ok(_) => {
                self.desk.note(&after, self.parts.clock.steady());
                self.note_in_register(&after, None);
            }
            // A record was erased meanwhile, or the keys changed: the batch is made anew.
            Err(CommitError::Conflicts(_) | CommitError::KeysChanged) => {}
            Err(CommitError::Overloaded | CommitError::DiskFull) => {
                return Ok(Step::Taken(OVERLOAD_DELAY));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Step::Taken(self.pause(changed_count)))
    }

    /// The records after the place that was reached, as many as one batch may change.
    fn next_batch(&self, ring: &Ring, ceremony: &Ceremony) -> Result<Batch, VaultError> {
        let missing = || VaultError::Ceremony(CeremonyError::KeyState(NO_NAMESPACE));
        let name = ceremony.statement.operation.key().ok_or_else(missing)?;
        let namespace = name.namespace.as_ref().ok_or_else(missing)?;
        let fields = self.parts.namespaces.get(namespace).ok_or_else(missing)?;
        let workplace = self.place_of(ring, namespace, fields)?;
        let active = workplace.keys.wrapping().active_version();
        let mut progress = ceremony.progress.unwrap_or_default();
        let looked_at_before = progress.looked_at;
        let (records_max, mut replacements) = (self.batch_records_max(), Vec::new());
        loop {
            let after = progress.after.map(RecordId);
            let wanted = records_max - replacements.len();
            let page = self.store().records_after(fields.id, after, wanted)?;
            let is_last = page.len() < wanted;
            for (id, record) in page {
                progress.looked_at += 1;
                progress.after = Some(id.0);
                if record.wrapping_version == active || record.wrapped.is_empty() {
                    continue;
                }
                match workplace.rewrapped(fields.names(), id, &record) {
                    Ok(after) => {
                        progress.changed += 1;
                        replacements.push(Replacement {
                            key: RecordKey {
                                namespace: fields.id,
                                id,
                            },
                            before: record,
                            after,
                        });
                    }
                    Err(_) => progress.damaged += 1,
                }
            }
            let is_full = replacements.len() >= records_max;
            let is_time = progress.looked_at - looked_at_before >= LOOKED_AT_PER_BATCH;
            if is_last || is_full || is_time {
                return Ok(Batch {
                    replacements,
                    progress,
                    is_last,
                });
            }
        }
    }

    /// Whether no call works with keys of before: what such a call reads must be under them.
    fn has_let_go_of_bygone_rings(&self) -> bool {
        let mut bygone = self.desk.bygone.lock().unwrap_or_else(|it| it.into_inner());
        bygone.retain(|ring| !ring.is_gone());
        bygone.is_empty()
    }

    /// Records that one batch changes, at the most: so few that it pauses for a second at the most.
    fn batch_records_max(&self) -> usize {
        let rate = usize::try_from(self.parts.rewrap_records_per_second);
        rate.unwrap_or(usize::MAX).clamp(1, RECORDS_PER_BATCH)
    }

    /// So long that no more records are changed in a second than the configuration says.
    fn pause(&self, changed_count: usize) -> Duration {
        let rate = f64::from(self.parts.rewrap_records_per_second.max(1));
        let changed = u32::try_from(changed_count).map_or(0.0, f64::from);
        Duration::from_secs_f64(changed / rate)
    }
}

impl Workplace<'_> {
    /// The record with its token key and its subject under the active version.
    fn rewrapped<'f>(
        &self,
        fields: impl Iterator<Item = &'f FieldName>,
        id: RecordId,
        record: &Record,
    ) -> Item<Record> {
        let field = self.field_of(fields, id, record)?;
        let name = self.record_name(&field, id);
        let wrapping = self.keys.wrapping();
        let before = wrapping
            .version(record.wrapping_version)
            .ok_or(ItemError::KeyDestroyed)?;
        let key = before.unwrap(&name, &record.wrapped)?;
        let subject = match record.subject.as_slice() {
            [] => Vec::new(),
            sealed => {
                let subject = before.open_subject(&name, sealed)?;
                wrapping.active().seal_subject(&name, &subject)?
            }
        };
        let successor = match (&record.successor, self.successor_key(&name, record)?) {
            (Some(successor), Some(key)) => Some(Successor {
                wrapped: wrapping.active().wrap_successor(&name, &key)?,
                ..successor.clone()
            }),
            (Some(_) | None, _) => None,
        };
        Ok(Record {
            successor,
            wrapping_version: wrapping.active_version(),
            wrapped: wrapping.active().wrap(&name, &key)?,
            subject,
            ..record.clone()
        })
    }
}

/// The entry of a batch; of the last, that the operation is done.
fn entry(ring: &Ring, after: &Ceremony, changed_count: usize) -> EntryDraft {
    let is_done = after.state == CeremonyState::Done;
    let name = after.statement.operation.key();
    let namespace = name.and_then(|name| name.namespace.clone());
    let keys = namespace.as_ref().and_then(|it| ring.namespace(it));
    let active = keys.map(|keys| keys.wrapping().active_version());
    let total = after.progress.map_or(0, |progress| progress.changed);
    let counted = u64::try_from(changed_count).unwrap_or(u64::MAX);
    EntryDraft {
        key: name.map(|name| name.purpose).zip(active),
        namespace,
        ceremony: crate::audit::CeremonyNote {
            records_count: Some(if is_done { total } else { counted }),
            ..note(after, None)
        },
        ..EntryDraft::new(if is_done {
            Event::OperationEnded
        } else {
            Event::RecordsRewrapped
        })
    }
}

/// Records that one batch changes, at the most.
const RECORDS_PER_BATCH: usize = 1_000;
/// After so many records that need no change the place is written, too.
const LOOKED_AT_PER_BATCH: u64 = 100_000;
const BYGONE_PERIOD: Duration = Duration::from_millis(10);
const OVERLOAD_DELAY: Duration = Duration::from_millis(200);
const NO_NAMESPACE: &str = "the key's namespace is not configured";
