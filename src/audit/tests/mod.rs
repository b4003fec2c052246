//! The log as a whole: sequencing, starting, failing, and being tampered with.

mod accepting;
mod archived_erasing;
mod archived_exposure;
mod archiving;
mod beginning;
mod campaign;
mod cosigning;
mod erasing;
mod failing;
mod following;
mod freezing;
mod handing_over;
mod hanging;
mod judging;
mod proving;
mod pruning;
mod rendering;
mod seen;
mod sequencing;
mod starting;
mod tampering;
mod tiling;
mod window;
mod witnessing;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::access::Access;
use crate::access::AccessRules;
use crate::crypto::KeyBytes;
use crate::crypto::SystemEntropy;
use crate::crypto::note::AuditSigningKey;
use crate::crypto::note::NoteKeyName;
use crate::domain::FieldName;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::SystemClock;
use crate::store::Changes;
use crate::store::Store;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;

const OPTIONS: RocksOptions = RocksOptions {
    block_cache_bytes: 1 << 20,
    memtable_bytes: 1 << 20,
    disk_reserve_bytes: 0,
};

/// A vault's log in a directory of its own: a store and a head.
struct TestLog {
    directory: TempDir,
}

fn empty_access() -> Access {
    Access::new(AccessRules::default())
}

impl TestLog {
    fn create() -> Self {
        let log = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        drop(RocksStore::create(&log.store_directory(), &OPTIONS).unwrap());
        Head::create(&log.head_directory(), &signer().sign_empty().unwrap()).unwrap();
        log
    }

    /// A log with entries of many kinds.
    fn with_entries(count: usize) -> Self {
        let log = Self::create();
        let (audit, thread) = log.open();
        for position in 0..count {
            let mut entry = draft(position);
            match position % 4 {
                1 => entry.event = Event::Detokenize,
                2 => {
                    entry.event = Event::DetokenizeOutcome;
                    entry.intent_index = Some(position as u64 - 1);
                }
                _ => {}
            }
            block_on(audit.commit(Commit::of_vault(entry))).unwrap();
        }
        drop(audit);
        thread.join();
        log
    }

    fn store_directory(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    fn head_directory(&self) -> PathBuf {
        self.directory.path().join("head")
    }

    fn store(&self) -> RocksStore {
        RocksStore::open(&self.store_directory(), &OPTIONS).unwrap()
    }

    fn head(&self) -> Result<(Head, SignedCheckpoint), HeadError> {
        Head::open(&self.head_directory(), &keys())
    }

    fn parts(&self) -> Result<LogParts, StartError> {
        self.parts_over(Arc::new(self.store()))
    }

    fn parts_over(&self, store: Arc<dyn Store>) -> Result<LogParts, StartError> {
        let (head, head_checkpoint) = self.head()?;
        Ok(LogParts {
            access: empty_access(),
            store,
            head: Box::new(head),
            head_checkpoint,
            signer: signer(),
            keys: keys(),
            clock: Arc::new(SystemClock::default()),
            entropy: Arc::new(SystemEntropy),
            witness: None,
        })
    }

    fn start(&self) -> Result<(AuditLog, SequencerThread), StartError> {
        AuditLog::open(self.parts()?)
    }

    fn open(&self) -> (AuditLog, SequencerThread) {
        self.start().unwrap()
    }

    fn verify(&self) -> Result<Report, VerifyError> {
        let head = Head::read(&self.head_directory(), &keys()).unwrap();
        verify_store(&self.store(), Some(&head), &keys())
    }
}

fn signer() -> CheckpointSigner {
    CheckpointSigner::new(origin(), key())
}

fn keys() -> CheckpointKeys {
    CheckpointKeys::new(vec![key().verifier(origin())])
}

fn key() -> AuditSigningKey {
    AuditSigningKey::new(&KeyBytes::from_slice(&[7; 32]).unwrap())
}

fn origin() -> NoteKeyName {
    NoteKeyName::new("vault.example/audit").unwrap()
}

fn draft(position: usize) -> EntryDraft {
    EntryDraft {
        request_id: Some(RequestId::new(&format!("r-{position}")).unwrap()),
        items: vec![EntryItem {
            field: Some(FieldName::new("email").unwrap()),
            subject: Some(Subject::new("cus_1").unwrap()),
            token: None,
            key_version: None,
            outcome: ItemOutcome::Created,
        }],
        ..EntryDraft::new(Event::Tokenize)
    }
}

fn commit(position: usize) -> Commit {
    Commit::of_vault(draft(position))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            copy_directory(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

fn replace_directory(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy_directory(from, to);
}
