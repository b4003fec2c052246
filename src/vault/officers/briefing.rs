//! What officers must know before they sign.

use std::collections::BTreeMap;

use crate::access::Act;
use crate::audit::Event;
use crate::ceremony::Ceremony;
use crate::ceremony::Charter;
use crate::domain::CeremonyId;
use crate::domain::KeyName;
use crate::keys::KeyMetadata;
use crate::keys::StoredKey;
use crate::policy::Action;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::officers::act::OfficerAct;
use crate::vault::officers::usage::KeyUsage;
use crate::vault::work;

/// What officers must know before they sign.
#[derive(Clone, Debug)]
pub struct Briefing {
    /// The vault's name in statements.
    pub vault: String,
    /// The officers, and how many of them each operation needs; nothing if there are none.
    pub charter: Option<Charter>,
    /// Every key version.
    pub keys: Vec<KeyMetadata>,
    /// What is still under the versions that open or find things, and are not active; nothing if
    /// it was not asked for.
    pub usage: BTreeMap<KeyName, KeyUsage>,
    /// The operations that are not over and the last 100 that are, in the order of
    /// their beginning.
    pub operations: Vec<Ceremony>,
}

impl Vault {
    /// Says which keys, officers and operations there are; if asked to, also what is still under
    /// older versions, which reads every record.
    ///
    /// # Errors
    ///
    /// If the caller may not know.
    pub async fn brief_officer(
        &self,
        caller: &Caller,
        counts_usage: bool,
    ) -> Result<Briefing, VaultError> {
        let act = OfficerAct::new(Action::ListKeys, Event::KeysRead);
        self.administer(caller, act, None, |_| Act::Work).await?;
        let charter = match self.charter() {
            Ok(charter) => Some(charter),
            Err(VaultError::Ceremony(_)) => None,
            Err(error) => return Err(error),
        };
        let keys = self.key_table()?.keys();
        let kept = self.ceremonies()?.into_iter();
        let mut operations: Vec<Ceremony> = kept.map(|kept| kept.ceremony).collect();
        keep_latest(&mut operations);
        Ok(Briefing {
            vault: self.parts.origin.clone(),
            charter,
            keys: keys.iter().map(|key| key.metadata().clone()).collect(),
            usage: match counts_usage {
                true => work(usize::MAX, || self.usage_of_older(&keys))?,
                false => BTreeMap::new(),
            },
            operations,
        })
    }

    fn usage_of_older(
        &self,
        keys: &[StoredKey],
    ) -> Result<BTreeMap<KeyName, KeyUsage>, VaultError> {
        let now = self.now();
        let metadata = keys.iter().map(StoredKey::metadata);
        let older = metadata.filter(|key| key.state().processes() && !key.state().protects());
        // What is under a key whose namespace is not configured, nobody can tell.
        let older = older.filter(|key| self.namespace_id(&key.name()).is_ok());
        older
            .map(|key| Ok((key.name(), self.usage(&key.name(), now)?)))
            .collect()
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
        Ok(self.ceremony(id)?.ceremony)
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
