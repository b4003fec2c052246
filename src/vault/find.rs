//! Records, found by their value or by their token.

use crate::domain::Timestamp;
use crate::store::{Record, RecordId, RecordKey, RecordState, Store, StoreError, ValueKey};
use crate::vault::read::{Presented, Reading};

/// A record, and where it was found.
pub(super) struct Found {
    pub(super) id: RecordId,
    pub(super) record: Record,
}

/// What the value index knows of a value.
pub(super) enum Known {
    /// Its record lives.
    Live(Found),
    /// Its record has expired, so a new one takes over its row.
    Expired(RecordId),
    /// It has no record.
    No,
    /// The index points at a record that is not there.
    Damaged,
}

impl Found {
    /// Whether the record opens now.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.record.state == RecordState::Live
            && self.record.expires.is_none_or(|expires| now < expires)
    }
}

/// Finds the records of values, in two reads for all of them.
pub(super) fn by_value(
    store: &dyn Store,
    readings: &[&Reading<'_>],
    now: Timestamp,
) -> Result<Vec<Known>, StoreError> {
    let keys = |reading: &&Reading<'_>| reading.value_keys.clone();
    let rows = first_of_each(readings, keys, |keys: &[ValueKey]| store.values(keys))?;
    let namespace = |reading: &Reading<'_>| reading.value_keys.first().map(|key| key.namespace);
    let record_key = |(reading, row): (&&Reading<'_>, &Option<crate::store::ValueRow>)| {
        let id = row.as_ref()?.record;
        namespace(reading).map(|namespace| RecordKey { namespace, id })
    };
    let record_keys: Vec<Option<RecordKey>> = readings.iter().zip(&rows).map(record_key).collect();
    let present: Vec<RecordKey> = record_keys.iter().flatten().copied().collect();
    let mut records = store.records(&present)?.into_iter();
    Ok(record_keys
        .into_iter()
        .map(|key| match key {
            None => Known::No,
            Some(key) => match records.next().flatten() {
                None => Known::Damaged,
                Some(record) => {
                    let found = Found { id: key.id, record };
                    if found.is_live(now) {
                        Known::Live(found)
                    } else {
                        Known::Expired(key.id)
                    }
                }
            },
        })
        .collect())
}

/// Finds the live records of tokens, in one read for all of them.
pub(super) fn by_token(
    store: &dyn Store,
    presented: &[&Presented<'_>],
    now: Timestamp,
) -> Result<Vec<Option<Found>>, StoreError> {
    by_record_keys(
        store,
        presented,
        |presented| presented.record_keys.clone(),
        now,
    )
}

/// Finds the live record of each item, under the first of its keys that has one.
pub(super) fn by_record_keys<T>(
    store: &dyn Store,
    items: &[T],
    keys: impl Fn(&T) -> Vec<RecordKey>,
    now: Timestamp,
) -> Result<Vec<Option<Found>>, StoreError> {
    let find = |keys: &[RecordKey]| {
        let records = store.records(keys)?;
        let found = |(key, record): (&RecordKey, Option<Record>)| {
            record.map(|record| Found { id: key.id, record })
        };
        Ok(keys.iter().zip(records).map(found).collect())
    };
    let found = first_of_each(items, keys, find)?;
    Ok(found
        .into_iter()
        .map(|found| found.filter(|found| found.is_live(now)))
        .collect())
}

/// Reads the keys of all items at once, and gives each item the first row of its own keys.
fn first_of_each<T, K, R>(
    items: &[T],
    keys: impl Fn(&T) -> Vec<K>,
    read: impl FnOnce(&[K]) -> Result<Vec<Option<R>>, StoreError>,
) -> Result<Vec<Option<R>>, StoreError> {
    let keys: Vec<Vec<K>> = items.iter().map(keys).collect();
    let counts: Vec<usize> = keys.iter().map(Vec::len).collect();
    let all: Vec<K> = keys.into_iter().flatten().collect();
    let mut rows = read(&all)?.into_iter();
    Ok(counts
        .into_iter()
        .map(|count| {
            let own: Vec<Option<R>> = rows.by_ref().take(count).collect();
            own.into_iter().flatten().next()
        })
        .collect())
}
