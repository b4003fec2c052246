//! What the conditions of a group of calls speak of, as it is in the store.

use crate::store::Changes;
use crate::store::NewRecord;
use crate::store::RecordKey;
use crate::store::Relocation;
use crate::store::RequestRow;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::ValueKey;
use crate::store::condition::Present;
use crate::store::recent::Moment;
use crate::store::recent::Recent;
use crate::store::rocks::RocksStore;
use crate::store::rocks::layout;
use crate::store::rocks::layout::Family;

impl RocksStore {
    /// Reads the rows that the conditions of a group speak of; not those that a call has read, and
    /// that nobody has written since.
    pub(super) fn read_present(
        &self,
        group: &[&Changes],
        recent: &Recent,
    ) -> Result<Present, StoreError> {
        let mut present = Present::default();
        present.relocations_count = self.relocations_count();
        self.find_places(group, recent, &mut present)?;
        self.find_values(group, recent, &mut present)?;
        self.find_changed(group, &mut present)?;
        self.find_rows(group, &mut present)?;
        Ok(present)
    }

    /// Finds which places are taken: those that must be free, or, of links, must not.
    fn find_places(
        &self,
        group: &[&Changes],
        recent: &Recent,
        present: &mut Present,
    ) -> Result<(), StoreError> {
        let new = new_records(group).flat_map(|(new, read)| {
            let places = [&new.key].into_iter().chain(&new.older.records);
            let is_open = move |key: &&RecordKey| {
                read.is_none_or(|read| !recent.is_record_unwritten(key, read))
            };
            places.filter(is_open)
        });
        let moved = relocations(group).map(|moved| &moved.to);
        let links = group.iter().flat_map(|changes| &changes.links);
        let linked = links.map(|(list, id)| RecordKey {
            namespace: list.namespace,
            id: *id,
        });
        let places: Vec<_> = new.chain(moved).copied().chain(linked).collect();
        let keys: Vec<_> = places.iter().map(layout::record_key).collect();
        let found = self.multi_get(Family::Records, &keys, |_| Ok(()))?;
        let taken = places.into_iter().zip(found);
        let taken = taken.filter(|(_, found)| found.is_some());
        present.records = taken.map(|(key, _)| key).collect();
        Ok(())
    }

    /// Finds which rows of the value index are there.
    fn find_values(
        &self,
        group: &[&Changes],
        recent: &Recent,
        present: &mut Present,
    ) -> Result<(), StoreError> {
        let new = new_records(group).flat_map(|(new, read)| {
            let rows = new.value_key.iter().chain(&new.older.values);
            let is_open = move |key: &&ValueKey| {
                read.is_none_or(|read| !recent.is_value_unwritten(key, read))
            };
            rows.filter(is_open)
        });
        let moved = relocations(group).filter_map(Relocation::value_key_after);
        let keys: Vec<_> = new.copied().chain(moved).collect();
        let found = self.read_values(&keys)?;
        let rows = keys.into_iter().zip(found);
        let rows = rows.filter_map(|(key, row)| Some((key, row?.record)));
        present.values = rows.collect();
        Ok(())
    }

    /// Finds the records that calls change, move, replace or erase, as they are.
    fn find_changed(&self, group: &[&Changes], present: &mut Present) -> Result<(), StoreError> {
        let replacements = group.iter().flat_map(|changes| &changes.replacements);
        let replaced: Vec<_> = replacements.map(|replacement| replacement.key).collect();
        let found = self.read_records(&replaced)?;
        let rows = replaced.into_iter().zip(found);
        let rows = rows.filter_map(|(key, record)| Some((key, record?)));
        present.replaced = rows.collect();

        let moved = relocations(group).map(|moved| (moved.from, moved.sharers.len()));
        let successions = group.iter().flat_map(|changes| &changes.successions);
        let succeeded = successions.map(|succession| (succession.key, succession.sharers.len()));
        for (key, sharers_count) in moved.chain(succeeded) {
            let record = self.read_records(&[key])?.into_iter().next();
            let sharers = self.read_sharers(&key, sharers_count + 1)?;
            let as_read = record.flatten().map(|record| (record, sharers));
            present.relocated.extend(as_read.map(|it| (key, it)));
        }
        for erasure in group.iter().flat_map(|changes| &changes.erasures) {
            if let Some(subject) = erasure.subjects.first() {
                let record = self.read_records(&[erasure.key])?.into_iter().next();
                let sharing = self.read_sharing(&erasure.key, &erasure.subjects)?;
                let as_read = (record.flatten(), sharing);
                present.erasures.insert((erasure.key, *subject), as_read);
            }
        }
        Ok(())
    }

    /// Finds the rows of request ids, and of small tables.
    fn find_rows(&self, group: &[&Changes], present: &mut Present) -> Result<(), StoreError> {
        for changes in group {
            let request = changes.request.iter().map(|(key, _)| key);
            for key in request.chain(&changes.older_requests) {
                let row = self.get(Family::Requests, &layout::request_key(key))?;
                if let Some(row) = row.map(|bytes| RequestRow::decode(&bytes)).transpose()? {
                    present.requests.insert(*key, row.expires);
                }
            }
            for change in &changes.rows {
                if let Some(value) = self.get(Family::of(change.table), &change.key)? {
                    let key = (change.table, change.key.clone());
                    present.rows.insert(key, value);
                }
            }
        }
        Ok(())
    }
}

/// The new records of a group, and when their places and rows were read, if they were.
fn new_records<'a>(group: &'a [&Changes]) -> impl Iterator<Item = (&'a NewRecord, Option<Moment>)> {
    group.iter().flat_map(|changes| {
        let reads = changes.reads.as_ref();
        let reads = reads.filter(|reads| reads.has_read_places);
        let read = reads.map(|reads| reads.moment);
        changes.records.iter().map(move |new| (new, read))
    })
}

fn relocations<'a>(group: &'a [&Changes]) -> impl Iterator<Item = &'a Relocation> {
    group.iter().flat_map(|changes| &changes.relocations)
}
