//! The end of a destruction: bytes go off the disk and out of memory, and then it is done.
//!
//! A purge rewrites the tables of the database. It does not reach what was lent before: the ring of
//! a call that began under the key, and the files and keys of a backup that was begun before. So a
//! destruction waits for these, and for no later ones. A backup that never ends keeps a destruction
//! from being done, and nothing else from going on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;

use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::ceremony::CeremonyError;
use crate::domain::CeremonyId;
use crate::keys::Bygone;
use crate::store::EngineError;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::error::VaultError;
use crate::vault::officers::act::note;
use crate::vault::officers::carry_out::Carried;
use crate::vault::officers::keep_up::PERIOD;
use crate::vault::officers::keep_up::Setbacks;
use crate::vault::officers::rewrap::Step;

/// Somebody has files of the store, or keys, for longer than a call: until this is dropped, and the
/// last of its clones.
#[derive(Clone, Debug)]
pub(in crate::vault) struct Loan {
    _borrower: Arc<()>,
}

/// Who has what a destruction must wait for. It is all in memory: with the process it is gone, and
/// the next start removes what a backup has left, and purges again.
#[derive(Default)]
pub(in crate::vault) struct Purges {
    loans: Mutex<Vec<Weak<()>>>,
    /// Ceremonies whose bytes are off the disk.
    purged: Mutex<BTreeMap<CeremonyId, Awaited>>,
}

/// What was lent when the bytes were off the disk.
#[derive(Debug)]
struct Awaited {
    loans: Vec<Weak<()>>,
    rings: Vec<Bygone>,
}

impl Purges {
    /// Notes that somebody is about to take files or keys.
    pub(in crate::vault) fn lend(&self) -> Loan {
        let borrower = Arc::new(());
        let mut loans = locked(&self.loans);
        loans.retain(|loan| loan.strong_count() > 0);
        loans.push(Arc::downgrade(&borrower));
        Loan {
            _borrower: borrower,
        }
    }

    /// Notes that the bytes are off the disk: what is lent from now on has none of them.
    fn note(&self, id: CeremonyId, rings: Vec<Bygone>) {
        let loans = locked(&self.loans).clone();
        locked(&self.purged).insert(id, Awaited { loans, rings });
    }

    fn forget(&self, id: &CeremonyId) {
        locked(&self.purged).remove(id);
    }

    fn is_noted(&self, id: &CeremonyId) -> bool {
        locked(&self.purged).contains_key(id)
    }

    /// How long to wait before another look; nothing if all that was lent has come back.
    fn wait(&self, id: &CeremonyId) -> Option<Duration> {
        let purged = locked(&self.purged);
        let awaited = purged.get(id)?;
        if awaited.loans.iter().any(|loan| loan.strong_count() > 0) {
            return Some(PERIOD);
        }
        let is_held = awaited.rings.iter().any(|ring| !ring.is_gone());
        is_held.then_some(RING_PERIOD)
    }
}

impl Vault {
    /// Gets the wrapped bytes of a destroyed key, or those of entries that are gone, off the disk,
    /// since a table file may still have them; waits until nobody has what was lent before; and
    /// then says that it is done.
    pub(super) async fn purge_destroyed(
        &self,
        id: &CeremonyId,
        setbacks: &mut Setbacks,
    ) -> Result<Step, VaultError> {
        let purges = &self.desk.purges;
        if !purges.is_noted(id) {
            self.purge(setbacks).await?;
            let bygone = self.desk.bygone.lock();
            let rings = bygone.unwrap_or_else(PoisonError::into_inner).clone();
            purges.note(id.clone(), rings);
        }
        if let Some(pause) = purges.wait(id) {
            return Ok(Step::Waits(pause));
        }
        let _turn = self.desk.turn.lock().await;
        let ring = self.ring();
        let kept = self.ceremony(id)?;
        let done = kept.ceremony.done(self.now())?;
        let carried = Carried::waiting(kept.change(&ring, &done), done);
        let entry = EntryDraft {
            key: carried.key(),
            ceremony: note(&carried.after, None),
            ..EntryDraft::new(Event::OperationEnded)
        };
        match self.commit_carried(entry, None, carried).await {
            Ok(_) => {
                purges.forget(id);
                Ok(Step::Taken(Duration::ZERO))
            }
            Err(CommitError::Conflicts(_)) => Err(CeremonyError::Concurrent.into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn purge(&self, setbacks: &mut Setbacks) -> Result<(), VaultError> {
        let store = Arc::clone(&self.parts.store);
        let mut purging = tokio::task::spawn_blocking(move || store.purge());
        // Of a large database it takes long, and others come due meanwhile.
        let purged = loop {
            tokio::select! {
                purged = &mut purging => break purged,
                () = tokio::time::sleep(PERIOD) => self.move_all_on(setbacks).await?,
            }
        };
        let ended = |_| StoreError::Unavailable(EngineError::new("purge ended before its time"));
        Ok(purged.map_err(ended)??)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call ends within its deadline.
const RING_PERIOD: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyBytes;
    use crate::crypto::RootKey;
    use crate::crypto::SystemEntropy;
    use crate::domain::Timestamp;
    use crate::keys::Keyring;
    use crate::keys::LiveKeyring;

    fn id() -> CeremonyId {
        CeremonyId::new(&format!("c-{}", "0".repeat(32))).unwrap()
    }

    fn keyring() -> Keyring {
        let root = RootKey::new(&KeyBytes::from_array(&[1; 32]));
        let keys = Keyring::create(&root, &[], Timestamp::default(), &SystemEntropy).unwrap();
        Keyring::open(&root, &keys).unwrap()
    }

    #[test]
    fn destruction_waits_for_a_call_that_has_the_key() {
        let (purges, live) = (Purges::default(), LiveKeyring::new(keyring()));
        let call = live.current();
        let bygone = live.replace(keyring());
        let later_call = live.current();
        purges.note(id(), vec![bygone]);
        assert_eq!(purges.wait(&id()), Some(RING_PERIOD));
        drop(call);
        assert_eq!(purges.wait(&id()), None);
        drop(later_call);
    }

    #[test]
    fn destruction_waits_for_every_loan_of_before_and_for_none_of_later() {
        let purges = Purges::default();
        let (first, second) = (purges.lend(), purges.lend());
        purges.note(id(), Vec::new());
        let _later = purges.lend();
        drop(first);
        assert_eq!(purges.wait(&id()), Some(PERIOD));
        drop(second);
        assert_eq!(purges.wait(&id()), None);
    }

    #[test]
    fn destruction_that_is_done_is_forgotten() {
        let purges = Purges::default();
        let _loan = purges.lend();
        purges.note(id(), Vec::new());
        assert!(purges.is_noted(&id()));
        purges.forget(&id());
        assert!(!purges.is_noted(&id()));
        assert_eq!(purges.wait(&id()), None);
    }
}
