//! Goal: no change of a log goes unnoticed. Method: every bit of a small log, each way to move its
//! entries, and both forms in which a log is verified.

use super::*;

const ENTRIES: usize = 9;

/// A store that is changed, verified, and changed back.
struct Tampered {
    _log: TestLog,
    store: RocksStore,
    head: SignedCheckpoint,
}

impl Tampered {
    fn new(entries: usize) -> Self {
        let log = TestLog::with_entries(entries);
        let (store, (_, head)) = (log.store(), log.head().unwrap());
        let tampered = Self {
            _log: log,
            store,
            head,
        };
        tampered.verify().unwrap();
        tampered
    }

    fn verify(&self) -> Result<Report, VerifyError> {
        verify_store(&self.store, Some(&self.head), &keys())
    }

    fn export(&self) -> String {
        let mut export = Vec::new();
        write_export(&mut export, &self.store, &keys()).unwrap();
        String::from_utf8(export).unwrap()
    }

    /// How many of the single-bit flips of a table's rows are found.
    fn flips_found(&self, table: &str) -> (usize, usize) {
        let (mut found_count, mut flips_count) = (0, 0);
        for (key, row) in self.store.raw_rows(table) {
            for bit in 0..row.len() * 8 {
                let mut flipped = row.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                self.store.tamper(table, &key, Some(&flipped));
                found_count += usize::from(self.verify().is_err());
                flips_count += 1;
            }
            self.store.tamper(table, &key, Some(&row));
        }
        self.verify().unwrap();
        (found_count, flips_count)
    }
}

fn verify_text(export: &str) -> Result<Report, VerifyError> {
    verify_export(export.as_bytes(), &keys())
}

#[test]
fn clean_logs_are_clean() {
    for entries in [0, 1, 2, 255, 256, 257, 600] {
        let log = TestLog::with_entries(entries);
        let report = log.verify().unwrap();
        assert_eq!(report.tree_size, entries as u64);
        assert_eq!(report.counts.values().sum::<u64>(), entries as u64);
        assert_eq!(report.open_intents_count, u64::from(entries % 4 == 2));
        if entries > 0 {
            let mut export = Vec::new();
            write_export(&mut export, &log.store(), &keys()).unwrap();
            assert_eq!(verify_export(export.as_slice(), &keys()).unwrap(), report);
        }
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let tampered = Tampered::new(ENTRIES);
    for table in ["audit", "tiles", "checkpoints"] {
        let (found_count, flips_count) = tampered.flips_found(table);
        assert!(flips_count > 1_000, "{table}");
        assert_eq!(found_count, flips_count, "{table}");
    }
}

#[test]
fn flipped_bit_of_an_inner_hash_is_found() {
    let tampered = Tampered::new(300);
    let (key, row) = tampered.store.raw_rows("tiles").pop().unwrap();
    assert_eq!(key[0], 8);
    tampered
        .store
        .tamper("tiles", &key, Some(&[row[0] ^ 1; 32]));
    let found = tampered.verify();
    assert!(matches!(
        found,
        Err(VerifyError::Hash { level: 8, index: 0 })
    ));
}

#[test]
fn removed_entries_are_found() {
    let tampered = Tampered::new(ENTRIES);
    for (key, row) in tampered.store.raw_rows("audit") {
        tampered.store.tamper("audit", &key, None);
        assert!(tampered.verify().is_err());
        tampered.store.tamper("audit", &key, Some(&row));
    }
    // Cut short, with the hashes: the checkpoint remembers.
    let (hashes, entries) = (
        tampered.store.raw_rows("tiles"),
        tampered.store.raw_rows("audit"),
    );
    for (entry, hash) in entries.iter().zip(&hashes).rev() {
        tampered.store.tamper("audit", &entry.0, None);
        tampered.store.tamper("tiles", &hash.0, None);
        assert!(matches!(
            tampered.verify(),
            Err(VerifyError::Size { tree_size: 9, .. })
        ));
    }
}

#[test]
fn swapped_and_repeated_entries_are_found() {
    let tampered = Tampered::new(ENTRIES);
    for table in ["audit", "tiles"] {
        let rows = tampered.store.raw_rows(table);
        for (one, other) in rows
            .iter()
            .flat_map(|one| rows.iter().map(move |other| (one, other)))
        {
            if one.0 == other.0 {
                continue;
            }
            tampered.store.tamper(table, &one.0, Some(&other.1));
            assert!(tampered.verify().is_err());
            tampered.store.tamper(table, &other.0, Some(&one.1));
            assert!(tampered.verify().is_err());
            tampered.store.tamper(table, &one.0, Some(&one.1));
            tampered.store.tamper(table, &other.0, Some(&other.1));
        }
    }
    tampered.verify().unwrap();
}

#[test]
fn log_that_was_made_anew_with_its_own_hashes_is_found() {
    // Whoever rewrites entries and hashes alike lacks the key to sign for them.
    let (tampered, other) = (Tampered::new(ENTRIES), Tampered::new(ENTRIES));
    for table in ["audit", "tiles"] {
        for (key, row) in other.store.raw_rows(table) {
            tampered.store.tamper(table, &key, Some(&row));
        }
    }
    assert!(matches!(tampered.verify(), Err(VerifyError::Root { .. })));
}

#[test]
fn every_changed_byte_of_an_export_is_found() {
    let tampered = Tampered::new(ENTRIES);
    let export = tampered.export().into_bytes();
    verify_export(export.as_slice(), &keys()).unwrap();
    for position in 0..export.len() {
        for flip in [1, 2, 0x20] {
            let mut changed = export.clone();
            changed[position] ^= flip;
            let found = verify_export(changed.as_slice(), &keys());
            assert!(found.is_err(), "byte {position} by {flip}");
        }
    }
}

#[test]
fn moved_lines_of_an_export_are_found() {
    let tampered = Tampered::new(ENTRIES);
    let export = tampered.export();
    let lines: Vec<_> = export.lines().collect();
    for position in 0..lines.len() {
        let mut shortened = lines.clone();
        shortened.remove(position);
        assert!(verify_text(&(shortened.join("\n") + "\n")).is_err());
        let mut repeated = lines.clone();
        repeated.insert(position, lines[position]);
        assert!(verify_text(&(repeated.join("\n") + "\n")).is_err());
        let mut cut = lines.clone();
        cut.truncate(position);
        assert!(verify_text(&(cut.join("\n") + "\n")).is_err());
        for other in position + 1..lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(position, other);
            assert!(verify_text(&(swapped.join("\n") + "\n")).is_err());
        }
    }
    assert!(verify_text("").is_err());
    assert!(verify_text(export.trim_end()).is_err());
}

#[test]
fn outcome_without_its_intent_is_found() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let mut entry = draft(0);
    entry.event = Event::DetokenizeOutcome;
    entry.intent_index = Some(0);
    block_on(audit.commit(Commit::of_vault(entry))).unwrap();
    drop(audit);
    thread.join();
    assert!(matches!(
        log.verify(),
        Err(VerifyError::Intent { index: 0 })
    ));
}

#[test]
fn checkpoint_of_an_unknown_key_is_refused() {
    let tampered = Tampered::new(2);
    let found = verify_store(&tampered.store, None, &CheckpointKeys::new(vec![]));
    assert!(matches!(found, Err(VerifyError::Checkpoint)));
}
