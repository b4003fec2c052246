//! Single bits of what is stored of a log, and of every kind of line of an export, by the whole
//! verifiers: ours, and of exports a part by the second one too.
//!
//! The planted fault passes over one row or line in ten: it judges what that was before.

use super::handovers::Archived;
use super::handovers::lines;
use super::handovers::log_with_keys;
use super::*;
use crate::audit::tests::handing_over::rotation;
use crate::audit::tree::StoredTree;
use crate::second_verifier::SecondVerifier;

/// How many flips there were, and how many were missed by a verifier, and by the planted one.
#[derive(Debug, Default)]
struct Counts {
    tried: u64,
    missed: u64,
    missed_by_the_fault: u64,
}

impl Counts {
    fn add(&mut self, is_found: bool, is_passed_over: bool) {
        self.tried += 1;
        self.missed += u64::from(!is_found);
        self.missed_by_the_fault += u64::from(!is_found || is_passed_over);
    }
}

/// A log in a store: pruned, with an erased entry, and under its second key.
fn stored_log() -> TestLog {
    let log = TestLog::with_entries(STORED_COUNT);
    let size = PRUNED_SIZE;
    let root = StoredTree(&log.store()).frontier(size).unwrap().root();
    let root = *root.as_bytes();
    let (audit, thread) = log.open();
    for draft in [
        EntryDraft::of_entry_erasure(size + 4),
        EntryDraft::of_pruning(LogPoint { size, root }),
    ] {
        block_on(audit.commit(Commit::of_vault(draft))).unwrap();
    }
    block_on(audit.commit(rotation(2, &[]))).unwrap();
    block_on(audit.commit(Commit::of_vault(draft(7)))).unwrap();
    drop(audit);
    thread.join();
    log.store().purge().unwrap();
    log
}

fn flip(bytes: &[u8], random: &mut StdRng) -> Vec<u8> {
    let bit = random.random_range(0..bytes.len() * 8);
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

#[test]
fn flipped_bit_of_any_table_is_found_in_the_store() {
    let log = stored_log();
    let store = log.store();
    let following = following_keys(&store, &keys()).unwrap();
    let head = Head::read(&log.head_directory(), &following).unwrap();
    // By the first key alone. To whoever is given the second too, the signature by which the first
    // hands over to it is one more: in another name, it is passed over like a stranger's.
    let first = keys();
    let is_found = || verify_store(&store, Some(&head), &first).is_err();
    assert!(!is_found());
    let mut random = StdRng::seed_from_u64(21);
    for table in ["audit", "tiles", "checkpoints"] {
        let mut counts = Counts::default();
        let rows = store.raw_rows(table);
        let rows: Vec<_> = rows.iter().filter(|(_, row)| !row.is_empty()).collect();
        assert!(rows.len() > 1, "{table}");
        for _ in 0..cases(300).max(30) {
            let place = random.random_range(0..rows.len());
            let (key, row) = rows[place];
            store.tamper(table, key, Some(&flip(row, &mut random)));
            counts.add(is_found(), place % 10 == 1);
            store.tamper(table, key, Some(row));
        }
        assert!(!is_found());
        assert_eq!(counts.missed, 0, "{table}: {counts:?}");
        assert!(counts.missed_by_the_fault > 0, "{table}: {counts:?}");
    }
}

/// An export with every kind of line: of a log that begins behind an archive, has an erased entry,
/// comes under another key, and ends with its checkpoint.
fn export_of_all_kinds() -> String {
    let mut log = Growing::default();
    let mut maker = Maker::new(StdRng::seed_from_u64(22));
    let mut plain = |log: &mut Growing, count: usize| {
        for position in 0..count {
            let mut entry = draft(position);
            entry.access = maker.access();
            entry.methods = maker.methods();
            log.append(entry, maker.random.random(), 1, false);
        }
    };
    plain(&mut log, 8);
    let (size, root) = (log.frontier.size(), *log.frontier.root().as_bytes());
    plain(&mut log, 8);
    let mut announcing = EntryDraft::new(Event::KeyCreated);
    announcing.ceremony.public_key = Some(log.next_key());
    log.append(announcing, [7; 16], 1, true);
    plain(&mut log, 4);
    for draft in [
        EntryDraft::of_entry_erasure(size + 2),
        EntryDraft::of_pruning(LogPoint { size, root }),
    ] {
        log.append(draft, [8; 16], 1, false);
    }
    plain(&mut log, 4);
    let log = log.finish();
    let mut text = lines(&log, size, log.checkpoint.size()).into_bytes();
    export::write_checkpoint(&mut text, log.checkpoint.note()).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn flipped_bit_of_any_kind_of_line_is_found_by_both_verifiers() {
    let export = export_of_all_kinds();
    assert!(!is_found(export.as_bytes()));
    let mut second = SecondVerifier::start();
    if let Some(second) = &mut second {
        let answer = second.ask(export.as_bytes());
        assert_eq!(answer["verified"], true, "{answer}");
    }
    let whole: Vec<_> = export.split_inclusive('\n').collect();
    let mut random = StdRng::seed_from_u64(23);
    for kind in ["archived", "checkpoint", "erased", "handover", "index"] {
        let head = format!("{{\"{kind}\":");
        let places = (0..whole.len()).filter(|place| whole[*place].starts_with(&head));
        let places: Vec<_> = places.collect();
        let mut counts = Counts::default();
        for number in 0..cases(300).max(30) {
            let place = places[random.random_range(0..places.len())];
            let flipped = flip(whole[place].as_bytes(), &mut random);
            let mut changed = whole[..place].concat().into_bytes();
            changed.extend_from_slice(&flipped);
            changed.extend_from_slice(whole[place + 1..].concat().as_bytes());
            counts.add(is_found(&changed), place % 10 == places[0] % 10);
            if let Some(second) = second.as_mut().filter(|_| number % 5 == 0) {
                assert!(second.finds(&changed), "line {place}, flip {number}");
            }
        }
        assert_eq!(counts.missed, 0, "{kind}: {counts:?}");
        assert!(counts.missed_by_the_fault > 0, "{kind}: {counts:?}");
    }
}

/// The end of a segment is a line that no export has. The planted fault reads it, and asks nothing
/// of its proof.
#[test]
fn flipped_bit_of_the_end_of_a_segment_is_found_by_both_verifiers() {
    // The archive ends behind the beginning of the log, and is compared with it by itself.
    let archived = Archived::new(&log_with_keys(), 256);
    archived.verify().unwrap();
    let mut second = SecondVerifier::behind(archived.directory.path());
    let (name, text) = &archived.files[1];
    let end = text.rfind("{\"segment\":").unwrap();
    let (before, line) = text.split_at(end);
    let mut random = StdRng::seed_from_u64(24);
    let mut counts = Counts::default();
    for number in 0..cases(60).max(30) {
        let flipped = flip(line.as_bytes(), &mut random);
        archived.write(name, [before.as_bytes(), &flipped].concat());
        let found = archived.verify().err();
        let is_read = matches!(found, Some(VerifyError::Line { .. } | VerifyError::Read(_)));
        counts.add(found.is_some(), !is_read);
        if let Some(second) = &mut second {
            assert!(second.finds(&archived.rest()), "flip {number}");
        }
    }
    assert_eq!(counts.missed, 0, "{counts:?}");
    assert!(counts.missed_by_the_fault > 0, "{counts:?}");
}

const STORED_COUNT: usize = 280;
const PRUNED_SIZE: u64 = 256;
