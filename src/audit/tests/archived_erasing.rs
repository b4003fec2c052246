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
    assert_eq!(archiving.grow(u64::MAX).size, 768);
    is_verified((1, 0, 1));
    let alone = verify_archive(&archiving.archive(), &keys()).unwrap();
    assert_eq!(counts(&alone), (1, 0, 1));
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
