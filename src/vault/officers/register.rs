//! The register: in which state each key is, and which ceremonies are open.
//!
//! Rows of keys and ceremonies say nothing of their time: who writes to the disk of a vault that
//! does not run can put an older one back, and a destroyed version would open again, or a cancelled
//! destruction come due. So every entry that tells of a change names the register after it, as the
//! entries of a charter do, and a start compares the last that was named with what is stored.

use std::collections::BTreeMap;

use sha2::Digest;
use sha2::Sha256;

use crate::audit::InForce;
use crate::ceremony::Ceremony;
use crate::crypto::Encoding;
use crate::domain::CeremonyId;
use crate::domain::KeyName;
use crate::domain::KeyState;
use crate::keys::KeyTable;
use crate::keys::KeyTableError;
use crate::keys::Keyring;
use crate::keys::StoredKey;
use crate::store::Store;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::desk;
use crate::vault::officers::desk::Kept;

/// In which state each key is, and which ceremonies are open.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Register {
    keys: BTreeMap<KeyName, KeyState>,
    open: BTreeMap<CeremonyId, Vec<u8>>,
}

impl Register {
    /// The register of what is stored. A row of a ceremony that this vault did not write is none.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or a row is no key.
    pub fn read(store: &dyn Store, keyring: &Keyring) -> Result<Self, KeyTableError> {
        let mut register = Self::of_keys(&KeyTable::read(store)?);
        desk::each_ceremony_row(store, &mut |row| {
            if let Ok(Kept { ceremony, .. }) = desk::open(keyring, row) {
                register.note(&ceremony);
            }
        })?;
        Ok(register)
    }

    /// The register of keys of which no ceremony is open.
    fn of_keys(table: &KeyTable) -> Self {
        Self::default().joined(&table.keys())
    }

    /// The register with these keys, too, new ones and changed ones.
    #[must_use]
    pub fn joined(mut self, keys: &[StoredKey]) -> Self {
        let states = keys.iter().map(StoredKey::metadata);
        self.keys
            .extend(states.map(|key| (key.name(), key.state())));
        self
    }

    /// Notes a ceremony as it is now.
    fn note(&mut self, ceremony: &Ceremony) {
        if ceremony.state.is_final() {
            self.open.remove(&ceremony.id());
        } else {
            self.open.insert(ceremony.id(), summary(ceremony));
        }
    }

    /// SHA-256 of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let encoding = Encoding::begin(Sha256::new(), "counterfoil/v1/register");
        let encoding = self.keys.iter().fold(encoding, |encoding, (name, state)| {
            let name = name.to_string();
            encoding.part(name.as_bytes()).part(state.name().as_bytes())
        });
        // No name of a key is empty: what follows is of ceremonies.
        let open = self.open.values();
        let encoding = open.fold(encoding.part(b""), |encoding, it| encoding.part(it));
        encoding.finish().finalize().into()
    }
}

/// What of an open ceremony decides whether and when it is carried out: its text, who has signed
/// that it is, or that it is not, and when its delay is over. How far its job has come is not in
/// it: a job that goes back does again what is done already.
fn summary(ceremony: &Ceremony) -> Vec<u8> {
    let due_ms = ceremony.due.map_or(0, |due| due.unix_ms());
    let mut encoding = Encoding::begin(Vec::new(), "ceremony")
        .part(ceremony.id().as_str().as_bytes())
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

impl Vault {
    /// The charter and the register that are in force.
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

    /// SHA-256 of the register after a turn, with these keys if they change. The desk is taken.
    pub(super) fn register_after(
        &self,
        after: &Ceremony,
        keys: Option<&KeyTable>,
    ) -> Result<[u8; 32], VaultError> {
        let mut register = self.register()?;
        if let Some(table) = keys {
            register = register.joined(&table.keys());
        }
        register.note(after);
        Ok(register.digest())
    }

    fn register(&self) -> Result<Register, VaultError> {
        let mut register = Register::of_keys(&self.key_table()?);
        for kept in self.unfinished()? {
            register.note(&kept.ceremony);
        }
        Ok(register)
    }
}
