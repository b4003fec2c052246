//! What happens to ceremonies by itself: they come due, expire, and their jobs go on.

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::CeremonyState;
use crate::ceremony::Operation;
use crate::domain::CeremonyId;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::act::note;
use crate::vault::officers::carry_out::Carried;

/// Keeps ceremonies going for as long as the vault is there.
pub async fn keep_up(vault: Weak<Vault>) {
    loop {
        let Some(vault) = vault.upgrade() else {
            return;
        };
        let pause = match vault.keep_up_once().await {
            Ok(()) | Err(VaultError::Ceremony(CeremonyError::Concurrent)) => PERIOD,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "ceremonies and their jobs cannot go on; trying again"
                );
                PERIOD_AFTER_ERROR
            }
        };
        let taken = Arc::clone(&vault.desk.taken);
        // Whoever closes the vault does not wait for us.
        drop(vault);
        tokio::select! {
            () = taken.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Vault {
    /// Ends the job that is under way after its batch, and begins no other: the next start does.
    pub async fn stop_jobs(&self) {
        self.desk.is_closing.store(true, Ordering::Release);
        let _job = self.desk.job.lock().await;
    }

    async fn keep_up_once(&self) -> Result<(), VaultError> {
        let _job = self.desk.job.lock().await;
        if self.desk.is_closing.load(Ordering::Acquire) {
            return Ok(());
        }
        let ring = self.ring();
        for kept in self.unfinished(&ring)? {
            let ceremony = &kept.ceremony;
            match (ceremony.state, &ceremony.statement.operation) {
                (
                    CeremonyState::Running,
                    Operation::DestroyKey(_) | Operation::EraseEntry(_) | Operation::PruneLog(_),
                ) => {
                    self.purge_destroyed(&ceremony.id()).await?;
                }
                // It has no job: who may retokenize does the work.
                (CeremonyState::Running, Operation::Retokenize(_)) => {
                    self.move_on(ceremony).await?;
                }
                (CeremonyState::Running, _) => self.rewrap(&ceremony.id()).await?,
                (_, _) => self.move_on(ceremony).await?,
            }
        }
        Ok(())
    }

    /// Gets the wrapped bytes of a destroyed key, or those of entries that are gone, off the disk,
    /// and then says that it is done: a table file may still have them.
    async fn purge_destroyed(&self, id: &CeremonyId) -> Result<(), VaultError> {
        let store = Arc::clone(&self.parts.store);
        let purged = tokio::task::spawn_blocking(move || store.purge()).await;
        // The thread does not panic, and nobody ends it.
        purged.unwrap_or(Ok(()))?;
        let _turn = self.desk.turn.lock().await;
        let ring = self.ring();
        let kept = self.ceremony(&ring, id)?;
        let done = kept.ceremony.done(self.now())?;
        let carried = Carried::waiting(kept.change(&ring, &done), done);
        let entry = EntryDraft {
            key: carried.key(),
            ceremony: note(&carried.after, None),
            ..EntryDraft::new(Event::OperationEnded)
        };
        match self.commit_carried(entry, None, carried).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflicts(_)) => Err(CeremonyError::Concurrent.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets a ceremony expire, carries it out, or ends what it allows, if it is time.
    async fn move_on(&self, seen: &Ceremony) -> Result<(), VaultError> {
        let now = self.now();
        if !seen.is_due(now) && seen.expire(now).is_none() && seen.over(now).is_none() {
            return Ok(());
        }
        let _turn = self.desk.turn.lock().await;
        let ring = self.ring();
        // Somebody may have taken a turn since it was seen.
        let kept = self.ceremony(&ring, &seen.id())?;
        let carried = if let Some(expired) = kept.ceremony.expire(now) {
            Carried::waiting(kept.change(&ring, &expired), expired)
        } else if let Some(over) = kept.ceremony.over(now) {
            Carried::waiting(kept.change(&ring, &over), over)
        } else if kept.ceremony.is_due(now) {
            match self.carry_out(&ring, &kept, &kept.ceremony, now) {
                Ok(carried) => carried,
                Err(VaultError::Ceremony(why)) => {
                    let failed = kept.ceremony.failed(why, now)?;
                    Carried::waiting(kept.change(&ring, &failed), failed)
                }
                Err(error) => return Err(error),
            }
        } else {
            return Ok(());
        };
        let entry = EntryDraft {
            key: carried.key(),
            ceremony: note(&carried.after, None),
            ..EntryDraft::new(Event::OperationEnded)
        };
        match self.commit_carried(entry, None, carried).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflicts(_)) => Err(CeremonyError::Concurrent.into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// How often ceremonies are looked at.
const PERIOD: Duration = Duration::from_millis(500);
/// What failed, such as a record that is damaged, is likely to fail again.
const PERIOD_AFTER_ERROR: Duration = Duration::from_secs(10);
