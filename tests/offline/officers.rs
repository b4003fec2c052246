//! Officers by their commands: their keys in files, what they are shown, and what auditors check.

use std::fs;

use crate::ACCEPT;
use crate::commands::Running;
use crate::commands::Stage;
use crate::copy_directory;
use crate::later_key::newest_key;
use crate::later_key::with_policies;
use crate::put_back;
use crate::sign;
use crate::stage;
use crate::tokenize;

/// A vault that serves two officers, and the flags of the first one's commands.
fn office() -> (Stage, Running, String) {
    let stage = stage(&["officer1", "officer2"]);
    with_policies(&stage);
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    (stage, vault, format!("--namespace shop {client}"))
}

fn key_of(officer: u8) -> String {
    format!("--officer-key officer{officer}.pem --yes")
}

/// Goal: a key under a passphrase is made, signs, and is nothing without it.
#[test]
fn officer_signs_with_a_key_in_a_file_under_a_passphrase() {
    let stage = stage(&[]);
    let new = "keys officer new --name officer1 --file officer1.pem --passphrase-file";
    fs::write(stage.path("empty"), "\n").unwrap();
    let refused = stage.run(&format!("{new} empty"));
    assert_eq!(refused.code, 2, "{}", refused.words);
    assert!(
        refused.words.contains("passphrase is empty"),
        "{}",
        refused.words
    );
    assert!(!stage.path("officer1.pem").exists());
    let public = stage.done(&format!("{new} words"));
    let pem = fs::read_to_string(stage.path("officer1.pem")).unwrap();
    assert!(pem.contains("BEGIN ENCRYPTED PRIVATE KEY"));

    fs::write(stage.path("statement"), crate::officer_token::statement()).unwrap();
    let sign = "keys sign statement --name officer1 --officer-key officer1.pem --yes \
                --officer-passphrase-file";
    let signed = stage.run(&format!("{sign} words"));
    assert_eq!(signed.code, 0, "{}", signed.words);
    assert!(!signed.words.contains("warning"), "{}", signed.words);
    // Nobody but the vault knows whose key it must be: the officer is told which one it was.
    assert!(signed.words.contains(public.trim()), "{}", signed.words);
    assert!(
        signed.output.contains("\u{2014} officer1 "),
        "{}",
        signed.output
    );
    fs::write(stage.path("wrong"), "other words\n").unwrap();
    let wrong = stage.run(&format!("{sign} wrong"));
    assert_eq!((wrong.code, wrong.output.as_str()), (1, ""));
}

/// Goal: nobody signs a charter blind, nor what is none, and who has no passphrase is warned.
#[test]
fn officers_are_shown_what_a_new_charter_changes() {
    let (stage, vault, flags) = office();
    let charter = stage.done(&format!("keys list --charter {flags}"));
    let other = charter.replace("rule rotate-key 1 0", "rule rotate-key 2 0");
    assert_ne!(other, charter);
    fs::write(stage.path("new.txt"), &other).unwrap();
    fs::write(
        stage.path("wrong.txt"),
        other.replace("rotate-key 2", "rotate-key two"),
    )
    .unwrap();
    let line = other
        .lines()
        .position(|line| line.starts_with("rule rotate-key"));
    let propose = |file: &str| {
        stage.run(&format!(
            "keys propose charter {file} {} {flags}",
            key_of(1)
        ))
    };

    let refused = propose("wrong.txt");
    assert_eq!(refused.code, 2);
    let told = format!("wrong.txt: charter, line {}: ", line.unwrap() + 1);
    assert!(refused.words.contains(&told), "{}", refused.words);

    let proposed = propose("new.txt");
    assert_eq!(proposed.code, 0, "{}", proposed.words);
    let id = proposed.output.trim();
    let shown = stage.done(&format!("keys show {id} {flags}"));
    assert!(shown.ends_with(&other), "{shown}");
    let approved = stage.run(&format!("keys approve {id} {} {flags}", key_of(2)));
    assert_eq!(approved.code, 0, "{}", approved.words);
    for said in [&proposed.words, &approved.words] {
        for line in [
            "- rule rotate-key 1 0",
            "+ rule rotate-key 2 0",
            "  rule destroy-key 2 86400",
            "warning: officer",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
    }
    vault.stop();
}

/// Goal: a record is checked by any key of the log. Method: rotate the key of the log, and check by
/// the first one, by the newest, and by a file of both; not by a stranger's.
#[test]
fn record_is_checked_by_any_key_of_the_log() {
    let (stage, vault, flags) = office();
    let rotate = format!("keys propose rotate audit-signing {} {flags}", key_of(1));
    let id = stage.done(&rotate);
    let record = stage.done(&format!("keys record {} {flags}", id.trim()));
    fs::write(stage.path("record.txt"), record).unwrap();
    let charter = stage.done(&format!("keys list --charter {flags}"));
    fs::write(stage.path("charter.txt"), charter).unwrap();
    vault.stop();
    let first = fs::read_to_string(stage.path("data/audit.vkey")).unwrap();
    let newest = newest_key(&stage);
    fs::write(stage.path("newest.vkey"), format!("{newest}\n")).unwrap();
    fs::write(stage.path("both.vkey"), format!("{first}{newest}\n")).unwrap();
    let new = "keys officer new --name shop --file shop.pem --passphrase-file words";
    fs::write(stage.path("stranger.vkey"), stage.done(new)).unwrap();
    let check = "keys check-record record.txt --charter charter.txt --public-key";
    for (keys, code) in [
        ("data/audit.vkey", 0),
        ("newest.vkey", 0),
        ("both.vkey", 0),
        ("stranger.vkey", 4),
    ] {
        let checked = stage.run(&format!("{check} {keys}"));
        assert_eq!(checked.code, code, "{keys}: {}", checked.words);
    }
}

/// Goal: officers learn whose signature did not count. Method: one signs in another's name.
#[test]
fn signature_in_anothers_name_is_told_not_to_count() {
    let stage = stage(&["officer1", "officer2"]);
    tokenize(&stage, &["Ada Lovelace"]);
    copy_directory(&stage.path("data/rocksdb"), &stage.path("old"));
    tokenize(&stage, &["Grace Hopper"]);
    put_back(&stage, "old");
    let text = stage.done("keys statement accept-rollback --config config.toml");
    fs::write(stage.path("statement"), text).unwrap();
    sign(&stage, "statement", "one", "officer1");
    let forged = stage.done("keys sign one --name officer2 --officer-key officer1.pem --yes");
    fs::write(stage.path("both"), forged).unwrap();
    let refused = stage.run(&format!("{ACCEPT} both"));
    assert_eq!(refused.code, 3, "{}", refused.words);
    let told = "2 officers of this vault, and has those of: officer1";
    assert!(refused.words.contains(told), "{}", refused.words);
}
