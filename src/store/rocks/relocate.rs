//! Moving records to where newer fingerprint keys find them.

use std::collections::BTreeSet;

use rocksdb::WriteBatch;

use crate::store::Changes;
use crate::store::NamespaceId;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::Relocation;
use crate::store::SHARERS_MAX;
use crate::store::StoreError;
use crate::store::SubjectKey;
use crate::store::ValueRow;
use crate::store::rocks::RocksStore;
use crate::store::rocks::layout;
use crate::store::rocks::layout::Family;

impl RocksStore {
    /// Writes records at their new places, and removes them from their old ones. Says whether there
    /// were any.
    pub(super) fn put_relocations(
        &self,
        write: &mut WriteBatch,
        group: &[&Changes],
    ) -> Result<bool, StoreError> {
        let mut has_any = false;
        for changes in group {
            let sharers = changes.relocations.iter().map(|it| it.sharers.len());
            if sharers.sum::<usize>() > SHARERS_MAX {
                return Err(StoreError::TooLarge {
                    what: "call",
                    limit: SHARERS_MAX,
                });
            }
            for relocation in &changes.relocations {
                has_any = true;
                self.put_relocation(write, relocation)?;
            }
        }
        Ok(has_any)
    }

    fn put_relocation(
        &self,
        write: &mut WriteBatch,
        relocation: &Relocation,
    ) -> Result<(), StoreError> {
        let Relocation { from, to, .. } = relocation;
        let records = self.family(Family::Records)?;
        if from != to {
            write.delete_cf(records, layout::record_key(from));
        }
        write.put_cf(records, layout::record_key(to), relocation.after.encode()?);
        self.put_value_row(write, relocation)?;

        let subjects = self.family(Family::Subjects)?;
        let lists: BTreeSet<SubjectKey> = relocation.lists_before().collect();
        let links: Vec<_> = lists.iter().map(|list| (*list, from.id)).collect();
        let are_there = self.read_subject_links(&links)?;
        for (list, _) in lists
            .iter()
            .zip(are_there)
            .filter(|(_, is_there)| *is_there)
        {
            let after = relocation.list_after(list);
            if (*list, from) == (after, to) {
                continue;
            }
            write.delete_cf(subjects, layout::subject_key(list, from.id.0));
            let version = layout::link_value(&after);
            write.put_cf(subjects, layout::subject_key(&after, to.id.0), version);
        }
        let sharers = self.family(Family::Sharers)?;
        for sharer in &relocation.sharers {
            let after = relocation.list_after(sharer);
            if (*sharer, from) == (after, to) {
                continue;
            }
            write.delete_cf(sharers, layout::sharer_key(from, sharer));
            let version = layout::link_value(&after);
            write.put_cf(sharers, layout::sharer_key(to, &after), version);
        }
        Ok(())
    }

    /// The row of the value index goes with its record. One that a younger record of the same value
    /// has taken over stays that one's.
    fn put_value_row(
        &self,
        write: &mut WriteBatch,
        relocation: &Relocation,
    ) -> Result<(), StoreError> {
        let Some(before) = relocation.value_key_before() else {
            return Ok(());
        };
        let row = self.read_values(&[before])?.into_iter().next().flatten();
        if row.is_none_or(|row| row.record != relocation.from.id) {
            return Ok(());
        }
        let values = self.family(Family::Values)?;
        let after = relocation.value_key_after();
        if after != Some(before) {
            write.delete_cf(values, layout::value_key(&before));
        }
        if let Some((key, index)) = after.zip(relocation.after.value_index) {
            let row = ValueRow {
                record: relocation.to.id,
                key_version: index.key_version,
            };
            write.put_cf(values, layout::value_key(&key), row.encode());
        }
        Ok(())
    }

    /// Who joined a record, in the order of the table, at most `limit`.
    pub(super) fn read_sharers(
        &self,
        record: &RecordKey,
        limit: usize,
    ) -> Result<Vec<SubjectKey>, StoreError> {
        let prefix = layout::record_key(record);
        self.scan(Family::Sharers, &prefix, None, limit, |key, value| {
            let Some(fingerprint) = key.strip_prefix(&prefix) else {
                return Ok(None);
            };
            let list = layout::read_list(record.namespace, fingerprint, value);
            list.map(Some).ok_or(StoreError::Corrupt {
                table: Family::Sharers.name(),
            })
        })
    }

    /// The links of a namespace, in the order of the table, after `after`.
    pub(super) fn read_links_after(
        &self,
        namespace: NamespaceId,
        after: Option<(SubjectKey, RecordId)>,
        limit: usize,
    ) -> Result<Vec<(SubjectKey, RecordId)>, StoreError> {
        let prefix = namespace.0.to_be_bytes();
        let after = after.map(|(list, id)| layout::subject_key(&list, id.0));
        let after = after.as_ref().map(|key| key.as_slice());
        let from = after.unwrap_or(&prefix);
        self.scan(Family::Subjects, from, after, limit, |key, value| {
            let Some(rest) = key.strip_prefix(&prefix) else {
                return Ok(None);
            };
            let link = rest.split_at_checked(16).and_then(|(list, id)| {
                let list = layout::read_list(namespace, list, value)?;
                Some((list, RecordId(id.try_into().ok()?)))
            });
            link.map(Some).ok_or(StoreError::Corrupt {
                table: Family::Subjects.name(),
            })
        })
    }
}
