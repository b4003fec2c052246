//! Who signs for the audit log.

use crate::audit::CheckpointSigner;
use crate::crypto::note::NoteKeyName;
use crate::keys::Keyring;

/// Signs for the log with this name by the key that is in use. Those that it replaced sign too, as
/// long as they are deactivated and nothing worse: who follows the log by one of them has until its
/// destruction to learn the new one.
#[must_use]
pub fn checkpoint_signer(keyring: &Keyring, origin: NoteKeyName) -> CheckpointSigner {
    let former = keyring.audit_cosigning().map(|key| key.duplicate());
    let key = keyring.audit_signing().active().duplicate();
    CheckpointSigner::new(origin, key).beside(former.collect())
}
