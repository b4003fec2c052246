//! A vault by its commands, from `init` to a token and through a restart, with the root key shared
//! among officers and with the root key on a token of SoftHSM.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[path = "support/commands.rs"]
mod commands;

use std::fs;

use crate::commands::PIN;
use crate::commands::Stage;

fn deal(stage: &Stage, round: &str, officers: &[&str]) -> String {
    fs::create_dir(stage.path(round)).unwrap();
    let mut arguments = format!("--threshold 2 --share-dir {round}");
    for officer in officers {
        arguments.push_str(&format!(" --officer {officer}"));
        fs::write(stage.path(officer), format!("words of {officer}\n")).unwrap();
    }
    arguments
}

fn unseal(officer: &str, round: &str, client: &str) -> String {
    format!(
        "unseal --share {round}/{officer}.share.toml --share-passphrase-file {officer} {client}"
    )
}

#[test]
fn officers_make_start_and_reshare_a_vault() {
    let stage = Stage::new("provider = \"shares\"\nfile = \"sharing.toml\"");
    let missing = stage.run("serve --config config.toml");
    assert_eq!(missing.code, 2, "{}", missing.words);
    let officers = ["alice", "bob", "carol"];
    let dealt = deal(&stage, "first", &officers);
    let passphrases = "--share-passphrase-file alice --share-passphrase-file bob \
                       --share-passphrase-file carol";
    stage.done(&format!("init --config config.toml {dealt} {passphrases}"));
    let checked = stage.run("config check --config config.toml");
    let found = "2 shares of 3 are needed (alice, bob, carol)";
    assert!(checked.words.contains(found), "{}", checked.words);

    let mut vault = stage.serve();
    let line = vault.line();
    assert!(line.starts_with("sealed "), "{line}");
    let client = Stage::client(&line);
    assert_eq!(
        stage.done(&unseal("carol", "first", &client)),
        "sealed 1/2\n"
    );
    assert_eq!(
        stage.done(&format!("unseal --status {client}")),
        "sealed 1/2\n"
    );
    let again = stage.run(&unseal("carol", "first", &client));
    assert_eq!(again.code, 1);
    assert!(
        again.words.contains("share of carol is in already"),
        "{}",
        again.words
    );
    assert_eq!(stage.done(&unseal("alice", "first", &client)), "opening\n");
    let ready = vault.line();
    assert_eq!(ready, line.replacen("sealed", "ready", 1));
    let token = stage.tokenize(&client, "Ada Lovelace");
    assert_eq!(
        stage.done(&format!("unseal --status {client}")),
        "unsealed\n"
    );
    vault.stop();

    let dealt = deal(&stage, "second", &["bob", "dave"]);
    let old = "--share first/alice.share.toml --share first/bob.share.toml \
               --share-passphrase-file alice --share-passphrase-file bob";
    let new = "--new-share-passphrase-file bob --new-share-passphrase-file dave";
    stage.done(&format!(
        "keys reshare --config config.toml {old} {dealt} {new}"
    ));

    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let old = stage.run(&unseal("bob", "first", &client));
    assert_eq!(old.code, 1);
    assert!(old.words.contains("another sharing"), "{}", old.words);
    stage.done(&unseal("bob", "second", &client));
    stage.done(&unseal("dave", "second", &client));
    assert!(vault.line().starts_with("ready "));
    assert_eq!(stage.tokenize(&client, "Ada Lovelace"), token);
    vault.stop();
    let log = "--data-dir data --public-key data/audit.vkey";
    stage.done(&format!("audit verify {log}"));
    let export = stage.done(&format!("audit export {log}"));
    let given = "\"shares_given\":[{\"officer\":\"carol\",\"principal\":\"client.shop.example\"";
    assert_eq!(export.matches(given).count(), 1, "{export}");
    assert_eq!(export.matches("\"shares_given\"").count(), 2);
}

#[test]
fn vault_with_its_root_key_on_a_token_starts_again() {
    // The module is known once the token is made.
    let mut stage = Stage::new("provider = \"pkcs11\"\nMODULE");
    let Some(module) = stage.soft_hsm() else {
        return;
    };
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let config = config.replace(
        "MODULE",
        &format!(
            "module = \"{module}\"\ntoken = \"counterfoil\"\nkey = \"root-key\"\n\
             pin_file = \"pin\""
        ),
    );
    fs::write(stage.path("config.toml"), config).unwrap();
    fs::write(stage.path("pin"), format!("{PIN}\n")).unwrap();
    let checked = stage.run("config check --config config.toml");
    let found = "on a PKCS#11 token, which is there";
    assert!(checked.words.contains(found), "{}", checked.words);
    stage.done("init --config config.toml");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let mut vault = stage.serve();
        let line = vault.line();
        assert!(line.starts_with("ready "), "{line}");
        tokens.push(stage.tokenize(&Stage::client(&line), "Ada Lovelace"));
        vault.stop();
    }
    assert_eq!(tokens.first(), tokens.last());

    fs::rename(stage.path("tokens"), stage.path("away")).unwrap();
    fs::create_dir(stage.path("tokens")).unwrap();
    let gone = stage.run("serve --config config.toml");
    assert_eq!(gone.code, 1);
    assert!(
        gone.words.contains("no token with this label"),
        "{}",
        gone.words
    );
}
