//! Reading rows.

use std::sync::atomic::Ordering;

use rocksdb::IteratorMode;

use crate::store::Hash;
use crate::store::NamespaceId;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::Row;
use crate::store::Sharing;
use crate::store::Statistics;
use crate::store::StoreError;
use crate::store::StoredEntry;
use crate::store::StoredLeaf;
use crate::store::SubjectKey;
use crate::store::Table;
use crate::store::ValueKey;
use crate::store::ValueRow;
use crate::store::rocks::RocksStore;
use crate::store::rocks::ballast;
use crate::store::rocks::error::read_error;
use crate::store::rocks::error::unavailable;
use crate::store::rocks::layout;
use crate::store::rocks::layout::Family;
use crate::store::rocks::tier;
use crate::store::rocks::tier::Tier;

impl RocksStore {
    pub(super) fn read_records(
        &self,
        keys: &[RecordKey],
    ) -> Result<Vec<Option<Record>>, StoreError> {
        let keys: Vec<_> = keys.iter().map(layout::record_key).collect();
        self.multi_get(Family::Records, &keys, Record::decode)
    }

    pub(super) fn read_records_after(
        &self,
        namespace: NamespaceId,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<(RecordId, Record)>, StoreError> {
        let id = after.unwrap_or(RecordId([0; 16]));
        let from = layout::record_key(&RecordKey { namespace, id });
        let prefix = namespace.0.to_be_bytes();
        let after = after.is_some().then_some(from.as_slice());
        self.scan(Family::Records, &from, after, limit, |key, value| {
            let Some(id) = key.strip_prefix(&prefix) else {
                return Ok(None);
            };
            let id = id.try_into().map_err(|_| StoreError::Corrupt {
                table: Family::Records.name(),
            })?;
            Ok(Some((RecordId(id), Record::decode(value)?)))
        })
    }

    pub(super) fn read_values(
        &self,
        keys: &[ValueKey],
    ) -> Result<Vec<Option<ValueRow>>, StoreError> {
        let keys: Vec<_> = keys.iter().map(layout::value_key).collect();
        self.multi_get(Family::Values, &keys, ValueRow::decode)
    }

    pub(super) fn read_subject_records(
        &self,
        subject: &SubjectKey,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Vec<RecordId>, StoreError> {
        let prefix = layout::subject_prefix(subject);
        let from = after.map(|record| layout::subject_key(subject, record.0));
        let from = from
            .as_ref()
            .map_or(prefix.as_slice(), |key| key.as_slice());
        let after = after.is_some().then_some(from);
        self.scan(Family::Subjects, from, after, limit, |key, _| {
            let Some(record) = key.strip_prefix(&prefix) else {
                return Ok(None);
            };
            let corrupt = |_| StoreError::Corrupt {
                table: Family::Subjects.name(),
            };
            record
                .try_into()
                .map(|id| Some(RecordId(id)))
                .map_err(corrupt)
        })
    }

    pub(super) fn read_subject_links(
        &self,
        links: &[(SubjectKey, RecordId)],
    ) -> Result<Vec<bool>, StoreError> {
        let key =
            |(subject, record): &(SubjectKey, RecordId)| layout::subject_key(subject, record.0);
        let keys: Vec<_> = links.iter().map(key).collect();
        let found = self.multi_get(Family::Subjects, &keys, |_| Ok(()))?;
        Ok(found.into_iter().map(|link| link.is_some()).collect())
    }

    pub(super) fn read_sharing(
        &self,
        record: &RecordKey,
        subjects: &[SubjectKey],
    ) -> Result<Sharing, StoreError> {
        let own: Vec<_> = subjects
            .iter()
            .map(|subject| layout::sharer_key(record, subject))
            .collect();
        let found = self.multi_get(Family::Sharers, &own, |_| Ok(()))?;
        let prefix = layout::record_key(record);
        // One more than can be the customer's own: among so many, one is another's if any is.
        let limit = own.len() + 1;
        let sharers = self.scan(Family::Sharers, &prefix, None, limit, |key, _| {
            let key: Option<[u8; 36]> = key.try_into().ok();
            Ok(key.filter(|key| key.starts_with(&prefix)))
        })?;
        Ok(Sharing {
            is_further: found.iter().any(Option::is_some),
            has_others: sharers.iter().any(|key| !own.contains(key)),
        })
    }

    /// A number that the store keeps of itself; 0 if there is none yet.
    pub(super) fn read_count(&self, key: &[u8]) -> Result<u64, StoreError> {
        let corrupt = |_| StoreError::Corrupt {
            table: Family::Schema.name(),
        };
        let bytes = self.get(Family::Schema, key)?;
        let bytes = bytes.map(|bytes| bytes.as_slice().try_into().map_err(corrupt));
        Ok(bytes.transpose()?.map_or(0, u64::from_be_bytes))
    }

    pub(super) fn read_entries(
        &self,
        from: u64,
        limit: usize,
    ) -> Result<Vec<StoredLeaf>, StoreError> {
        self.not_pruned(from)?;
        let read = self.scan_entries(from, limit);
        read.map_err(|error| self.pruned_or(from, error))
    }

    fn scan_entries(&self, from: u64, limit: usize) -> Result<Vec<StoredLeaf>, StoreError> {
        let mut expected = from;
        let from = layout::entry_key(from);
        let rows = self.scan(Family::Audit, &from, None, limit, |key, value| {
            // A gap is damage: a log is read to be believed.
            if key != layout::entry_key(expected).as_slice() {
                return Err(StoreError::Corrupt {
                    table: Family::Audit.name(),
                });
            }
            expected += 1;
            let index = expected - 1;
            Ok(Some((index, StoredEntry::decode(index, value)?)))
        })?;
        rows.into_iter()
            .map(|(index, stored)| match stored {
                Some(stored) => Ok(StoredLeaf::Kept(stored)),
                None => self.read_erased(index),
            })
            .collect()
    }

    /// What is left of an entry that was erased: its place, and its leaf's in the tree.
    fn read_erased(&self, index: u64) -> Result<StoredLeaf, StoreError> {
        let hash = self.read_hashes(0, index, 1)?.into_iter().next();
        let hash = hash.ok_or(StoreError::Corrupt {
            table: Family::Tiles.name(),
        })?;
        Ok(StoredLeaf::Erased { index, hash })
    }

    pub(super) fn read_hashes(
        &self,
        level: u8,
        from: u64,
        limit: usize,
    ) -> Result<Vec<Hash>, StoreError> {
        if level > 0 {
            return self.scan_hashes(level, from, limit);
        }
        self.not_pruned(from)?;
        let read = self.scan_hashes(0, from, limit);
        read.map_err(|error| self.pruned_or(from, error))
    }

    fn scan_hashes(&self, level: u8, from: u64, limit: usize) -> Result<Vec<Hash>, StoreError> {
        let mut expected = from;
        let from = layout::hash_key(level, from);
        self.scan(Family::Tiles, &from, None, limit, |key, value| {
            if key.first() != Some(&level) {
                return Ok(None);
            }
            let corrupt = StoreError::Corrupt {
                table: Family::Tiles.name(),
            };
            if key != layout::hash_key(level, expected).as_slice() {
                return Err(corrupt);
            }
            expected += 1;
            value.try_into().map(Some).map_err(|_| corrupt)
        })
    }

    /// Refuses what was taken out of the log.
    fn not_pruned(&self, index: u64) -> Result<(), StoreError> {
        let size = self.pruned_size.load(Ordering::Acquire);
        if index < size {
            return Err(StoreError::Pruned { size });
        }
        Ok(())
    }

    /// Why what begins at an index could not be read: where it is taken out meanwhile, the rows are
    /// gone before the number in memory says so, and nothing is damaged.
    fn pruned_or(&self, index: u64, error: StoreError) -> StoreError {
        match self.read_count(layout::PRUNED_KEY) {
            Ok(size) if index < size => StoreError::Pruned { size },
            Ok(_) | Err(_) => error,
        }
    }

    pub(super) fn read_tree_size(&self) -> Result<u64, StoreError> {
        let handle = self.family(Family::Audit)?;
        let Some(last) = self.database.iterator_cf(handle, IteratorMode::End).next() else {
            return Ok(0);
        };
        let (key, _) = last.map_err(|error| read_error(Family::Audit, &error))?;
        let index = key.as_ref().try_into().map(u64::from_be_bytes).ok();
        let tree_size = index.and_then(|index| index.checked_add(1));
        tree_size.ok_or(StoreError::Corrupt {
            table: Family::Audit.name(),
        })
    }

    pub(super) fn read_rows(
        &self,
        table: Table,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.scan(
            Family::of(table),
            after.unwrap_or_default(),
            after,
            limit,
            |key, value| Ok(Some((key.to_vec(), value.to_vec()))),
        )
    }

    pub(super) fn read_statistics(&self) -> Result<Statistics, StoreError> {
        self.usable()?;
        let mut statistics = Statistics {
            free_bytes: ballast::free_bytes(&self.directory)?,
            tree_size: self.tree_size.load(Ordering::Acquire),
            erasures_unpurged_count: self.erasures_unpurged()?,
            ..Statistics::default()
        };
        for family in Family::ALL {
            statistics.memtable_bytes +=
                self.property(family, "rocksdb.cur-size-all-mem-tables")?;
            statistics.table_bytes += self.property(family, "rocksdb.total-sst-files-size")?;
        }
        statistics.records_count_estimate =
            self.property(Family::Records, "rocksdb.estimate-num-keys")?;
        Ok(statistics)
    }

    pub(super) fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.usable()?;
        let handle = self.family(family)?;
        let get = |tier: Tier| self.database.get_cf_opt(handle, key, &tier.options());
        self.disk_reads
            .read(|| get(Tier::Memory), || get(Tier::Disk))
            .map_err(|error| read_error(family, &error))
    }

    /// Reads rows in the order of the table, since one block then serves its neighbours, and
    /// answers in the order of `keys`.
    pub(super) fn multi_get<const N: usize, T>(
        &self,
        family: Family,
        keys: &[[u8; N]],
        decode: impl Fn(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        self.usable()?;
        let mut sorted: Vec<_> = keys.iter().zip(0_usize..).collect();
        sorted.sort_unstable();
        let handle = self.family(family)?;
        // One by one, since a batch would ask the disk whatever the tier says.
        let in_memory = || {
            let options = Tier::Memory.options();
            let one = |key: &[u8; N]| self.database.get_pinned_cf_opt(handle, key, &options);
            sorted.iter().map(|(key, _)| one(key)).collect()
        };
        let on_disk = || {
            let keys = sorted.iter().map(|(key, _)| *key);
            let (database, options) = (&self.database, Tier::Disk.options());
            let slices = database.batched_multi_get_cf_opt(handle, keys, true, &options);
            slices.into_iter().collect::<Result<Vec<_>, _>>()
        };
        let slices = if keys.len() > KEYS_TWICE_MAX {
            self.disk_reads.apart(on_disk)
        } else {
            self.disk_reads.read(in_memory, on_disk)
        };
        let slices = slices.map_err(|error| read_error(family, &error))?;
        let mut found = Vec::new();
        found.resize_with(keys.len(), || None);
        for ((_, position), slice) in sorted.iter().zip(slices) {
            if let (Some(slice), Some(place)) = (slice, found.get_mut(*position)) {
                *place = Some(decode(&slice)?);
            }
        }
        Ok(found)
    }

    /// Reads at most `limit` rows in the order of the table, from `from` on and without the row
    /// `after` itself, until `decode` says that a row is no longer of interest.
    pub(super) fn scan<T>(
        &self,
        family: Family,
        from: &[u8],
        after: Option<&[u8]>,
        limit: usize,
        decode: impl FnMut(&[u8], &[u8]) -> Result<Option<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.usable()?;
        let mut scan = Scan {
            family,
            limit,
            decode,
            found: Vec::new(),
            last: None,
        };
        if scan.walk(self, Tier::Memory, from, after)? == Walked::AsFarAsMemory {
            // Each row is looked at once: from the last one on.
            let last = scan.last.take();
            let (from, after) = match &last {
                Some(last) => (last.as_slice(), Some(last.as_slice())),
                None => (from, after),
            };
            self.disk_reads
                .apart(|| scan.walk(self, Tier::Disk, from, after))?;
        }
        Ok(scan.found)
    }

    pub(super) fn property(&self, family: Family, name: &str) -> Result<u64, StoreError> {
        let handle = self.family(family)?;
        let property = self
            .database
            .property_int_value_cf(handle, name)
            .map_err(unavailable)?;
        Ok(property.unwrap_or(0))
    }
}

/// A reading of rows in their order.
struct Scan<T, D> {
    family: Family,
    limit: usize,
    decode: D,
    found: Vec<T>,
    /// The key of the last row that was looked at.
    last: Option<Vec<u8>>,
}

/// How far a scan has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Walked {
    /// To its end.
    ToTheEnd,
    /// To where the next row is on the disk.
    AsFarAsMemory,
}

impl<T, D: FnMut(&[u8], &[u8]) -> Result<Option<T>, StoreError>> Scan<T, D> {
    fn walk(
        &mut self,
        store: &RocksStore,
        tier: Tier,
        from: &[u8],
        after: Option<&[u8]>,
    ) -> Result<Walked, StoreError> {
        let handle = store.family(self.family)?;
        let mut rows = store.database.raw_iterator_cf_opt(handle, tier.options());
        rows.seek(from);
        // Rows are looked at where they are, and none beyond the last that is wanted.
        while self.found.len() < self.limit
            && let Some((key, value)) = rows.item()
        {
            if after != Some(key) {
                let last = self.last.get_or_insert_default();
                last.clear();
                last.extend_from_slice(key);
                match (self.decode)(key, value)? {
                    Some(row) => self.found.push(row),
                    None => return Ok(Walked::ToTheEnd),
                }
            }
            if self.found.len() < self.limit {
                rows.next();
            }
        }
        // An iterator that fails ends as one does that has no more rows.
        match rows.status() {
            Ok(()) => Ok(Walked::ToTheEnd),
            Err(error) if tier == Tier::Memory && tier::is_on_disk(&error) => {
                Ok(Walked::AsFarAsMemory)
            }
            Err(error) => Err(read_error(self.family, &error)),
        }
    }
}

/// Up to so many rows, to look for them twice costs less than to hand a thread's tasks over.
const KEYS_TWICE_MAX: usize = 8;
