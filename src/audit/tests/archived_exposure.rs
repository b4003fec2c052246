//! Who was seen, of a log whose beginning is in an archive: all of it with the archive, and nothing
//! without.

use super::archiving::Archiving;
use super::archiving::commit_one;
use super::archiving::point;
use super::*;
use crate::audit::exposure::ExposureError;
use crate::audit::exposure::Query;
use crate::audit::exposure::RangeReport;
use crate::audit::exposure::Who;
use crate::audit::exposure::report_export;
use crate::audit::exposure::report_export_behind;
use crate::audit::exposure::report_store;
use crate::audit::exposure::report_store_behind;
use crate::domain::Timestamp;

fn everything() -> Query {
    Query {
        from: Timestamp::from_unix_ms(0),
        to: Timestamp::from_unix_ms(u64::MAX),
        namespace: None,
        who: Who::default(),
    }
}

fn newest(archiving: &Archiving) -> SignedCheckpoint {
    let note = archiving.log.store().checkpoint().unwrap().unwrap();
    keys().verify(&note).unwrap()
}

/// The report of the log alone, from the store and from an export.
fn alone(
    archiving: &Archiving,
    checkpoint: &SignedCheckpoint,
) -> [Result<RangeReport, ExposureError>; 2] {
    let (query, store) = (everything(), archiving.log.store());
    let in_store = report_store(&store, checkpoint, &query, |_| ());
    drop(store);
    let export = archiving.export();
    let in_export = report_export(export.as_slice(), checkpoint, &query, |_| ());
    [in_store, in_export]
}

/// The same of the log and its archive.
fn behind(
    archiving: &Archiving,
    checkpoint: &SignedCheckpoint,
) -> [Result<RangeReport, ExposureError>; 2] {
    let (query, archive) = (everything(), archiving.archive());
    let store = archiving.log.store();
    let in_store = report_store_behind(&archive, &store, checkpoint, &query, |_| ());
    drop(store);
    let export = archiving.export();
    let reader = export.as_slice();
    let in_export = report_export_behind(&archive, reader, checkpoint, &query, |_| ());
    [in_store, in_export]
}

/// Goal: a report of half of what was asked for would look like one of all of it, so there is none;
/// with the archive it is the one of before. Method: the reports before a log is pruned and after,
/// as of the same checkpoint; with all of the archive and with a part.
#[test]
fn report_that_reaches_into_the_archive_needs_it() {
    let archiving = Archiving::new();
    let checkpoint = newest(&archiving);
    let [before, in_export] = alone(&archiving, &checkpoint).map(Result::unwrap);
    assert_eq!(before, in_export);
    assert!(!before.exposure.rows.is_empty());
    archiving.grow(300);
    let archived = archiving.grow(600);
    // What both have counts once.
    for report in behind(&archiving, &checkpoint) {
        assert_eq!(report.unwrap(), before);
    }
    archiving.prune(point(&archived)).unwrap();
    commit_one(&archiving.log, draft(3)).unwrap();
    for refused in alone(&archiving, &checkpoint) {
        let refused = refused.err().unwrap();
        assert!(matches!(
            refused,
            ExposureError::Log(VerifyError::Archived { size: 512 })
        ));
    }
    for report in behind(&archiving, &checkpoint) {
        assert_eq!(report.unwrap(), before);
    }
    for report in behind(&archiving, &newest(&archiving)) {
        let report = report.unwrap();
        assert_eq!(report.exposure.rows.len(), before.exposure.rows.len());
        assert_eq!((report.range.first_index, report.range.end_index), (0, 702));
    }
    // An archive of which a line is wrong, one that ends too early, and one of another log.
    let path = archiving.directory.path().join("256-512.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("cus_1", "cus_2", 1)).unwrap();
    assert!(behind(&archiving, &checkpoint).iter().all(Result::is_err));
    fs::remove_file(&path).unwrap();
    for refused in behind(&archiving, &checkpoint) {
        let refused = refused.err().unwrap();
        assert!(matches!(
            refused,
            ExposureError::Log(VerifyError::ArchiveGap { index: 256 })
        ));
    }
    let other = Archiving::new();
    other.grow(600);
    let theirs = fs::read_to_string(other.directory.path().join("0-512.jsonl")).unwrap();
    fs::write(archiving.directory.path().join("0-512.jsonl"), theirs).unwrap();
    fs::remove_file(archiving.directory.path().join("0-256.jsonl")).unwrap();
    assert!(behind(&archiving, &checkpoint).iter().all(Result::is_err));
}
