//! What officers allow for a time: how much of it is left, and taking from it.
//!
//! The ceremony's own row says how many tokens were replaced. Who replaces some writes it anew in
//! the batch that replaces them, if it is as it was read: so the count is exact under any number
//! of callers, over crashes, and the moment that officers cancel it.

use crate::access::Refusal;
use crate::audit::CeremonyNote;
use crate::ceremony::CeremonyError;
use crate::ceremony::CeremonyState;
use crate::ceremony::Progress;
use crate::ceremony::Retokenization;
use crate::domain::CeremonyId;
use crate::domain::Namespace;
use crate::domain::Timestamp;
use crate::keys::Ring;
use crate::store::RowChange;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::desk::Kept;

/// An operation that allows tokens to be replaced now.
pub(in crate::vault) struct Allowance {
    kept: Kept,
    allowed: Retokenization,
}

impl Allowance {
    /// When it took effect: tokens that were made since need no other.
    pub(in crate::vault) fn begins(&self) -> Timestamp {
        self.kept.ceremony.due.unwrap_or_default()
    }

    /// When it is over.
    pub(in crate::vault) fn until(&self) -> Timestamp {
        self.allowed.until
    }

    /// The change that takes so many tokens from what is left; nothing, where that is none.
    ///
    /// # Errors
    ///
    /// If fewer are left.
    pub(in crate::vault) fn take(
        &self,
        ring: &Ring,
        tokens_count: usize,
    ) -> Result<Option<RowChange>, VaultError> {
        if tokens_count == 0 {
            return Ok(None);
        }
        let count = u64::try_from(tokens_count).unwrap_or(u64::MAX);
        let progress = self.kept.ceremony.progress.unwrap_or_default();
        let left = self.allowed.tokens_max.saturating_sub(progress.changed);
        if count > left {
            return Err(VaultError::Refused(Refusal::AllowanceSpent { left }));
        }
        let after = self.kept.ceremony.at(Progress {
            looked_at: progress.looked_at.saturating_add(count),
            changed: progress.changed.saturating_add(count),
            ..progress
        });
        Ok(Some(self.kept.change(ring, &after)))
    }
}

impl Vault {
    /// The operation, if it allows tokens of the namespace to be replaced now.
    pub(in crate::vault) fn allowance(
        &self,
        id: &CeremonyId,
        namespace: &Namespace,
    ) -> Result<Allowance, VaultError> {
        let missing = || VaultError::Refused(Refusal::AllowanceMissing);
        let kept = match self.ceremony(id) {
            Ok(kept) => kept,
            Err(VaultError::Ceremony(CeremonyError::Missing)) => return Err(missing()),
            Err(error) => return Err(error),
        };
        let ceremony = &kept.ceremony;
        let allowed = ceremony.statement.operation.retokenization();
        let is_open = |allowed: &&Retokenization| {
            ceremony.state == CeremonyState::Running
                && allowed.namespace == *namespace
                && self.now() < allowed.until
        };
        let allowed = allowed.filter(is_open).ok_or_else(missing)?.clone();
        Ok(Allowance { kept, allowed })
    }

    /// What entries say of an operation that a caller names, if there is one.
    pub(in crate::vault) fn named_operation(&self, id: &CeremonyId) -> Option<CeremonyNote> {
        let kept = self.ceremony(id).ok()?;
        let statement = &kept.ceremony.statement;
        Some(CeremonyNote {
            id: Some(statement.id()),
            operation: Some(statement.operation.kind()),
            statement_digest: Some(statement.digest()),
            ..CeremonyNote::default()
        })
    }

    /// Keeps officers, and others who replace tokens, from their turns: none of them is then told
    /// that another was faster.
    pub(in crate::vault) async fn take_desk(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.desk.turn.lock().await
    }
}
