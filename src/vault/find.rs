//! Records, found by their value or by their token.

use crate::domain::Timestamp;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::RecordState;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::ValueKey;
use crate::store::ValueRow;
use crate::vault::answer::Item;
use crate::vault::error::ItemError;
use crate::vault::read::Presented;
use crate::vault::read::Reading;

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
    /// A row is damaged, or the index points at a record that is not there.
    Damaged,
}

impl Known {
    /// Whether the value gets another token than it may have had.
    pub(super) fn is_new(&self) -> bool {
        match self {
            Self::Expired(_) | Self::No => true,
            Self::Damaged | Self::Live(_) => false,
        }
    }

    /// What a record that was found says of its value.
    pub(super) fn of(found: Found, now: Timestamp) -> Self {
        if found.is_live(now) {
            Self::Live(found)
        } else {
            Self::Expired(found.id)
        }
    }
}

impl Found {
    /// Whether the record opens now.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.record.state == RecordState::Live
            && self.record.expires.is_none_or(|expires| now < expires)
    }
}

/// Finds the records of values, in two reads for all of them; again, if one moved between the two.
pub(super) fn by_value(
    store: &dyn Store,
    readings: &[&Reading<'_>],
    now: Timestamp,
) -> Result<Vec<Known>, StoreError> {
    for _ in 1..READS_MAX {
        let before = store.relocations_count();
        let known = by_value_once(store, readings, now)?;
        let is_missing = known.iter().any(|known| matches!(known, Known::Damaged));
        if !is_missing || is_settled(store, before) {
            return Ok(known);
        }
    }
    by_value_once(store, readings, now)
}

/// Whether no record has moved since there were as many relocations.
pub(super) fn is_settled(store: &dyn Store, before: u64) -> bool {
    before.is_multiple_of(2) && store.relocations_count() == before
}

fn by_value_once(
    store: &dyn Store,
    readings: &[&Reading<'_>],
    now: Timestamp,
) -> Result<Vec<Known>, StoreError> {
    let keys = |reading: &&Reading<'_>| reading.value_keys.clone();
    let rows = first_of_each(readings, keys, |keys: &[ValueKey]| store.values(keys))?;
    let record_key = |(reading, row): (&&Reading<'_>, Item<Option<ValueRow>>)| {
        let namespace = reading.value_keys.first().map(|key| key.namespace);
        let id = row?.map(|row| row.record);
        Ok(namespace
            .zip(id)
            .map(|(namespace, id)| RecordKey { namespace, id }))
    };
    let record_keys: Vec<Item<Option<RecordKey>>> =
        readings.iter().zip(rows).map(record_key).collect();
    let present = |key: &Item<Option<RecordKey>>| key.ok().flatten().into_iter().collect();
    let records = first_of_each(&record_keys, present, |keys| store.records(keys))?;
    let known = |(key, record): (Item<Option<RecordKey>>, Item<Option<Record>>)| match (key, record)
    {
        (Ok(None), _) => Known::No,
        // Its successor has just taken the row over: to be read again.
        (Ok(Some(_)), Ok(Some(record))) if record.successor.is_some() => Known::Damaged,
        (Ok(Some(key)), Ok(Some(record))) => Known::of(Found { id: key.id, record }, now),
        (Ok(Some(_)), Ok(None) | Err(_)) | (Err(_), _) => Known::Damaged,
    };
    Ok(record_keys.into_iter().zip(records).map(known).collect())
}

/// Finds the live records of tokens, in one read for all of them.
pub(super) fn by_token(
    store: &dyn Store,
    presented: &[&Presented<'_>],
    now: Timestamp,
) -> Result<Vec<Item<Option<Found>>>, StoreError> {
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
) -> Result<Vec<Item<Option<Found>>>, StoreError> {
    let found = any_by_record_keys(store, items, keys)?;
    let live = |found: Item<Option<Found>>| Ok(found?.filter(|found| found.is_live(now)));
    Ok(found.into_iter().map(live).collect())
}

/// Finds the record of each item, whether it lives or not, under the first of its keys that has
/// one.
pub(super) fn any_by_record_keys<T>(
    store: &dyn Store,
    items: &[T],
    keys: impl Fn(&T) -> Vec<RecordKey>,
) -> Result<Vec<Item<Option<Found>>>, StoreError> {
    let find = |keys: &[RecordKey]| {
        let records = store.records(keys)?;
        let found = |(key, record): (&RecordKey, Option<Record>)| {
            record.map(|record| Found { id: key.id, record })
        };
        Ok(keys.iter().zip(records).map(found).collect())
    };
    first_of_each(items, keys, find)
}

/// Reads the keys of all items at once, and gives each item the first row of its own keys. One
/// damaged row must not fail the items that do not need it: each then reads its own.
fn first_of_each<T, K: Copy, R>(
    items: &[T],
    keys: impl Fn(&T) -> Vec<K>,
    read: impl Fn(&[K]) -> Result<Vec<Option<R>>, StoreError>,
) -> Result<Vec<Item<Option<R>>>, StoreError> {
    let keys: Vec<Vec<K>> = items.iter().map(keys).collect();
    let mut rows = match read(&keys.concat()) {
        Ok(rows) => rows.into_iter(),
        Err(StoreError::Corrupt { table }) => {
            tracing::error!(table, "row that a call needs is damaged");
            return keys.iter().map(|own| first_alone(own, &read)).collect();
        }
        Err(error) => return Err(error),
    };
    let first = |own: &Vec<K>| {
        let own: Vec<Option<R>> = rows.by_ref().take(own.len()).collect();
        Ok(own.into_iter().flatten().next())
    };
    Ok(keys.iter().map(first).collect())
}

fn first_alone<K, R>(
    keys: &[K],
    read: impl Fn(&[K]) -> Result<Vec<Option<R>>, StoreError>,
) -> Result<Item<Option<R>>, StoreError> {
    match read(keys) {
        Ok(rows) => Ok(Ok(rows.into_iter().flatten().next())),
        Err(StoreError::Corrupt { .. }) => Ok(Err(ItemError::Damaged)),
        Err(error) => Err(error),
    }
}

/// How often records are read that move meanwhile.
const READS_MAX: usize = 8;
