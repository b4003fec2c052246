//! Giving records successors.

use rocksdb::WriteBatch;

use crate::store::Changes;
use crate::store::RECORDS_MAX;
use crate::store::StoreError;
use crate::store::Succession;
use crate::store::rocks::RocksStore;
use crate::store::rocks::layout;
use crate::store::rocks::layout::Family;

impl RocksStore {
    /// Writes records that get a successor as they are afterwards, and removes their rows in the
    /// value index. Says how many calls have any.
    pub(super) fn put_successions(
        &self,
        write: &mut WriteBatch,
        group: &[&Changes],
    ) -> Result<u64, StoreError> {
        let mut calls_count = 0;
        for changes in group.iter().filter(|it| !it.successions.is_empty()) {
            if changes.successions.len() > RECORDS_MAX {
                return Err(StoreError::TooLarge {
                    what: "call",
                    limit: RECORDS_MAX,
                });
            }
            calls_count += 1;
            for succession in &changes.successions {
                self.put_succession(write, succession)?;
            }
        }
        Ok(calls_count)
    }

    fn put_succession(
        &self,
        write: &mut WriteBatch,
        succession: &Succession,
    ) -> Result<(), StoreError> {
        let key = &succession.key;
        let records = self.family(Family::Records)?;
        write.put_cf(records, layout::record_key(key), succession.after.encode()?);
        let Some(value_key) = succession.value_key() else {
            return Ok(());
        };
        // One that is another record's stays that one's.
        let row = self.read_values(&[value_key])?.into_iter().next().flatten();
        if row.is_some_and(|row| row.record == key.id) {
            write.delete_cf(self.family(Family::Values)?, layout::value_key(&value_key));
        }
        Ok(())
    }
}
