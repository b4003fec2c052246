//! DescribeSubject: which records a customer has, by field. Never their values or tokens: the
//! vault has neither.

use std::collections::BTreeMap;

use crate::access::Act;
use crate::audit::EntryItem;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::policy::Action;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::ERASURES_MAX;
use crate::store::Fate;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::erase_subject::named;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::find::is_settled;
use crate::vault::subject_records::Listed;
use crate::vault::work;

/// A customer whom somebody asks about.
#[derive(Clone, Debug)]
pub struct DescribeSubject {
    /// The tenant.
    pub namespace: Namespace,
    /// The customer.
    pub subject: Subject,
}

/// What a customer has.
#[derive(Clone, Debug, Default)]
pub struct SubjectDescription {
    /// What it has of each field; under no name: of fields that are no longer configured.
    pub fields: BTreeMap<Option<FieldName>, FieldRecords>,
    /// Whether that is all of it.
    pub is_complete: bool,
}

/// What a customer has of one field.
#[derive(Clone, Copy, Debug)]
pub struct FieldRecords {
    /// How many records.
    pub records_count: u64,
    /// How many of them other customers have too.
    pub shared_count: u64,
    /// How many of them have expired: their tokens open no more.
    pub expired_count: u64,
    /// When the first was made.
    pub first_created: Timestamp,
    /// When the last was made.
    pub last_created: Timestamp,
}

impl Request for DescribeSubject {
    fn action(&self) -> Action {
        Action::DescribeSubject
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Administrative for DescribeSubject {
    fn event(&self) -> Event {
        Event::SubjectDescribed
    }

    fn namespace(&self) -> Option<&Namespace> {
        Some(&self.namespace)
    }

    fn items(&self) -> Vec<EntryItem> {
        vec![named(&self.subject, ItemOutcome::Found)]
    }
}

impl Vault {
    /// Says which records a customer has. It is recorded before it is read.
    ///
    /// # Errors
    ///
    /// If the caller may not know, or a record is damaged.
    pub async fn describe_subject(
        &self,
        caller: &Caller,
        request: DescribeSubject,
    ) -> Result<SubjectDescription, VaultError> {
        let Some(fields) = self.parts.namespaces.get(&request.namespace) else {
            return Err(self.deny_administrative(caller, &request).await);
        };
        let (permitted, _) = self
            .administer(caller, request, None, |_| Act::Work)
            .await?;
        work(usize::MAX, || {
            self.describe_records(permitted.request(), fields)
        })
    }

    fn describe_records(
        &self,
        request: &DescribeSubject,
        fields: &NamespaceFields,
    ) -> Result<SubjectDescription, VaultError> {
        for _ in 1..READS_MAX {
            let before = self.store().relocations_count();
            let description = self.describe_once(request, fields)?;
            // What moves from list to list meanwhile may be missed, or be counted twice.
            if is_settled(self.store(), before) {
                return Ok(description);
            }
        }
        self.describe_once(request, fields)
    }

    fn describe_once(
        &self,
        request: &DescribeSubject,
        fields: &NamespaceFields,
    ) -> Result<SubjectDescription, VaultError> {
        let ring = self.ring();
        let workplace = self.place_of(&ring, &request.namespace, fields)?;
        let now = self.parts.clock.now();
        let mut description = SubjectDescription::default();
        let mut after = None;
        for _ in 0..PAGES_MAX {
            let (subject, limit) = (&request.subject, ERASURES_MAX);
            let page = workplace.records_of(self.store(), fields, subject, after, limit)?;
            for listed in &page.records {
                description.add(listed, now);
            }
            after = page.next;
            if after.is_none() {
                description.is_complete = true;
                break;
            }
        }
        Ok(description)
    }
}

impl SubjectDescription {
    fn add(&mut self, listed: &Listed, now: Timestamp) {
        let fate = listed.fate();
        let Some(record) = listed.record().filter(|_| fate != Fate::Gone) else {
            return;
        };
        let of_field = self
            .fields
            .entry(listed.field.clone())
            .or_insert(FieldRecords {
                records_count: 0,
                shared_count: 0,
                expired_count: 0,
                first_created: record.created,
                last_created: record.created,
            });
        of_field.records_count += 1;
        of_field.shared_count += u64::from(fate != Fate::Erased);
        of_field.expired_count += u64::from(record.expires.is_some_and(|expires| expires <= now));
        of_field.first_created = of_field.first_created.min(record.created);
        of_field.last_created = of_field.last_created.max(record.created);
    }
}

/// Pages of records that one call looks at: 10,000 records.
const PAGES_MAX: usize = 20;
/// How often the lists are read, while records move from one to another.
const READS_MAX: usize = 8;
