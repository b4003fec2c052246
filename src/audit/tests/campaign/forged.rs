//! Signatures in the name of a key that are not its own, beside one that is.

use super::*;
use crate::crypto::note::NoteVerifier;
use crate::second_verifier::SecondVerifier;

fn verifier_of(number: u8) -> NoteVerifier {
    key_of(number).verifier(origin())
}

pub(super) fn keys_of(numbers: &[u8]) -> CheckpointKeys {
    CheckpointKeys::new(numbers.iter().map(|number| verifier_of(*number)).collect())
}

/// The signature line of a key: of the note's text, or of another one, which is a forgery in it.
pub(super) fn signature_of(number: u8, text: &str) -> String {
    let note = key_of(number).sign(origin(), text).unwrap().to_string();
    note.lines().last().unwrap().to_owned() + "\n"
}

/// The export of a log with another checkpoint at its end.
pub(super) fn with_checkpoint(export: &str, note: &str) -> String {
    let (lines, _) = export.trim_end().rsplit_once('\n').unwrap();
    let mut text = (lines.to_owned() + "\n").into_bytes();
    export::write_checkpoint(&mut text, note).unwrap();
    String::from_utf8(text).unwrap()
}

/// What both verifiers say of an export by these keys, in this order and the other.
pub(super) fn judged(export: &str, numbers: &[u8]) -> bool {
    let backward: Vec<_> = numbers.iter().rev().copied().collect();
    let answers = [numbers, &backward].map(|numbers| {
        let keys = keys_of(numbers);
        let ours = verify_export(export.as_bytes(), &keys).is_ok();
        if let Some(mut second) = SecondVerifier::with_keys(&keys) {
            let answer = second.ask(export.as_bytes());
            assert_eq!(answer["verified"], ours, "{numbers:?}: {answer}");
        }
        ours
    });
    assert_eq!(answers[0], answers[1], "{numbers:?}");
    answers[0]
}

/// Goal: what is believed depends on no order. Method: a log that one key has signed, with the
/// signature of another and with one in its name, by every choice of the given keys.
#[test]
fn forged_signature_of_a_given_key_is_refused_in_any_order() {
    let log = RandomLog::of(5, 8);
    let (export, note) = (log.export(), log.checkpoint.note());
    let (text, _) = note.rsplit_once("\n\n").unwrap();
    let text = text.to_owned() + "\n";
    let beside = with_checkpoint(&export, &(note.to_owned() + &signature_of(4, &text)));
    let forged = with_checkpoint(&export, &(note.to_owned() + &signature_of(4, "other\n")));
    let before = note.replace("\n\n", &format!("\n\n{}", signature_of(4, "other\n")));
    let before = with_checkpoint(&export, &before);
    for (numbers, is_whole, is_forged_whole) in [
        (&[0, 4][..], true, false),
        // Nobody knows the key in whose name it is.
        (&[0], true, true),
        (&[0, 3], true, true),
        (&[0, 3, 4], true, false),
        (&[4], true, false),
        (&[3], false, false),
    ] {
        assert_eq!(judged(&beside, numbers), is_whole, "{numbers:?}");
        assert_eq!(judged(&forged, numbers), is_forged_whole, "{numbers:?}");
        assert_eq!(judged(&before, numbers), is_forged_whole, "{numbers:?}");
    }
}

#[test]
fn forged_signature_is_refused_where_the_log_is_under_another_key() {
    let mut log = Growing::default();
    log.append(draft(0), [7; 16], 1, false);
    let mut announcing = EntryDraft::new(Event::KeyCreated);
    announcing.ceremony.public_key = Some(log.next_key());
    log.append(announcing, [7; 16], 1, true);
    log.append(draft(1), [7; 16], 1, false);
    let log = log.finish();
    let (export, note) = (log.export(), log.checkpoint.note());
    let forged = with_checkpoint(&export, &(note.to_owned() + &signature_of(4, "other\n")));
    let of_former = with_checkpoint(&export, &(note.to_owned() + &signature_of(0, "other\n")));
    assert!(judged(&export, &[0, 4]));
    assert!(judged(&forged, &[0]));
    assert!(!judged(&forged, &[0, 4]));
    assert!(!judged(&of_former, &[0, 4]));
    // At the handover itself.
    let mut handed = log.clone();
    handed.handovers[0].note += &signature_of(4, "other\n");
    let handed = handed.export();
    assert!(judged(&handed, &[0]));
    assert!(!judged(&handed, &[0, 4]));
}

#[test]
fn forged_signature_of_a_given_key_spoils_reports_backups_and_records() {
    let digest = [6; 32];
    let note = signer().sign_backup(&digest).unwrap();
    let forged = note.clone() + &signature_of(4, "other\n");
    for numbers in [[0, 4], [4, 0]] {
        assert!(keys_of(&numbers).verify_backup(&note, &digest));
        assert!(!keys_of(&numbers).verify_backup(&forged, &digest));
    }
    let checkpoint = signer().sign_empty().unwrap();
    let note = signer().sign_exposure(&digest).unwrap();
    let forged = note.clone() + &signature_of(4, "other\n");
    for numbers in [[0, 4], [4, 0]] {
        let keys = keys_of(&numbers);
        assert!(keys.verify_exposure(&note, &digest, &checkpoint));
        assert!(!keys.verify_exposure(&forged, &digest, &checkpoint));
    }
    let note = signer().sign_record("counterfoil.v1/record\n").unwrap();
    let forged = note.to_string() + &signature_of(4, "other\n");
    let forged = forged.parse().unwrap();
    for numbers in [[0, 4], [4, 0]] {
        assert!(keys_of(&numbers).verify_record(&note).is_some());
        assert!(keys_of(&numbers).verify_record(&forged).is_none());
    }
}
