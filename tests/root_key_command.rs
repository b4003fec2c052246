//! A vault by its commands, from `init` to a token and through a restart, with the root key shared
//! among officers and with the root key on a token of SoftHSM.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[expect(dead_code, reason = "a vault that runs can do more than these need")]
#[path = "support/commands.rs"]
mod commands;

use std::fs;
use std::sync::Arc;

use counterfoil::assembly::Resharing;
use counterfoil::audit::SharingNote;
use counterfoil::config::Config;
use counterfoil::crypto::RootKey;
use counterfoil::crypto::SharedSecret;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::OfficerName;
use counterfoil::domain::SystemClock;
use counterfoil::keys::root::Argon2Parameters;
use counterfoil::keys::root::shares;
use counterfoil::keys::root::shares::NewShare;
use counterfoil::keys::root::shares::Occasion;
use counterfoil::keys::root::shares::SharingFile;

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
    let command = format!("keys reshare --config config.toml {old} {dealt} {new}");
    let unsaid = stage.run(&format!("{command} --without-log"));
    assert_eq!(unsaid.code, 2, "{}", unsaid.words);
    assert!(unsaid.words.contains("leave it out"), "{}", unsaid.words);
    stage.done(&command);

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
    stage.verified("data", "data/audit.vkey");
    let export = stage.done(&format!("audit export {log}"));
    let given = "\"shares_given\":[{\"officer\":\"carol\",\"principal\":\"client.shop.example\"";
    assert_eq!(export.matches(given).count(), 1, "{export}");
    assert_eq!(export.matches("\"shares_given\"").count(), 2);
    let made: Vec<&str> = reshared(&export).collect();
    assert_eq!(made.len(), 1, "{export}");
    let said = "\"needed\":2,\"officers\":[\"bob\",\"dave\"]}";
    assert!(made[0].contains(said), "{}", made[0]);
}

/// The entries of an export that say that shares were made anew.
fn reshared(export: &str) -> impl Iterator<Item = &str> {
    let lines = export.lines();
    lines.filter(|line| line.contains("\"event\":\"root_key_reshared\""))
}

/// A vault that was made with the shares of two officers, and the command that shares its root key
/// anew, up to what is dealt.
fn shared_vault() -> (Stage, &'static str) {
    let stage = Stage::new("provider = \"shares\"\nfile = \"sharing.toml\"");
    cheap_shares(&stage, &["alice", "bob"]);
    stage.done(
        "init --config config.toml --share alice.share.toml --share bob.share.toml \
         --share-passphrase-file alice --share-passphrase-file bob",
    );
    let command = "keys reshare --config config.toml \
                   --share alice.share.toml --share bob.share.toml \
                   --share-passphrase-file alice --share-passphrase-file bob \
                   --new-share-passphrase-file carol --new-share-passphrase-file dave";
    (stage, command)
}

#[test]
fn shares_that_the_log_cannot_name_are_not_put_in_force() {
    let (stage, command) = shared_vault();
    let dealt = deal(&stage, "second", &["carol", "dave"]);
    let sharing = fs::read(stage.path("sharing.toml")).unwrap();

    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    for officer in ["alice", "bob"] {
        stage.done(&unseal(officer, ".", &client));
    }
    assert!(vault.line().starts_with("ready "));
    let running = stage.run(&format!("{command} {dealt}"));
    assert_eq!(running.code, 1, "{}", running.words);
    vault.stop();

    // The head is gone: the log takes no entry.
    fs::rename(stage.path(HEAD), stage.path("elsewhere")).unwrap();
    let failed = stage.run(&format!("{command} {dealt}"));
    assert_eq!(failed.code, 1, "{}", failed.words);
    fs::rename(stage.path("elsewhere"), stage.path(HEAD)).unwrap();
    assert_eq!(fs::read(stage.path("sharing.toml")).unwrap(), sharing);
    let left = fs::read_dir(stage.path("second")).unwrap().count();
    assert_eq!(left, 0, "files of shares that are not in force");
    stage.done(&format!("{command} {dealt}"));
    assert_ne!(fs::read(stage.path("sharing.toml")).unwrap(), sharing);
}

#[test]
fn shares_are_made_without_the_log_only_where_it_is_not() {
    let (stage, command) = shared_vault();
    let dealt = deal(&stage, "second", &["carol", "dave"]);
    fs::rename(stage.path("data"), stage.path("elsewhere")).unwrap();
    let refused = stage.run(&format!("{command} {dealt}"));
    assert_eq!(refused.code, 2, "{}", refused.words);
    assert!(refused.words.contains("--without-log"), "{}", refused.words);
    let made = stage.run(&format!("{command} {dealt} --without-log"));
    assert_eq!(made.code, 0, "{}", made.words);
    let said = "the audit log does not know of these shares";
    assert!(made.words.contains(said), "{}", made.words);

    // Where the log is, the next shares have an entry.
    fs::rename(stage.path("elsewhere"), stage.path("data")).unwrap();
    let third = deal(&stage, "third", &["alice", "bob"]);
    stage.done(&format!(
        "keys reshare --config config.toml \
         --share second/carol.share.toml --share second/dave.share.toml \
         --share-passphrase-file carol --share-passphrase-file dave \
         --new-share-passphrase-file alice --new-share-passphrase-file bob {third}"
    ));
    let log = "--data-dir data --public-key data/audit.vkey";
    let export = stage.done(&format!("audit export {log}"));
    assert_eq!(reshared(&export).count(), 1);
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

/// Goal: an attempt that is cut off between the entry and the sharing file leaves the old shares in
/// force, and a log that verifies; the next one says so. Method: the entry is written as the
/// command does it, and nothing after it.
#[test]
fn attempt_that_was_cut_off_leaves_the_old_shares_and_is_told_of() {
    let stage = Stage::new("provider = \"shares\"\nfile = \"sharing.toml\"");
    let dealt = deal(&stage, "second", &["carol", "dave"]);
    let (secret, made) = cheap_shares(&stage, &["alice", "bob"]);
    let old = "--share alice.share.toml --share bob.share.toml \
               --share-passphrase-file alice --share-passphrase-file bob";
    stage.done(&format!("init --config config.toml {old}"));

    let text = fs::read_to_string(stage.path("config.toml")).unwrap();
    let config = Config::from_toml(&text, &stage.path("")).unwrap();
    let note = SharingNote {
        digest: [7; 32],
        ..made
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let root = RootKey::new(&secret.root_key());
        let resharing = Resharing::begin(&config, &root).unwrap();
        assert_eq!(resharing.latest(), None);
        let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
        let recorded = resharing.record(&config, note, clock, entropy);
        recorded.await.unwrap();
    });
    drop(runtime);

    let new = "--new-share-passphrase-file carol --new-share-passphrase-file dave";
    let again = stage.run(&format!(
        "keys reshare --config config.toml {old} {new} {dealt}"
    ));
    assert_eq!(again.code, 0, "{}", again.words);
    let said = "names other shares last than those that are in force";
    assert!(again.words.contains(said), "{}", again.words);
    let log = "--data-dir data --public-key data/audit.vkey";
    stage.verified("data", "data/audit.vkey");
    let export = stage.done(&format!("audit export {log}"));
    let sharing = SharingFile::read(&stage.path("sharing.toml")).unwrap();
    let made: Vec<&str> = reshared(&export).collect();
    assert_eq!(made.len(), 2, "{export}");
    assert!(made[1].contains(&hex::encode(sharing.digest())), "{export}");
}

/// Shares of a new secret under passphrases that take no time, as `deal` writes them.
fn cheap_shares(stage: &Stage, officers: &[&str]) -> (SharedSecret, SharingNote) {
    let secret = SharedSecret::generate(&SystemEntropy);
    let new = officers.iter().map(|officer| {
        fs::write(stage.path(officer), format!("words of {officer}\n")).unwrap();
        NewShare {
            officer: OfficerName::new(officer).unwrap(),
            file: stage.path(&format!("{officer}.share.toml")),
            passphrase: format!("words of {officer}").into(),
        }
    });
    let new: Vec<NewShare> = new.collect();
    let file = stage.path("sharing.toml");
    let at = (file.as_path(), Occasion::First);
    let cheap = Argon2Parameters::insecure_for_development();
    let sharing = shares::deal(&secret, 2, &new, at, cheap, &SystemEntropy).unwrap();
    let note = SharingNote {
        digest: sharing.digest(),
        needed: 2,
        officers: sharing.officers().to_vec(),
    };
    (secret, note)
}

/// Where the head of the log is by itself.
const HEAD: &str = "data/head";
