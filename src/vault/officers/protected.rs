//! Whom a wrapping key protects: the customers and fields of the records that are still under it.
//!
//! It is read in pages, each with the keys of its moment, so that a long list holds nothing up.
//! What a job moves to another version between two pages is in no later one, unless what has moved
//! is asked for, too: what was made before the version stopped to protect what is new.

use crate::access::Act;
use crate::audit::Decision;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::CeremonyError;
use crate::ceremony::Progress;
use crate::domain::FieldName;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::policy::Action;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::find::is_settled;
use crate::vault::journal::error_class;
use crate::vault::officers::usage::retired;
use crate::vault::read::Workplace;
use crate::vault::work;

/// A record that a key version protects, by whose it is and of which field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProtectedRecord {
    /// The customer whom it was made for; nobody where it names none.
    pub subject: Option<Subject>,
    /// Its field.
    pub field: FieldName,
    /// How many customers joined it later, whom it does not name; at most 1,000.
    pub further_count: usize,
}

/// Some of the records that a key version protects.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProtectedPage {
    /// The records.
    pub records: Vec<ProtectedRecord>,
    /// How many records this page looked at, those under other versions too.
    pub looked_at_count: usize,
    /// How many records under the version do not open: whose they are, nobody can say.
    pub damaged_count: usize,
    /// The share of the namespace that was read by now, in millionths.
    pub done_millionths: u32,
    /// Whether records moved to other places since the list was begun: some may be missing.
    pub has_moved: bool,
}

/// A list that somebody may read, and how far they have.
#[derive(Debug)]
pub struct ProtectedList {
    key: ProtectingKey,
    /// When the version had stopped to protect what is new, if what has moved since is asked for.
    retired: Option<Timestamp>,
    after: Option<RecordId>,
    relocations_before: u64,
    is_over: bool,
}

/// Which wrapping key is asked about.
#[derive(Clone, Debug)]
pub struct ProtectingKey {
    /// The tenant.
    pub namespace: Namespace,
    /// The version of its wrapping key.
    pub version: KeyVersion,
    /// Whether what has moved from it to newer versions is asked for, too.
    pub with_moved: bool,
}

impl Request for ProtectingKey {
    fn action(&self) -> Action {
        Action::ListKeys
    }

    /// As of every key: who sees that there is one may know what it protects.
    fn scope(&self) -> Scope<'_> {
        Scope::Vault
    }
}

impl Administrative for ProtectingKey {
    fn event(&self) -> Event {
        Event::KeysRead
    }

    fn namespace(&self) -> Option<&Namespace> {
        Some(&self.namespace)
    }

    fn key(&self) -> Option<(KeyPurpose, KeyVersion)> {
        Some((KeyPurpose::Wrapping, self.version))
    }
}

impl ProtectingKey {
    fn name(&self) -> KeyName {
        KeyName {
            purpose: KeyPurpose::Wrapping,
            namespace: Some(self.namespace.clone()),
            version: self.version,
        }
    }
}

impl Vault {
    /// Begins a list of whom a wrapping key protects. It is recorded before anything is read.
    ///
    /// # Errors
    ///
    /// If the caller may not know, there is no such key version, or it is destroyed.
    pub async fn list_protected(
        &self,
        caller: &Caller,
        key: ProtectingKey,
    ) -> Result<ProtectedList, VaultError> {
        let permitted = self.permit_administrative(caller, key, None).await?;
        let (key, hash) = (permitted.request(), permitted.permit().policy_hash());
        let retired = match self.retirement(key) {
            Ok(retired) => retired
                .filter(|_| key.with_moved)
                .map(|time| time.plus_seconds(MARGIN_SECONDS)),
            Err(error) => {
                let refused = self.denial(caller, key, hash, error_class(&error));
                self.record(caller, refused, Act::Refused).await?;
                return Err(error);
            }
        };
        let entry = EntryDraft {
            decision: Some(Decision::Permit),
            ..self.administrative_entry(caller, key, hash)
        };
        let relocations_before = self.store().relocations_count();
        if let Err(error) = self.record(caller, entry, Act::Work).await {
            return Err(self.not_administered(caller, key, hash, error).await);
        }
        Ok(ProtectedList {
            key: key.clone(),
            retired,
            after: None,
            relocations_before,
            is_over: false,
        })
    }

    /// The next page of a list; nothing after the last.
    ///
    /// # Errors
    ///
    /// If the version was destroyed meanwhile, or a row is damaged.
    pub fn next_protected(
        &self,
        list: &mut ProtectedList,
    ) -> Result<Option<ProtectedPage>, VaultError> {
        if list.is_over {
            return Ok(None);
        }
        let page = work(RECORDS_PER_PAGE, || self.read_protected(list))?;
        Ok(Some(page))
    }

    fn read_protected(&self, list: &mut ProtectedList) -> Result<ProtectedPage, VaultError> {
        let fields = self.fields_of(&list.key)?;
        let ring = self.ring();
        let workplace = self.place_of(&ring, &list.key.namespace, fields)?;
        let read = self
            .store()
            .records_after(fields.id, list.after, RECORDS_PER_PAGE)?;
        let mut page = ProtectedPage {
            looked_at_count: read.len(),
            ..ProtectedPage::default()
        };
        for (id, record) in &read {
            if !list.has(record) || record.wrapped.is_empty() {
                continue;
            }
            match workplace.whose(fields, *id, record) {
                Ok((subject, field)) => page.records.push(ProtectedRecord {
                    subject,
                    field,
                    further_count: self.further_count(fields, *id)?,
                }),
                Err(ItemError::KeyDestroyed) => return Err(destroyed()),
                Err(_) => page.damaged_count += 1,
            }
        }
        list.is_over = read.len() < RECORDS_PER_PAGE;
        list.after = read.last().map(|(id, _)| *id).or(list.after);
        page.done_millionths = list.millionths();
        page.has_moved = !is_settled(self.store(), list.relocations_before);
        Ok(page)
    }

    fn further_count(&self, fields: &NamespaceFields, id: RecordId) -> Result<usize, VaultError> {
        let key = RecordKey {
            namespace: fields.id,
            id,
        };
        Ok(self.store().sharers(&key, SHARERS_MAX)?.len())
    }

    fn fields_of(&self, key: &ProtectingKey) -> Result<&NamespaceFields, VaultError> {
        let fields = self.parts.namespaces.get(&key.namespace);
        fields.ok_or_else(|| CeremonyError::KeyState(NO_KEY).into())
    }

    /// When the version stopped to protect what is new, if it did; where it can be listed at all.
    fn retirement(&self, key: &ProtectingKey) -> Result<Option<Timestamp>, VaultError> {
        self.fields_of(key)?;
        let table = self.key_table()?;
        let stored = table.key(&key.name());
        let stored = stored.ok_or(CeremonyError::KeyState(NO_KEY))?;
        match stored.metadata().state() {
            KeyState::Destroyed => Err(destroyed()),
            KeyState::Active
            | KeyState::Compromised
            | KeyState::Deactivated
            | KeyState::PreActivation
            | KeyState::Suspended => Ok(retired(stored.metadata())),
        }
    }
}

impl Workplace<'_> {
    /// Whose record it is, and of which field.
    fn whose(
        &self,
        fields: &NamespaceFields,
        id: RecordId,
        record: &Record,
    ) -> Result<(Option<Subject>, FieldName), ItemError> {
        let field = self.field_of(fields.names(), id, record)?;
        let subject = self.subject(&self.record_name(&field, id), record)?;
        Ok((subject, field))
    }
}

impl ProtectedList {
    /// Whether the version protects the record, or did. A record that is under a newer version and
    /// was made in time was under this one when it retired; or under an older one, which it had
    /// not been moved from.
    fn has(&self, record: &Record) -> bool {
        let version = record.wrapping_version;
        let is_of_then = self.retired.is_some_and(|time| record.created <= time);
        version == self.key.version || (version > self.key.version && is_of_then)
    }

    fn millionths(&self) -> u32 {
        if self.is_over {
            return 1_000_000;
        }
        // Record ids are spread evenly, as for the job that moves them.
        let place = Progress {
            after: self.after.map(|id| id.0),
            ..Progress::default()
        };
        place.millionths()
    }
}

fn destroyed() -> VaultError {
    CeremonyError::KeyState(DESTROYED).into()
}

/// Customers who joined one record that are counted, at the most.
const SHARERS_MAX: usize = 1_000;
/// Records that one page looks at.
const RECORDS_PER_PAGE: usize = 1_000;
/// A version retires at the time that its officers' turn began; until that was written, and the new
/// keys were in use, calls still came under it. None of those may be missing from a list.
const MARGIN_SECONDS: u64 = 60;
const NO_KEY: &str = "there is no such key version";
const DESTROYED: &str = "the key version is destroyed, and whom it protected can be told no more; \
                         who was seen under it: counterfoil audit exposure --key-version";
