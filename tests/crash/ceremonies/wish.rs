//! What officers want done, and what a look at the vault must see once it is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::ceremony::Charter;
use counterfoil::ceremony::LogPoint;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::OperationKind;
use counterfoil::ceremony::Retokenization;
use counterfoil::ceremony::Rule;
use counterfoil::domain::Namespace;
use counterfoil::domain::Timestamp;
use counterfoil::protocol;
use counterfoil::protocol::KeyState;
use counterfoil::protocol::OperationState;
use counterfoil::store::Store;
use counterfoil::store::StoredLeaf;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use super::story;
use crate::testbed;
use crate::testbed::Failure;
use crate::testbed::NAMESPACE;

/// What is to be done. Of some only the vault can say what exactly, once it has come so far.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// This.
    Of(Operation),
    /// Another charter of the same officers.
    Charter,
    /// Erase the first entry that may be.
    Erasure,
    /// Take out the first entries of the log.
    Pruning,
    /// Let tokens be replaced for as long as an operation waits.
    Retokenization,
}

impl Wish {
    /// The operation, as it is about a vault that does not run now.
    pub(crate) fn operation(&self, directory: &Path, now_ms: u64) -> Result<Operation, Failure> {
        Ok(match self {
            Self::Of(operation) => operation.clone(),
            Self::Charter => Operation::ChangeCharter(charter()?.digest()),
            Self::Erasure => Operation::EraseEntry(erasable(&open(directory)?)?),
            Self::Pruning => {
                let hashes = open(directory)?.hashes(TILE_LEVEL, 0, 1)?;
                let root = *hashes.first().ok_or("the log is too short")?;
                let size = PRUNED_SIZE;
                Operation::PruneLog(LogPoint { size, root })
            }
            Self::Retokenization => Operation::Retokenize(Retokenization {
                namespace: Namespace::new(NAMESPACE)?,
                tokens_max: 100,
                until: Timestamp::from_unix_ms(now_ms).plus_seconds(story::DELAY_SECONDS),
            }),
        })
    }

    /// The text of the charter that comes with it; empty if none does.
    pub(crate) fn charter(&self) -> Result<String, Failure> {
        match self {
            Self::Charter => Ok(charter()?.to_string()),
            Self::Of(_) | Self::Erasure | Self::Pruning | Self::Retokenization => Ok(String::new()),
        }
    }
}

/// Whether the vault is what it is after the operation; nothing if it is neither that nor what it
/// was before.
pub(crate) fn effect(
    directory: &Path,
    operation: &Operation,
    listed: &protocol::ListKeysResponse,
) -> Result<Option<bool>, Failure> {
    let after = match operation {
        Operation::CompromiseKey(_) => KeyState::Compromised,
        Operation::DestroyKey(_) => KeyState::Destroyed,
        Operation::ResumeKey(_) | Operation::RotateKey(_) => KeyState::Deactivated,
        Operation::SuspendKey(_) => KeyState::Suspended,
        Operation::ChangeCharter(digest) => {
            return Ok(Some(Charter::read(&listed.charter)?.digest() == *digest));
        }
        Operation::EraseEntry(index) => {
            let leaves = read(directory, |store| Ok(store.entries(*index, 1)?))?;
            let is_erased = |leaf: &StoredLeaf| leaf.entry().is_none();
            return Ok(leaves.first().map(is_erased));
        }
        Operation::PruneLog(archived) => {
            let size = read(directory, |store| Ok(store.pruned_size()?))?;
            return Ok((size == 0 || size == archived.size).then_some(size > 0));
        }
        // It is the row of the operation, and nothing beside it.
        Operation::Retokenize(_) => return Ok(Some(false)),
        Operation::AcceptRollback(_) | Operation::RotateRootKey(_) => return Ok(None),
    };
    let name = operation.key().ok_or("it is about a key")?;
    let purpose = format!("{}/", name.purpose.name());
    let keys = listed.keys.iter();
    let keys: Vec<_> = keys.filter(|it| it.name.starts_with(&purpose)).collect();
    let active = keys.iter().filter(|it| it.state() == KeyState::Active);
    let is_one = active.count() == 1;
    let name = name.to_string();
    let state = keys.iter().find(|key| key.name == name);
    Ok(is_one.then_some(state.is_some_and(|key| key.state() == after)))
}

/// Whether what was seen is one of before and after. The vault may have moved the operation on
/// between the looks at it that came before and after.
pub(crate) fn agrees(before: Option<bool>, seen: Option<bool>, after: Option<bool>) -> bool {
    let took_effect = |at: Option<bool>| at == Some(true);
    match seen {
        Some(true) => took_effect(after),
        Some(false) => !took_effect(before),
        None => false,
    }
}

/// Whether an operation took effect, as the vault says; nothing if there is none.
pub(crate) fn took_effect(operation: Option<&protocol::Operation>) -> Option<bool> {
    let state = operation?.state();
    Some(matches!(
        state,
        OperationState::Running | OperationState::Done
    ))
}

/// Whether an operation is where its signatures have brought it, and not between two turns.
pub(crate) fn is_whole(operation: &protocol::Operation) -> bool {
    let is_signed = operation.approvals.len() >= operation.approvals_needed as usize;
    match operation.state() {
        OperationState::Proposed | OperationState::Expired => !is_signed,
        OperationState::Waiting | OperationState::Running | OperationState::Done => is_signed,
        OperationState::Cancelled => !operation.cancellations.is_empty(),
        OperationState::Unspecified | OperationState::Failed => false,
    }
}

fn charter() -> Result<Charter, Failure> {
    let verifiers = (1..=3).map(|number| {
        let (name, key) = story::officer(number)?;
        Ok(key.verifier(name))
    });
    let verifiers = verifiers.collect::<Result<Vec<_>, Failure>>()?;
    let rule = |delay_seconds| Rule {
        approvals: 2,
        delay_seconds,
    };
    let rules = BTreeMap::from([
        (OperationKind::DestroyKey, rule(story::DELAY_SECONDS)),
        (OperationKind::EraseEntry, rule(story::DELAY_SECONDS)),
        (OperationKind::PruneLog, rule(story::DELAY_SECONDS)),
        (OperationKind::ResumeKey, rule(1)),
    ]);
    Ok(Charter::new(verifiers, rules)?)
}

fn erasable(store: &dyn Store) -> Result<u64, Failure> {
    for leaf in store.entries(0, usize::try_from(PRUNED_SIZE)?)? {
        let Some(stored) = leaf.entry() else { continue };
        if Entry::decode(&stored.entry)?.draft.event == Event::KeysRead {
            return Ok(stored.index);
        }
    }
    Err("no entry may be erased".into())
}

/// Reads the store beside the vault that runs. It may remove the file that is about to be read: a
/// table, which is an error, or a log of writes whose rows are in a table by then that this reader
/// does not know of, which is none. So what was read counts if the files were the same all along.
fn read<T>(
    directory: &Path,
    look: impl Fn(&dyn Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut tries_left = READ_TRIES;
    loop {
        let before = names(directory)?;
        let read = open(directory).and_then(|store| look(&store));
        let is_still = names(directory)? == before;
        tries_left -= 1;
        if tries_left == 0 || (read.is_ok() && is_still) {
            return read;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The names of the store's files.
fn names(directory: &Path) -> Result<BTreeSet<OsString>, Failure> {
    let files = fs::read_dir(testbed::config(directory)?.data_dir.join("rocksdb"))?;
    Ok(files
        .map(|file| Ok(file?.file_name()))
        .collect::<io::Result<_>>()?)
}

fn open(directory: &Path) -> Result<RocksStore, Failure> {
    let config = testbed::config(directory)?;
    let options = RocksOptions::default();
    Ok(RocksStore::open_read_only(&config.data_dir, &options)?)
}

/// Goal: neither half an effect, nor one without its operation, nor the other way round passes for
/// whole. Method: every answer that the looks can give.
#[test]
fn half_an_operation_is_noticed() {
    let all = [None, Some(false), Some(true)];
    for (before, after) in all
        .into_iter()
        .flat_map(|one| all.map(|other| (one, other)))
    {
        assert!(!agrees(before, None, after), "two active keys, or none");
        assert_eq!(agrees(before, Some(true), after), after == Some(true));
        assert_eq!(agrees(before, Some(false), after), before != Some(true));
    }
}

/// Entries that are taken out: the first tile.
pub(crate) const PRUNED_SIZE: u64 = 256;
const TILE_LEVEL: u8 = 8;
const READ_TRIES: u32 = 20;
