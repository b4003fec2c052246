//! `root-key rotate`, under a disk that fails.

use std::fs;
use std::process::Stdio;

use crate::commands::Stage;
use crate::copy_directory;
use crate::places_count;
use crate::strace;
use crate::strace::FAULTS;
use crate::strace::Injection;
use crate::vaults::PASSPHRASE_FILE;
use crate::vaults::passphrase_file;
use crate::vaults::stage;

const ROTATE: &str = "root-key rotate --config config.toml --new-root-key new.toml";

/// Whether the old root key opens the vault, and whether the new one does.
fn opened(stage: &Stage) -> (bool, bool) {
    let check = "root-key check --config config.toml";
    let opens = |flags: &str| stage.run(&format!("{check} {flags}")).code == 0;
    (opens(""), opens("--root-key new.toml"))
}

/// Goal: a change of the root key that the disk interrupts has happened or has not, one of the two
/// keys opens the vault, and the same command ends it. Method: each fault at each call of a kind.
/// That half of it would be opened by neither is shown where it is killed.
#[test]
fn interrupted_change_of_the_root_key_is_ended_by_the_same_command() {
    if !strace::is_there() {
        return;
    }
    let stage = stage();
    stage.done("init --config config.toml");
    passphrase_file(&stage, "root-key-2.toml");
    let new = PASSPHRASE_FILE.replace("root-key.toml", "root-key-2.toml");
    fs::write(stage.path("new.toml"), format!("[root_key]\n{new}\n")).unwrap();
    fs::rename(stage.path("data"), stage.path("before")).unwrap();
    let (mut met_count, mut old_count, mut new_count) = (0, 0, 0);
    for call in ["fdatasync", "fsync", "rename", "pwrite64"] {
        for fault in FAULTS {
            for place in 1..=places_count() {
                let injection = Injection { call, fault, place };
                copy_directory(&stage.path("before"), &stage.path("data"));
                let command = stage.command(ROTATE);
                let ended = injection.run(&command, Stdio::null(), &stage.path(""));
                let (by_old, by_new) = opened(&stage);
                assert!(by_old != by_new, "{injection:?}: {ended:?}");
                assert!(by_new || !ended.is_done, "{injection:?}: {ended:?}");
                let again = stage.run(ROTATE);
                assert_eq!(again.code, 0, "{injection:?}: {}", again.words);
                assert_eq!(opened(&stage), (false, true), "{injection:?}");
                stage.verified("data", "data/audit.vkey");
                fs::remove_dir_all(stage.path("data")).unwrap();
                if !ended.is_met {
                    break;
                }
                met_count += 1;
                old_count += u32::from(by_old);
                new_count += u32::from(by_new);
            }
        }
    }
    println!(
        "root keys: {met_count} faults met; then the old opened {old_count}, the new {new_count}"
    );
    assert!(old_count > 0 && new_count > 0);
}
