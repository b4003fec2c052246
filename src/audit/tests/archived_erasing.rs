//! Archives and erased entries: what was erased once it was archived is no lie of the log, and what
//! an archive has left out is none either.

use super::archiving::Archiving;
use super::archiving::commit_one;
use super::archiving::point;
use super::*;
use crate::store::StoredLeaf;

fn erase(archiving: &Archiving, index: u64) -> u64 {
    let draft = EntryDraft::of_entry_erasure(index);
    commit_one(&archiving.log, draft).unwrap()
}

/// How many entries are erased, how many of them without a word, and how many an archive has.
fn counts(report: &Report) -> (u64, u64, u64) {
    let (erased, untold) = (report.erased_count, report.untold_count);
    (erased, untold, report.still_archived_count)
}

/// Puts the hash of an entry's leaf in its place, as whoever can write the archive may.
fn blank(archiving: &Archiving, index: u64) {
    let hashes = archiving.log.store().hashes(0, index, 1).unwrap();
    let path = archiving.directory.path().join("0-256.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let mut line = Vec::new();
    let hash = hashes[0];
    let erased = StoredLeaf::Erased { index, hash };
    export::write_leaf(&mut line, &erased).unwrap();
    let place = usize::try_from(index).unwrap();
    lines[place] = String::from_utf8(line).unwrap().trim_end().to_owned();
    fs::write(&path, lines.join("\n") + "\n").unwrap();
}

/// Goal: an honest log is not accused of what its archive has from before. Method: an archive, an
/// entry erased behind its end and one before; then the beginning taken out; then a segment more.
#[test]
fn entry_erased_once_it_was_archived_is_counted() {
    let archiving = Archiving::new();
    assert_eq!(erase(&archiving, 20), 700);
    let archived = archiving.grow(300);
    assert_eq!(erase(&archiving, 17), 701);
    let alone = verify_archive(&archiving.archive(), &keys()).unwrap();
    assert_eq!(counts(&alone), (1, 1, 0));
    let is_verified = |expected: (u64, u64, u64)| {
        let whole = archiving.verify_behind().unwrap();
        assert_eq!(counts(&whole), expected);
        let export = archiving.export();
        let archive = archiving.archive();
        let other = verify_export_behind(&archive, export.as_slice(), &keys());
        assert_eq!(other.unwrap(), whole);
        let said = archiving.second(&export, true);
        assert!(said.is_none_or(|verified| verified));
    };
    is_verified((2, 0, 1));
    // Whoever keeps the archive may follow, and need not.
    let path = archiving.directory.path().join("0-256.jsonl");
    let text = fs::read(&path).unwrap();
    blank(&archiving, 17);
    is_verified((2, 0, 0));
    fs::write(&path, text).unwrap();
    archiving.prune(point(&archived)).unwrap();
    is_verified((1, 0, 1));
    for _ in 0..70 {
        commit_one(&archiving.log, draft(2)).unwrap();
    }
    // Whoever makes it again has nothing to do by hand.
    let later = archiving.grow(u64::MAX);
    assert_eq!((later.size, later.erased_count), (768, 1));
    is_verified((2, 0, 0));
    let alone = verify_archive(&archiving.archive(), &keys()).unwrap();
    assert_eq!(counts(&alone), (2, 0, 0));
}

/// Goal: what was erased leaves the archive when that is made again, and nothing else changes.
/// Method: entries erased in two segments, before the log is pruned and after; every line compared.
#[test]
fn archive_that_is_made_again_has_no_erased_entry() {
    let archiving = Archiving::new();
    archiving.grow(300);
    let archived = archiving.grow(600);
    let read = |name: &str| fs::read_to_string(archiving.directory.path().join(name)).unwrap();
    let names = ["0-256.jsonl", "256-512.jsonl"];
    let before = names.map(read);
    for index in [3, 17, 400] {
        erase(&archiving, index);
    }
    archiving.prune(point(&archived)).unwrap();
    let again = archiving.grow(600);
    assert_eq!(
        (again.added, again.erased_count, again.linked_count),
        (0, 3, 0)
    );
    assert_eq!((again.size, again.root), (archived.size, archived.root));
    for (before, after) in before.iter().zip(names.map(read)) {
        assert_eq!(before.lines().count(), after.lines().count());
        for (before, after) in before.lines().zip(after.lines()) {
            let gone = [3, 17, 400].map(|index| format!("{{\"erased\":{index},"));
            let is_gone = gone.iter().any(|gone| after.starts_with(gone));
            assert_eq!(is_gone, before != after, "{after}");
        }
    }
    assert_eq!(counts(&archiving.verify_behind().unwrap()), (3, 0, 0));
    assert_eq!(archiving.grow(600).erased_count, 0, "once");
}

/// Goal: nothing is written through a link, and nothing before all is verified. Method: what a
/// killed command may have left, as a link to another file; a segment that is a link, and one with
/// a second name; a segment that is wrong.
#[test]
fn rewriting_an_archive_touches_nothing_else() {
    let archiving = Archiving::new();
    archiving.grow(300);
    archiving.grow(600);
    erase(&archiving, 3);
    erase(&archiving, 400);
    let elsewhere = tempfile::tempdir().unwrap();
    let (other, moved) = (elsewhere.path().join("o"), elsewhere.path().join("m.jsonl"));
    let path = |name: &str| archiving.directory.path().join(name);
    let (first, second) = (path("0-256.jsonl"), path("256-512.jsonl"));
    let wrong = fs::read_to_string(&second).unwrap();
    fs::write(&second, wrong.replacen("cus_1", "cus_2", 1)).unwrap();
    let untouched = fs::read(&first).unwrap();
    let store = archiving.log.store();
    assert!(archiving.archive().grow(&store, &keys(), 600).is_err());
    drop(store);
    assert_eq!(fs::read(&first).unwrap(), untouched);
    fs::write(&second, wrong).unwrap();

    fs::write(&other, "another's").unwrap();
    std::os::unix::fs::symlink(&other, path("0-256.partial")).unwrap();
    fs::hard_link(&first, path("kept")).unwrap();
    fs::rename(&second, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &second).unwrap();
    let again = archiving.grow(600);
    assert_eq!((again.erased_count, again.linked_count), (2, 1));
    assert_eq!(fs::read_to_string(&other).unwrap(), "another's");
    assert_eq!(fs::read(path("kept")).unwrap(), untouched, "its other name");
    assert!(
        fs::read_to_string(&moved)
            .unwrap()
            .contains("{\"erased\":400,")
    );
    assert!(fs::symlink_metadata(&second).unwrap().is_symlink());
    assert_eq!(counts(&archiving.verify_behind().unwrap()), (2, 0, 0));
}

/// Goal: nobody takes an entry out of an archive by saying that it was erased. Method: a line made
/// that of an erased one, which leaves every hash as it was; with the log, then without.
#[test]
fn entry_that_only_an_archive_calls_erased_is_found() {
    let archiving = Archiving::new();
    let archived = archiving.grow(300);
    blank(&archiving, 17);
    // By itself it may be so, and the report says who has not said so.
    let alone = verify_archive(&archiving.archive(), &keys()).unwrap();
    assert_eq!(counts(&alone), (1, 1, 0));
    let is_blank = |found: Option<VerifyError>| {
        assert!(matches!(
            found,
            Some(VerifyError::ArchiveBlank { index: 17 })
        ));
    };
    is_blank(archiving.verify_behind().err());
    let store = archiving.log.store();
    is_blank(archiving.archive().grow(&store, &keys(), 600).err());
    drop(store);
    let export = archiving.export();
    let archive = archiving.archive();
    is_blank(verify_export_behind(&archive, export.as_slice(), &keys()).err());
    assert!(archiving.second(&export, true) != Some(true));
    archiving.prune(point(&archived)).unwrap();
    let found = archiving.verify_behind();
    assert!(matches!(found, Err(VerifyError::Untold { index: 17 })));
}

#[test]
fn archive_is_compared_with_an_export_that_begins_before_its_end() {
    let archiving = Archiving::new();
    archiving.grow(300);
    let other = Archiving::new().export();
    let found = verify_export_behind(&archiving.archive(), other.as_slice(), &keys());
    assert!(matches!(found, Err(VerifyError::Segment { index: 256 })));
    assert!(archiving.second(&other, true) != Some(true));
    assert!(archiving.second(&other, false) != Some(false));
    // And one of which a line is wrong.
    let export = archiving.export();
    let path = archiving.directory.path().join("0-256.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("cus_1", "cus_2", 1)).unwrap();
    let archive = archiving.archive();
    assert!(verify_export_behind(&archive, export.as_slice(), &keys()).is_err());
    assert!(archiving.second(&export, true) != Some(true));
}
