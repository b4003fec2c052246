//! Goal: what verifies restores to what was there, and nothing else verifies or restores. Method: a
//! small log in a real store, backed up, and then changed in each way that a disk or a thief could.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::access::Access;
use crate::access::AccessRules;
use crate::audit::AuditLog;
use crate::audit::CheckpointKeys;
use crate::audit::CheckpointSigner;
use crate::audit::Commit;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::Head;
use crate::audit::LogParts;
use crate::crypto::AuditSigningKey;
use crate::crypto::KeyBytes;
use crate::crypto::SystemEntropy;
use crate::crypto::note::NoteKeyName;
use crate::domain::Clock;
use crate::domain::SystemClock;
use crate::domain::Timestamp;
use crate::store::Store;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;

/// A log of its own, with its head, and a place for backups.
struct Vault {
    directory: TempDir,
    store: Arc<RocksStore>,
    log: AuditLog,
    key: u8,
}

fn signer(key: u8) -> CheckpointSigner {
    let key = AuditSigningKey::new(&KeyBytes::from_array(&[key; 32]));
    CheckpointSigner::new(NoteKeyName::new("log.example").unwrap(), key)
}

fn keys(key: u8) -> CheckpointKeys {
    let key = AuditSigningKey::new(&KeyBytes::from_array(&[key; 32]));
    CheckpointKeys::new(vec![key.verifier(NoteKeyName::new("log.example").unwrap())])
}

impl Vault {
    fn new(key: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let store = Arc::new(RocksStore::create(&data, &RocksOptions::default()).unwrap());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let empty = signer(key).sign_empty().unwrap();
        let head = Head::create(&data.join("head"), &empty).unwrap();
        let access = Access::load(AccessRules::default(), &*store, clock.now()).unwrap();
        let parts = LogParts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            head: Box::new(head),
            head_checkpoint: empty,
            access,
            signer: signer(key),
            keys: keys(key),
            clock,
            entropy: Arc::new(SystemEntropy),
            witness: None,
        };
        let (log, _thread) = AuditLog::open(parts).unwrap();
        Self {
            directory,
            store,
            log,
            key,
        }
    }

    fn grow(&self, entries_count: usize) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        for _ in 0..entries_count {
            let commit = Commit::of_vault(EntryDraft::new(Event::Started));
            runtime.block_on(self.log.commit(commit)).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn back_up(&self, keep: usize) -> Result<Created, BackupError> {
        let snapshot = self.store.snapshot().unwrap();
        let log = Log {
            keys: &keys(self.key),
            signer: &signer(self.key),
            charter: None,
        };
        let now = Timestamp::from_unix_ms(5);
        create(
            &snapshot,
            &self.path("backups"),
            &log,
            now,
            keep,
            &mut |_| (),
        )
    }

    fn verify(&self, id: Option<u32>) -> Result<Verified, BackupError> {
        verify(&self.path("backups"), id.map(BackupId), &keys(self.key))
    }

    fn restore(&self, id: Option<u32>, to: &str) -> Result<Restored, BackupError> {
        let to = self.path(to);
        let backups = self.path("backups");
        restore(
            &backups,
            id.map(BackupId),
            &to,
            &to.join("head"),
            &keys(self.key),
        )
    }
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn backup_restores_to_what_was_there() {
    let vault = Vault::new(1);
    vault.grow(20);
    let made = vault.back_up(9).unwrap();
    assert_eq!(
        (made.manifest.id, made.manifest.tree_size),
        (BackupId(1), 20)
    );
    assert_eq!(made.new_bytes, made.manifest.bytes());
    vault.grow(5);
    let verified = vault.verify(None).unwrap();
    assert_eq!(verified.report.tree_size, 20);
    assert!(
        !vault.path("data/snapshot").exists(),
        "the snapshot is gone"
    );

    let restored = vault.restore(None, "new").unwrap();
    assert_eq!(restored.head, RestoredHead::Made);
    let store = RocksStore::open(&vault.path("new"), &RocksOptions::default()).unwrap();
    assert_eq!(store.tree_size().unwrap(), 20);
    assert_eq!(
        store.entries(0, 20).unwrap(),
        vault.store.entries(0, 20).unwrap()
    );
    let public = fs::read_to_string(vault.path("new/audit.vkey")).unwrap();
    assert_eq!(public.lines().count(), 1);
}

#[test]
fn database_is_never_written_over_and_a_head_neither() {
    let vault = Vault::new(1);
    vault.grow(20);
    vault.back_up(9).unwrap();
    vault.grow(5);
    assert!(matches!(
        vault.restore(None, "data"),
        Err(BackupError::Exists)
    ));
    // Back on the same machine: the head there is what knows of the five that are lost.
    let head = files(&vault.path("data/head"));
    let before: Vec<Vec<u8>> = head.iter().map(|path| fs::read(path).unwrap()).collect();
    fs::create_dir(vault.path("again")).unwrap();
    fs::create_dir(vault.path("again/head")).unwrap();
    for (path, bytes) in head.iter().zip(&before) {
        let name = path.file_name().unwrap();
        fs::write(vault.path("again/head").join(name), bytes).unwrap();
    }
    let restored = vault.restore(None, "again").unwrap();
    assert_eq!(restored.head, RestoredHead::Behind { entries_count: 5 });
    let after = files(&vault.path("again/head"));
    let after: Vec<Vec<u8>> = after.iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(after, before);
    // A head that somebody else signed is not made anew.
    fs::create_dir_all(vault.path("other/head")).unwrap();
    fs::write(vault.path("other/head/a"), vec![0; 4096]).unwrap();
    fs::write(vault.path("other/head/b"), vec![0; 4096]).unwrap();
    assert!(matches!(
        vault.restore(None, "other"),
        Err(BackupError::Head(_))
    ));
    assert!(!vault.path("other/rocksdb").exists());
}

#[test]
fn head_that_an_attempt_left_blank_is_made_by_the_next() {
    let vault = Vault::new(1);
    vault.grow(20);
    vault.back_up(9).unwrap();
    let head = vault.path("data/head");
    let whole = fs::read(head.join("a")).unwrap();
    for (slots, is_made) in [
        // Cut off while the first slot was made, while the second was, and behind both.
        (vec![("a", vec![])], true),
        (vec![("a", vec![0; 4096]), ("b", vec![0; 7])], true),
        (vec![("a", vec![0; 4096]), ("b", vec![0; 4096])], true),
        // Whose it is, nobody can tell.
        (vec![("a", vec![0; 4096]), ("b", vec![1; 4096])], false),
        (vec![("a", vec![0; 4096]), ("b", whole)], true),
    ] {
        let data = tempfile::tempdir_in(vault.path("")).unwrap();
        let name = data.path().file_name().unwrap().to_str().unwrap();
        fs::create_dir(data.path().join("head")).unwrap();
        for (slot, bytes) in &slots {
            fs::write(data.path().join("head").join(slot), bytes).unwrap();
        }
        fs::create_dir(data.path().join("restore.partial")).unwrap();
        let restored = vault.restore(None, name);
        assert_eq!(restored.is_ok(), is_made, "{restored:?}");
        if !is_made {
            let left = fs::read(data.path().join("head/a")).unwrap();
            assert_eq!(left, slots[0].1, "another's head is left alone");
        }
    }
}

#[test]
fn backup_adds_only_what_is_new() {
    let vault = Vault::new(1);
    vault.grow(300);
    let first = vault.back_up(9).unwrap();
    let again = vault.back_up(9).unwrap();
    // The tables are there; what the engine says of them is written anew each time.
    assert!(again.new_bytes * 4 < first.new_bytes, "{again:?}");
    let shared: Vec<_> = again
        .manifest
        .files
        .iter()
        .filter(|file| first.manifest.files.contains(file))
        .collect();
    assert!(shared.iter().any(|file| file.name.ends_with(".sst")));
    for id in [1, 2] {
        assert_eq!(vault.verify(Some(id)).unwrap().manifest.id, BackupId(id));
    }
}

#[test]
fn oldest_backups_go_and_the_others_stay_whole() {
    let vault = Vault::new(1);
    for _ in 0..4 {
        vault.grow(10);
        vault.back_up(2).unwrap();
    }
    let there = list(&vault.path("backups")).unwrap();
    assert_eq!(there, [BackupId(3), BackupId(4)]);
    assert_eq!(vault.verify(Some(3)).unwrap().report.tree_size, 30);
    assert_eq!(vault.verify(Some(4)).unwrap().report.tree_size, 40);
    assert!(matches!(vault.verify(Some(2)), Err(BackupError::Missing)));
    // Nothing is left of those that went.
    let mut named: Vec<String> = Vec::new();
    for id in there {
        let manifest = read_unsigned(&vault.path("backups"), id).unwrap();
        named.extend(manifest.files.into_iter().map(|file| file.sha256));
    }
    named.sort();
    named.dedup();
    let objects = files(&vault.path("backups/objects"));
    let mut objects: Vec<_> = objects
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    objects.sort();
    assert_eq!(objects, named);
}

/// Goal: no changed backup verifies or restores. Method: one bit of each file, in several places,
/// each file cut, and each file gone.
#[test]
fn damaged_backup_is_refused() {
    let vault = Vault::new(1);
    vault.grow(30);
    vault.back_up(9).unwrap();
    vault.verify(None).unwrap();
    let (mut changes_count, mut restores_count) = (0, 0);
    for path in files(&vault.path("backups")) {
        let whole = fs::read(&path).unwrap();
        if whole.is_empty() {
            continue;
        }
        let step = (whole.len() / 3).max(1);
        let flipped = (0..whole.len()).step_by(step).map(|position| {
            let mut bytes = whole.clone();
            bytes[position] ^= 1;
            Some(bytes)
        });
        let cut = Some(whole[..whole.len() - 1].to_vec());
        for damaged in flipped.chain([cut, None]) {
            match &damaged {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let verified = vault.verify(None);
            assert!(verified.is_err(), "{}", path.display());
            changes_count += 1;
            if changes_count % 5 == 0 {
                assert!(vault.restore(None, "new").is_err());
                assert!(!vault.path("new/rocksdb").exists());
                restores_count += 1;
            }
            fs::write(&path, &whole).unwrap();
        }
    }
    assert!(changes_count > 40 && restores_count > 8);
    vault.verify(None).unwrap();
    // What was cut off on the way does not stand in the way.
    vault.restore(None, "new").unwrap();
}

#[test]
fn backup_of_another_vault_is_refused() {
    let (own, other) = (Vault::new(1), Vault::new(2));
    own.grow(3);
    other.grow(3);
    own.back_up(9).unwrap();
    other.back_up(9).unwrap();
    let refused = verify(&other.path("backups"), None, &keys(1));
    assert!(matches!(refused, Err(BackupError::Signature(_))));
    // A list with the signature of another list.
    let (from, to) = (
        "backups/backups/00000001.sig",
        "backups/backups/00000001.sig",
    );
    fs::copy(own.path(from), other.path(to)).unwrap();
    let refused = verify(&other.path("backups"), None, &keys(1));
    assert!(matches!(refused, Err(BackupError::Signature(_))));
}

#[test]
fn directory_with_something_else_is_left_alone() {
    let vault = Vault::new(1);
    vault.grow(1);
    fs::create_dir(vault.path("backups")).unwrap();
    fs::write(vault.path("backups/letter"), "text").unwrap();
    assert!(matches!(vault.back_up(9), Err(BackupError::Directory)));
    assert_eq!(files(&vault.path("backups")).len(), 1);
}

#[test]
fn log_that_is_not_whole_is_not_backed_up() {
    let vault = Vault::new(1);
    vault.grow(3);
    // Another's checkpoint in the place of its own.
    let snapshot = vault.store.snapshot().unwrap();
    let log = Log {
        keys: &keys(2),
        signer: &signer(1),
        charter: None,
    };
    let now = Timestamp::default();
    let made = create(&snapshot, &vault.path("backups"), &log, now, 9, &mut |_| ());
    assert!(matches!(made, Err(BackupError::Log(_))));
    assert_eq!(list(&vault.path("backups")).unwrap(), []);
}

#[test]
fn later_backup_says_whether_the_vault_has_officers() {
    let vault = Vault::new(1);
    vault.grow(3);
    let backups = vault.path("backups");
    let without = vault.back_up(9).unwrap().manifest;
    assert!(!without.text().contains("charter"), "as lists were before");
    assert_eq!(later_with_officers(&backups, 0).unwrap(), None);
    vault.grow(2);
    let snapshot = vault.store.snapshot().unwrap();
    let log = Log {
        keys: &keys(1),
        signer: &signer(1),
        charter: Some([7; 32]),
    };
    let now = Timestamp::default();
    let made = create(&snapshot, &backups, &log, now, 9, &mut |_| ()).unwrap();
    let Manifest { id, tree_size, .. } = made.manifest;
    assert_eq!(read(&backups, Some(id), &keys(1)).unwrap().0, made.manifest);
    assert_eq!(
        later_with_officers(&backups, tree_size - 1).unwrap(),
        Some(id)
    );
    assert_eq!(later_with_officers(&backups, tree_size).unwrap(), None);
}
