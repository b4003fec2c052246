//! A vault that is killed between the entry that prunes its log and the end of what follows from
//! it: the bytes are still in its files, and the next start gets them off the disk.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use counterfoil::assembly;
use counterfoil::audit::Archive;
use counterfoil::audit::Evidence;
use counterfoil::audit::Head;
use counterfoil::audit::following_keys;
use counterfoil::ceremony::LogPoint;
use counterfoil::ceremony::Operation;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::Clock;
use counterfoil::domain::SystemClock;
use counterfoil::protocol::OperationState;
use counterfoil::store::Store;
use counterfoil::store::StoredLeaf;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use crate::Plant;
use crate::both_verifiers::verify_by_both;
use crate::ceremonies::story;
use crate::ceremonies::story::Officers;
use crate::ceremonies::story::Step;
use crate::configure;
use crate::destroyed::count_in_files;
use crate::ledger::Ledger;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;

/// Goal: see the head of this file. Method: the vault is killed as soon as the second officer is
/// answered, as often as it takes until the purge was not over; the salt of an entry is searched
/// for in the files, where it is found until then.
#[tokio::test(flavor = "multi_thread")]
async fn pruning_that_was_cut_off_is_completed_by_the_next_start() {
    try_pruning().await.unwrap();
}

async fn try_pruning() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    prepare(directory).await?;
    let server = start(directory).await?;
    let mut officers = Officers::new(&server.reveal);
    let mut kills_count = 0;
    let mut server = server;
    for round in 1..=ROUNDS_MAX {
        for _ in 0..ENTRIES_PER_ROUND {
            officers.list().await?;
        }
        server.kill()?;
        let (archived, salt) = tokio::task::block_in_place(|| archive(directory))?;
        server = start(directory).await?;
        officers = Officers::new(&server.reveal);
        let operation = Operation::PruneLog(archived);
        let now_ms = SystemClock::default().now().unix_ms();
        let (id, text) = officers.statement(&operation, now_ms).await?;
        officers.take(Step::Propose(1), &id, &text).await?;
        let approved = officers.take(Step::Approve(2), &id, &text).await?;
        server.kill()?;
        kills_count += 1;
        assert!(approved.state() == OperationState::Running);
        let left = tokio::task::block_in_place(|| Left::after(directory, archived, &salt))?;
        server = start(directory).await?;
        officers = Officers::new(&server.reveal);
        let done = officers.take(Step::End, &id, &text).await?;
        assert!(done.state() == OperationState::Done);
        let now = tokio::task::block_in_place(|| Left::after(directory, archived, &salt))?;
        assert_eq!((now.purges_count, now.found_count), (0, 0), "{now:?}");
        if left.purges_count > 0 {
            assert!(left.found_count > 0, "{left:?}");
            println!("cut off between pruning and purge in round {round}: {left:?}, then {now:?}");
            break;
        }
        assert!(round < ROUNDS_MAX, "no kill of {kills_count} fell between");
    }
    server.kill()
}

/// What is left of the entries in a vault.
#[derive(Debug)]
struct Left {
    /// What is yet to be got off the disk.
    purges_count: u64,
    /// How often the salt of an entry is in the files.
    found_count: usize,
}

impl Left {
    /// Looks into the files, and verifies the log: alone it begins at the archive's end, with the
    /// archive it is whole.
    fn after(directory: &Path, archived: LogPoint, salt: &[u8]) -> Result<Self, Failure> {
        let config = testbed::config(directory)?;
        let keys = Ledger::new(directory)?.keys;
        let store = RocksStore::open_read_only(&config.data_dir, &RocksOptions::default())?;
        assert_eq!(store.pruned_size()?, archived.size);
        let head = Head::read(&config.audit.head_dir, &following_keys(&store, &keys)?)?;
        let evidence = Evidence::of(&keys).with_head(Some(&head));
        let whole = verify_by_both(&store, Some(&directory.join("archive")), &evidence)?;
        assert_eq!(whole.archived_size, 0);
        Ok(Self {
            purges_count: store.statistics()?.erasures_unpurged_count,
            found_count: count_in_files(&directory.join("vault/rocksdb"), salt)?,
        })
    }
}

/// Archives what can be, and returns what it is and the salt of an entry of it.
fn archive(directory: &Path) -> Result<(LogPoint, Vec<u8>), Failure> {
    let config = testbed::config(directory)?;
    let keys = Ledger::new(directory)?.keys;
    let store = RocksStore::open_read_only(&config.data_dir, &RocksOptions::default())?;
    let mut archive = Archive::open(&directory.join("archive"))?;
    let archived = archive.grow(&store, &keys, u64::MAX)?;
    let leaves = store.entries(archived.size - 1, 1)?;
    let entry = leaves.first().and_then(StoredLeaf::entry);
    let salt = entry.ok_or("the last entry is there")?.salt.to_vec();
    let point = LogPoint {
        size: archived.size,
        root: *archived.root.as_bytes(),
    };
    Ok((point, salt))
}

async fn prepare(directory: &Path) -> Result<(), Failure> {
    testbed::prepare(directory)?;
    fs::create_dir(directory.join("policies"))?;
    fs::write(directory.join("policies/officers.cedar"), story::POLICY)?;
    configure(directory, "[policies]\ndir = \"policies\"\n")?;
    configure(directory, &story::table(0)?)?;
    let config = testbed::config(directory)?;
    let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), clock, entropy).await?;
    Ok(())
}

async fn start(directory: &Path) -> Result<Server, Failure> {
    let server = Server::start(directory, Plant::None).await?;
    server.ok_or_else(|| "the vault does not start".into())
}

/// More than a segment of an archive has.
const ENTRIES_PER_ROUND: usize = 270;
const ROUNDS_MAX: usize = 8;
