//! A log on the disk, opened to be read without a configuration.

use crate::audit::Head;
use crate::cli::audit::LogArgs;
use crate::cli::audit::head_error;
use crate::cli::audit::store_error;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::store::StoreError;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;

/// A log that is open to be read.
pub(in crate::cli) struct DiskLog {
    pub(in crate::cli) store: RocksStore,
    /// Whether bytes behind it were left out that a power cut may leave: they were never synced.
    pub(in crate::cli) is_cut_off: bool,
}

impl DiskLog {
    /// Opens the log. Where it is damaged, what a power cut has left of it is read, if that is as
    /// much as the head speaks of: `docs/decisions/0051-what-was-never-synced-is-left-out.md`.
    ///
    /// # Errors
    ///
    /// If it cannot be read; [`CliError::Verification`] if it is damaged, and nobody knows how much
    /// there must be, or more than there is.
    pub(super) fn open(log: &LogArgs) -> Result<Self, CliError> {
        let (data_dir, options) = (log.data_dir()?, RocksOptions::default());
        let damaged = match RocksStore::open_read_only(&data_dir, &options) {
            Ok(store) => {
                return Ok(Self {
                    store,
                    is_cut_off: false,
                });
            }
            Err(damaged @ StoreError::Corrupt { .. }) => damaged,
            Err(error) => return Err(store_error(&error)),
        };
        let refused = |why: String| {
            let damaged = damaged.to_string();
            let what = damaged.lines().next().unwrap_or_default();
            CliError::Verification(format!("NOT verified: {what}\n  {why}"))
        };
        let head_dir = log.head_dir()?;
        let promised = Head::claimed_size(&head_dir);
        let promised = promised.map_err(|error| head_error(error, &head_dir))?;
        let head_dir = head_dir.display();
        let Some(promised) = promised else {
            return Err(refused(format!(
                "{head_dir} has no head that says how much there must be\n  after a power cut, \
                 give --head-dir, as audit.head_dir has it, or start the vault"
            )));
        };
        match RocksStore::read_cut_off(&data_dir, &options, promised) {
            Ok(store) => Ok(Self {
                store,
                is_cut_off: true,
            }),
            Err(StoreError::Corrupt { .. }) => Err(refused(format!(
                "the {promised} entries that the head in {head_dir} speaks of cannot be read\n  \
                 restore the newest backup"
            ))),
            Err(error) => Err(store_error(&error)),
        }
    }

    /// The store; says on standard error what was left out.
    pub(in crate::cli) fn into_store(self) -> RocksStore {
        if self.is_cut_off {
            say(
                "the database's log ends in bytes that were never synced: left out, until the \
                 vault starts",
            );
        }
        self.store
    }
}
