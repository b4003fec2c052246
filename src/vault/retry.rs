//! Request ids: the same request again has the same result.
//!
//! Equal values find their record by themselves. Where a field keeps them apart (equality
//! `none`), the row of the request id remembers which record each item got.

use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::RequestKey;
use crate::store::RequestRow;
use crate::store::Store;
use crate::store::StoreError;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::find::Found;
use crate::vault::find::Known;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;

/// What a request id binds: the caller, and the contents.
pub(super) struct Retry {
    /// Under each live version of the fingerprint key, the active one first; none without an id.
    bounds: Vec<Bound>,
}

struct Bound {
    key: RequestKey,
    digest: [u8; 16],
}

/// What an earlier request with the same id and contents got.
pub(super) struct Replay {
    made: Timestamp,
    records: Vec<Option<RecordId>>,
}

impl Replay {
    /// The record that the item got, where the value alone does not find it.
    pub(super) fn record(&self, index: usize) -> Option<RecordId> {
        self.records.get(index).copied().flatten()
    }

    /// Whether the customer was erased after the earlier request: what it did must not be done
    /// again.
    pub(super) fn is_erased(
        &self,
        workplace: &Workplace<'_>,
        store: &dyn Store,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(subject) = subject else {
            return Ok(false);
        };
        for key in workplace.erased_marks(subject) {
            let mark = store.request(&key)?;
            if mark.is_some_and(|mark| mark.expires > now && mark.created >= self.made) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Retry {
    /// What binds a request, if it has an id: the caller, and the parts that are its contents.
    pub(super) fn new<'a>(
        workplace: &Workplace<'_>,
        caller: &Caller,
        request_id: Option<&RequestId>,
        contents: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let Some(request_id) = request_id else {
            return Self { bounds: Vec::new() };
        };
        let namespace = workplace.namespace;
        let contents: Vec<&[u8]> = contents.into_iter().collect();
        let versions = workplace.keys.value_fingerprint().iter();
        let bounds = versions.map(|(_, key)| {
            let id = key.request(namespace, &caller.principal, request_id);
            let digest = key.request_content(namespace, contents.iter().copied());
            Bound {
                key: RequestKey {
                    namespace: workplace.id,
                    fingerprint: *id.as_bytes(),
                },
                digest: *digest.as_bytes(),
            }
        });
        Self {
            bounds: bounds.collect(),
        }
    }

    /// Finds what an earlier request with this id got; nothing if there was none.
    ///
    /// # Errors
    ///
    /// If the id was used with other contents.
    pub(super) fn find(
        &self,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Option<Replay>, VaultError> {
        for bound in &self.bounds {
            let row = store.request(&bound.key)?;
            let Some(row) = row.filter(|row| row.expires > now) else {
                continue;
            };
            if row.digest != bound.digest {
                return Err(VaultError::RequestIdReused);
            }
            let (ids, _) = row.outcome.as_chunks::<16>();
            let id = |bytes: &[u8; 16]| (*bytes != NO_RECORD).then_some(RecordId(*bytes));
            return Ok(Some(Replay {
                made: row.created,
                records: ids.iter().map(id).collect(),
            }));
        }
        Ok(None)
    }

    /// Where the row that remembers this request may be under older keys.
    pub(super) fn older_keys(&self) -> Vec<RequestKey> {
        self.bounds.iter().skip(1).map(|bound| bound.key).collect()
    }

    /// The row that remembers this request, and which records its items got where the value
    /// alone does not find them.
    pub(super) fn row(
        &self,
        now: Timestamp,
        records: &[Option<RecordId>],
    ) -> Option<(RequestKey, RequestRow)> {
        let bound = self.bounds.first()?;
        let outcome = if records.iter().any(Option::is_some) {
            records
                .iter()
                .flat_map(|id| id.map_or(NO_RECORD, |id| id.0))
                .collect()
        } else {
            Vec::new()
        };
        let expires = now.plus_seconds(REMEMBERED_SECONDS);
        let row = RequestRow {
            digest: bound.digest,
            created: now,
            expires,
            outcome,
        };
        Some((bound.key, row))
    }
}

impl Workplace<'_> {
    /// The record that an earlier request got, or the one that has taken its place since.
    pub(super) fn replayed(
        &self,
        store: &dyn Store,
        id: RecordId,
        reading: &Reading<'_>,
        now: Timestamp,
    ) -> Result<Known, VaultError> {
        let key = RecordKey {
            namespace: self.id,
            id,
        };
        let record = match store.records(&[key]) {
            Ok(records) => records.into_iter().next().flatten(),
            Err(StoreError::Corrupt { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(record) = record else {
            return Ok(Known::Damaged);
        };
        let latest = self.latest(store, reading, Found { id, record })?;
        Ok(latest.map_or(Known::Damaged, |latest| Known::of(latest, now)))
    }
}

/// How long a request id is remembered.
pub(super) const REMEMBERED_SECONDS: u64 = 24 * 60 * 60;
/// In place of a record id, for an item that needs none.
const NO_RECORD: [u8; 16] = [0; 16];
