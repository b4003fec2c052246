//! A database that is put back to before its log came under another key.

use std::fs;

use crate::ACCEPT;
use crate::commands::Stage;
use crate::copy_directory;
use crate::put_back;
use crate::sign;
use crate::stage;
use crate::tokenize;

/// Officers' calls in the running vault.
const POLICY: &str = r#"
@id("officers")
permit (
  principal,
  action in [Action::"list_keys", Action::"propose_operation", Action::"approve_operation"],
  resource
);
"#;

/// The public key that the log came under last, as verifying it says.
pub(crate) fn newest_key(stage: &Stage) -> String {
    let said = stage.verified("data", "data/audit.vkey");
    let key = said.lines().rev().find_map(|line| {
        let (_, key) = line.split_once("signed by another key from here on: ")?;
        Some(key.to_owned())
    });
    key.unwrap()
}

/// Lets officers call the vault.
pub(crate) fn with_policies(stage: &Stage) {
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let policies = "[policies]\ndir = \"policies\"\n";
    fs::write(stage.path("config.toml"), format!("{config}{policies}")).unwrap();
    fs::create_dir(stage.path("policies")).unwrap();
    fs::write(stage.path("policies/officers.cedar"), POLICY).unwrap();
}

/// Goal: a backup from before a compromise of the signing key can be gone on with. Method: rotate,
/// mark the old key compromised so that it signs no head any more, put the database back.
#[test]
fn head_of_a_later_key_is_accepted_by_its_public_key() {
    let stage = stage(&["officer1", "officer2"]);
    with_policies(&stage);
    let before = tokenize(&stage, &["Ada Lovelace"]);
    copy_directory(&stage.path("data/rocksdb"), &stage.path("old"));

    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let flags =
        |officer: u8| format!("--officer-key officer{officer}.pem --yes --namespace shop {client}");
    let rotate = "keys propose rotate audit-signing";
    stage.done(&format!("{rotate} {}", flags(1)));
    let compromise = "keys propose compromise audit-signing --key-version 1";
    let id = stage.done(&format!("{compromise} {}", flags(1)));
    stage.done(&format!("keys approve {} {}", id.trim(), flags(2)));
    vault.stop();
    tokenize(&stage, &["Grace Hopper"]);
    fs::write(stage.path("newer.vkey"), newest_key(&stage)).unwrap();
    put_back(&stage, "old");

    let refused = stage.run("serve --config config.toml");
    assert_eq!(refused.code, 1, "{}", refused.words);
    assert!(
        refused.words.contains("accept-rollback"),
        "{}",
        refused.words
    );
    let statement = "keys statement accept-rollback --config config.toml";
    assert_ne!(stage.run(statement).code, 0);
    let other = format!("{statement} --public-key data/audit.vkey");
    assert_ne!(stage.run(&other).code, 0);
    let text = stage.done(&format!("{statement} --public-key newer.vkey"));
    fs::write(stage.path("statement"), text).unwrap();
    sign(&stage, "statement", "one", "officer1");
    sign(&stage, "one", "both", "officer2");
    assert_ne!(stage.run(&format!("{ACCEPT} both")).code, 0);
    stage.done(&format!("{ACCEPT} both --public-key newer.vkey"));

    assert_eq!(tokenize(&stage, &["Ada Lovelace"]), before);
    stage.verified("data", "data/audit.vkey");
}
