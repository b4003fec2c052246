//! Notes against the examples of Go's sumdb/note and of C2SP, and strictness.

use super::*;
use crate::crypto::KeyBytes;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::leaf_hash;

// golang.org/x/mod/sumdb/note, example_test.go. The seed is that of its published private key.
const VERIFIER_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n\
                    \n\
                    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ\
                    SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn signing_key() -> AuditSigningKey {
    use base64::Engine;
    let seed = base64::engine::general_purpose::STANDARD
        .decode(SEED)
        .unwrap();
    AuditSigningKey::new(&KeyBytes::from_slice(&seed[1..]).unwrap())
}

fn name() -> NoteKeyName {
    NoteKeyName::new("PeterNeumann").unwrap()
}

#[test]
fn note_is_that_of_go() {
    let verifier: NoteVerifier = VERIFIER_KEY.parse().unwrap();
    assert_eq!(verifier.to_string(), VERIFIER_KEY);
    let note: SignedNote = NOTE.parse().unwrap();
    assert_eq!(verifier.verify(&note), Ok(TEXT));
    assert_eq!(signing_key().verifier(name()), verifier);
    assert_eq!(signing_key().sign(name(), TEXT).unwrap().to_string(), NOTE);
}

#[test]
fn examples_of_c2sp_are_read_and_written_back() {
    // C2SP signed-note.md and tlog-checkpoint.md; their public keys are not published.
    let poem = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\
                ed è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5Q\
                Q2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let note: SignedNote = poem.parse().unwrap();
    assert!(note.text().ends_with("\n\ned è subito sera.\n"));
    assert_eq!(note.to_string(), poem);

    let text = "example.com/behind-the-sofa\n20852163\n\
                CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa \
                Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xe\
                McTOAYQ8=\n";
    let note: SignedNote = text.parse().unwrap();
    assert_eq!(note.to_string(), text);
    let checkpoint: Checkpoint = note.text().parse().unwrap();
    assert_eq!(checkpoint.tree_size, 20_852_163);
    assert_eq!(checkpoint.to_string(), note.text());
}

#[test]
fn changed_note_is_refused() {
    let verifier: NoteVerifier = VERIFIER_KEY.parse().unwrap();
    for position in 0..NOTE.len() {
        let mut bytes = NOTE.as_bytes().to_vec();
        bytes[position] ^= 1;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        let verified = text
            .parse::<SignedNote>()
            .map(|note| verifier.verify(&note).is_ok());
        assert_ne!(verified, Ok(true), "byte {position}");
    }
}

#[test]
fn note_has_one_form() {
    for wrong in [
        String::new(),
        "\n\n".to_owned(),
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        NOTE.trim_end().to_owned(),
        format!("{NOTE}\n"),
        format!("\u{feff}{NOTE}").replace("\u{feff}", "\u{7}"),
        NOTE.replace('\n', "\r\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("— ", "—  "),
        NOTE.replace("AM=\n", "AM\n"),
        NOTE.replace("AM=\n", "AN=\n"),
        NOTE.replace("AM=\n", "AM=\n— PeterNeumann \n"),
        NOTE.replace("PeterNeumann", "Peter+Neumann"),
        NOTE.replace("PeterNeumann", ""),
        format!("{}{NOTE}", "x".repeat(NOTE_BYTES_MAX)),
        format!(
            "{TEXT}\n{}",
            "— a AAAAAAA=\n".repeat(SIGNATURES_COUNT_MAX + 1)
        ),
    ] {
        assert!(wrong.parse::<SignedNote>().is_err(), "{wrong:?}");
    }
    let most = format!("{TEXT}\n{}", "— a AAAAAAA=\n".repeat(SIGNATURES_COUNT_MAX));
    assert_eq!(most.parse::<SignedNote>().unwrap().to_string(), most);
}

#[test]
fn signature_of_an_unknown_key_is_ignored_and_a_wrong_one_is_not() {
    let verifier: NoteVerifier = VERIFIER_KEY.parse().unwrap();
    let other_key = AuditSigningKey::new(&KeyBytes::from_array(&[1; 32]));
    let other_name = NoteKeyName::new("witness.example").unwrap();
    let other = other_key.sign(other_name, TEXT).unwrap();
    assert_eq!(verifier.verify(&other), Err(NoteError::NotSigned));

    let note: SignedNote = NOTE.parse().unwrap();
    let both = note.clone().with_signatures_of(other.clone()).unwrap();
    assert_eq!(verifier.verify(&both), Ok(TEXT));
    let both_text = both.to_string();
    assert_eq!(both_text.parse::<SignedNote>().unwrap(), both);

    // A second signature line of the known key, which does not verify.
    let line = NOTE.lines().last().unwrap();
    let wrong = format!("{NOTE}{}\n", line.replace("ZJku", "ZJkv"));
    let wrong: SignedNote = wrong.parse().unwrap();
    assert_eq!(verifier.verify(&wrong), Err(NoteError::Signature));

    let another_text = other_key.sign(name(), "another\n").unwrap();
    assert!(note.with_signatures_of(another_text).is_err());
}

#[test]
fn verifier_key_has_one_form() {
    for wrong in [
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T=",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(wrong.parse::<NoteVerifier>().is_err(), "{wrong}");
    }
}

#[test]
fn checkpoint_has_one_form() {
    let checkpoint = Checkpoint {
        origin: name(),
        tree_size: 10,
        root_hash: leaf_hash(b""),
    };
    let text = checkpoint.to_string();
    assert_eq!(text.parse(), Ok(checkpoint));
    for wrong in [
        text.replace("\n10\n", "\n010\n"),
        text.replace("\n10\n", "\n+10\n"),
        text.replace("\n10\n", "\n-10\n"),
        text.replace("\n10\n", "\n\n"),
        text.replace("\n10\n", "\n18446744073709551616\n"),
        text.replace("=\n", "\n"),
        text.replace("Peter", "Peter "),
        text.trim_end().to_owned(),
        format!("{text}extension\n"),
        format!("{text}\n"),
    ] {
        assert!(wrong.parse::<Checkpoint>().is_err(), "{wrong:?}");
    }
    let empty = Checkpoint {
        origin: name(),
        tree_size: 0,
        root_hash: Hash::of_empty_tree(),
    };
    assert_eq!(empty.to_string().parse(), Ok(empty));
}

#[test]
fn checkpoint_is_verified_with_its_log_key() {
    let checkpoint = Checkpoint {
        origin: name(),
        tree_size: 7,
        root_hash: leaf_hash(b"x"),
    };
    let note = checkpoint.sign(&signing_key()).unwrap();
    let verifier = signing_key().verifier(name());
    assert_eq!(Checkpoint::verify(&note, &verifier), Ok(checkpoint.clone()));

    // The right key, signing in its own name the checkpoint of another log.
    let other = Checkpoint {
        origin: NoteKeyName::new("other").unwrap(),
        ..checkpoint
    };
    let note = signing_key().sign(name(), &other.to_string()).unwrap();
    assert_eq!(
        Checkpoint::verify(&note, &verifier),
        Err(NoteError::Checkpoint)
    );
}

#[test]
fn text_that_would_not_come_back_is_not_signed() {
    for wrong in ["", "no newline", "a\tb\n"] {
        assert!(
            signing_key().sign(name(), wrong).is_err() || wrong == "\n",
            "{wrong:?}"
        );
    }
}
