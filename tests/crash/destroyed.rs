//! A destroyed key is nowhere: not in the data directory, not in a backup, and not in the memory
//! that a core dump would hold.
//!
//! A vault serves in a process of its own. Its wrapping key is read out of it, which takes the root
//! key; then it is rotated and destroyed, and searched for. So is its successor, which that process
//! has drawn. The search finds each before, in each of the places, and finds the third after: that
//! it finds nothing then proves something. In memory a key is once, where the ring has it, and
//! nowhere else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::ceremony::Operation;
use counterfoil::crypto::Entropy;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::KeyIdentity;
use counterfoil::crypto::RootKey;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::SystemClock;
use counterfoil::keys::Keyring;
use counterfoil::keys::StoredKey;
use counterfoil::keys::root::HolderError;
use counterfoil::keys::root::RootKeyHolder;
use counterfoil::protocol::CreateBackupRequest;
use counterfoil::protocol::backup_service_client::BackupServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use counterfoil::store::Store;
use counterfoil::store::Table;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use crate::Plant;
use crate::ceremonies::story;
use crate::ceremonies::story::Officers;
use crate::ceremonies::story::Step;
use crate::configure;
use crate::inspection;
use crate::ledger::Ledger;
use crate::load::tokenize_request;
use crate::memory::KEY_BYTES;
use crate::memory::Memory;
use crate::questions;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;
use crate::untried::not_tried;
use crate::values::value;

/// A key as it is in memory, and as it is on the disk.
#[derive(Clone, Default)]
struct Found {
    bytes: [u8; KEY_BYTES],
    wrapped: Vec<u8>,
}

/// Keys and the bytes that they were unwrapped from, by version.
type Told = BTreeMap<u32, ([u8; KEY_BYTES], Vec<u8>)>;

/// A root key that tells what it unwraps.
#[derive(Debug)]
struct Telling {
    root: RootKey,
    told: Mutex<Told>,
}

impl RootKeyHolder for Telling {
    fn wrap(
        &self,
        name: &KeyIdentity<'_>,
        key: &KeyBytes,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, HolderError> {
        RootKeyHolder::wrap(&self.root, name, key, entropy)
    }

    fn unwrap(&self, name: &KeyIdentity<'_>, wrapped: &[u8]) -> Result<KeyBytes, HolderError> {
        let key = RootKeyHolder::unwrap(&self.root, name, wrapped)?;
        if name.purpose == KeyPurpose::Wrapping {
            let told = (*key.expose(), wrapped.to_vec());
            let mut all = self.told.lock().map_err(|_| HolderError::Opening)?;
            all.insert(name.version.number(), told);
        }
        Ok(key)
    }
}

/// The version of the wrapping key, read out of a vault whose root key is known.
fn read_out(directory: &Path, version: u32) -> Result<Found, Failure> {
    let config = testbed::config(directory)?;
    let store = RocksStore::open_read_only(&config.data_dir, &RocksOptions::default())?;
    let rows = store.rows(Table::Keys, None, 1_000)?;
    let keys = rows.iter().map(|(_, row)| StoredKey::decode(row));
    let telling = Telling {
        root: testbed::root_key(),
        told: Mutex::default(),
    };
    let _ring = Keyring::open(&telling, &keys.collect::<Result<Vec<_>, _>>()?)?;
    let told = telling.told.into_inner()?;
    let (bytes, wrapped) = told
        .get(&version)
        .ok_or("there is no such version")?
        .clone();
    Ok(Found { bytes, wrapped })
}

/// How often the bytes are in the files of a directory.
pub(crate) fn count_in_files(directory: &Path, bytes: &[u8]) -> Result<usize, Failure> {
    let mut count = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        count += if path.is_dir() {
            count_in_files(&path, bytes)?
        } else {
            count_in(&fs::read(&path)?, bytes)
        };
    }
    Ok(count)
}

fn count_in(haystack: &[u8], bytes: &[u8]) -> usize {
    let windows = haystack.windows(bytes.len());
    windows.filter(|window| *window == bytes).count()
}

/// Goal: see the head of this file.
#[tokio::test(flavor = "multi_thread")]
async fn destroyed_key_is_nowhere() {
    try_destruction().await.unwrap();
}

async fn try_destruction() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    prepare(directory).await?;
    let server = start(directory).await?;
    let mut ledger = Ledger::new(directory)?;
    let values: Vec<_> = ledger.numbers(300).map(value).collect();
    let mut client = TokenServiceClient::new(server.token.clone());
    let answer = client.tokenize(tokenize_request(&values, None)).await?;
    ledger.tokenized(&values, answer.into_inner());

    let (mut before, mut after) = (Vec::new(), Vec::new());
    for version in 1..=2 {
        let key = tokio::task::block_in_place(|| read_out(directory, version))?;
        let backup = format!("before{version}");
        back_up(&server, &directory.join("backups").join(&backup)).await?;
        // Nobody has worked with keys of before the first one.
        before.push(match version {
            1 => search(directory, &server, &backup, &key)?,
            _ => search_until_once(directory, &server, &backup, &key).await?,
        });

        let name = story::wrapping(version)?;
        let rotation = Operation::RotateKey(name.clone());
        hold(&server, rotation, &[Step::Propose(1)]).await?;
        let steps = [Step::Propose(1), Step::Approve(2)];
        hold(&server, Operation::DestroyKey(name), &steps).await?;
        let backup = format!("after{version}");
        back_up(&server, &directory.join("backups").join(&backup)).await?;
        after.push(search(directory, &server, &backup, &key)?);
    }
    for before in &before {
        assert!(before.files > 0 && before.backup > 0, "{before:?}");
        assert!(before.memory.is_none_or(|count| count == 1), "{before:?}");
    }
    for after in &after {
        assert_eq!((after.files, after.backup), (0, 0), "{after:?}");
        assert!(after.memory.is_none_or(|count| count == 0), "{after:?}");
    }
    // The last one is in each of the places.
    let third = tokio::task::block_in_place(|| read_out(directory, 3))?;
    let last = search_until_once(directory, &server, "after2", &third).await?;
    assert!(last.files > 0 && last.backup > 0, "{last:?}");
    assert!(last.memory.is_none_or(|count| count == 1), "{last:?}");
    println!("before they are destroyed {before:?}, after {after:?}; the last {last:?}");
    if last.memory.is_none() {
        not_tried("the memory of a process cannot be read here");
    }
    questions::ask(&server, &mut ledger, usize::MAX).await?;
    server.kill()?;
    tokio::task::block_in_place(|| inspection::inspect_by_both(directory, &mut ledger))?;
    assert_eq!(ledger.faults, []);
    Ok(())
}

/// In how many places a key was found.
#[derive(Debug)]
struct Places {
    /// Wrapped, in the files of the data directory.
    files: usize,
    /// Wrapped, in those of a backup.
    backup: usize,
    /// Bare, in memory.
    memory: Option<usize>,
}

fn search(directory: &Path, server: &Server, backup: &str, key: &Found) -> Result<Places, Failure> {
    tokio::task::block_in_place(|| {
        Ok(Places {
            files: count_in_files(&directory.join("vault"), &key.wrapped)?,
            backup: count_in_files(&directory.join("backups").join(backup), &key.wrapped)?,
            memory: Memory::read(server.process())?.map(|memory| memory.count(&key.bytes)),
        })
    })
}

/// Searches again until a key that is in use is in memory once: whoever still works with keys of
/// before has it once more.
async fn search_until_once(
    directory: &Path,
    server: &Server,
    backup: &str,
    key: &Found,
) -> Result<Places, Failure> {
    let mut found = search(directory, server, backup, key)?;
    for _ in 0..LOOKS_MAX {
        if found.memory.is_none_or(|count| count == 1) {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        found = search(directory, server, backup, key)?;
    }
    Ok(found)
}

/// Takes a ceremony to its end.
pub(crate) async fn hold(
    server: &Server,
    operation: Operation,
    steps: &[Step],
) -> Result<(), Failure> {
    let mut officers = Officers::new(&server.reveal);
    let (id, text) = officers.statement(&operation, now_ms()).await?;
    for step in steps.iter().copied().chain([Step::End]) {
        officers.take(step, &id, &text).await?;
    }
    Ok(())
}

pub(crate) async fn back_up(server: &Server, directory: &Path) -> Result<(), Failure> {
    let request = CreateBackupRequest {
        directory: directory.to_str().ok_or("a path is text")?.to_owned(),
        ..CreateBackupRequest::default()
    };
    let mut client = BackupServiceClient::new(server.reveal.clone());
    let mut parts = client.create_backup(request).await?.into_inner();
    while parts.message().await?.is_some() {}
    Ok(())
}

pub(crate) async fn prepare(directory: &Path) -> Result<(), Failure> {
    testbed::prepare(directory)?;
    fs::create_dir(directory.join("policies"))?;
    fs::create_dir(directory.join("backups"))?;
    fs::write(directory.join("policies/officers.cedar"), story::POLICY)?;
    fs::write(directory.join("policies/backups.cedar"), BACKUPS)?;
    configure(directory, "[policies]\ndir = \"policies\"\n")?;
    configure(directory, "[backup]\ndir = \"backups\"\n")?;
    configure(directory, &story::table(0)?)?;
    let config = testbed::config(directory)?;
    let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), clock, entropy).await?;
    Ok(())
}

pub(crate) async fn start(directory: &Path) -> Result<Server, Failure> {
    let server = Server::start(directory, Plant::None).await?;
    server.ok_or_else(|| "the vault does not start".into())
}

fn now_ms() -> u64 {
    use counterfoil::domain::Clock;
    SystemClock::default().now().unix_ms()
}

/// Who may make backups.
pub(crate) const BACKUPS: &str = r#"
permit (
  principal == Service::"client.shop.example",
  action == Action::"create_backup",
  resource
);
"#;

const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How often it is looked whether those who work with keys of before have let go of them.
const LOOKS_MAX: u32 = 50;
