//! The root key file: who opens it, and what becomes of a changed one.

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::crypto::KeyIdentity;
use crate::crypto::SystemEntropy;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;

const CHEAP: Argon2Parameters = Argon2Parameters::insecure_for_development();

fn file(directory: &TempDir, passphrase: &str) -> PassphraseFile {
    PassphraseFile::new(
        directory.path().join("root.toml"),
        passphrase.to_owned().into(),
    )
}

/// Whether one root key opens what the other has wrapped.
fn same(one: &dyn RootKeyHolder, other: &dyn RootKeyHolder) -> bool {
    let identity = KeyIdentity {
        purpose: KeyPurpose::AuditSigning,
        namespace: None,
        version: KeyVersion::FIRST,
    };
    let key = KeyBytes::generate(&SystemEntropy);
    let wrapped = one.wrap(&identity, &key, &SystemEntropy).unwrap();
    other.unwrap(&identity, &wrapped).is_ok()
}

#[test]
fn passphrase_opens_the_key_that_was_created() {
    let directory = TempDir::new().unwrap();
    let file = file(&directory, "correct horse");
    let created = file.create(CHEAP, &SystemEntropy).unwrap();
    assert!(same(&created, &*file.root_key().unwrap()));
    let mode = std::fs::metadata(&file.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!format!("{file:?}").contains("correct"));
}

#[test]
fn recommended_parameters_are_those_of_rfc_9106() {
    let directory = TempDir::new().unwrap();
    let file = file(&directory, "correct horse");
    let created = file
        .create(Argon2Parameters::recommended(), &SystemEntropy)
        .unwrap();
    let text = std::fs::read_to_string(&file.path).unwrap();
    assert!(
        text.contains("memory_kib = 65536\niterations = 3\nparallelism = 4\n"),
        "{text}"
    );
    assert!(same(&created, &*file.root_key().unwrap()));
}

#[test]
fn wrong_passphrase_opens_nothing() {
    let directory = TempDir::new().unwrap();
    file(&directory, "correct horse")
        .create(CHEAP, &SystemEntropy)
        .unwrap();
    for wrong in ["", "correct", "Correct horse", "correct horse "] {
        let error = file(&directory, wrong).root_key().err().unwrap();
        assert!(matches!(error, RootKeyError::Opening));
        assert!(
            error
                .to_string()
                .starts_with("passphrase is wrong, or the file was changed\n")
        );
    }
}

#[test]
fn existing_file_is_never_overwritten() {
    let directory = TempDir::new().unwrap();
    let file = file(&directory, "correct horse");
    let created = file.create(CHEAP, &SystemEntropy).unwrap();
    let again = file.create(CHEAP, &SystemEntropy);
    assert!(matches!(again, Err(RootKeyError::Exists { .. })));
    assert!(same(&created, &*file.root_key().unwrap()));
}

#[test]
fn missing_file_is_not_created() {
    let directory = TempDir::new().unwrap();
    let file = file(&directory, "correct horse");
    assert!(matches!(file.root_key(), Err(RootKeyError::Missing { .. })));
    assert!(!file.path.exists());
}

#[test]
fn empty_passphrase_is_refused() {
    let directory = TempDir::new().unwrap();
    let file = file(&directory, "");
    let created = file.create(CHEAP, &SystemEntropy);
    assert!(matches!(created, Err(RootKeyError::PassphraseEmpty)));
    assert!(!file.path.exists());
}

#[test]
fn changed_file_opens_nothing() {
    let directory = TempDir::new().unwrap();
    let file = file(&directory, "correct horse");
    let created = file.create(CHEAP, &SystemEntropy).unwrap();
    let bytes = std::fs::read(&file.path).unwrap();
    for position in 0..bytes.len() {
        for flipped in [0x01, 0x20] {
            let mut damaged = bytes.clone();
            damaged[position] ^= flipped;
            std::fs::write(&file.path, &damaged).unwrap();
            // A changed space or line end may still be the same TOML: then it is the same key.
            if let Ok(opened) = file.root_key() {
                assert!(bytes[position].is_ascii_whitespace(), "byte {position}");
                assert!(same(&created, &*opened));
            }
        }
        std::fs::write(&file.path, &bytes[..position]).unwrap();
        let is_whole = position + 1 == bytes.len();
        assert_eq!(file.root_key().is_ok(), is_whole, "cut at {position}");
    }
}

#[test]
fn planted_file_exhausts_nothing() {
    let directory = TempDir::new().unwrap();
    let file = file(&directory, "correct horse");
    file.create(CHEAP, &SystemEntropy).unwrap();
    let text = std::fs::read_to_string(&file.path).unwrap();
    for (line, planted) in [
        ("memory_kib = 32", "memory_kib = 4294967295"),
        ("memory_kib = 32", "memory_kib = 1048577"),
        ("memory_kib = 32", "memory_kib = 7"),
        ("iterations = 1", "iterations = 17"),
        ("iterations = 1", "iterations = 0"),
        ("parallelism = 1", "parallelism = 17"),
        ("parallelism = 1", "parallelism = -1"),
        ("version = 1", "version = 2"),
        ("version = 1", "version = 1\nunknown = 1"),
        ("kdf = \"argon2id\"", "kdf = \"argon2i\""),
        ("version = 1", "version = 1\nversion = 1"),
    ] {
        assert!(text.contains(line));
        std::fs::write(&file.path, text.replacen(line, planted, 1)).unwrap();
        let damaged = file.root_key();
        assert!(
            matches!(damaged, Err(RootKeyError::Damaged { .. })),
            "{planted}"
        );
    }
    std::fs::write(&file.path, format!("{text}{}", "#".repeat(5_000))).unwrap();
    assert!(matches!(file.root_key(), Err(RootKeyError::Damaged { .. })));
}
