//! The records of a customer: where they are listed, and what each is.

use std::collections::BTreeSet;

use crate::domain::FieldName;
use crate::domain::Subject;
use crate::store::Erasure;
use crate::store::Fate;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::SubjectKey;
use crate::vault::field::NamespaceFields;
use crate::vault::read::Workplace;

/// A record on a customer's list.
pub(super) struct Listed {
    /// What erasing the customer makes of it.
    pub(super) erasure: Erasure,
    /// Its field; nothing where that is no longer configured, or the record does not open.
    pub(super) field: Option<FieldName>,
}

/// Some of a customer's records, in the order of their ids.
pub(super) struct Page {
    pub(super) records: Vec<Listed>,
    /// The last of them, if there may be more after it.
    pub(super) next: Option<RecordId>,
}

impl Listed {
    pub(super) fn record(&self) -> Option<&Record> {
        self.erasure.expected.as_ref()
    }

    pub(super) fn fate(&self) -> Fate {
        self.erasure.fate()
    }
}

impl Workplace<'_> {
    /// Reads at most `limit` of a customer's records after `after`.
    pub(super) fn records_of(
        &self,
        store: &dyn Store,
        fields: &NamespaceFields,
        subject: &Subject,
        after: Option<RecordId>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let subjects = self.subject_keys(subject);
        let mut ids = BTreeSet::new();
        for key in &subjects {
            ids.extend(store.subject_records(key, after, limit)?);
        }
        let ids: Vec<RecordId> = ids.into_iter().take(limit).collect();
        let next = ids.last().copied().filter(|_| ids.len() == limit);
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            records.push(self.listed(store, fields, subject, &subjects, id)?);
        }
        Ok(Page { records, next })
    }

    fn listed(
        &self,
        store: &dyn Store,
        fields: &NamespaceFields,
        subject: &Subject,
        subjects: &[SubjectKey],
        id: RecordId,
    ) -> Result<Listed, StoreError> {
        let key = RecordKey {
            namespace: self.id,
            id,
        };
        let expected = store.records(&[key])?.into_iter().next().flatten();
        let sharing = store.sharing(&key, subjects)?;
        let field = expected
            .as_ref()
            .and_then(|record| self.field_of(fields.names(), id, record).ok());
        let named = field
            .as_ref()
            .zip(expected.as_ref())
            .and_then(|(field, record)| self.subject(&self.record_name(field, id), record).ok()?);
        // A record that does not open still says, by how it is listed, whom it was made for.
        let is_own = named
            .as_ref()
            .map_or(!sharing.is_further, |named| named == subject);
        let erasure = Erasure {
            key,
            subjects: subjects.to_vec(),
            expected,
            sharing,
            is_own,
        };
        Ok(Listed { erasure, field })
    }

    /// Where the records of a subject are listed: under each version of the fingerprint key that
    /// processes, the active one first.
    pub(super) fn subject_keys(&self, subject: &Subject) -> Vec<SubjectKey> {
        let versions = self.keys.value_fingerprint().iter();
        versions
            .map(|(key_version, key)| SubjectKey {
                namespace: self.id,
                fingerprint: *key.subject(self.namespace, subject).as_bytes(),
                key_version,
            })
            .collect()
    }
}
