//! What officers must know before they sign.

use crate::access::Act;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::Charter;
use crate::domain::CeremonyId;
use crate::keys::KeyMetadata;
use crate::policy::Action;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::officers::act::OfficerAct;

/// What officers must know before they sign.
#[derive(Clone, Debug)]
pub struct Briefing {
    /// The vault's name in statements.
    pub vault: String,
    /// The officers, and how many of them each operation needs; nothing if there are none.
    pub charter: Option<Charter>,
    /// Every key version.
    pub keys: Vec<KeyMetadata>,
    /// The operations that are not over and the last 100 that are, in the order of
    /// their beginning.
    pub operations: Vec<Ceremony>,
}

impl Vault {
    /// Says which keys, officers and operations there are.
    ///
    /// # Errors
    ///
    /// If the caller may not know.
    pub async fn brief_officer(&self, caller: &Caller) -> Result<Briefing, VaultError> {
        let act = OfficerAct::new(Action::ListKeys, Event::KeysRead);
        self.administer(caller, act, None, |_| Act::Work).await?;
        let ring = self.ring();
        let charter = match self.charter(&ring) {
            Ok(charter) => Some(charter),
            Err(VaultError::Ceremony(_)) => None,
            Err(error) => return Err(error),
        };
        let keys = self.key_table()?.keys();
        let kept = self.ceremonies(&ring)?.into_iter();
        let mut operations: Vec<Ceremony> = kept.map(|kept| kept.ceremony).collect();
        keep_latest(&mut operations);
        Ok(Briefing {
            vault: self.parts.origin.clone(),
            charter,
            keys: keys.iter().map(|key| key.metadata().clone()).collect(),
            operations,
        })
    }

    /// Says where an operation is.
    ///
    /// # Errors
    ///
    /// If the caller may not know, or there is no such operation.
    pub async fn read_operation(
        &self,
        caller: &Caller,
        id: &CeremonyId,
    ) -> Result<Ceremony, VaultError> {
        let act = OfficerAct::new(Action::ListKeys, Event::KeysRead);
        self.administer(caller, act, None, |_| Act::Work).await?;
        self.peek_operation(id)
    }

    /// Where an operation is now, for who was permitted to watch it.
    ///
    /// # Errors
    ///
    /// If there is no such operation.
    pub fn peek_operation(&self, id: &CeremonyId) -> Result<Ceremony, VaultError> {
        Ok(self.ceremony(&self.ring(), id)?.ceremony)
    }
}

/// Drops the operations that have been over for longest, so that the list stays one message.
fn keep_latest(operations: &mut Vec<Ceremony>) {
    let mut ended: Vec<_> = operations.iter().filter_map(|it| it.ended).collect();
    ended.sort_unstable_by(|one, other| other.cmp(one));
    let since = ended.get(ENDED_LISTED - 1).copied();
    operations.retain(|it| {
        it.ended
            .is_none_or(|ended| since.is_none_or(|since| ended >= since))
    });
    operations.sort_by_key(|ceremony| ceremony.statement.proposed);
}

/// Operations that are over in a list, about: all that ended with the last of them are there.
const ENDED_LISTED: usize = 100;
