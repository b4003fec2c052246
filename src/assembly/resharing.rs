//! New shares of the same root key: what the log of a stopped vault says of them.
//!
//! What is true if we crash: the entry is written when the new shares are on the disk and proven,
//! and before they are the vault's. So there are no shares in force without an entry, and an entry
//! whose shares are not in force says nothing wrong: these shares were made, and give the root key.
//! Which are in force, the sharing file says, whose hash the entry has.

use std::sync::Arc;

use crate::assembly::error::AssemblyError;
use crate::assembly::open::checkpoint_keys_of;
use crate::assembly::open::open_store;
use crate::assembly::open::write_once;
use crate::audit::Commit;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::RollbackError;
use crate::audit::SharingNote;
use crate::audit::latest_sharing;
use crate::audit::verify_store;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::domain::Clock;
use crate::keys::KeyTable;
use crate::keys::Keyring;
use crate::keys::root::RootKeyHolder;
use crate::store::Changes;
use crate::store::Store;

/// A stopped vault, whose log is to say that shares were made. Nobody starts it meanwhile.
pub struct Resharing {
    store: Arc<dyn Store>,
    keyring: Keyring,
    latest: Option<[u8; 32]>,
}

impl Resharing {
    /// Opens the stopped vault under its root key, and verifies its log.
    ///
    /// # Errors
    ///
    /// If there is no vault, it runs, its keys do not open, or its log is not whole.
    pub fn begin(config: &Config, root: &dyn RootKeyHolder) -> Result<Self, AssemblyError> {
        let store = open_store(config)?;
        let keyring = Keyring::open(root, &KeyTable::read(&*store)?.keys())?;
        let verifiers = checkpoint_keys_of(config, &keyring)?;
        verify_store(&*store, None, &verifiers).map_err(RollbackError::Verify)?;
        let latest = latest_sharing(&*store)?;
        Ok(Self {
            store,
            keyring,
            latest,
        })
    }

    /// The hash of the sharing that the log named last; nothing if it names none.
    #[must_use]
    pub fn latest(&self) -> Option<[u8; 32]> {
        self.latest
    }

    /// Writes that shares were made. Once this is done they may be put in force.
    ///
    /// # Errors
    ///
    /// If the database does not agree with its head, or cannot be written.
    pub async fn record(
        self,
        config: &Config,
        made: SharingNote,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(), AssemblyError> {
        let Self { store, keyring, .. } = self;
        let entry = EntryDraft {
            sharing: Some(made),
            ..EntryDraft::new(Event::RootKeyReshared)
        };
        let commit = Commit::new(Changes::default(), entry, None);
        write_once(config, &keyring, &store, commit, clock, entropy).await?;
        Ok(store.flush()?)
    }
}

impl std::fmt::Debug for Resharing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Resharing").finish_non_exhaustive()
    }
}
