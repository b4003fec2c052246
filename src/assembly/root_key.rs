//! From one root key to another: every stored key is wrapped anew in one transaction, with the
//! entry that says so.
//!
//! What is true if we crash: before the transaction the vault opens under the old root key, after
//! it under the new one, and under one of them always. Nothing here destroys a root key.

use std::sync::Arc;

use crate::assembly::error::AssemblyError;
use crate::assembly::in_force::check_in_force;
use crate::assembly::namespaces::NamespaceIds;
use crate::assembly::offline::Offered;
use crate::assembly::offline::approve;
use crate::assembly::offline::has_officers;
use crate::assembly::open::checkpoint_keys_of;
use crate::assembly::open::open_store;
use crate::assembly::open::write_once;
use crate::audit::CeremonyNote;
use crate::audit::Commit;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::RollbackError;
use crate::audit::verify_store;
use crate::ceremony::Approved;
use crate::ceremony::Operation;
use crate::ceremony::RootKeyKind;
use crate::ceremony::RootKeyMove;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::domain::Clock;
use crate::keys::KeyError;
use crate::keys::KeyTable;
use crate::keys::Keyring;
use crate::keys::rewrap_all;
use crate::keys::root::RootKeyHolder;
use crate::store::Changes;
use crate::store::Store;
use crate::vault::keep_ceremony;

/// A change of the root key that may be made: everything but the new root key is there.
pub struct RootKeyRotation {
    store: Arc<dyn Store>,
    table: KeyTable,
    keyring: Keyring,
    old: Arc<dyn RootKeyHolder>,
    approved: Option<Approved>,
}

impl RootKeyRotation {
    /// Opens the stopped vault under the root key that is in force, and sees that its officers have
    /// signed for the change, if it has any.
    ///
    /// # Errors
    ///
    /// If the keys do not open, or too few officers have signed for this.
    pub fn begin(
        config: &Config,
        old: Arc<dyn RootKeyHolder>,
        (from, to): (RootKeyKind, RootKeyKind),
        offered: Option<&Offered>,
        clock: &dyn Clock,
    ) -> Result<Self, AssemblyError> {
        let store = open_store(config)?;
        let table = KeyTable::read(&*store)?;
        let keyring = Keyring::open(&*old, &table.keys())?;
        // The log says whose signatures count, so it must be whole.
        let verifiers = checkpoint_keys_of(config, &keyring)?;
        verify_store(&*store, None, &verifiers).map_err(RollbackError::Verify)?;
        // A key that was put back would come under the new root key, too.
        check_in_force(&*store, &keyring)?;
        let approved = match offered {
            Some(offered) => Some(approve(config, &*store, &keyring, offered)?),
            None if has_officers(config, &*store, &keyring)? => {
                return Err(AssemblyError::OfficersMustSign);
            }
            None => None,
        };
        if let Some(approved) = &approved {
            approved.check_time(clock.now())?;
            let keys = table.digest();
            let expected = Operation::RotateRootKey(RootKeyMove { keys, from, to });
            if approved.statement().operation != expected {
                return Err(AssemblyError::OtherStatement);
            }
        }
        Ok(Self {
            store,
            table,
            keyring,
            old,
            approved,
        })
    }

    /// Wraps every key under the new root key, in one transaction, after each was proven to open to
    /// what it was; then gets the bytes under the old one off the disk. Returns how many keys.
    ///
    /// # Errors
    ///
    /// If the new root key is the old one in another place, a key does not open, or something
    /// cannot be written.
    pub async fn finish(
        self,
        config: &Config,
        new: &dyn RootKeyHolder,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<usize, AssemblyError> {
        let Self {
            store,
            mut table,
            keyring,
            old,
            approved,
        } = self;
        // Who destroys the old root key then would destroy the only one.
        if Keyring::open(new, &table.keys()).is_ok() {
            return Err(AssemblyError::SameRootKey);
        }
        let ids = NamespaceIds::read(&*store)?;
        let rewrapped = rewrap_all(&table.keys(), &*old, new, &*entropy)?;
        let keys_count = rewrapped.len();
        let row = |key: crate::keys::StoredKey| {
            let namespace = key.metadata().namespace();
            let id = namespace.and_then(|namespace| ids.id(namespace));
            table.put(id, key)
        };
        let mut changes = Changes {
            rows: rewrapped.into_iter().map(row).collect(),
            ..Changes::default()
        };
        let mut entry = entry(approved.as_ref(), keys_count);
        let changed = u64::try_from(keys_count).unwrap_or(u64::MAX);
        let approved = approved.as_ref();
        if let Some(ceremony) = approved.and_then(|it| it.ceremony(clock.now(), changed)) {
            let (row, register) = keep_ceremony(&*store, &keyring, ceremony)?;
            changes.rows.push(row);
            entry.ceremony.register_digest = Some(register);
        }
        // If we crash before this is on the disk, the old root key opens the vault; after it, the
        // new one does.
        let commit = Commit::new(changes, entry, None);
        write_once(config, &keyring, &store, commit, clock, entropy).await?;
        Keyring::open(new, &KeyTable::read(&*store)?.keys())?;
        store.purge()?;
        Ok(keys_count)
    }
}

impl std::fmt::Debug for RootKeyRotation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RootKeyRotation")
            .finish_non_exhaustive()
    }
}

/// Says whether a root key opens the vault.
///
/// # Errors
///
/// If there is no vault, its keys are damaged, or the root key cannot be used now.
pub fn root_key_opens(config: &Config, root: &dyn RootKeyHolder) -> Result<bool, AssemblyError> {
    let store = open_store(config)?;
    opens(&*store, root)
}

/// Gets bytes under an earlier root key off the disk, after a change that was cut off before that.
///
/// # Errors
///
/// If the root key does not open the vault, or the store cannot be written.
pub fn purge_old_root_key(config: &Config, root: &dyn RootKeyHolder) -> Result<(), AssemblyError> {
    let store = open_store(config)?;
    Keyring::open(root, &KeyTable::read(&*store)?.keys())?;
    Ok(store.purge()?)
}

fn opens(store: &dyn Store, root: &dyn RootKeyHolder) -> Result<bool, AssemblyError> {
    match Keyring::open(root, &KeyTable::read(store)?.keys()) {
        Ok(_) => Ok(true),
        Err(KeyError::Unwrapping(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn entry(approved: Option<&Approved>, keys_count: usize) -> EntryDraft {
    let records_count = u64::try_from(keys_count).ok();
    let ceremony = match approved {
        None => CeremonyNote {
            records_count,
            ..CeremonyNote::default()
        },
        Some(approved) => {
            let statement = approved.statement();
            let has_officers = !approved.officers().is_empty();
            CeremonyNote {
                id: Some(statement.id()),
                operation: Some(statement.operation.kind()),
                statement_digest: Some(statement.digest()),
                officers: approved.officers().to_vec(),
                charter_digest: has_officers.then_some(statement.charter),
                records_count,
                ..CeremonyNote::default()
            }
        }
    };
    EntryDraft {
        ceremony,
        ..EntryDraft::new(Event::RootKeyRotated)
    }
}
