//! Carries out that officers accept a rollback.

use std::fs;
use std::sync::Arc;

use crate::assembly::error::AssemblyError;
use crate::assembly::in_force::check_in_force;
use crate::assembly::offline::LaterLog;
use crate::assembly::offline::Offered;
use crate::assembly::offline::approve;
use crate::assembly::open::checkpoint_keys_of;
use crate::assembly::open::log_parts;
use crate::assembly::open::open_store;
use crate::audit;
use crate::audit::Head;
use crate::audit::KeptCeremony;
use crate::audit::RollbackOutcome;
use crate::backup;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::domain::Clock;
use crate::keys::KeyTable;
use crate::keys::Keyring;
use crate::keys::root::RootKeyHolder;
use crate::store::Store;
use crate::vault::keep_ceremony;

/// Lets a vault that is behind its head, or behind what others have seen, go on, if as many
/// officers have signed for it as its charter asks for. Either may be signed by a key that the
/// database does not know yet, if it is one of the `later` ones: the officers have signed for what
/// it says. To repeat it after a crash is safe, and brings it to its end. With the outcome comes
/// the index of the entry that says so.
///
/// # Errors
///
/// If they have not, the statement is about something else, or something cannot be written.
pub async fn accept_rollback(
    config: &Config,
    root: &dyn RootKeyHolder,
    offered: &Offered,
    later: &LaterLog,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(RollbackOutcome, u64), AssemblyError> {
    let store = open_store(config)?;
    let keyring = Keyring::open(root, &KeyTable::read(&*store)?.keys())?;
    let approved = approve(config, &*store, &keyring, offered)?;
    if approved.officers().is_empty() {
        check_never_had_officers(config, &*store)?;
    }
    // The head is given up for a vault that a start takes.
    check_in_force(&*store, &keyring)?;
    let kept = match approved.ceremony(clock.now(), 0) {
        Some(ceremony) => Some(keep_ceremony(&*store, &keyring, ceremony)?),
        None => None,
    };
    let kept = kept.map(|(row, register_digest)| KeptCeremony {
        row,
        register_digest,
    });
    let keys = checkpoint_keys_of(config, &keyring)?;
    let all_keys = keys.joined(&later.keys);
    let seen = later.seen(&all_keys)?;
    let (head, checkpoint) = Head::open(&config.audit.head_dir, &all_keys)?;
    let parts = log_parts(
        config,
        &keyring,
        Arc::clone(&store),
        head,
        checkpoint,
        clock,
        entropy,
    )?;
    let (outcome, index) = audit::accept_rollback(parts, seen.as_ref(), &approved, kept).await?;
    store.flush()?;
    Ok((outcome, index))
}

/// Refuses to take a database from before the vault had officers for one that never had any, as far
/// as the backups tell that are where the configuration says, or in directories within.
fn check_never_had_officers(config: &Config, store: &dyn Store) -> Result<(), AssemblyError> {
    let Some(backups) = &config.backup else {
        return Ok(());
    };
    let tree_size = store.tree_size()?;
    let mut directories = vec![backups.dir.clone()];
    // What is not there, or is no directory, has no backups.
    let within = fs::read_dir(&backups.dir).into_iter().flatten().flatten();
    directories.extend(
        within
            .map(|entry| entry.path())
            .filter(|path| path.is_dir()),
    );
    for directory in directories {
        if let Some(later) = backup::later_with_officers(&directory, tree_size)? {
            return Err(AssemblyError::OfficersOfLater(later));
        }
    }
    Ok(())
}
