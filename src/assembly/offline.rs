//! What is done to a vault that does not run: what officers are told before they sign for it, and
//! how their signatures are counted.

use std::fs;

use crate::assembly::audit_key_file;
use crate::assembly::error::AssemblyError;
use crate::assembly::open::or_cut_off;
use crate::assembly::rocks_options;
use crate::audit::CheckpointKeys;
use crate::audit::Head;
use crate::audit::SignedCheckpoint;
use crate::audit::find_rollback;
use crate::audit::following_keys;
use crate::audit::in_force;
use crate::audit::latest_time;
use crate::ceremony::Approved;
use crate::ceremony::CeremonyError;
use crate::ceremony::Charter;
use crate::ceremony::NO_CHARTER;
use crate::ceremony::Operation;
use crate::ceremony::Rollback;
use crate::ceremony::RootKeyKind;
use crate::ceremony::RootKeyMove;
use crate::config::Config;
use crate::crypto::note::SignedNote;
use crate::domain::Timestamp;
use crate::keys::KeyTable;
use crate::keys::Keyring;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::rocks::RocksStore;
use crate::vault::peek_charter;
use crate::vault::read_charter;

/// What is given for an operation on a vault that does not run.
#[derive(Clone, Debug)]
pub enum Offered {
    /// A statement with the signatures of officers.
    Signed(SignedNote),
    /// The text of a statement of a vault that has no officers: its operator alone stands for it.
    WithoutOfficers(String),
}

/// What a statement is about, and which charter it is under. It was read without the root key, so
/// nothing here is believed when the statement is carried out: all of it is looked at again.
#[derive(Clone, Debug)]
pub struct OfflineBriefing {
    /// What is to be done.
    pub operation: Operation,
    /// SHA-256 of the charter; [`NO_CHARTER`] for a vault without officers.
    pub charter: [u8; 32],
    /// When the last entry of the log in the database was written.
    pub latest_time: Timestamp,
}

/// What is known of a vault's log that its database is too old to know.
#[derive(Clone, Debug)]
pub struct LaterLog {
    /// Keys that it came under since.
    pub keys: CheckpointKeys,
    /// A signed checkpoint that somebody has seen, such as its witness, though the head went back
    /// with the database.
    pub seen: Option<String>,
}

impl LaterLog {
    /// The checkpoint that was seen, which must be signed by one of the keys.
    pub(super) fn seen(
        &self,
        keys: &CheckpointKeys,
    ) -> Result<Option<SignedCheckpoint>, AssemblyError> {
        let verified = |note: &String| keys.verify(note).ok_or(AssemblyError::SeenUnsigned);
        self.seen.as_ref().map(verified).transpose()
    }
}

/// Says how the database disagrees with its head, and with what others have seen; nothing if it
/// does not. Both may be signed by keys that the database is too old to know. Nothing is changed.
///
/// # Errors
///
/// If there is no vault, or its log does not verify by itself.
pub fn brief_rollback(
    config: &Config,
    later: &LaterLog,
) -> Result<Option<OfflineBriefing>, AssemblyError> {
    let store = open_to_read(config)?;
    let keys = following_keys(&store, &public_keys(config)?)?;
    let all_keys = keys.clone().joined(&later.keys);
    let head = Head::read(&config.audit.head_dir, &all_keys)?;
    let seen = later.seen(&all_keys)?;
    let rollback: Option<Rollback> = find_rollback(&store, &head, seen.as_ref(), &keys)?;
    let brief = |rollback| brief(config, &store, Operation::AcceptRollback(rollback));
    rollback.map(brief).transpose()
}

/// Says which keys another root key would wrap. Nothing is changed; the vault may run.
///
/// # Errors
///
/// If there is no vault, or its keys cannot be read.
pub fn brief_root_key_move(
    config: &Config,
    from: RootKeyKind,
    to: RootKeyKind,
) -> Result<OfflineBriefing, AssemblyError> {
    let store = open_to_read(config)?;
    let keys = KeyTable::read(&store)?.digest();
    let moved = RootKeyMove { keys, from, to };
    brief(config, &store, Operation::RotateRootKey(moved))
}

fn brief(
    config: &Config,
    store: &dyn Store,
    operation: Operation,
) -> Result<OfflineBriefing, AssemblyError> {
    let charter = peek_charter(store)?;
    let charter = charter.as_ref().or(config.officers.charter.as_ref());
    Ok(OfflineBriefing {
        operation,
        charter: charter.map_or(NO_CHARTER, |charter| charter.digest()),
        latest_time: latest_time(store)?,
    })
}

/// Counts the signatures under the charter that this database has. Where it has none, the officers
/// of the configuration would be its first, and count.
pub(super) fn approve(
    config: &Config,
    store: &dyn Store,
    keyring: &Keyring,
    offered: &Offered,
) -> Result<Approved, AssemblyError> {
    let charter = charter(config, store, keyring)?;
    let origin = &config.audit.origin;
    match (offered, charter) {
        (Offered::Signed(note), Some(charter)) => {
            Ok(Approved::by_officers(&charter, origin, note)?)
        }
        (Offered::Signed(_), None) => Err(CeremonyError::NoOfficers.into()),
        (Offered::WithoutOfficers(_), Some(_)) => Err(AssemblyError::OfficersMustSign),
        (Offered::WithoutOfficers(text), None) => Ok(Approved::without_officers(origin, text)?),
    }
}

/// Whether officers must sign for what is done to this vault.
pub(super) fn has_officers(
    config: &Config,
    store: &dyn Store,
    keyring: &Keyring,
) -> Result<bool, AssemblyError> {
    Ok(charter(config, store, keyring)?.is_some())
}

/// The charter that holds: the database's, which must be the one that its log names last, or else
/// the configuration's. Whoever calls this sees that the log verifies.
fn charter(
    config: &Config,
    store: &dyn Store,
    keyring: &Keyring,
) -> Result<Option<Charter>, AssemblyError> {
    let charter = read_charter(store, keyring)?;
    if charter.as_ref().map(Charter::digest) != in_force(store)?.charter {
        return Err(AssemblyError::CharterReplaced);
    }
    Ok(charter.or_else(|| config.officers.charter.clone()))
}

fn open_to_read(config: &Config) -> Result<RocksStore, AssemblyError> {
    let options = rocks_options(config);
    let opened = RocksStore::open_read_only(&config.data_dir, &options);
    match or_cut_off(config, opened, RocksStore::read_cut_off)? {
        Err(StoreError::Missing) => Err(AssemblyError::Missing {
            path: config.data_dir.clone(),
        }),
        opened => Ok(opened?),
    }
}

fn public_keys(config: &Config) -> Result<CheckpointKeys, AssemblyError> {
    let path = audit_key_file(&config.data_dir);
    let text = fs::read_to_string(&path).map_err(|source| AssemblyError::File { path, source })?;
    let keys = text.lines().map(str::parse).collect::<Result<_, _>>()?;
    Ok(CheckpointKeys::new(keys))
}
