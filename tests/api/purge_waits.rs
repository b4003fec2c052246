//! A destruction is done when nobody has the bytes any more: a backup that was begun before it has.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use counterfoil::ceremony::Operation;
use counterfoil::protocol;
use counterfoil::protocol::CreateBackupRequest;
use counterfoil::protocol::OperationState;
use counterfoil::store::Table;
use tonic::Status;

use crate::office::Office;
use crate::office::all_open;
use crate::office::tokens;
use crate::office::wrapping;
use crate::purge::contents;
use crate::purge::files_with;
use crate::support::Client;

/// A directory for backups of which each stops at its first file until somebody opens the gate.
pub(crate) struct Gate(PathBuf);

impl Gate {
    pub(crate) fn at(directory: &Path) -> Self {
        fs::create_dir_all(directory.join("backups")).unwrap();
        let lock = directory.join("lock");
        let made = Command::new("mkfifo").arg(&lock).status().unwrap();
        assert!(made.success());
        Self(lock)
    }

    /// Lets the backup go on: who writes to a pipe waits until it can be read.
    pub(crate) fn open(&self) -> File {
        let mut options = OpenOptions::new();
        options.read(true).write(true).open(&self.0).unwrap()
    }

    /// Waits until the backup has its snapshot.
    pub(crate) async fn reached(data_dir: &Path) {
        while !data_dir.join("snapshot/rocksdb/CURRENT").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Gate {
    /// A test that fails ends, too: its threads are waited for.
    fn drop(&mut self) {
        drop(self.open());
    }
}

pub(crate) async fn back_up(client: Client) -> Result<(), Status> {
    let request = CreateBackupRequest::default();
    let mut backups = client.backups.clone();
    let mut parts = backups.create_backup(request).await?.into_inner();
    while parts.message().await?.is_some() {}
    Ok(())
}

async fn state(office: &Office, operation: &protocol::Operation) -> OperationState {
    office.get(operation).await.state()
}

/// What is stored of the first wrapping key: the end of its row is the wrapped key.
fn wrapped(office: &Office) -> Vec<u8> {
    let rows = office
        .vault
        .with_store(|store| store.rows(Table::Keys, None, 100).unwrap());
    let mut keys = rows.into_iter().map(|(_, row)| row);
    let row = keys.find(|row| {
        let key = counterfoil::keys::StoredKey::decode(row).unwrap();
        key.metadata().name() == wrapping(1)
    });
    let row = row.unwrap();
    row[row.len() - WRAPPED_BYTES..].to_vec()
}

/// Goal: a destruction is not said to be done while a backup has the wrapped key in its files, and
/// holds nothing else up meanwhile. Method: a backup is stopped once it has its snapshot; the key's
/// bytes are searched for in every file of the data directory.
#[tokio::test(flavor = "multi_thread")]
async fn destruction_is_done_when_the_backup_of_before_is_over() {
    let backups = tempfile::tempdir().unwrap();
    let further = format!(
        "rewrap_records_per_second = 1_000_000\n\
         [officers.rules]\ndestroy-key = {{ delay_seconds = 60 }}\n\
         [backup]\ndir = {:?}\n",
        backups.path()
    );
    let office = Office::open_with(&[1, 2, 3], &further).await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..10).await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let (bytes, data_dir) = (wrapped(&office), office.vault.config.data_dir.clone());
    let found = || files_with(&contents(&data_dir), &bytes);
    assert!(found() > 0, "the planted bytes are found");

    let gate = Gate::at(backups.path());
    let backup = tokio::spawn(back_up(client.clone()));
    Gate::reached(&data_dir).await;
    let destroy = office.propose(1, Operation::DestroyKey(wrapping(1))).await;
    let destroyed = destroy.unwrap();
    office.approve(2, &destroyed).await.unwrap();
    office.vault.clock.advance_seconds(60);
    office.until(&destroyed, OperationState::Running).await;

    // The job of a destruction goes first: when this one is done, that one was looked at.
    let rotated = office.rotate(2).await;
    office.until(&rotated, OperationState::Done).await;
    assert!(state(&office, &destroyed).await == OperationState::Running);
    assert!(found() > 0, "the snapshot has them");
    let opened = gate.open();
    backup.await.unwrap().unwrap();
    office.until(&destroyed, OperationState::Done).await;
    assert_eq!(found(), 0);
    drop(opened);
    all_open(&client, &pairs).await;
    office.vault.check().await;
}

/// A wrapped key: ciphertext and tag at the least.
const WRAPPED_BYTES: usize = 48;
