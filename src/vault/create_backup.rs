//! CreateBackup: a copy of everything that the vault stores, made while it serves.

use std::path::PathBuf;
use std::sync::Arc;

use crate::access::Act;
use crate::audit::CheckpointKeys;
use crate::audit::CheckpointSigner;
use crate::audit::Event;
use crate::backup;
use crate::backup::BackupError;
use crate::backup::Created;
use crate::backup::Progress;
use crate::crypto::note::NoteKeyName;
use crate::policy::Action;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::EngineError;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::signing::checkpoint_signer;

/// A backup that is asked for.
#[derive(Clone, Debug)]
pub struct CreateBackup {
    /// Where it goes: within the configured directory. Nothing: there.
    pub directory: Option<PathBuf>,
}

impl Request for CreateBackup {
    fn action(&self) -> Action {
        Action::CreateBackup
    }

    /// A backup has every namespace.
    fn scope(&self) -> Scope<'_> {
        Scope::Vault
    }
}

impl Administrative for CreateBackup {
    fn event(&self) -> Event {
        Event::BackupCreated
    }
}

impl Vault {
    /// Makes a backup, after it is recorded that one is made: the backup has the entry itself.
    /// `told` learns how far it is.
    ///
    /// # Errors
    ///
    /// If the caller may not, the directory is not one for backups, the log is not whole, or a
    /// file cannot be written.
    pub async fn create_backup(
        &self,
        caller: &Caller,
        request: CreateBackup,
        mut told: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Created, VaultError> {
        let (permitted, receipt) = self
            .administer(caller, request, None, |_| Act::Work)
            .await?;
        let rules = self
            .parts
            .backups
            .clone()
            .ok_or(BackupError::Unconfigured)?;
        let directory = rules.directory_of(permitted.request().directory.as_deref())?;
        let origin = receipt.checkpoint.note().lines().next().unwrap_or_default();
        let origin = NoteKeyName::new(origin).map_err(|_| StoreError::Corrupt {
            table: "checkpoints",
        })?;
        // Before anything is taken: a key that is destroyed from here on is not said to be gone
        // before the loan is back.
        let loan = self.desk.purges.lend();
        let (verifiers, signer) = self.log_keys(origin);
        let charter = self.charter_digest()?;
        let store = Arc::clone(&self.parts.store);
        let now = self.parts.clock.now();
        let made = tokio::task::spawn_blocking(move || {
            let made = store.snapshot().map_err(BackupError::from);
            let made = made.and_then(|snapshot| {
                let log = backup::Log {
                    keys: &verifiers,
                    signer: &signer,
                    charter,
                };
                backup::create(&snapshot, &directory, &log, now, rules.keep, &mut told)
            });
            // It outlives all else that the thread has.
            (made, loan)
        });
        // A panic there says nothing here, since it may quote what it worked on.
        let ended = |_| StoreError::Unavailable(EngineError::new("backup ended before its time"));
        let (made, _loan) = made.await.map_err(ended)?;
        Ok(made?)
    }

    /// Who is believed to have signed the log, and who signs the list. The ring itself is let go
    /// of: a backup takes long, and the jobs of rotations wait for rings.
    fn log_keys(&self, origin: NoteKeyName) -> (CheckpointKeys, CheckpointSigner) {
        let ring = self.ring();
        let keys = ring.audit_signing();
        let verifiers = keys.iter().map(|(_, key)| key.verifier(origin.clone()));
        let verifiers = CheckpointKeys::new(verifiers.collect());
        (verifiers, checkpoint_signer(&ring, origin))
    }
}
