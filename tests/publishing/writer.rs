//! A log of any length, written as a vault writes it: the store, then the head.

use std::path::PathBuf;

use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Entry;
use counterfoil::audit::EntryDraft;
use counterfoil::audit::Event;
use counterfoil::audit::Head;
use counterfoil::audit::SignedCheckpoint;
use counterfoil::audit::WriteHead;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::merkle::Frontier;
use counterfoil::crypto::merkle::leaf_hash;
use counterfoil::crypto::note::AuditSigningKey;
use counterfoil::crypto::note::Checkpoint;
use counterfoil::crypto::note::CosignerKey;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::Timestamp;
use counterfoil::store::Append;
use counterfoil::store::CommitBatch;
use counterfoil::store::Store;
use counterfoil::store::StoredEntry;
use counterfoil::store::StoredHash;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;
use tempfile::TempDir;

pub(crate) struct Writer {
    pub(crate) directory: TempDir,
    store: RocksStore,
    head: Head,
    frontier: Frontier,
    /// What its entries are made of, so that no two writers have the same.
    mark: u8,
}

impl Writer {
    pub(crate) fn new(mark: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = RocksOptions {
            block_cache_bytes: 8 << 20,
            memtable_bytes: 1 << 20,
            disk_reserve_bytes: 0,
        };
        let store = RocksStore::create(&directory.path().join("data"), &options).unwrap();
        let frontier = Frontier::new();
        let head = Head::create(&directory.path().join("head"), &sign(&frontier)).unwrap();
        let key = verifier().to_string();
        std::fs::write(directory.path().join("audit.vkey"), key).unwrap();
        Self {
            directory,
            store,
            head,
            frontier,
            mark,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &self.store
    }

    /// The flags that say which log it is.
    pub(crate) fn flags(&self) -> Vec<String> {
        let path = |name| self.path(name).to_str().unwrap().to_owned();
        vec![
            "--data-dir".to_owned(),
            path("data"),
            "--head-dir".to_owned(),
            path("head"),
            "--public-key".to_owned(),
            path("audit.vkey"),
        ]
    }

    pub(crate) fn grow_to(&mut self, size: u64) {
        while self.frontier.size() < size {
            let end = (self.frontier.size() + 4_096).min(size);
            let entry = |index: u64| [&[self.mark], index.to_be_bytes().as_slice()].concat();
            let entries = (self.frontier.size()..end).map(entry).collect();
            self.append(entries);
        }
    }

    /// Erases an entry, as a vault does: with an entry that says so.
    pub(crate) fn erase(&mut self, index: u64) {
        let entry = Entry {
            index: self.frontier.size(),
            time: Timestamp::default(),
            uptime_ms: 0,
            draft: EntryDraft::of_entry_erasure(index),
        };
        let erased = vec![index];
        let append = Append {
            erased,
            ..Append::default()
        };
        self.write(vec![entry.encode()], append);
    }

    /// Takes the beginning of the log out of the store, as a vault does whose archive has it.
    pub(crate) fn prune(&mut self, size: u64) {
        let append = Append {
            pruned_size: Some(size),
            ..Append::default()
        };
        let entry = [self.mark].to_vec();
        self.write(vec![entry], append);
    }

    /// Entries that say something.
    pub(crate) fn tell(&mut self, count: u64) {
        let first = self.frontier.size();
        let entry = |index| Entry {
            index,
            time: Timestamp::default(),
            uptime_ms: 0,
            draft: EntryDraft::new(Event::Tokenize),
        };
        let entries = (first..first + count).map(|index| entry(index).encode());
        self.append(entries.collect());
    }

    pub(crate) fn append(&mut self, entries: Vec<Vec<u8>>) {
        self.write(entries, Append::default());
    }

    fn write(&mut self, entries: Vec<Vec<u8>>, mut append: Append) {
        let tree_size = self.frontier.size();
        append.tree_size = tree_size;
        for (index, entry) in (tree_size..).zip(entries) {
            let salt = [self.mark; 16];
            let leaf = leaf_hash(&[salt.as_slice(), &entry].concat());
            let keep = |level: u8, index, hash: counterfoil::crypto::merkle::Hash| {
                if level.is_multiple_of(8) {
                    let hash = *hash.as_bytes();
                    append.hashes.push(StoredHash { level, index, hash });
                }
            };
            self.frontier.append(leaf, keep).unwrap();
            append.entries.push(StoredEntry { index, salt, entry });
        }
        let signed = sign(&self.frontier);
        append.checkpoint = signed.note().to_owned();
        let batch = CommitBatch {
            changes: Vec::new(),
            puts: Vec::new(),
            append,
        };
        self.store.commit(&batch).unwrap();
        self.head.write(&signed).unwrap();
    }

    /// Keeps the checkpoint of so many entries, cosigned, as a vault does whose witness answered.
    pub(crate) fn keep_cosigned(&self, size: u64) {
        self.store.keep_cosigned(&self.cosigned(size)).unwrap();
    }

    /// The checkpoint of the log when it had so many entries, with the witness's cosignature.
    fn cosigned(&self, size: u64) -> String {
        let mut frontier = Frontier::new();
        let mut index = 0;
        while index < size {
            for hash in self.store.hashes(0, index, 256).unwrap() {
                if frontier.size() < size {
                    let hash = counterfoil::crypto::merkle::Hash::from_bytes(hash);
                    frontier.append(hash, |_, _, _| ()).unwrap();
                }
            }
            index += 256;
        }
        let note: SignedNote = sign(&frontier).note().parse().unwrap();
        let line = cosigner().cosign(note.text(), 1_800_000_000 + size);
        format!("{note}{}\n", line.unwrap())
    }

    /// Keeps what the witness would have cosigned of another log.
    pub(crate) fn keep_cosigned_of(&self, other: &Self, size: u64) {
        self.store.keep_cosigned(&other.cosigned(size)).unwrap();
    }

    /// What a vault would have said that lost or changed its log: another's checkpoint.
    pub(crate) fn write_head_of(&mut self, other: &Self) {
        self.head.write(&sign(&other.frontier)).unwrap();
    }
}

pub(crate) fn cosigner() -> CosignerKey {
    let name = NoteKeyName::new("witness.example/w1").unwrap();
    CosignerKey::new(name, &KeyBytes::from_slice(&[8; 32]).unwrap())
}

pub(crate) fn keys() -> CheckpointKeys {
    CheckpointKeys::new(vec![verifier()])
}

fn sign(frontier: &Frontier) -> SignedCheckpoint {
    let checkpoint = Checkpoint {
        origin: origin(),
        tree_size: frontier.size(),
        root_hash: frontier.root(),
    };
    let note = checkpoint.sign(&key()).unwrap().to_string();
    keys().verify(&note).unwrap()
}

fn verifier() -> counterfoil::crypto::note::NoteVerifier {
    key().verifier(origin())
}

fn key() -> AuditSigningKey {
    AuditSigningKey::new(&KeyBytes::from_slice(&[7; 32]).unwrap())
}

fn origin() -> NoteKeyName {
    NoteKeyName::new("vault.example/audit").unwrap()
}
