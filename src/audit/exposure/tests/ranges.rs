//! The part of a log that a report is made of, in a store and in an export.

use std::time::Instant;

use proptest::prelude::*;
use tempfile::TempDir;

use super::history::History;
use super::history::expected;
use super::*;
use crate::audit::CheckpointKeys;
use crate::audit::CheckpointSigner;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::audit::tree;
use crate::audit::tree::entry_leaf_hash;
use crate::audit::write_export;
use crate::crypto::KeyBytes;
use crate::crypto::merkle::Frontier;
use crate::crypto::note::AuditSigningKey;
use crate::crypto::note::NoteKeyName;
use crate::store::Append;
use crate::store::CommitBatch;
use crate::store::SALT_BYTES;
use crate::store::Store;
use crate::store::StoredEntry;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;

const OPTIONS: RocksOptions = RocksOptions {
    block_cache_bytes: 1 << 20,
    memtable_bytes: 1 << 22,
    disk_reserve_bytes: 0,
};

pub(super) fn origin() -> NoteKeyName {
    NoteKeyName::new("vault.example/audit").unwrap()
}

pub(super) fn key() -> AuditSigningKey {
    AuditSigningKey::new(&KeyBytes::from_slice(&[7; 32]).unwrap())
}

pub(super) fn keys() -> CheckpointKeys {
    CheckpointKeys::new(vec![key().verifier(origin())])
}

/// A log in a store.
pub(super) struct StoredLog {
    _directory: TempDir,
    pub(super) store: RocksStore,
    pub(super) checkpoint: SignedCheckpoint,
}

impl StoredLog {
    pub(super) fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = RocksStore::create(&directory.path().join("store"), &OPTIONS).unwrap();
        let signer = CheckpointSigner::new(origin(), key());
        let mut frontier = Frontier::new();
        let mut checkpoint = signer.sign_empty().unwrap();
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let mut append = Append {
                tree_size: frontier.size(),
                ..Append::default()
            };
            for entry in entries.by_ref().take(4_096) {
                let stored = StoredEntry {
                    index: entry.index,
                    salt: [9; SALT_BYTES],
                    entry: entry.encode(),
                };
                let leaf = entry_leaf_hash(&stored);
                tree::append(&mut frontier, leaf, &mut append.hashes).unwrap();
                append.entries.push(stored);
            }
            checkpoint = signer.sign(frontier.size(), frontier.root()).unwrap();
            append.checkpoint = checkpoint.note().to_owned();
            let batch = CommitBatch {
                changes: Vec::new(),
                puts: Vec::new(),
                append,
            };
            store.commit(&batch).unwrap();
        }
        Self {
            _directory: directory,
            store,
            checkpoint,
        }
    }

    pub(super) fn report(&self, query: &Query) -> Result<RangeReport, ExposureError> {
        report_store(&self.store, &self.checkpoint, query, |_| ())
    }

    fn export(&self) -> Vec<u8> {
        let mut export = Vec::new();
        write_export(&mut export, &self.store, &keys()).unwrap();
        export
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn store_and_export_give_the_ledger(number in any::<u64>(), from_ms in 900_u64..3_000) {
        let history = History::random(number, 150);
        let log = StoredLog::of(history.entries.clone());
        let query = between(from_ms, from_ms + 500);
        let report = log.report(&query).unwrap();
        prop_assert_eq!(&report.exposure.rows, &expected(&history.ledger, &query));
        prop_assert!(report.range.is_proven());
        let export = log.export();
        let other = report_export(export.as_slice(), &log.checkpoint, &query, |_| ()).unwrap();
        prop_assert_eq!(other, report);
    }
}

/// A log of a week, a lookup an hour.
fn week() -> Vec<Entry> {
    let lookup = |index: u64| {
        let items = vec![item(&format!("cus_{index}"), "email", ItemOutcome::Found)];
        entry(index, index * HOUR_MS, call(Event::Lookup, items))
    };
    (0..7 * 24).map(lookup).collect()
}

const HOUR_MS: u64 = 3_600_000;

#[test]
fn only_what_matters_is_read() {
    let log = StoredLog::of(week());
    let query = between(100 * HOUR_MS, 101 * HOUR_MS);
    let RangeReport { exposure, range } = log.report(&query).unwrap();
    assert_eq!(exposure.rows.len(), 1);
    let look_back = LOOK_BACK_SECONDS * 1_000 / HOUR_MS;
    // The entry before what matters, and the one after it, show that it is all.
    assert_eq!(range.first_index, 100 - look_back - 1);
    assert_eq!(range.end_index, 102);
    let export = log.export();
    let other = report_export(export.as_slice(), &log.checkpoint, &query, |_| ()).unwrap();
    assert_eq!(other, RangeReport { exposure, range });
}

#[test]
fn window_outside_the_log_is_empty() {
    let log = StoredLog::of(week());
    for query in [
        between(1_000 * HOUR_MS, 1_001 * HOUR_MS),
        between(5, 5),
        between(5, 4),
    ] {
        let report = log.report(&query).unwrap();
        assert!(report.exposure.rows.is_empty());
        let export = log.export();
        let other = report_export(export.as_slice(), &log.checkpoint, &query, |_| ());
        assert_eq!(other.unwrap(), report);
    }
    let empty = StoredLog::of([]);
    assert_eq!(empty.report(&everything()).unwrap().range.end_index, 0);
}

#[test]
fn changed_entry_is_noticed() {
    // The store has another entry than the one that was signed for, at each place that is read.
    let signed = StoredLog::of(week());
    let query = between(100 * HOUR_MS, 101 * HOUR_MS);
    for changed in 86..=101_usize {
        let mut entries = week();
        entries[changed].draft.items.clear();
        let tampered = StoredLog::of(entries);
        let report = report_store(&tampered.store, &signed.checkpoint, &query, |_| ());
        assert!(
            matches!(
                report,
                Err(ExposureError::Log(VerifyError::Root { tree_size: 168 }))
            ),
            "{changed}"
        );
    }
}

#[test]
fn time_that_leads_the_search_astray_is_noticed() {
    // With this one changed, the search would begin after the window.
    let mut entries = week();
    for entry in entries.iter_mut().take(120) {
        entry.time = Timestamp::from_unix_ms(1);
    }
    let tampered = StoredLog::of(entries);
    let signed = StoredLog::of(week());
    let query = between(100 * HOUR_MS, 101 * HOUR_MS);
    assert!(report_store(&tampered.store, &signed.checkpoint, &query, |_| ()).is_err());
}

#[test]
fn older_checkpoint_gives_the_older_report() {
    let query = everything();
    let older = StoredLog::of(week().into_iter().take(50));
    let newer = StoredLog::of(week());
    let report = report_store(&newer.store, &older.checkpoint, &query, |_| ()).unwrap();
    assert_eq!(report, older.report(&query).unwrap());
}

/// Goal: a report says how many entries of its part of the log are erased, wherever they are, and
/// has all that the others say. Method: runs of erased entries around everything that is read, in
/// a store and in its export.
#[test]
fn erased_entries_are_counted_and_the_others_reported() {
    let look_back = LOOK_BACK_SECONDS * 1_000 / HOUR_MS;
    let first = 100 - look_back - 1;
    let query = between(100 * HOUR_MS, 101 * HOUR_MS);
    let cases: [(Vec<u64>, u64, u64); 9] = [
        (vec![], 0, first),
        // The one of the window.
        (vec![100], 1, first),
        // The one that shows that nothing before it matters: the one before it does.
        (vec![first], 1, first - 1),
        (vec![first - 1, first], 2, first - 2),
        (vec![first - 1], 0, first),
        (vec![first + 1], 1, first),
        // Everything before the window.
        ((0..100).collect(), 100, 0),
        // After the window, the next that is there ends it.
        (vec![101, 102], 2, first),
        ((90..167).collect(), 77, first),
    ];
    for (erased, erased_count, first_index) in cases {
        let log = StoredLog::of(week());
        for index in &erased {
            log.store
                .tamper("audit", &index.to_be_bytes(), Some(b"erased"));
        }
        let report = log.report(&query).unwrap();
        let RangeReport { exposure, range } = &report;
        assert_eq!(range.erased_count, erased_count, "{erased:?}");
        assert_eq!(range.first_index, first_index, "{erased:?}");
        assert_eq!(exposure.rows.len(), usize::from(!erased.contains(&100)));
        assert!(range.is_proven());
        let document = Document::new(&query, &report);
        let told = (erased_count > 0).then_some(erased_count);
        assert_eq!(document.log.erased_count, told);
        assert_eq!(Document::read(&document.text()), Ok(document));
        let export = log.export();
        let other = report_export(export.as_slice(), &log.checkpoint, &query, |_| ());
        assert_eq!(other.unwrap(), report, "{erased:?}");
    }
}

#[test]
fn outcome_of_an_erased_intent_says_by_itself_who_was_seen() {
    let items = || vec![item("cus_1", "email", ItemOutcome::Intended)];
    let intent = call(Event::Detokenize, items());
    let outcome = outcome_of(0, &intent, ItemOutcome::Revealed);
    let refused = outcome_of(1, &intent, ItemOutcome::Expired);
    let entries = [intent.clone(), intent, outcome, refused];
    let entries = (0..).zip(entries);
    let log = StoredLog::of(entries.map(|(index, draft)| entry(index, index + 1, draft)));
    let whole = log.report(&everything()).unwrap().exposure;
    for index in [0_u64, 1] {
        log.store
            .tamper("audit", &index.to_be_bytes(), Some(b"erased"));
    }
    let report = log.report(&everything()).unwrap();
    let statuses = |exposure: &Exposure| -> Vec<(Seen, Status, u64)> {
        let rows = exposure.rows.iter();
        rows.map(|row| (row.seen.clone(), row.status, row.tally.count))
            .collect()
    };
    assert_eq!(statuses(&report.exposure), statuses(&whole));
    // At the time of the outcome, which is what is known.
    let released = &report.exposure.rows[0];
    assert_eq!(
        (released.status, released.tally.first_index),
        (Status::Released, 2)
    );
    let other = Query {
        who: Who {
            principal: Principal::new("another-tool").ok(),
            ..Who::default()
        },
        ..everything()
    };
    assert!(log.report(&other).unwrap().exposure.rows.is_empty());
}

/// How long a report over 10^6 entries takes. Run with
/// `cargo test --release --lib -- --ignored --nocapture a_million_entries`.
#[test]
#[ignore = "takes minutes"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_million_entries_take_seconds() {
    let count = 1_000_000_u64;
    let reveal = |index: u64| {
        let subject = format!("cus_{}", index / 2 % 50_000);
        let items = vec![item(&subject, "email", ItemOutcome::Intended)];
        call(Event::Detokenize, items)
    };
    let entries = (0..count).map(|index| {
        let draft = reveal(index);
        let draft = if index % 2 == 0 {
            draft
        } else {
            outcome_of(index - 1, &draft, ItemOutcome::Revealed)
        };
        entry(index, index, draft)
    });
    let log = StoredLog::of(entries);
    let begun = Instant::now();
    let report = log.report(&everything()).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(report.exposure.summary().customers.released, 50_000);
    assert_eq!(report.exposure.rows.len(), 50_000);
    println!(
        "{count} entries in {seconds:.1} s: {:.0} a second",
        count as f64 / seconds
    );
}
