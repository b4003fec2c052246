//! The register: every key with its states, and every ceremony with where it is.
//!
//! Rows of keys and ceremonies say nothing of their time: who writes to the disk of a vault that
//! does not run can put an older one back, or take one away, and a destroyed version would open
//! again, or a cancelled destruction come due. So every entry that tells of a change names the
//! register after it, as the entries of a charter do, and a start compares the last that was named
//! with what is stored.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use sha2::Digest;
use sha2::Sha256;

use crate::audit::Commit;
use crate::audit::Event;
use crate::audit::InForce;
use crate::ceremony::Ceremony;
use crate::crypto::Encoding;
use crate::domain::CeremonyId;
use crate::domain::KeyName;
use crate::keys::KeyMetadata;
use crate::keys::KeyTable;
use crate::keys::KeyTableError;
use crate::keys::Keyring;
use crate::keys::StoredKey;
use crate::store::RowChange;
use crate::store::Store;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::desk;
use crate::vault::officers::desk::Kept;

/// Every key with its states, and every ceremony with where it is: a summary of each.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Register {
    keys: BTreeMap<KeyName, Vec<u8>>,
    ceremonies: BTreeMap<CeremonyId, Vec<u8>>,
}

impl Register {
    /// The register of what is stored. A row of a ceremony that this vault did not write is none:
    /// the register is another one without it.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or a row is no key.
    pub fn read(store: &dyn Store, keyring: &Keyring) -> Result<Self, KeyTableError> {
        let mut register = Self::default().joined(&KeyTable::read(store)?.keys());
        desk::each_ceremony_row(store, &mut |row| {
            if let Ok(kept) = desk::open(keyring, row) {
                register.note(&kept.ceremony);
            }
        })?;
        Ok(register)
    }

    /// The register with these keys, too, new ones and changed ones.
    #[must_use]
    pub fn joined(mut self, keys: &[StoredKey]) -> Self {
        let metadata = keys.iter().map(StoredKey::metadata);
        self.keys
            .extend(metadata.map(|key| (key.name(), summary_of_key(key))));
        self
    }

    /// Notes a ceremony as it is now.
    fn note(&mut self, ceremony: &Ceremony) {
        self.ceremonies.insert(ceremony.id(), summary(ceremony));
    }

    /// SHA-256 of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut encoding = Encoding::begin(Sha256::new(), "counterfoil/v1/register");
        for (name, summary) in &self.keys {
            encoding = encoding.part(name.to_string().as_bytes()).part(summary);
        }
        // No name of a key is empty: what follows is of ceremonies.
        encoding = encoding.part(b"");
        for (id, summary) in &self.ceremonies {
            encoding = encoding.part(id.as_str().as_bytes()).part(summary);
        }
        encoding.finish().finalize().into()
    }
}

/// What of a key has nothing to do with how it is wrapped: since when it is, and was, in which
/// state. Whom a key protected is told by these times, too.
fn summary_of_key(key: &KeyMetadata) -> Vec<u8> {
    let created_ms = key.created().unix_ms().to_be_bytes();
    let mut encoding = Encoding::begin(Vec::new(), "key")
        .part(key.state().name().as_bytes())
        .part(&created_ms);
    for (state, since) in key.changes() {
        let since_ms = since.unix_ms().to_be_bytes();
        encoding = encoding.part(state.name().as_bytes()).part(&since_ms);
    }
    encoding.finish()
}

/// What of a ceremony decides whether and when it is carried out: where it is, who has signed that
/// it is, or that it is not, and when its delay is over. One that is over stays in the register, so
/// that what was signed for it is not taken for something new. How far its job has come is not in
/// it: a job that goes back does again what is done already.
fn summary(ceremony: &Ceremony) -> Vec<u8> {
    let due_ms = ceremony.due.map_or(0, |due| due.unix_ms());
    let mut encoding = Encoding::begin(Vec::new(), "ceremony")
        .part(ceremony.state.name().as_bytes())
        .part(&due_ms.to_be_bytes());
    for signed in [&ceremony.approvals, &ceremony.cancellations] {
        encoding = encoding.part(&(signed.len() as u64).to_be_bytes());
        for officer in signed.iter().map(|signed| &signed.officer) {
            encoding = encoding.part(officer.as_str().as_bytes());
        }
    }
    encoding.finish()
}

/// Keeps a ceremony that was carried out while the vault did not run: the change of its row, and
/// SHA-256 of the register after it.
///
/// # Errors
///
/// If the store cannot be read, or a row is no key.
pub fn keep_ceremony(
    store: &dyn Store,
    keyring: &Keyring,
    ceremony: Ceremony,
) -> Result<(RowChange, [u8; 32]), KeyTableError> {
    let mut register = Register::read(store, keyring)?;
    register.note(&ceremony);
    let row = Kept::new(ceremony.clone()).change(keyring, &ceremony);
    Ok((row, register.digest()))
}

impl Vault {
    /// The charter and the register that are in force, by the store.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, a row is no key, or the charter was not written by this vault.
    pub fn in_force(&self) -> Result<InForce, KeyTableError> {
        let charter = self.charter_digest()?;
        let register = Register::read(self.store(), &self.ring())?;
        Ok(InForce {
            charter,
            register: Some(register.digest()),
        })
    }

    /// Records that the vault stops, with what is in force then. No turn is under way meanwhile:
    /// one that its caller has given up would change it between the look and the entry.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or the log cannot be written.
    pub async fn record_stop(&self) -> Result<(), VaultError> {
        let _turn = self.desk.turn.lock().await;
        let in_force = self.in_force().map_err(unreadable)?;
        let entry = in_force.entry(Event::Stopped);
        self.parts.log.commit(Commit::of_vault(entry)).await?;
        Ok(())
    }

    /// SHA-256 of the register after a turn, with these keys if they change. The desk is taken.
    /// Only the first time every ceremony is read.
    pub(super) fn register_after(
        &self,
        after: &Ceremony,
        keys: Option<&KeyTable>,
    ) -> Result<[u8; 32], VaultError> {
        let mut known = self
            .desk
            .register
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut register = match &*known {
            Some(register) => register.clone(),
            None => {
                let read = Register::read(self.store(), &self.ring());
                known.insert(read.map_err(unreadable)?).clone()
            }
        };
        if let Some(table) = keys {
            register = register.joined(&table.keys());
        }
        register.note(after);
        Ok(register.digest())
    }

    /// Notes what a turn has written: the register of the next one.
    pub(super) fn note_in_register(&self, after: &Ceremony, keys: Option<&KeyTable>) {
        let known = self.desk.register.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(mut register) = known.take() {
            if let Some(table) = keys {
                register = register.joined(&table.keys());
            }
            register.note(after);
            *known = Some(register);
        }
    }
}

fn unreadable(error: KeyTableError) -> VaultError {
    match error {
        KeyTableError::Key(_) => StoreError::Corrupt { table: "keys" }.into(),
        KeyTableError::Store(error) => error.into(),
    }
}
