//! A vault cannot shed its officers by going back to before it had any, as far as anything at hand
//! knows of them.

use std::fs;

use crate::ACCEPT;
use crate::commands::Stage;
use crate::copy_directory;
use crate::put_back;
use crate::sign;
use crate::stage;
use crate::tokenize;

const POLICY: &str = "permit (principal == Service::\"client.shop.example\", \
                      action == Action::\"create_backup\", resource);\n";

/// A vault that began without officers, and the configuration without and with them; its database
/// of before is in `old`.
fn began_without() -> (Stage, String, String) {
    let stage = stage(&["officer1", "officer2"]);
    fs::create_dir(stage.path("policies")).unwrap();
    fs::write(stage.path("policies/backup.cedar"), POLICY).unwrap();
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let (alone, officers) = config.split_once("\n[officers]").unwrap();
    let alone = format!("{alone}\n[backup]\ndir = \"backups\"\n\n[policies]\ndir = \"policies\"\n");
    let with_officers = format!("{alone}\n[officers]{officers}");
    fs::write(stage.path("config.toml"), &alone).unwrap();
    tokenize(&stage, &["Ada Lovelace"]);
    copy_directory(&stage.path("data/rocksdb"), &stage.path("old"));
    fs::write(stage.path("config.toml"), &with_officers).unwrap();
    (stage, alone, with_officers)
}

fn state(stage: &Stage, file: &str) {
    let statement = stage.done("keys statement accept-rollback --config config.toml");
    fs::write(stage.path(file), statement).unwrap();
}

#[test]
fn officers_of_the_configuration_must_sign_for_a_database_that_has_none() {
    let (stage, ..) = began_without();
    tokenize(&stage, &["Grace Hopper"]);
    put_back(&stage, "old");
    state(&stage, "statement");
    let refused = stage.run(&format!("{ACCEPT} statement --without-officers"));
    assert_eq!(refused.code, 3, "{}", refused.words);
    assert!(refused.words.contains("has officers"), "{}", refused.words);
}

#[test]
fn officers_whom_a_later_backup_has_must_sign_for_a_database_that_has_none() {
    let (stage, alone, with_officers) = began_without();
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let backups = stage.path("backups");
    stage.done(&format!(
        "backup --to {} {client} --namespace shop",
        backups.display()
    ));
    vault.stop();
    put_back(&stage, "old");
    fs::write(stage.path("config.toml"), &alone).unwrap();
    state(&stage, "statement");
    let refused = stage.run(&format!("{ACCEPT} statement --without-officers"));
    assert_eq!(refused.code, 3, "{}", refused.words);
    let said = "backup 00000001 is of later than this database";
    assert!(refused.words.contains(said), "{}", refused.words);
    assert_eq!(stage.run("serve --config config.toml").code, 1);

    // Named again, they are those who let it go on.
    fs::write(stage.path("config.toml"), &with_officers).unwrap();
    state(&stage, "anew");
    sign(&stage, "anew", "one", "officer1");
    sign(&stage, "one", "both", "officer2");
    stage.done(&format!("{ACCEPT} both"));
    tokenize(&stage, &["Ada Lovelace"]);
}

#[test]
fn backup_of_before_the_officers_holds_nobody_up() {
    let (stage, alone, _) = began_without();
    fs::write(stage.path("config.toml"), &alone).unwrap();
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let backups = stage.path("backups");
    stage.done(&format!(
        "backup --to {} {client} --namespace shop",
        backups.display()
    ));
    vault.stop();
    put_back(&stage, "old");
    state(&stage, "statement");
    stage.done(&format!("{ACCEPT} statement --without-officers"));
}
