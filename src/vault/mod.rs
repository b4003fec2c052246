//! The vault: one request, one file, readable from the top down.
//!
//! ```text
//! Tokenize    permit → read → find → draw → commit (records and entry, one batch) → answer
//! Detokenize  permit → find → record the intent → open → answer, and the outcome entry follows
//! Retokenize  permit → record the intent → open → draw → commit (both records, outcome) → answer
//! ```
//!
//! Every request passes `Vault::permit` first and leaves an entry in the audit log, whatever
//! becomes of it; but for proofs of the log itself, which leave one only when they are refused.
//! What opens a record for its value is reached only through [`crate::audit::Recorded`].

mod administer;
mod answer;
mod attribute;
mod busy;
mod caller;
mod cipher;
mod create_backup;
mod crew;
mod describe_subject;
mod detokenize;
mod disclosure;
mod draft;
mod drawing;
mod erase_subject;
mod error;
mod exposure;
mod field;
mod find;
mod finding;
mod freeze;
mod grants;
mod import;
mod import_settle;
mod inspect;
mod journal;
mod known;
mod lookup;
mod new_record;
mod officers;
mod permit;
mod person;
mod read;
mod read_log;
mod redact;
mod reindex;
mod relocate;
mod retokenize;
mod retokenize_plan;
mod retry;
mod signing;
mod standing;
mod subject_records;
mod succeed;
mod target;
mod tokenize;
mod tokenize_draw;
mod verify_match;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::audit::AuditLog;
use crate::backup::BackupRules;
use crate::cases::Cases;
use crate::crypto::Entropy;
use crate::crypto::scrub_stack;
use crate::domain::Clock;
use crate::domain::Namespace;
use crate::domain::Purpose;
use crate::domain::Timestamp;
use crate::keys::LiveKeyring;
use crate::keys::Ring;
use crate::keys::root::RootKeyHolder;
use crate::people::People;
use crate::policy::PolicyHandle;
use crate::store::Store;
use crate::vault::crew::Crew;
use crate::vault::find::is_settled;
use crate::vault::officers::Desk;

pub use answer::Description;
pub use answer::Inspected;
pub use answer::Item;
pub use answer::TokenizedValue;
pub use caller::Caller;
pub use create_backup::CreateBackup;
pub use describe_subject::DescribeSubject;
pub use describe_subject::FieldRecords;
pub use describe_subject::SubjectDescription;
pub use detokenize::Detokenize;
pub use detokenize::DetokenizeAnswer;
pub use detokenize::DetokenizeItem;
pub use detokenize::RevealReceipt;
pub use erase_subject::EraseSubject;
pub use erase_subject::ErasedSubject;
pub use error::ItemError;
pub use error::VaultError;
pub use field::Field;
pub use field::NamespaceFields;
pub use freeze::PrincipalView;
pub use freeze::ReadPrincipal;
pub use grants::DecideGrant;
pub use grants::GrantDecision;
pub use grants::GrantView;
pub use grants::ListGrants;
pub use grants::ReadGrant;
pub use grants::WantedScope;
pub use import::ImportItem;
pub use import::ImportTokens;
pub use inspect::Inspect;
pub use inspect::InspectItem;
pub use lookup::Lookup;
pub use lookup::LookupItem;
pub use officers::Briefing;
pub use officers::KeyUsage;
pub use officers::Proposal;
pub use officers::ProtectedList;
pub use officers::ProtectedPage;
pub use officers::ProtectedRecord;
pub use officers::ProtectingKey;
pub use officers::Register;
pub use officers::found_charter;
pub use officers::keep_ceremony;
pub use officers::keep_up;
pub use officers::peek_charter;
pub use officers::read_charter;
pub use read_log::Checkpoints;
pub use read_log::EntryWatch;
pub use read_log::InclusionProof;
pub use read_log::LogTree;
pub use redact::KnownValue;
pub use redact::Redact;
pub use redact::RedactItem;
pub use redact::Redacted;
pub use redact::RedactedSpan;
pub use reindex::Reindex;
pub use reindex::ReindexItem;
pub use reindex::Reindexed;
pub use retokenize::Retokenize;
pub use retokenize::RetokenizeItem;
pub use retokenize::Retokenized;
pub use signing::checkpoint_signer;
pub use standing::FreezeWatch;
pub use standing::Standing;
pub use tokenize::Tokenize;
pub use tokenize::TokenizeItem;
pub use verify_match::VerifyMatch;
pub use verify_match::VerifyMatchItem;

/// The most items that one request may have.
pub const ITEMS_MAX: usize = 1_000;

/// What a vault is made of. All of it is an argument: time and randomness too.
pub struct Parts {
    /// Where records and the log are kept.
    pub store: Arc<dyn Store>,
    /// Who wraps keys, for as long as the vault runs: rotation makes new ones.
    pub root_key: Arc<dyn RootKeyHolder>,
    /// The unwrapped keys.
    pub keyring: LiveKeyring,
    /// The audit log; the only way to write.
    pub log: AuditLog,
    /// Where backups may go; nothing: none are made.
    pub backups: Option<BackupRules>,
    /// Who knows of cases.
    pub cases: Option<Cases>,
    /// Who vouches for people.
    pub people: People,
    /// Who may do what.
    pub policy: PolicyHandle,
    /// The namespaces with their fields.
    pub namespaces: HashMap<Namespace, NamespaceFields>,
    /// The purposes that a reveal may have; nothing: any.
    pub purposes: Option<Vec<Purpose>>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where keys come from.
    pub entropy: Arc<dyn Entropy>,
    /// The vault's name in statements: the origin of its audit log.
    pub origin: String,
    /// How many records a second a job may change.
    pub rewrap_records_per_second: u32,
    /// How long a token that was replaced still opens, in seconds.
    pub retokenize_grace_seconds: u64,
}

/// The vault.
pub struct Vault {
    parts: Parts,
    desk: Desk,
    crew: Crew,
}

impl Vault {
    /// The vault made of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            desk: Desk::default(),
            crew: Crew::new(),
        }
    }

    /// The audit log.
    #[must_use]
    pub fn log(&self) -> &AuditLog {
        &self.parts.log
    }

    /// What the time is, as grants see it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// The keys that are in use now.
    fn ring(&self) -> Ring {
        self.parts.keyring.current()
    }

    /// Reads with the keys of now. Where a record turned out to be under a newer key than they
    /// were, or may have moved meanwhile, it reads once more.
    fn with_current_keys<T>(
        &self,
        read: impl Fn(&Ring) -> Result<(T, bool), VaultError>,
    ) -> Result<T, VaultError> {
        for _ in 1..KEY_CHANGES_MAX {
            let before = self.store().relocations_count();
            let ring = self.ring();
            let (answer, is_missing) = read(&ring)?;
            let is_settled = is_settled(self.store(), before) && ring.epoch().is_current();
            if !is_missing || is_settled {
                return Ok(answer);
            }
        }
        Ok(read(&self.ring())?.0)
    }

    /// The store, for statistics.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.parts.store
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// Whether a record or a key was missing, which may be only because it moved, or came in use,
/// meanwhile.
fn is_missing<T>(items: &[Item<T>]) -> bool {
    items.iter().any(|item| match item {
        Ok(_) => false,
        Err(error) => matches!(
            error,
            ItemError::Damaged
                | ItemError::KeyDestroyed
                | ItemError::NotFound
                | ItemError::UnknownToken
        ),
    })
}

/// Runs work that computes or reads the disk. Short work runs where it is; longer work lets the
/// runtime move its other tasks to another thread first.
///
/// Its keys and values leave nothing on the stack: a compiler keeps round keys there as it likes,
/// the first two of which are the key itself, and a thread that then waits would keep them for as
/// long, though the key was destroyed meanwhile.
fn work<T>(items_count: usize, run: impl FnOnce() -> T) -> T {
    let done = if items_count > INLINE_ITEMS_MAX {
        tokio::task::block_in_place(|| apart(run))
    } else {
        apart(run)
    };
    scrub_stack();
    done
}

/// In a frame of its own, which is below the caller's.
#[inline(never)]
fn apart<T>(run: impl FnOnce() -> T) -> T {
    run()
}

/// How often a request may meet a change of keys before it is given up.
const KEY_CHANGES_MAX: usize = 8;
/// Up to this many items take less time than moving the runtime's tasks does.
const INLINE_ITEMS_MAX: usize = 8;
