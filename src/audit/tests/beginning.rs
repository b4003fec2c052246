//! Where a log begins, by its own word: as a start asks for it, and as verifiers judge it.

use super::archiving::Archiving;
use super::archiving::commit_one;
use super::archiving::point;
use super::archiving::take_away;
use super::*;

/// So many that a start does not read the first by itself.
const ENTRIES: usize = 1_400;

fn tell(log: &TestLog, event: Event) -> u64 {
    commit_one(log, EntryDraft::new(event)).unwrap()
}

fn archiving() -> Archiving {
    Archiving {
        log: TestLog::with_entries(ENTRIES),
        directory: tempfile::tempdir().unwrap(),
    }
}

fn told(log: &TestLog, index: u64) -> Option<u64> {
    let stored = log.store().entries(index, 1).unwrap().remove(0);
    let entry = Entry::decode(&stored.entry().unwrap().entry).unwrap();
    entry.draft.ceremony.archived_size
}

fn starts(log: &TestLog) {
    let (audit, thread) = log.open();
    drop(audit);
    thread.join();
}

fn is_refused(log: &TestLog, begins: u64) -> bool {
    matches!(log.start(), Err(StartError::Unarchived { size }) if size == begins)
}

/// Goal: nobody takes the beginning of a log away unnoticed, however long it is. Method: a log
/// whose last thousand entries say nothing of it, one with a start at its end, and one that was
/// pruned less; what a thief with the disk would remove.
#[test]
fn start_finds_a_false_beginning_however_far_back() {
    let archiving = archiving();
    let log = &archiving.log;
    let copy = |log: &TestLog| {
        let directory = tempfile::tempdir().unwrap();
        copy_directory(log.directory.path(), directory.path());
        TestLog { directory }
    };
    // Nothing says it: of an older version.
    let robbed = copy(log);
    take_away(&robbed.store(), 256);
    assert!(is_refused(&robbed, 256));
    // A start says that nothing is gone.
    assert_eq!(told(log, tell(log, Event::Started)), Some(0));
    let robbed = copy(log);
    take_away(&robbed.store(), 256);
    assert!(is_refused(&robbed, 256));
    // It was pruned, and a start says how much.
    archiving.prune(point(&archiving.grow(300))).unwrap();
    assert_eq!(told(log, tell(log, Event::Started)), Some(256));
    let robbed = copy(log);
    take_away(&robbed.store(), 512);
    assert!(is_refused(&robbed, 512));
    starts(log);
    // And it reads no further than to the entry that says so.
    let store = log.store();
    store.tamper("audit", &300_u64.to_be_bytes(), Some(b"damaged"));
    drop(store);
    starts(log);
}

/// Goal: what starts and stops say of the archive is so, and both verifiers see that it is.
/// Method: a log that is pruned between them, from its beginning, behind its archive, and without.
#[test]
fn starts_and_stops_say_what_was_pruned_before_them() {
    let archiving = Archiving::new();
    let log = &archiving.log;
    let first = tell(log, Event::Started);
    let points = [300, 600].map(|before| point(&archiving.grow(before)));
    archiving.prune(points[0]).unwrap();
    let second = tell(log, Event::Stopped);
    let third = tell(log, Event::Started);
    archiving.prune(points[1]).unwrap();
    let fourth = tell(log, Event::Stopped);
    let said = [first, second, third, fourth].map(|index| told(log, index));
    assert_eq!(said, [Some(0), Some(256), Some(256), Some(512)]);
    assert_eq!(log.verify().unwrap().archived_size, 512);
    assert_eq!(archiving.verify_behind().unwrap().archived_size, 0);
    let export = archiving.export();
    verify_export(export.as_slice(), &keys()).unwrap();
    for has_archive in [true, false] {
        let said = archiving.second(&export, has_archive);
        assert!(said.is_none_or(|verified| verified), "{has_archive}");
    }
}

/// What is pruned in the same group as a start is told is counted as it comes.
#[test]
fn group_with_a_pruning_and_a_stop_tells_both_alike() {
    let archiving = Archiving::new();
    let archived = point(&archiving.grow(300));
    let (audit, thread) = archiving.log.open();
    let (before, pruned, after) = block_on(async {
        let commit = |draft| audit.commit(Commit::of_vault(draft));
        tokio::join!(
            commit(EntryDraft::new(Event::Stopped)),
            commit(EntryDraft::of_pruning(archived)),
            commit(EntryDraft::new(Event::Stopped)),
        )
    });
    drop(audit);
    thread.join();
    let [before, pruned, after] = [before, pruned, after].map(|it| it.unwrap().index);
    assert!(before < pruned && pruned < after);
    assert_eq!(told(&archiving.log, before), Some(0));
    assert_eq!(told(&archiving.log, after), Some(256));
    archiving.log.verify().unwrap();
}
