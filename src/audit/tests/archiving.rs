//! Archives: what is written verifies, alone and with the log; and a log whose beginning was taken
//! out goes on, verifies from there, and with its archive as one.

use std::io::Cursor;

use super::*;
use crate::ceremony::LogPoint;
use crate::second_verifier::SecondVerifier;
use crate::store::Conflict;
use crate::store::StoreError;

const ENTRIES: usize = 700;

/// A log, and a directory for its archive.
pub(super) struct Archiving {
    pub(super) log: TestLog,
    pub(super) directory: TempDir,
}

impl Archiving {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = TestLog::with_entries(ENTRIES);
        Self { log, directory }
    }

    pub(super) fn archive(&self) -> Archive {
        Archive::open(self.directory.path()).unwrap()
    }

    pub(super) fn grow(&self, before: u64) -> Archived {
        let store = self.log.store();
        self.archive().grow(&store, &keys(), before).unwrap()
    }

    pub(super) fn prune(&self, archived: LogPoint) -> Result<u64, CommitError> {
        commit_one(&self.log, EntryDraft::of_pruning(archived))
    }

    pub(super) fn export(&self) -> Vec<u8> {
        let mut export = Vec::new();
        write_export(&mut export, &self.log.store(), &keys()).unwrap();
        export
    }

    pub(super) fn verify_behind(&self) -> Result<Report, VerifyError> {
        let head = Head::read(&self.log.head_directory(), &keys()).unwrap();
        let store = self.log.store();
        verify_store_behind(&self.archive(), &store, Some(&head), &keys())
    }

    /// What the second verifier says of an export, with the archive or without.
    pub(super) fn second(&self, export: &[u8], has_archive: bool) -> Option<bool> {
        let second = SecondVerifier::of_keys(&keys().lines())?;
        let mut second = match has_archive {
            true => second.with_path("--archive", self.directory.path()),
            false => second,
        };
        second.ask(export)["verified"].as_bool()
    }
}

pub(super) fn commit_one(log: &TestLog, draft: EntryDraft) -> Result<u64, CommitError> {
    let (audit, thread) = log.open();
    let receipt = block_on(audit.commit(Commit::of_vault(draft)));
    drop(audit);
    thread.join();
    receipt.map(|receipt| receipt.index)
}

/// Takes entries away as a thief with the disk may, from where the log begins to this one.
pub(super) fn take_away(store: &RocksStore, until: u64) {
    for index in store.pruned_size().unwrap()..until {
        store.tamper("audit", &index.to_be_bytes(), None);
        let key = [&[0], index.to_be_bytes().as_slice()].concat();
        store.tamper("tiles", &key, None);
    }
    store.tamper("default", b"pruned", Some(&until.to_be_bytes()));
}

pub(super) fn point(archived: &Archived) -> LogPoint {
    LogPoint {
        size: archived.size,
        root: *archived.root.as_bytes(),
    }
}

/// Goal: what was archived verifies, and nothing that was changed does. Method: two segments; each
/// line of the second left out, each byte of its first and last lines changed; the first missing.
#[test]
fn archive_grows_by_whole_tiles_and_verifies() {
    let archiving = Archiving::new();
    let first = archiving.grow(300);
    assert_eq!((first.size, first.added), (256, 256));
    let again = archiving.grow(511);
    assert_eq!((again.size, again.added), (256, 0));
    assert_eq!(again.root, first.root);
    let second = archiving.grow(u64::MAX);
    assert_eq!((second.size, second.added), (512, 256));
    let report = verify_archive(&archiving.archive(), &keys()).unwrap();
    assert_eq!((report.tree_size, report.root), (512, second.root));
    assert_eq!(
        archiving.verify_behind().unwrap(),
        archiving.log.verify().unwrap()
    );

    let path = archiving.directory.path().join("256-512.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let is_found = |lines: &[&str]| {
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let archive = Archive::open(archiving.directory.path()).unwrap();
        verify_archive(&archive, &keys()).is_err()
    };
    for place in [0, 1, 2, 100, 256, 257] {
        let mut fewer = lines.clone();
        fewer.remove(place);
        assert!(is_found(&fewer), "without line {place}");
        let mut twice = lines.clone();
        twice.insert(place, lines[place]);
        assert!(is_found(&twice), "line {place} twice");
    }
    for place in [0, lines.len() - 1] {
        for byte in 0..lines[place].len() {
            let mut changed = lines[place].as_bytes().to_vec();
            changed[byte] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            let mut other = lines.clone();
            other[place] = &changed;
            assert!(is_found(&other), "byte {byte} of line {place}");
        }
    }
    assert!(!is_found(&lines), "as it was");
    fs::remove_file(archiving.directory.path().join("0-256.jsonl")).unwrap();
    let gap = Archive::open(archiving.directory.path());
    assert!(matches!(gap, Err(VerifyError::ArchiveGap { index: 0 })));
}

#[test]
fn pruned_log_goes_on_and_verifies_with_its_archive_and_without() {
    let archiving = Archiving::new();
    let before = archiving.log.verify().unwrap();
    let archived = archiving.grow(600);
    assert_eq!(archiving.prune(point(&archived)), Ok(700));
    let store = archiving.log.store();
    assert_eq!(store.pruned_size().unwrap(), 512);
    for refused in [store.entries(511, 1).err(), store.hashes(0, 511, 1).err()] {
        assert!(matches!(refused, Some(StoreError::Pruned { size: 512 })));
    }
    assert_eq!(store.hashes(8, 0, 2).unwrap().len(), 2);
    assert_eq!(store.raw_rows("audit").len(), 701 - 512);
    store.purge().unwrap();
    drop(store);

    let report = archiving.log.verify().unwrap();
    assert_eq!((report.archived_size, report.tree_size), (512, 701));
    let whole = archiving.verify_behind().unwrap();
    assert_eq!((whole.archived_size, whole.root), (0, report.root));
    let counted = |report: &Report| report.counts.values().sum::<u64>();
    assert_eq!(counted(&whole), 701);
    assert_eq!(counted(&report), 701 - 512);
    assert_eq!(whole.open_intents_count, before.open_intents_count);

    let export = archiving.export();
    let alone = verify_export(export.as_slice(), &keys()).unwrap();
    assert_eq!(alone, report);
    let behind = verify_export_behind(&archiving.archive(), export.as_slice(), &keys());
    assert_eq!(behind.unwrap(), whole);
    for has_archive in [true, false] {
        let said = archiving.second(&export, has_archive);
        assert!(said.is_none_or(|verified| verified), "{has_archive}");
    }
    // And it goes on, and the archive with it.
    assert_eq!(commit_one(&archiving.log, draft(1)), Ok(701));
    for _ in 0..70 {
        commit_one(&archiving.log, draft(2)).unwrap();
    }
    let later = archiving.grow(u64::MAX);
    assert_eq!((later.size, later.added), (768, 256));
    assert_eq!(archiving.prune(point(&later)), Ok(772));
    assert_eq!(archiving.log.verify().unwrap().archived_size, 768);
    assert_eq!(archiving.verify_behind().unwrap().tree_size, 773);
}

#[test]
fn proofs_of_what_is_there_are_made_and_others_say_where_it_is() {
    let archiving = Archiving::new();
    let archived = archiving.grow(600);
    let store = archiving.log.store();
    let note = store.checkpoint().unwrap().unwrap();
    let older = keys().verify(&note).unwrap();
    let lost = prove_inclusion(&store, &older, 3).unwrap();
    let lost = lost.verify(&keys()).unwrap();
    drop(store);
    archiving.prune(point(&archived)).unwrap();
    let store = archiving.log.store();
    let note = store.checkpoint().unwrap().unwrap();
    let newest = keys().verify(&note).unwrap();
    for index in 512..701 {
        let proof = prove_inclusion(&store, &newest, index).unwrap();
        proof.verify(&keys()).unwrap();
    }
    for size in 512..=701 {
        prove_consistency(&store, size, &newest).unwrap();
    }
    let refused = prove_inclusion(&store, &newest, 511).err().unwrap();
    assert!(refused.to_string().contains("before 512 are in an archive"));
    let refused = prove_consistency(&store, 300, &newest).err().unwrap();
    assert!(refused.to_string().contains("before 512 are in an archive"));
    drop(store);
    // A receipt of what is archived is looked for in vain, and nobody calls it forged.
    let export = archiving.export();
    let open = || Ok(Cursor::new(export.clone()));
    let found = find_in_export(open, &keys(), &[lost]).unwrap().remove(0);
    assert!(matches!(
        found,
        Err(FindError::Log(VerifyError::Archived { size: 512 }))
    ));
}

#[test]
fn what_cannot_be_pruned_leaves_everything() {
    let archiving = Archiving::new();
    let archived = archiving.grow(600);
    let whole = point(&archived);
    let root_at = |size: u64| {
        let store = archiving.log.store();
        let frontier = tree::StoredTree(&store).frontier(size).unwrap();
        LogPoint {
            size,
            root: *frontier.root().as_bytes(),
        }
    };
    let beyond = LogPoint { size: 768, ..whole };
    let other = LogPoint {
        root: [7; 32],
        ..whole
    };
    for refused in [root_at(0), root_at(500), root_at(700), beyond, other] {
        let stays = CommitError::Conflicts(vec![Conflict::EntryStays]);
        assert_eq!(archiving.prune(refused), Err(stays), "{}", refused.size);
    }
    assert_eq!(archiving.log.verify().unwrap().tree_size, 700);
    archiving.prune(whole).unwrap();
    assert!(archiving.prune(whole).is_err(), "once");
    let erased = commit_one(&archiving.log, EntryDraft::of_entry_erasure(3));
    assert!(erased.is_err(), "it is in the archive");
    assert_eq!(archiving.log.verify().unwrap().tree_size, 701);
}

/// Goal: nobody takes the beginning of a log away without a word of the log, or puts another in its
/// place. Method: the rows that a thief with the disk would remove and write; another's archive.
#[test]
fn beginning_that_is_gone_without_a_word_is_found() {
    let archiving = Archiving::new();
    archiving.grow(300);
    take_away(&archiving.log.store(), 256);
    let found = archiving.log.verify();
    assert!(matches!(found, Err(VerifyError::Unarchived { size: 256 })));
    // With its archive it is whole: nothing is missing.
    assert_eq!(archiving.verify_behind().unwrap().tree_size, 700);
    // But a start asks for the log's own word.
    assert!(matches!(
        archiving.log.start(),
        Err(StartError::Unarchived { size: 256 })
    ));
    let said = in_force(&archiving.log.store());
    assert!(matches!(said, Err(StartError::Unarchived { size: 256 })));

    let (one, other) = (Archiving::new(), Archiving::new());
    other.grow(300);
    let grown = other.archive().grow(&one.log.store(), &keys(), 600);
    assert!(matches!(grown, Err(VerifyError::Segment { index: 256 })));
    let archived = one.grow(600);
    other.grow(600);
    one.prune(point(&archived)).unwrap();
    let head = Head::read(&one.log.head_directory(), &keys()).unwrap();
    let store = one.log.store();
    let found = verify_store_behind(&other.archive(), &store, Some(&head), &keys());
    assert!(found.is_err(), "another log's archive");
    drop(store);
    let export = one.export();
    assert!(verify_export_behind(&other.archive(), export.as_slice(), &keys()).is_err());
    let said = Archiving {
        log: one.log,
        directory: other.directory,
    };
    assert!(said.second(&export, true).is_none_or(|verified| !verified));
    // And a first line that says another tree.
    let text = String::from_utf8(export).unwrap();
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("{\"archived\":{\"size\":512,"));
    assert!(verify_export(&text.as_bytes()[first.len() + 1..], &keys()).is_err());
    let changed = text.replacen("512", "256", 1);
    assert!(verify_export(changed.as_bytes(), &keys()).is_err());
}

#[test]
fn head_from_before_the_beginning_of_a_log_is_refused() {
    let archiving = Archiving {
        log: TestLog::with_entries(200),
        directory: tempfile::tempdir().unwrap(),
    };
    let old_head = archiving.log.directory.path().join("old-head");
    copy_directory(&archiving.log.head_directory(), &old_head);
    let (audit, thread) = archiving.log.open();
    for position in 200..260 {
        block_on(audit.commit(commit(position))).unwrap();
    }
    drop(audit);
    thread.join();
    let archived = archiving.grow(260);
    archiving.prune(point(&archived)).unwrap();
    commit_one(&archiving.log, draft(1)).unwrap();
    replace_directory(&old_head, &archiving.log.head_directory());
    let refused = archiving.log.start().unwrap_err();
    assert!(matches!(
        refused,
        StartError::HeadArchived {
            head_size: 200,
            pruned_size: 256
        }
    ));
    assert!(refused.to_string().contains("\nremedy: "));
}
