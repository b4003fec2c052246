//! What an operation does to keys and officers, once it is due.

use crate::audit::CeremonyNote;
use crate::audit::CheckpointSigner;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::Charter;
use crate::ceremony::LogPoint;
use crate::ceremony::Operation;
use crate::crypto::KeyIdentity;
use crate::crypto::note::NoteKeyName;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::domain::KeyVersion;
use crate::domain::Timestamp;
use crate::keys::KeyError;
use crate::keys::KeyTable;
use crate::keys::KeyTableError;
use crate::keys::Keyring;
use crate::keys::Ring;
use crate::keys::StoredKey;
use crate::keys::root::HolderError;
use crate::store::NamespaceId;
use crate::store::RowChange;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::act::note;
use crate::vault::officers::desk::Kept;
use crate::vault::officers::possible::KEY_STATE;
use crate::vault::officers::possible::NO_KEY;
use crate::vault::officers::possible::OFFLINE;
use crate::vault::signing::checkpoint_signer;

/// A ceremony after a turn, and everything that must be written with it.
pub(super) struct Carried {
    pub(super) after: Ceremony,
    pub(super) rows: Vec<RowChange>,
    pub(super) entries: Vec<EntryDraft>,
    /// Every key as it is stored then, if one changes.
    pub(super) table: Option<KeyTable>,
    /// The keys that come in use then.
    pub(super) keyring: Option<Keyring>,
    /// Who signs the log from then on, if that changes.
    pub(super) signer: Option<CheckpointSigner>,
}

impl Carried {
    /// A ceremony that goes on waiting.
    pub(super) fn waiting(row: RowChange, after: Ceremony) -> Self {
        Self {
            after,
            rows: vec![row],
            entries: Vec::new(),
            table: None,
            keyring: None,
            signer: None,
        }
    }

    /// A ceremony of which nothing changes.
    pub(super) fn nothing(after: Ceremony) -> Self {
        Self {
            after,
            rows: Vec::new(),
            entries: Vec::new(),
            table: None,
            keyring: None,
            signer: None,
        }
    }

    /// The key that it is about, as entries name it.
    pub(super) fn key(&self) -> Option<(KeyPurpose, KeyVersion)> {
        let key = self.after.statement.operation.key()?;
        Some((key.purpose, key.version))
    }
}

/// The keys of the vault while an operation changes them.
struct Change<'a> {
    vault: &'a Vault,
    ceremony: &'a Ceremony,
    table: KeyTable,
    rows: Vec<RowChange>,
    entries: Vec<EntryDraft>,
    now: Timestamp,
}

impl Vault {
    /// Carries an operation out: what must be written for it, and the keys that are in use after.
    pub(super) fn carry_out(
        &self,
        ring: &Ring,
        kept: &Kept,
        ceremony: &Ceremony,
        now: Timestamp,
    ) -> Result<Carried, VaultError> {
        self.check_possible(&ceremony.statement.operation)?;
        // While it waited, those who signed may have lost their office to others.
        if self.charter()?.digest() != ceremony.statement.charter {
            return Err(CeremonyError::OtherCharter.into());
        }
        let mut change = Change {
            vault: self,
            ceremony,
            table: self.key_table()?,
            rows: Vec::new(),
            entries: Vec::new(),
            now,
        };
        let mut has_job = false;
        match &ceremony.statement.operation {
            Operation::AcceptRollback(_) | Operation::RotateRootKey(_) => {
                return Err(CeremonyError::Unsupported(OFFLINE).into());
            }
            Operation::ChangeCharter(_) => change.put_charter(ring)?,
            Operation::CompromiseKey(key) => has_job = change.retire(key, KeyState::Compromised)?,
            Operation::DestroyKey(key) => {
                self.check_unused(&change.table, key, now)?;
                change.transition(key, KeyState::Destroyed)?;
                // What is left is to get its bytes off the disk.
                has_job = true;
            }
            Operation::EraseEntry(index) => {
                change.erase_entry(*index);
                // As of a key: what is left is to get its bytes off the disk.
                has_job = true;
            }
            Operation::PruneLog(archived) => {
                change.prune_log(*archived, self.charter()?.digest());
                has_job = true;
            }
            Operation::ResumeKey(key) => change.transition(key, KeyState::Deactivated)?,
            // Nothing but that others may: it runs for as long as they may.
            Operation::Retokenize(_) => has_job = true,
            Operation::RotateKey(key) => has_job = change.retire(key, KeyState::Deactivated)?,
            Operation::SuspendKey(key) => has_job = change.retire(key, KeyState::Suspended)?,
        }
        let Change {
            table,
            mut rows,
            mut entries,
            ..
        } = change;
        let after = if has_job {
            ceremony.running()?
        } else {
            ceremony.done(now)?
        };
        rows.push(kept.change(ring, &after));
        let key = ceremony.statement.operation.key();
        let keyring = match key {
            // That they open is seen before anything is written.
            Some(_) => Some(Keyring::open(&*self.parts.root_key, &table.keys()).map_err(damaged)?),
            None => None,
        };
        let is_signing = key.is_some_and(|key| key.purpose == KeyPurpose::AuditSigning);
        let signer = match &keyring {
            Some(keyring) if is_signing => Some(self.new_signer(keyring, &mut entries)?),
            Some(_) | None => None,
        };
        Ok(Carried {
            after,
            rows,
            entries,
            table: key.is_some().then_some(table),
            keyring,
            signer,
        })
    }

    /// Who signs the log with these keys. A new key is announced by the entry of its making.
    fn new_signer(
        &self,
        keyring: &Keyring,
        entries: &mut [EntryDraft],
    ) -> Result<CheckpointSigner, VaultError> {
        let origin = NoteKeyName::new(&self.parts.origin);
        let origin = origin.map_err(|_| StoreError::Corrupt {
            table: "checkpoints",
        })?;
        let key = keyring
            .audit_signing()
            .active()
            .verifier(origin.clone())
            .public_key();
        for entry in entries {
            if entry.event == Event::KeyCreated {
                entry.ceremony.public_key = Some(key);
            }
        }
        Ok(checkpoint_signer(keyring, origin))
    }

    /// Puts other keys in use, and remembers those that were.
    pub(super) fn put_in_use(&self, keyring: Keyring) {
        let bygone = self.parts.keyring.replace(keyring);
        let mut all = self.desk.bygone.lock().unwrap_or_else(|it| it.into_inner());
        all.retain(|bygone| !bygone.is_gone());
        all.push(bygone);
    }

    pub(super) fn key_table(&self) -> Result<KeyTable, VaultError> {
        KeyTable::read(self.store()).map_err(|error| match error {
            KeyTableError::Key(error) => damaged(error),
            KeyTableError::Store(error) => error.into(),
        })
    }

    /// The number of a key's namespace in stored keys.
    pub(super) fn namespace_id(&self, name: &KeyName) -> Result<Option<NamespaceId>, VaultError> {
        let Some(namespace) = &name.namespace else {
            return Ok(None);
        };
        let fields = self.parts.namespaces.get(namespace);
        fields
            .map(|fields| Some(fields.id))
            .ok_or_else(|| CeremonyError::KeyState(NOT_CONFIGURED).into())
    }
}

impl Change<'_> {
    /// Takes a version out of use; if it is the active one, its successor takes its place. Says
    /// whether there are records to be moved to another version.
    fn retire(&mut self, name: &KeyName, to: KeyState) -> Result<bool, VaultError> {
        let is_active = self
            .table
            .key(name)
            .is_some_and(|key| key.metadata().state() == KeyState::Active);
        self.transition(name, to)?;
        if is_active {
            self.create(name)?;
        }
        // What is suspended may come back, and moves nothing by itself unless something new is
        // there to move to.
        let has_job = is_active || to == KeyState::Compromised;
        Ok(has_job && name.purpose.has_job())
    }

    fn create(&mut self, before: &KeyName) -> Result<(), VaultError> {
        let newest = self.table.newest(before.purpose, before.namespace.as_ref());
        let newest = newest.map(|key| key.metadata().name());
        let name = newest
            .and_then(|newest| newest.next())
            .ok_or(CeremonyError::KeyState(NO_KEY))?;
        let identity = KeyIdentity {
            purpose: name.purpose,
            namespace: name.namespace.as_ref(),
            version: name.version,
        };
        let parts = &self.vault.parts;
        let mut key = StoredKey::create(&*parts.root_key, &identity, self.now, &*parts.entropy)
            .map_err(damaged)?;
        key.transition(KeyState::Active, self.now)
            .map_err(|_| CeremonyError::KeyState(KEY_STATE))?;
        let entry = EntryDraft::new(Event::KeyCreated);
        self.put(key, EntryDraft { ..entry })
    }

    fn transition(&mut self, name: &KeyName, to: KeyState) -> Result<(), VaultError> {
        let key = self.table.key(name).cloned();
        let mut key = key.ok_or(CeremonyError::KeyState(NO_KEY))?;
        key.transition(to, self.now)
            .map_err(|_| CeremonyError::KeyState(KEY_STATE))?;
        self.put(key, EntryDraft::new(Event::KeyStateChanged))
    }

    /// Puts a key in its place, with the entry that says who signed for it.
    fn put(&mut self, key: StoredKey, entry: EntryDraft) -> Result<(), VaultError> {
        let name = key.metadata().name();
        let signers = self.ceremony.approvals.iter();
        self.entries.push(EntryDraft {
            namespace: name.namespace.clone(),
            key: Some((name.purpose, name.version)),
            ceremony: CeremonyNote {
                officers: signers.map(|signed| signed.officer.clone()).collect(),
                state: None,
                key_state: Some(key.metadata().state()),
                ..note(self.ceremony, None)
            },
            ..entry
        });
        let namespace = self.vault.namespace_id(&name)?;
        self.rows.push(self.table.put(namespace, key));
        Ok(())
    }

    /// The entry that says so is all that it takes: the log erases what it names.
    fn erase_entry(&mut self, index: u64) {
        let entry = EntryDraft::of_entry_erasure(index);
        let note = CeremonyNote {
            erased_index: entry.ceremony.erased_index,
            ..self.signed_note()
        };
        self.push(entry, note);
    }

    /// As with an erasing. It names the charter too: what said so last may be what goes.
    fn prune_log(&mut self, archived: LogPoint, charter: [u8; 32]) {
        let entry = EntryDraft::of_pruning(archived);
        let note = CeremonyNote {
            archived: entry.ceremony.archived,
            charter_digest: Some(charter),
            ..self.signed_note()
        };
        self.push(entry, note);
    }

    fn push(&mut self, entry: EntryDraft, ceremony: CeremonyNote) {
        self.entries.push(EntryDraft { ceremony, ..entry });
    }

    /// What entries say of the ceremony and of all who signed.
    fn signed_note(&self) -> CeremonyNote {
        let signers = self.ceremony.approvals.iter();
        CeremonyNote {
            officers: signers.map(|signed| signed.officer.clone()).collect(),
            state: None,
            ..note(self.ceremony, None)
        }
    }

    fn put_charter(&mut self, ring: &Ring) -> Result<(), VaultError> {
        let text = self.ceremony.charter.as_deref().unwrap_or_default();
        let charter = Charter::read(text)?;
        self.rows.push(self.vault.charter_change(ring, &charter)?);
        let signers = self.ceremony.approvals.iter();
        self.entries.push(EntryDraft {
            ceremony: CeremonyNote {
                officers: signers.map(|signed| signed.officer.clone()).collect(),
                charter_digest: Some(charter.digest()),
                state: None,
                ..note(self.ceremony, None)
            },
            ..EntryDraft::new(Event::CharterChanged)
        });
        Ok(())
    }
}

/// A key that cannot be made, read or opened, which is for the operator: it is damaged, unless what
/// holds the root key is away.
fn damaged(error: KeyError) -> VaultError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "key cannot be used"
    );
    match error {
        KeyError::Holder(HolderError::Unavailable { .. }) => VaultError::RootKeyUnavailable,
        KeyError::Corrupt { .. }
        | KeyError::Duplicate(_)
        | KeyError::Holder(HolderError::Opening)
        | KeyError::Missing(_)
        | KeyError::SeveralActive(_)
        | KeyError::Unwrapping(_) => VaultError::Store(StoreError::Corrupt { table: "keys" }),
    }
}

const NOT_CONFIGURED: &str = "the key's namespace is not configured: put it back, and try again";
