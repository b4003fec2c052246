//! What officers sign for a vault that does not run, by its commands: accepting a rollback, and
//! another root key.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[path = "offline/audit_fingerprint_key.rs"]
mod audit_fingerprint_key;
#[path = "offline/backup_log.rs"]
mod backup_log;
#[expect(dead_code, reason = "a vault that runs can do more than these need")]
#[path = "support/commands.rs"]
mod commands;
#[path = "offline/cut_off.rs"]
mod cut_off;
#[path = "offline/later_key.rs"]
mod later_key;
#[path = "offline/officer_token.rs"]
mod officer_token;
#[path = "offline/officers.rs"]
mod officers;
#[path = "offline/root_key.rs"]
mod root_key;
#[path = "offline/shedding.rs"]
mod shedding;
#[path = "offline/witness.rs"]
mod witness;

use std::fs;
use std::path::Path;

use counterfoil::crypto::SystemEntropy;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::OfficerKey;
use counterfoil::keys::root::Argon2Parameters;
use counterfoil::keys::root::PassphraseFile;
use counterfoil::store::RowChange;
use counterfoil::store::Store;
use counterfoil::store::Table;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;
use rcgen::KeyPair;
use rcgen::PKCS_ED25519;

use crate::commands::Stage;
use crate::later_key::with_policies;

const PASSPHRASE_FILE: &str =
    "provider = \"passphrase-file\"\nfile = \"root-key.toml\"\npassphrase_file = \"words\"";

const WORDS: &str = "six random words of a passphrase";

/// A root key that is there before the command: opening it takes no time.
fn cheap_root_key(stage: &Stage, file: &str) {
    let provider = PassphraseFile::new(stage.path(file), WORDS.into());
    let parameters = Argon2Parameters::insecure_for_development();
    provider.create(parameters, &SystemEntropy).unwrap();
}

/// A vault with a root key under a passphrase, and these officers.
fn stage(officers: &[&str]) -> Stage {
    let stage = Stage::new(PASSPHRASE_FILE);
    fs::write(stage.path("words"), format!("{WORDS}\n")).unwrap();
    cheap_root_key(&stage, "root-key.toml");
    let mut keys = Vec::new();
    for officer in officers {
        // Not under a passphrase: nobody is here to wait for its derivation.
        let pem = KeyPair::generate_for(&PKCS_ED25519)
            .unwrap()
            .serialize_pem();
        let key = OfficerKey::from_pem(&pem, None).unwrap();
        fs::write(stage.path(&format!("{officer}.pem")), pem).unwrap();
        let name = NoteKeyName::new(officer).unwrap();
        keys.push(format!("\"{}\"", key.verifier(name)));
    }
    if !keys.is_empty() {
        let config = fs::read_to_string(stage.path("config.toml")).unwrap();
        let config = format!("{config}\n[officers]\nkeys = [{}]\n", keys.join(", "));
        fs::write(stage.path("config.toml"), config).unwrap();
    }
    stage.done("init --config config.toml");
    stage
}

/// Starts the vault, tokenizes these values and stops it.
fn tokenize(stage: &Stage, values: &[&str]) -> Vec<String> {
    let mut vault = stage.serve();
    let line = vault.line();
    assert!(line.starts_with("ready "), "{line}");
    let client = Stage::client(&line);
    let tokens = values.iter().map(|value| stage.tokenize(&client, value));
    let tokens = tokens.collect();
    vault.stop();
    tokens
}

/// Signs a file, and writes what comes of it into another.
fn sign(stage: &Stage, from: &str, to: &str, officer: &str) {
    let signed = stage.done(&format!(
        "keys sign {from} --name {officer} --officer-key {officer}.pem --yes"
    ));
    fs::write(stage.path(to), signed).unwrap();
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            copy_directory(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

/// Whoever has the log's entry of an operation asks the running vault for its signed record, and
/// checks it by public keys alone.
fn check_kept_record(stage: &Stage, entry: &str, does: &str) {
    with_policies(stage);
    let (_, rest) = entry.split_once("\"id\":\"").unwrap();
    let (id, _) = rest.split_once('"').unwrap();
    let mut vault = stage.serve();
    let flags = format!("--namespace shop {}", Stage::client(&vault.line()));
    for (command, file) in [
        (format!("keys record {id}"), "record.txt"),
        ("keys list --charter".to_owned(), "charter.txt"),
    ] {
        let told = stage.done(&format!("{command} {flags}"));
        fs::write(stage.path(file), told).unwrap();
    }
    vault.stop();
    let check = "keys check-record record.txt --public-key data/audit.vkey --charter charter.txt";
    let checked = stage.run(check);
    let told = checked.output + &checked.words;
    assert_eq!(checked.code, 0, "{told}");
    let signed = ", done: signed by the vault, and by officer1, officer2";
    assert!(told.contains(does) && told.contains(signed), "{told}");
}

fn put_back(stage: &Stage, old: &str) {
    fs::remove_dir_all(stage.path("data/rocksdb")).unwrap();
    copy_directory(&stage.path(old), &stage.path("data/rocksdb"));
}

const ACCEPT: &str = "recover accept-rollback --config config.toml --statement";

#[test]
fn officers_accept_a_rollback_once() {
    let stage = stage(&["officer1", "officer2", "officer3"]);
    let before = tokenize(&stage, &["Ada Lovelace"]);
    copy_directory(&stage.path("data/rocksdb"), &stage.path("old"));
    let nothing = stage.run("keys statement accept-rollback --config config.toml");
    assert_eq!(
        (nothing.code, nothing.output.as_str()),
        (1, ""),
        "{}",
        nothing.words
    );
    tokenize(&stage, &["Grace Hopper"]);
    put_back(&stage, "old");

    let refused = stage.run("serve --config config.toml");
    assert_eq!(refused.code, 1);
    let way_out = "counterfoil recover accept-rollback";
    assert!(refused.words.contains(way_out), "{}", refused.words);
    let said = stage.run("keys statement accept-rollback --config config.toml");
    assert_eq!(said.code, 0, "{}", said.words);
    assert!(said.words.contains("lost are at least"), "{}", said.words);
    assert!(
        said.output
            .contains("operation accept-rollback\nobject head ")
    );
    fs::write(stage.path("statement"), &said.output).unwrap();

    sign(&stage, "statement", "one", "officer1");
    sign(&stage, "one", "both", "officer2");
    sign(&stage, "statement", "two", "officer2");
    let changed = fs::read_to_string(stage.path("both")).unwrap();
    fs::write(stage.path("changed"), changed.replace("nonce ", "nonce 0")).unwrap();
    fs::write(stage.path("other"), "counterfoil.v1/anything\n").unwrap();
    let yes = "--name officer1 --officer-key officer1.pem --yes";
    assert_eq!(stage.run(&format!("keys sign other {yes}")).code, 2);
    for (given, code) in [
        ("statement", 2),
        ("one", 3),
        ("one --statement one", 3),
        ("statement --without-officers", 3),
        ("changed", 3),
    ] {
        let refused = stage.run(&format!("{ACCEPT} {given}"));
        assert_eq!(refused.code, code, "{given}: {}", refused.words);
    }
    assert_eq!(stage.run("serve --config config.toml").code, 1);

    stage.done(&format!("{ACCEPT} one --statement two"));
    let again = stage.run(&format!("{ACCEPT} both"));
    assert_eq!(again.code, 0, "{}", again.words);
    assert!(again.words.contains("accepted before"), "{}", again.words);
    assert_eq!(tokenize(&stage, &["Ada Lovelace"]), before);
    let log = "--data-dir data --public-key data/audit.vkey";
    stage.verified("data", "data/audit.vkey");
    let export = stage.done(&format!("audit export {log}"));
    let entry = export
        .lines()
        .find(|line| line.contains("\"rollback_accepted\""));
    let entry = entry.unwrap();
    assert!(
        entry.contains("\"officers\":[\"officer1\",\"officer2\"]"),
        "{entry}"
    );
    assert!(entry.contains("\"lost_head\":{\"size\":"), "{entry}");
    check_kept_record(&stage, entry, "accept-rollback");

    put_back(&stage, "old");
    let replayed = stage.run(&format!("{ACCEPT} both"));
    assert_eq!(replayed.code, 3, "{}", replayed.words);
    assert_eq!(stage.run("serve --config config.toml").code, 1);
}

#[test]
fn vault_without_officers_is_its_operators_to_accept_and_says_so() {
    let stage = stage(&[]);
    copy_directory(&stage.path("data/rocksdb"), &stage.path("old"));
    tokenize(&stage, &["Ada Lovelace"]);
    put_back(&stage, "old");
    let statement = stage.done("keys statement accept-rollback --config config.toml");
    fs::write(stage.path("statement"), statement).unwrap();
    let refused = stage.run(&format!("{ACCEPT} statement"));
    assert_eq!(refused.code, 2, "{}", refused.words);
    stage.done(&format!("{ACCEPT} statement --without-officers"));
    tokenize(&stage, &["Ada Lovelace"]);
    stage.verified("data", "data/audit.vkey");
}

/// Goal: who writes to a stopped vault's database cannot put other officers in. Method: the row of
/// the charter is removed, so that the configuration's officers would be the first.
#[test]
fn charter_that_was_removed_is_missed() {
    let stage = stage(&["officer1", "officer2"]);
    tokenize(&stage, &["Ada Lovelace"]);
    {
        let store = RocksStore::open(&stage.path("data"), &RocksOptions::default()).unwrap();
        let rows = store.rows(Table::Meta, None, 100).unwrap();
        let (key, value) = rows.into_iter().find(|(key, _)| key == b"charter").unwrap();
        let removed = RowChange {
            table: Table::Meta,
            key,
            expected: Some(value),
            value: None,
        };
        store.compare_and_set(&removed).unwrap();
    }
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let (alone, _) = config.split_once("\n[officers]").unwrap();
    cheap_root_key(&stage, "root-key-2.toml");
    let new = PASSPHRASE_FILE.replace("root-key.toml", "root-key-2.toml");
    fs::write(stage.path("new.toml"), format!("[root_key]\n{new}\n")).unwrap();
    // With the officers of the configuration, which might be anybody, and with none.
    assert_eq!(stage.run("serve --config config.toml").code, 1);
    for text in [config.as_str(), alone] {
        fs::write(stage.path("config.toml"), text).unwrap();
        let rotate = "root-key rotate --config config.toml --new-root-key new.toml";
        let refused = stage.run(rotate);
        assert_eq!(refused.code, 3, "{}", refused.words);
        assert!(refused.words.contains("names last"), "{}", refused.words);
    }
}
