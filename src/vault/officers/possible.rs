//! Whether an operation could be carried out: so that nobody signs, or waits, for what cannot.

use crate::audit::EntryErasureError;
use crate::audit::PruningError;
use crate::audit::check_entry_erasure;
use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::LogPoint;
use crate::ceremony::Operation;
use crate::ceremony::RETOKENIZATION_SECONDS_MAX;
use crate::ceremony::Retokenization;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::error::VaultError;

impl Vault {
    /// Says whether an operation could be carried out now, so that nobody signs for what cannot.
    pub(super) fn check_possible(&self, operation: &Operation) -> Result<(), VaultError> {
        if operation.kind().is_offline() {
            return Err(CeremonyError::Unsupported(OFFLINE).into());
        }
        if let Some(allowed) = operation.retokenization() {
            self.check_allowable(allowed)?;
        }
        if let Operation::EraseEntry(index) = operation {
            self.check_erasable(*index)?;
        }
        if let Operation::PruneLog(archived) = operation {
            self.check_prunable(archived)?;
        }
        let Some(name) = operation.key() else {
            return Ok(());
        };
        if !CHANGEABLE.contains(&name.purpose) {
            return Err(CeremonyError::Unsupported(UNSUPPORTED).into());
        }
        let table = self.key_table()?;
        let key = table.key(name).ok_or(CeremonyError::KeyState(NO_KEY))?;
        // Its records cannot be told from others without its number.
        self.namespace_id(name)?;
        let state = key.metadata().state();
        let is_possible = match operation {
            Operation::AcceptRollback(_)
            | Operation::ChangeCharter(_)
            | Operation::EraseEntry(_)
            | Operation::PruneLog(_)
            | Operation::Retokenize(_)
            | Operation::RotateRootKey(_) => true,
            Operation::CompromiseKey(_) => state.transition(KeyState::Compromised).is_ok(),
            Operation::DestroyKey(_) => state.transition(KeyState::Destroyed).is_ok(),
            Operation::ResumeKey(_) => state == KeyState::Suspended,
            Operation::RotateKey(_) => state == KeyState::Active,
            Operation::SuspendKey(_) => state.transition(KeyState::Suspended).is_ok(),
        };
        if is_possible {
            Ok(())
        } else {
            Err(CeremonyError::KeyState(KEY_STATE).into())
        }
    }

    /// Says whether what a ceremony would do could be done when it is due, as far as can be told by
    /// now: nobody waits for what fails then.
    pub(super) fn check_possible_when_due(&self, ceremony: &Ceremony) -> Result<(), VaultError> {
        let operation = &ceremony.statement.operation;
        self.check_possible(operation)?;
        let now = self.now();
        // What is due is checked as it is carried out.
        if let Operation::DestroyKey(key) = operation
            && !ceremony.is_due(now)
        {
            let earliest = now.plus_seconds(ceremony.rule.delay_seconds);
            self.check_unused(&self.key_table()?, key, ceremony.due.unwrap_or(earliest))?;
        }
        Ok(())
    }

    /// Says whether tokens of the namespace could be replaced until then.
    fn check_allowable(&self, allowed: &Retokenization) -> Result<(), CeremonyError> {
        let now = self.now();
        if !self.parts.namespaces.contains_key(&allowed.namespace) {
            return Err(CeremonyError::Allowance(NO_NAMESPACE));
        }
        if allowed.until <= now {
            return Err(CeremonyError::Allowance(IS_OVER));
        }
        if allowed.until > now.plus_seconds(RETOKENIZATION_SECONDS_MAX) {
            return Err(CeremonyError::Allowance(TOO_LONG));
        }
        Ok(())
    }

    /// Says whether an entry of the log could be erased.
    fn check_erasable(&self, index: u64) -> Result<(), VaultError> {
        check_entry_erasure(self.store(), index).map_err(|error| match error {
            EntryErasureError::Archived => CeremonyError::Entry(ARCHIVED).into(),
            EntryErasureError::Erased => CeremonyError::Entry(ERASED).into(),
            EntryErasureError::Kind => CeremonyError::Entry(STAYS).into(),
            EntryErasureError::Missing => CeremonyError::Entry(NO_ENTRY).into(),
            EntryErasureError::Store(error) => unreadable(error),
        })
    }

    /// Says whether this much of the log could be taken out of the vault.
    fn check_prunable(&self, archived: &LogPoint) -> Result<(), VaultError> {
        self.parts
            .log
            .check_pruning(archived)
            .map_err(|error| match error {
                PruningError::Before => CeremonyError::Entry(ARCHIVED).into(),
                PruningError::Place => CeremonyError::Entry(NO_SEGMENT).into(),
                PruningError::Root => CeremonyError::Entry(OTHER_LOG).into(),
                PruningError::Store(error) => unreadable(error),
                PruningError::Unwitnessed => CeremonyError::Entry(UNWITNESSED).into(),
            })
    }
}

/// A part of the log that cannot be read. What is damaged stays so: an operation about it is over,
/// while one that meets a store that is away may be tried again.
fn unreadable(error: StoreError) -> VaultError {
    match error {
        StoreError::Corrupt { table } => {
            tracing::error!(table, "log that an operation is about is damaged");
            CeremonyError::Entry(DAMAGED).into()
        }
        StoreError::AlreadyExists
        | StoreError::Conflict
        | StoreError::DiskFull { .. }
        | StoreError::Missing
        | StoreError::OutcomeUnknown(_)
        | StoreError::Pruned { .. }
        | StoreError::SchemaVersion { .. }
        | StoreError::TooLarge { .. }
        | StoreError::Unavailable(_) => error.into(),
    }
}

/// The keys that operations are about.
const CHANGEABLE: [KeyPurpose; 5] = [
    KeyPurpose::AuditFingerprint,
    KeyPurpose::AuditSigning,
    KeyPurpose::TokenFingerprint,
    KeyPurpose::ValueFingerprint,
    KeyPurpose::Wrapping,
];
pub(super) const NO_KEY: &str = "there is no such key version";
pub(super) const KEY_STATE: &str =
    "the key version is not in a state for this: see `counterfoil keys list`";
const ARCHIVED: &str = "it is in an archive already";
const NO_SEGMENT: &str = "no segment of an archive ends there: see `counterfoil audit archive`";
const OTHER_LOG: &str = "the archive is not one of this log";
const UNWITNESSED: &str = "the witness has not seen the log up to there yet";
const DAMAGED: &str = "the log is damaged there: see `counterfoil audit verify`";
const ERASED: &str = "the entry is erased already";
const STAYS: &str = "entries of this kind stay: who verifies the log, or starts the vault, needs \
     them";
const NO_ENTRY: &str = "the log has no such entry";
const NO_NAMESPACE: &str = "there is no such namespace";
const IS_OVER: &str = "what would be allowed is over already";
const TOO_LONG: &str = "tokens may be replaced for 90 days at the most: propose an earlier end";
pub(super) const OFFLINE: &str =
    "this is done to a vault that does not run: see `counterfoil keys statement`";
const UNSUPPORTED: &str = "a domain tag key cannot be changed: tokens would change";
