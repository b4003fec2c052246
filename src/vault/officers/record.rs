//! Signed records of ceremonies.

use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::SignedNote;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::signing::checkpoint_signer;

impl Vault {
    /// The record of a ceremony that is over, signed by the key of the audit log: who has the log's
    /// public key can check it without the vault.
    ///
    /// # Errors
    ///
    /// If the ceremony is not over, or nothing has been signed yet.
    pub fn record_ceremony(&self, ceremony: &Ceremony) -> Result<SignedNote, VaultError> {
        let corrupt = || {
            VaultError::Store(StoreError::Corrupt {
                table: "checkpoints",
            })
        };
        let checkpoint = self.store().checkpoint()?.ok_or_else(corrupt)?;
        let mut lines = checkpoint.lines().skip(1);
        let size = lines.next().and_then(|size| size.parse().ok());
        let (size, root) = size.zip(lines.next()).ok_or_else(corrupt)?;
        let text = ceremony.record((size, root))?;
        let name = NoteKeyName::new(&self.parts.origin).map_err(|_| corrupt())?;
        // Beside the keys of before, too: who has one of them checks it.
        let signed = checkpoint_signer(&self.ring(), name).sign_record(&text);
        signed.ok_or(CeremonyError::State.into())
    }
}
