//! The audit fingerprint key by the commands: rotated and destroyed, and then everything that reads
//! the rows which it authenticates while the vault is stopped.

use std::fs;

use serde_json::Value;

use crate::ACCEPT;
use crate::PASSPHRASE_FILE;
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

/// The states of the key's versions.
fn versions(stage: &Stage, client: &str) -> Vec<(String, String)> {
    let listed = stage.done(&format!(
        "keys list --count --json --namespace shop {client}"
    ));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let keys = listed["keys"].as_array().unwrap().iter();
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    let all = keys.map(|key| (text(key, "name"), text(key, "state")));
    all.filter(|(name, _)| name.starts_with("audit-fingerprint/"))
        .collect()
}

/// Goal: officers' commands after a rotation are those of before. Method: rotate, destroy, change
/// the root key, and put back a database from before all that.
#[test]
fn rotated_key_is_destroyed_and_the_stopped_vault_is_still_the_officers() {
    let stage = stage(&["officer1", "officer2"]);
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let further = "[officers.rules]\ndestroy-key = { delay_seconds = 0 }\n\
                   [policies]\ndir = \"policies\"\n";
    fs::write(stage.path("config.toml"), format!("{config}{further}")).unwrap();
    fs::create_dir(stage.path("policies")).unwrap();
    fs::write(stage.path("policies/officers.cedar"), POLICY).unwrap();
    let before = tokenize(&stage, &["Ada Lovelace"]);
    copy_directory(&stage.path("data/rocksdb"), &stage.path("old"));

    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let as_one = format!("--officer-key officer1.pem --yes --namespace shop {client}");
    let as_two = format!("--officer-key officer2.pem --yes --namespace shop {client}");
    let over = |id: &str| stage.done(&format!("keys watch {id} --namespace shop {client}"));
    let rotated = stage.done(&format!("keys propose rotate audit-fingerprint {as_one}"));
    over(rotated.trim());
    stage.tokenize(&client, "Grace Hopper");
    let destroy = format!("keys propose destroy audit-fingerprint --key-version 1 {as_one}");
    let destroyed = stage.done(&destroy);
    stage.done(&format!("keys approve {} {as_two}", destroyed.trim()));
    over(destroyed.trim());
    let states = [
        ("audit-fingerprint/1", "destroyed"),
        ("audit-fingerprint/2", "active"),
    ];
    let states = states.map(|(name, state)| (name.to_owned(), state.to_owned()));
    assert_eq!(versions(&stage, &client), states);
    vault.stop();
    let log = "--data-dir data --public-key data/audit.vkey";
    stage.verified("data", "data/audit.vkey");
    let export = stage.done(&format!("audit export {log}"));
    let of_values = export
        .lines()
        .filter(|line| line.contains("\"event\":\"tokenize\""))
        .map(|line| line.contains("\"token_key_version\":2"));
    assert_eq!(of_values.collect::<Vec<_>>(), [false, true]);

    // The charter is read by who changes the root key, and by who accepts a rollback.
    let new = PASSPHRASE_FILE.replace("root-key.toml", "root-key-2.toml");
    fs::write(stage.path("new.toml"), format!("[root_key]\n{new}\n")).unwrap();
    let make = "keys statement rotate-root-key --config config.toml --new-root-key new.toml";
    fs::write(stage.path("statement"), stage.done(make)).unwrap();
    sign(&stage, "statement", "one", "officer1");
    sign(&stage, "one", "both", "officer2");
    let rotate = "root-key rotate --config config.toml --new-root-key new.toml --statement";
    assert_eq!(stage.run(&format!("{rotate} one")).code, 3);
    stage.done(&format!("{rotate} both"));
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let with_new = config.replace(PASSPHRASE_FILE, &new);
    fs::write(stage.path("config.toml"), &with_new).unwrap();
    assert_eq!(tokenize(&stage, &["Ada Lovelace"]), before);

    fs::write(stage.path("config.toml"), &config).unwrap();
    put_back(&stage, "old");
    assert_eq!(stage.run("serve --config config.toml").code, 1);
    let text = stage.done("keys statement accept-rollback --config config.toml");
    fs::write(stage.path("statement"), text).unwrap();
    sign(&stage, "statement", "one", "officer1");
    sign(&stage, "one", "both", "officer2");
    stage.done(&format!("{ACCEPT} both"));
    assert_eq!(tokenize(&stage, &["Ada Lovelace"]), before);
    stage.verified("data", "data/audit.vkey");
}
