//! CreateBackup: a copy of everything that the vault stores, made while it serves.

use std::path::PathBuf;
use std::sync::Arc;

use crate::access::Act;
use crate::audit::CheckpointKeys;
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
        let ring = self.ring();
        let keys = ring.audit_signing();
        let verifiers = keys.iter().map(|(_, key)| key.verifier(origin.clone()));
        let verifiers = CheckpointKeys::new(verifiers.collect());
        let signer = checkpoint_signer(&ring, origin);
        let store = Arc::clone(&self.parts.store);
        let now = self.parts.clock.now();
        let made = tokio::task::spawn_blocking(move || {
            let snapshot = store.snapshot()?;
            let keep = rules.keep;
            let log = backup::Log {
                keys: &verifiers,
                signer: &signer,
            };
            backup::create(&snapshot, &directory, &log, now, keep, &mut told)
        });
        // A panic there says nothing here, since it may quote what it worked on.
        let ended = |_| StoreError::Unavailable(EngineError::new("backup ended before its time"));
        Ok(made.await.map_err(ended)??)
    }
}
