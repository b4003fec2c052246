//! EraseSubject: a customer's records go, and their tokens are never given again.
//!
//! ```text
//! permit → read some records → what becomes of each → rows and entry, one batch → the next ones
//! ```
//!
//! What is erased leaves the customer's list, so a call that was cut off goes on where it was when
//! it is made again, and one that is complete does nothing more.

use crate::access::Act;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::Decision;
use crate::audit::EntryDraft;
use crate::audit::EntryItem;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::Changes;
use crate::store::ERASURES_MAX;
use crate::store::Fate;
use crate::store::RecordId;
use crate::store::RequestKey;
use crate::store::RequestRow;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::find::is_settled;
use crate::vault::read::Workplace;
use crate::vault::retry::REMEMBERED_SECONDS;
use crate::vault::subject_records::Listed;
use crate::vault::subject_records::Page;
use crate::vault::work;

/// A customer who is to be erased.
#[derive(Clone, Debug)]
pub struct EraseSubject {
    /// The tenant.
    pub namespace: Namespace,
    /// The customer.
    pub subject: Subject,
    /// Whether only to say what would be erased.
    pub is_dry_run: bool,
}

/// What became of a customer's records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ErasedSubject {
    /// Records that were erased, or would be.
    pub erased_count: u64,
    /// Records that stay, since other customers have them: only the link from this one went.
    pub kept_count: u64,
    /// Whether nothing of the customer is left. If not, the same call goes on.
    pub is_complete: bool,
    /// The index of the last audit entry.
    pub leaf_index: u64,
}

impl Request for EraseSubject {
    fn action(&self) -> Action {
        Action::EraseSubject
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Administrative for EraseSubject {
    fn event(&self) -> Event {
        if self.is_dry_run {
            Event::SubjectDescribed
        } else {
            Event::SubjectErased
        }
    }

    fn namespace(&self) -> Option<&Namespace> {
        Some(&self.namespace)
    }

    fn items(&self) -> Vec<EntryItem> {
        vec![named(&self.subject, ItemOutcome::NotDone)]
    }
}

/// An item that says of a customer as a whole what came of the call.
pub(super) fn named(subject: &Subject, outcome: ItemOutcome) -> EntryItem {
    EntryItem {
        field: None,
        subject: Some(subject.clone()),
        token: None,
        key_version: None,
        outcome,
    }
}

impl ErasedSubject {
    fn count(&mut self, records: &[Listed]) {
        for listed in records {
            match listed.fate() {
                Fate::Erased => self.erased_count += 1,
                Fate::Disowned | Fate::Kept => self.kept_count += 1,
                Fate::Gone => {}
            }
        }
    }
}

impl Vault {
    /// Erases a customer's records. A value that another customer has too stays for that one.
    /// Each batch of records goes with an audit entry that names them by their fields, or not at
    /// all.
    ///
    /// # Errors
    ///
    /// If the caller may not, a record is damaged, or the log cannot be written. What was erased
    /// before that stays erased.
    pub async fn erase_subject(
        &self,
        caller: &Caller,
        request: EraseSubject,
    ) -> Result<ErasedSubject, VaultError> {
        let permitted = self.permit_administrative(caller, request, None).await?;
        let request = permitted.request();
        let Some(fields) = self.parts.namespaces.get(&request.namespace) else {
            return Err(self.deny_administrative(caller, request).await);
        };
        if request.is_dry_run {
            return self.rehearse_erasing(caller, &permitted, fields).await;
        }
        let mut erased = ErasedSubject::default();
        for batch in 0..BATCHES_PER_CALL_MAX {
            let is_last = self
                .erase_batch(caller, &permitted, fields, batch, &mut erased)
                .await?;
            if is_last {
                erased.is_complete = true;
                break;
            }
        }
        Ok(erased)
    }

    /// Erases some records, and says whether they were the last.
    async fn erase_batch(
        &self,
        caller: &Caller,
        permitted: &Permitted<EraseSubject>,
        fields: &NamespaceFields,
        batch: usize,
        erased: &mut ErasedSubject,
    ) -> Result<bool, VaultError> {
        let request = permitted.request();
        for _ in 0..ROUNDS_MAX {
            let lists_as_of = self.store().relocations_count();
            let ring = self.ring();
            let Page { records, next } = work(usize::MAX, || {
                let workplace = self.place_of(&ring, &request.namespace, fields)?;
                let (subject, limit) = (&request.subject, ERASURES_MAX);
                let page = workplace.records_of(self.store(), fields, subject, None, limit);
                page.map_err(VaultError::from)
            })?;
            // The entries before this one tell of everything; the first call has one in any case.
            if records.is_empty() && batch > 0 && is_settled(self.store(), lists_as_of) {
                return Ok(true);
            }
            let now = self.parts.clock.now();
            let workplace = self.place_of(&ring, &request.namespace, fields)?;
            let changes = Changes {
                mark: Some(workplace.erased_mark(&request.subject, now)),
                erasures: records.iter().map(|it| it.erasure.clone()).collect(),
                lists_as_of: Some(lists_as_of),
                ..Changes::default()
            };
            let entry = self.erasure_entry(caller, permitted, &records);
            let commit = Commit {
                epoch: Some(ring.epoch().clone()),
                ..Commit::new(changes, entry, Some(caller.claim(Act::Work)))
            };
            match self.parts.log.commit(commit).await {
                Ok(receipt) => {
                    erased.count(&records);
                    erased.leaf_index = receipt.index;
                    return Ok(next.is_none());
                }
                // Somebody joined a record, erased it, moved it, or changed its key meanwhile: the
                // next round sees that.
                Err(CommitError::Conflicts(_) | CommitError::KeysChanged) => {}
                Err(error) => {
                    let hash = permitted.permit().policy_hash();
                    return Err(self.not_administered(caller, request, hash, error).await);
                }
            }
        }
        Err(VaultError::Overloaded)
    }

    /// Says what erasing would do, and does none of it.
    async fn rehearse_erasing(
        &self,
        caller: &Caller,
        permitted: &Permitted<EraseSubject>,
        fields: &NamespaceFields,
    ) -> Result<ErasedSubject, VaultError> {
        let request = permitted.request();
        let hash = permitted.permit().policy_hash();
        let entry = EntryDraft {
            decision: Some(Decision::Permit),
            items: vec![named(&request.subject, ItemOutcome::Found)],
            ..self.administrative_entry(caller, request, hash)
        };
        let receipt = match self.record(caller, entry, Act::Work).await {
            Ok(receipt) => receipt,
            Err(error) => return Err(self.not_administered(caller, request, hash, error).await),
        };
        let mut rehearsed = ErasedSubject {
            leaf_index: receipt.index,
            ..ErasedSubject::default()
        };
        let mut after: Option<RecordId> = None;
        for _ in 0..BATCHES_PER_CALL_MAX {
            let page = work(usize::MAX, || {
                let ring = self.ring();
                let workplace = self.place_of(&ring, &request.namespace, fields)?;
                let (subject, limit) = (&request.subject, ERASURES_MAX);
                let page = workplace.records_of(self.store(), fields, subject, after, limit);
                page.map_err(VaultError::from)
            })?;
            rehearsed.count(&page.records);
            after = page.next;
            if after.is_none() {
                rehearsed.is_complete = true;
                break;
            }
        }
        Ok(rehearsed)
    }

    /// The entry of a batch: each record by its field, and what became of it.
    fn erasure_entry(
        &self,
        caller: &Caller,
        permitted: &Permitted<EraseSubject>,
        records: &[Listed],
    ) -> EntryDraft {
        let request = permitted.request();
        let item = |listed: &Listed| {
            let outcome = match listed.fate() {
                Fate::Erased => ItemOutcome::Erased,
                Fate::Disowned | Fate::Kept => ItemOutcome::Kept,
                Fate::Gone => return None,
            };
            Some(EntryItem {
                field: listed.field.clone(),
                key_version: listed.record().map(|record| record.wrapping_version),
                ..named(&request.subject, outcome)
            })
        };
        let mut items: Vec<EntryItem> = records.iter().filter_map(item).collect();
        if items.is_empty() {
            items.push(named(&request.subject, ItemOutcome::NotFound));
        }
        EntryDraft {
            decision: Some(Decision::Permit),
            items,
            ..self.administrative_entry(caller, request, permitted.permit().policy_hash())
        }
    }
}

impl Workplace<'_> {
    /// The row that says since when a customer is erased. It is kept for as long as request ids
    /// are remembered: a call of before is not carried out again after it.
    fn erased_mark(&self, subject: &Subject, now: Timestamp) -> (RequestKey, RequestRow) {
        let row = RequestRow {
            digest: [0; 16],
            created: now,
            expires: now.plus_seconds(REMEMBERED_SECONDS),
            outcome: Vec::new(),
        };
        let fingerprint = self.subject_key(subject).fingerprint;
        let namespace = self.id;
        (
            RequestKey {
                namespace,
                fingerprint,
            },
            row,
        )
    }

    /// Where a customer's erasing may be marked.
    pub(super) fn erased_marks(&self, subject: &Subject) -> impl Iterator<Item = RequestKey> {
        let keys = self.subject_keys(subject).into_iter();
        keys.map(|key| RequestKey {
            namespace: key.namespace,
            fingerprint: key.fingerprint,
        })
    }
}

/// Batches that one call erases: 10,000 records.
const BATCHES_PER_CALL_MAX: usize = 20;
/// How many times a batch may find that another was faster.
const ROUNDS_MAX: usize = 64;
