//! Keys that commands make in files that must not be there yet, under a disk that fails.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use counterfoil::crypto::note::CosignerKey;
use counterfoil::crypto::note::NoteKeyName;

use crate::commands::Stage;
use crate::strace;
use crate::strace::FAULTS;
use crate::strace::Injection;

/// Whether a file has a whole key.
fn is_key(path: &Path) -> bool {
    let name = NoteKeyName::new("witness.example/w1").unwrap();
    let pem = fs::read_to_string(path).unwrap();
    CosignerKey::from_pem(name, &pem, None).is_ok()
}

/// Goal: a key's file is there as a whole or not at all, and not at all where it has no name yet
/// when the disk fails; the command that is told of an error says so. Method: each fault at each
/// call that keeps the file: its bytes, its name, and that the name stays. Planted: a file that
/// is cut off.
#[test]
fn key_that_is_not_kept_is_not_there_and_told_of() {
    if !strace::is_there() {
        return;
    }
    let stage = Stage::new("provider = \"passphrase-file\"");
    let call = "witness key new --name witness.example/w1 --file keys/w1.pem";
    let files_count = || fs::read_dir(stage.path("keys")).unwrap().count();
    let mut met_count = 0;
    for (kind, place, is_named) in [
        ("fsync", 1, false),
        ("renameat2", 1, false),
        ("fsync", 2, true),
    ] {
        for fault in FAULTS {
            let injection = Injection {
                call: kind,
                fault,
                place,
            };
            fs::create_dir(stage.path("keys")).unwrap();
            let command = stage.command(call);
            let ended = injection.run(&command, Stdio::null(), &stage.path(""));
            assert!(ended.is_met && !ended.is_done, "{injection:?}: {ended:?}");
            let path = stage.path("keys/w1.pem");
            assert_eq!(path.exists(), is_named, "{injection:?}: {ended:?}");
            if is_named {
                assert!(is_key(&path), "{injection:?}");
            }
            // A command that was killed may leave what has no such name.
            if fault != "signal=KILL" {
                let words = &ended.words;
                assert!(words.contains("keys/w1.pem"), "{injection:?}: {words}");
                assert_eq!(files_count(), usize::from(is_named), "{injection:?}");
            }
            met_count += 1;
            // What is there is never written over; else the same command makes it.
            let again = stage.run(call);
            assert_eq!(again.code == 0, !is_named, "{}", again.words);
            assert!(is_key(&path), "{injection:?}");
            // And nothing else has a key's bytes.
            assert_eq!(files_count(), 1, "{injection:?}");
            fs::remove_dir_all(stage.path("keys")).unwrap();
        }
    }
    println!("keys: {met_count} faults met");
    let path = stage.path("w1.pem");
    let made = stage.run(&call.replace("keys/", ""));
    assert_eq!(made.code, 0, "{}", made.words);
    let pem = fs::read(&path).unwrap();
    fs::write(&path, &pem[..pem.len() / 2]).unwrap();
    assert!(!is_key(&path));
}
