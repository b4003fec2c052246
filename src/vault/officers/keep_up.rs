//! What happens to ceremonies by itself: they come due, expire, and their jobs go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyError;
use crate::ceremony::CeremonyState;
use crate::ceremony::Operation;
use crate::ceremony::OperationKind;
use crate::domain::CeremonyId;
use crate::domain::KeyPurpose;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::act::note;
use crate::vault::officers::carry_out::Carried;
use crate::vault::officers::desk::Kept;
use crate::vault::officers::rewrap::Step;

/// Keeps ceremonies going for as long as the vault is there.
pub async fn keep_up(vault: Weak<Vault>) {
    let mut setbacks = Setbacks::default();
    loop {
        let Some(vault) = vault.upgrade() else {
            return;
        };
        let pause = match vault.keep_up_once(&mut setbacks).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "ceremonies cannot be read; trying again"
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

/// Ceremonies that cannot go on, each until when it is left alone: what failed, such as a write to
/// a disk that is full, is likely to fail again. The others go on meanwhile.
#[derive(Debug, Default)]
pub(super) struct Setbacks(BTreeMap<CeremonyId, Option<Instant>>);

impl Setbacks {
    fn holds(&self, id: &CeremonyId) -> bool {
        let until = self.0.get(id);
        until.is_some_and(|until| until.is_none_or(|until| Instant::now() < until))
    }

    fn note(&mut self, id: CeremonyId, error: &VaultError) {
        // Who acted at the same time has moved it on.
        if matches!(error, VaultError::Ceremony(CeremonyError::Concurrent)) {
            return;
        }
        tracing::error!(
            operation = id.as_str(),
            error = error as &dyn std::error::Error,
            "operation cannot go on; trying again"
        );
        let until = Instant::now() + PERIOD_AFTER_ERROR;
        self.0.insert(id, Some(until));
    }

    /// Leaves it alone until another start.
    fn leave(&mut self, id: CeremonyId) {
        tracing::warn!(
            operation = id.as_str(),
            "operation goes on once its key's namespace is configured again"
        );
        self.0.insert(id, None);
    }
}

impl Vault {
    /// Ends the job that is under way after its batch, and begins no other: the next start does.
    pub async fn stop_jobs(&self) {
        self.desk.is_closing.store(true, Ordering::Release);
        let _job = self.desk.job.lock().await;
    }

    /// Lets everything come due whose time it is, and then the most urgent job do one step: what
    /// comes due meanwhile does not wait for the rest of it. Says how long to pause.
    async fn keep_up_once(&self, setbacks: &mut Setbacks) -> Result<Duration, VaultError> {
        let _job = self.desk.job.lock().await;
        if self.desk.is_closing.load(Ordering::Acquire) {
            return Ok(PERIOD);
        }
        self.move_all_on(setbacks).await?;
        let mut jobs = self.unfinished()?;
        jobs.retain(|kept| kept.ceremony.state == CeremonyState::Running);
        jobs.sort_by_key(|kept| {
            let looked_at = kept.ceremony.progress.map(|progress| progress.looked_at);
            // Of those that are as urgent, the one that has come least far: short ones end soon.
            (urgency(&kept.ceremony.statement.operation), looked_at)
        });
        let mut pause = PERIOD;
        for Kept { ceremony, .. } in &jobs {
            let id = ceremony.id();
            if setbacks.holds(&id) {
                continue;
            }
            if !self.has_namespace(ceremony) {
                setbacks.leave(id);
                continue;
            }
            let step = match &ceremony.statement.operation {
                Operation::DestroyKey(_) | Operation::EraseEntry(_) | Operation::PruneLog(_) => {
                    self.purge_destroyed(&id, setbacks).await
                }
                // It has no job: who may retokenize does the work.
                Operation::Retokenize(_) => continue,
                operation if is_of_audit_fingerprint(operation) => self.reseal(&id).await,
                Operation::AcceptRollback(_)
                | Operation::ChangeCharter(_)
                | Operation::CompromiseKey(_)
                | Operation::ResumeKey(_)
                | Operation::RotateKey(_)
                | Operation::RotateRootKey(_)
                | Operation::SuspendKey(_) => self.rewrap(&id).await,
            };
            match step {
                Ok(Step::Taken(pause)) => return Ok(pause),
                Ok(Step::Waits(until)) => pause = pause.min(until),
                Err(error) => setbacks.note(id, &error),
            }
        }
        Ok(pause)
    }

    /// Whether the namespace of its key is configured; of what is no namespace's, it need not be.
    fn has_namespace(&self, ceremony: &Ceremony) -> bool {
        let key = ceremony.statement.operation.key();
        let namespace = key.and_then(|key| key.namespace.as_ref());
        namespace.is_none_or(|it| self.parts.namespaces.contains_key(it))
    }

    pub(super) async fn move_all_on(&self, setbacks: &mut Setbacks) -> Result<(), VaultError> {
        for kept in self.unfinished()? {
            let id = kept.ceremony.id();
            if setbacks.holds(&id) {
                continue;
            }
            if let Err(error) = self.move_on(&kept.ceremony).await {
                setbacks.note(id, &error);
            }
        }
        Ok(())
    }

    /// Lets a ceremony expire, carries it out, or ends what it allows, if it is time.
    async fn move_on(&self, seen: &Ceremony) -> Result<(), VaultError> {
        let now = self.now();
        let is_due = |it: &Ceremony| it.is_due(now) && self.has_waited(it);
        if !is_due(seen) && seen.expire(now).is_none() && seen.over(now).is_none() {
            return Ok(());
        }
        let _turn = self.desk.turn.lock().await;
        let ring = self.ring();
        // Somebody may have taken a turn since it was seen.
        let kept = self.ceremony(&seen.id())?;
        let carried = if let Some(expired) = kept.ceremony.expire(now) {
            Carried::waiting(kept.change(&ring, &expired), expired)
        } else if let Some(over) = kept.ceremony.over(now) {
            Carried::waiting(kept.change(&ring, &over), over)
        } else if is_due(&kept.ceremony) {
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

/// Which job goes first: one that takes what is protected away from a key that others know.
const fn urgency(operation: &Operation) -> u8 {
    match operation.kind() {
        OperationKind::CompromiseKey => 0,
        OperationKind::DestroyKey | OperationKind::EraseEntry | OperationKind::PruneLog => 1,
        OperationKind::AcceptRollback
        | OperationKind::ChangeCharter
        | OperationKind::ResumeKey
        | OperationKind::Retokenize
        | OperationKind::RotateKey
        | OperationKind::RotateRootKey
        | OperationKind::SuspendKey => 2,
    }
}

fn is_of_audit_fingerprint(operation: &Operation) -> bool {
    let key = operation.key();
    key.is_some_and(|key| key.purpose == KeyPurpose::AuditFingerprint)
}

/// How often ceremonies are looked at.
pub(super) const PERIOD: Duration = Duration::from_millis(500);
/// After what failed.
const PERIOD_AFTER_ERROR: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::KeyName;
    use crate::domain::KeyVersion;
    use crate::domain::Namespace;

    #[test]
    fn compromised_key_goes_first() {
        let key = KeyName {
            purpose: KeyPurpose::Wrapping,
            namespace: Some(Namespace::new("shop").unwrap()),
            version: KeyVersion::FIRST,
        };
        let mut operations = [
            Operation::RotateKey(key.clone()),
            Operation::DestroyKey(key.clone()),
            Operation::CompromiseKey(key),
        ];
        operations.sort_by_key(urgency);
        let kinds = operations.each_ref().map(Operation::kind);
        let expected = [
            OperationKind::CompromiseKey,
            OperationKind::DestroyKey,
            OperationKind::RotateKey,
        ];
        assert_eq!(kinds, expected);
    }
}
