//! Documents: signed, checked, and compared.

use super::history::History;
use super::ranges::StoredLog;
use super::ranges::key;
use super::ranges::keys;
use super::ranges::origin;
use super::*;
use crate::audit::CheckpointKeys;
use crate::audit::CheckpointSigner;
use crate::crypto::KeyBytes;
use crate::crypto::note::AuditSigningKey;
use crate::crypto::note::NoteKeyName;

fn signer() -> CheckpointSigner {
    CheckpointSigner::new(origin(), key())
}

/// A signed report with rows of every kind and status.
fn signed() -> Document {
    let log = StoredLog::of(History::random(3, 60).entries);
    let query = Query {
        who: Who {
            principal: Principal::new("tool-1").ok(),
            ..Who::default()
        },
        ..between(1_000, 1_400)
    };
    Document::new(&query, &log.report(&query).unwrap()).signed(&signer())
}

#[test]
fn signed_report_is_believed() {
    let document = signed();
    let rows = document.namespaces.iter().map(|part| part.rows.len());
    assert!(rows.sum::<usize>() > 10);
    let read = Document::read(&format!("{}\n", document.text())).unwrap();
    assert_eq!(read, document);
    assert_eq!(read.check(&keys()).unwrap().note(), document.log.checkpoint);
    assert_eq!(read.query().unwrap().from, Timestamp::from_unix_ms(1_000));
}

#[test]
fn every_changed_byte_of_a_report_is_refused() {
    let document = signed().text();
    for position in 0..document.len() {
        let mut bytes = document.clone().into_bytes();
        bytes[position] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        let checked = Document::read(&text).and_then(|it| it.check(&keys()));
        assert!(checked.is_err(), "{position}");
    }
}

#[test]
fn report_with_a_row_less_is_refused() {
    let mut document = signed();
    document.namespaces[0].rows.pop();
    let text = document.text();
    let read = Document::read(&text).unwrap();
    assert_eq!(read.check(&keys()), Err(DocumentError::Signature));
}

#[test]
fn report_of_another_part_of_the_log_is_refused() {
    let mut document = signed();
    document.log.end_index -= 1;
    assert_eq!(document.check(&keys()), Err(DocumentError::Proof));
    let mut document = signed();
    document.log.first_root_hash = "00".repeat(32);
    // Nothing is before the first entry: its root is that of no leaves.
    assert_eq!(document.check(&keys()), Err(DocumentError::Proof));
}

#[test]
fn report_that_others_signed_is_refused() {
    let document = signed();
    assert_eq!(
        document.unsigned().check(&keys()),
        Err(DocumentError::Unsigned)
    );
    let other = || AuditSigningKey::new(&KeyBytes::from_slice(&[8; 32]).unwrap());
    let forged = document
        .unsigned()
        .signed(&CheckpointSigner::new(origin(), other()));
    assert_eq!(forged.check(&keys()), Err(DocumentError::Signature));
    // A key that is believed, but for another log.
    let name = || NoteKeyName::new("other.example/audit").unwrap();
    let forged = document
        .unsigned()
        .signed(&CheckpointSigner::new(name(), other()));
    let both = CheckpointKeys::new(vec![key().verifier(origin()), other().verifier(name())]);
    assert_eq!(forged.check(&both), Err(DocumentError::Signature));
    let none = CheckpointKeys::new(Vec::new());
    assert_eq!(document.check(&none), Err(DocumentError::Checkpoint));
}

#[test]
fn signed_checkpoint_signs_no_report() {
    let mut document = signed();
    document.signature = Some(document.log.checkpoint.clone());
    assert_eq!(document.check(&keys()), Err(DocumentError::Signature));
}

/// The reports of a log when it had some entries.
fn as_of(entries: &[Entry], query: &Query) -> Document {
    let log = StoredLog::of(entries.iter().cloned());
    Document::new(query, &log.report(query).unwrap())
}

#[test]
fn later_report_of_a_log_extends_the_earlier() {
    let entries = History::random(11, 80).entries;
    // No intent is settled as refused between the two: all that comes is calls.
    let calls: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| entry.draft.event != Event::DetokenizeOutcome)
        .collect();
    let calls: Vec<Entry> = (0..)
        .zip(calls)
        .map(|(index, call)| Entry { index, ..call })
        .collect();
    let (older, newer) = (
        as_of(&calls[..40], &everything()),
        as_of(&calls, &everything()),
    );
    let forward = Comparison::new(&older, &newer);
    assert!(forward.is_extension(), "{:?}", forward.narrowed);
    assert!(!forward.added.is_empty() && !forward.widened.is_empty());
    let back = Comparison::new(&newer, &older);
    assert!(!back.is_extension());
    assert!(back.added.is_empty() && back.widened.is_empty());
    assert_eq!(Comparison::new(&newer, &newer), Comparison::default());
}

#[test]
fn settled_intent_is_said_to_be_widened_or_narrowed() {
    let reveal = call(
        Event::Detokenize,
        vec![item("cus_1", "name", ItemOutcome::Intended)],
    );
    let open = [entry(0, 1, reveal.clone())];
    let settled = |outcome| {
        [
            entry(0, 1, reveal.clone()),
            entry(1, 2, outcome_of(0, &reveal, outcome)),
        ]
    };
    let open = as_of(&open, &everything());
    let released = as_of(&settled(ItemOutcome::Revealed), &everything());
    let comparison = Comparison::new(&open, &released);
    let [widened] = comparison.widened.as_slice() else {
        panic!("{comparison:?}");
    };
    assert_eq!(
        (widened.older, widened.newer),
        (Some("possibly_released"), Some("released"))
    );
    let failed = as_of(&settled(ItemOutcome::Damaged), &everything());
    assert_eq!(Comparison::new(&open, &failed).narrowed.len(), 1);
}
