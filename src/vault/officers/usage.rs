//! What is still under a key version: what keeps it from being destroyed.

use crate::ceremony::CeremonyError;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::domain::Timestamp;
use crate::keys::KeyMetadata;
use crate::keys::KeyTable;
use crate::store::NamespaceId;
use crate::store::Record;
use crate::store::RecordState;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::find::is_settled;
use crate::vault::retry::REMEMBERED_SECONDS;
use crate::vault::work;

/// What is still under a key version.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeyUsage {
    /// Records that only this version opens, or finds.
    pub records_count: u64,
    /// Links of customers with their records, which only this version finds.
    pub links_count: u64,
    /// Rows of charter and ceremonies that only this version authenticates.
    pub rows_count: u64,
    /// Places of erased tokens that only this version finds. They hold nothing back: without them,
    /// such a token may be drawn again.
    pub tombstones_count: u64,
}

impl KeyUsage {
    /// Whether the version may be destroyed without anything being lost.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.records_count == 0 && self.links_count == 0 && self.rows_count == 0
    }

    fn count(&mut self, record: &Record, name: &KeyName, now: Timestamp) {
        let is_live =
            record.state == RecordState::Live && record.expires.is_none_or(|expires| now < expires);
        let value_version = record.value_index.map(|index| index.key_version);
        match name.purpose {
            KeyPurpose::TokenFingerprint if record.token_version == name.version => {
                self.records_count += u64::from(is_live);
                self.tombstones_count += u64::from(record.state == RecordState::Erased);
            }
            KeyPurpose::ValueFingerprint if value_version == Some(name.version) => {
                self.records_count += u64::from(is_live);
            }
            KeyPurpose::Wrapping if record.wrapping_version == name.version => {
                self.records_count += u64::from(!record.wrapped.is_empty());
            }
            KeyPurpose::AuditFingerprint
            | KeyPurpose::AuditSigning
            | KeyPurpose::DomainTag
            | KeyPurpose::TokenFingerprint
            | KeyPurpose::ValueFingerprint
            | KeyPurpose::Wrapping => {}
        }
    }
}

impl Vault {
    /// Counts what is still under a key version, by reading every record of its namespace, or every
    /// row that a key of the vault authenticates.
    pub(super) fn usage(&self, name: &KeyName, now: Timestamp) -> Result<KeyUsage, VaultError> {
        let mut usage = KeyUsage::default();
        if name.purpose == KeyPurpose::AuditFingerprint {
            usage.rows_count = self.rows_under(name.version)?;
        }
        let Some(namespace) = self.namespace_id(name)? else {
            return Ok(usage);
        };
        let mut after = None;
        loop {
            let page = self
                .store()
                .records_after(namespace, after, ROWS_PER_READ)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (_, record) in &page {
                usage.count(record, name, now);
            }
        }
        if name.purpose == KeyPurpose::ValueFingerprint {
            usage.links_count = self.links_under(name, namespace)?;
        }
        Ok(usage)
    }

    fn links_under(&self, name: &KeyName, namespace: NamespaceId) -> Result<u64, VaultError> {
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.store().links_after(namespace, after, ROWS_PER_READ)?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            after = Some(*last);
            let is_under = |list: &crate::store::SubjectKey| list.key_version == name.version;
            for (list, _) in &page {
                count += u64::from(is_under(list));
            }
        }
    }

    /// A key is destroyed only when it protects nothing any more. Whoever asks holds the desk.
    pub(super) fn check_unused(
        &self,
        table: &KeyTable,
        name: &KeyName,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let before = self.store().relocations_count();
        let mut usage = work(usize::MAX, || self.usage(name, now))?;
        // A link may have moved to where had been looked already. No record moves twice before
        // another rotation, for which the desk is not free now: so who looks again misses none.
        if usage.is_none() && !is_settled(self.store(), before) {
            usage = work(usize::MAX, || self.usage(name, now))?;
        }
        if !usage.is_none() {
            return Err(still_used(name.purpose, usage).into());
        }
        let key = table.key(name).map(|key| key.metadata());
        let is_remembering = name.purpose == KeyPurpose::ValueFingerprint
            && key
                .and_then(retired)
                .is_some_and(|retired| now < retired.plus_seconds(REMEMBERED_SECONDS));
        if is_remembering {
            return Err(CeremonyError::KeyState(REMEMBERING).into());
        }
        Ok(())
    }
}

/// When a version stopped to protect what is new.
pub(super) fn retired(key: &KeyMetadata) -> Option<Timestamp> {
    let changes = key.changes();
    changes.windows(2).rev().find_map(|pair| match pair {
        [(KeyState::Active, _), (_, time)] => Some(*time),
        _ => None,
    })
}

fn still_used(purpose: KeyPurpose, usage: KeyUsage) -> CeremonyError {
    let KeyUsage {
        records_count,
        links_count,
        ..
    } = usage;
    match purpose {
        KeyPurpose::TokenFingerprint | KeyPurpose::ValueFingerprint => CeremonyError::KeyInUse {
            records_count,
            links_count,
        },
        KeyPurpose::AuditFingerprint => CeremonyError::KeyState(ROWS_STILL_USED),
        KeyPurpose::AuditSigning | KeyPurpose::DomainTag | KeyPurpose::Wrapping => {
            CeremonyError::KeyWraps { records_count }
        }
    }
}

const ROWS_PER_READ: usize = 1_000;
const ROWS_STILL_USED: &str = "charter or operations are still authenticated by this key \
                               version: wait until its rotation is done";
const REMEMBERING: &str = "request ids are still found by this key version, for a day after it \
                           was replaced";
