//! What officers sign for a vault that does not run, by its commands: accepting a rollback, and
//! another root key.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[path = "support/commands.rs"]
mod commands;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::OfficerKey;
use counterfoil::store::Store;
use counterfoil::store::Table;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;
use rcgen::KeyPair;
use rcgen::PKCS_ED25519;

use crate::commands::Stage;

const PASSPHRASE_FILE: &str =
    "provider = \"passphrase-file\"\nfile = \"root-key.toml\"\npassphrase_file = \"words\"";

/// A vault with a root key under a passphrase, and these officers.
fn stage(officers: &[&str]) -> Stage {
    let stage = Stage::new(PASSPHRASE_FILE);
    fs::write(stage.path("words"), "six random words of a passphrase\n").unwrap();
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
    stage.done(&format!("audit verify {log}"));
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
    stage.done("audit verify --data-dir data --public-key data/audit.vkey");
}

const ROTATE: &str = "root-key rotate --config config.toml --new-root-key new.toml";

/// What the configuration is to have, in a file of its own.
fn write_new(stage: &Stage, root_key: &str) {
    fs::write(stage.path("new.toml"), format!("[root_key]\n{root_key}\n")).unwrap();
}

/// Puts the new root key into the configuration, in the place of the old one.
fn put_in_force(stage: &Stage, old: &str, new: &str) {
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    assert!(config.contains(old));
    fs::write(stage.path("config.toml"), config.replace(old, new)).unwrap();
}

/// The wrapped bytes of every stored key.
fn wrapped(stage: &Stage) -> Vec<Vec<u8>> {
    let options = RocksOptions::default();
    let store = RocksStore::open_read_only(&stage.path("data"), &options).unwrap();
    let rows = store.rows(Table::Keys, None, 1_000).unwrap();
    assert!(rows.len() >= 6);
    let wrapped = rows
        .into_iter()
        .map(|(_, row)| row[row.len() - 60..].to_vec());
    wrapped.collect()
}

/// How many of these are anywhere in the files of a directory.
fn found_count(directory: &Path, needles: &[Vec<u8>]) -> usize {
    fn files(directory: &Path, into: &mut Vec<PathBuf>) {
        for file in fs::read_dir(directory)
            .unwrap()
            .map(|file| file.unwrap().path())
        {
            if file.is_dir() {
                files(&file, into);
            } else if !file.ends_with("ballast") {
                into.push(file);
            }
        }
    }
    let mut paths = Vec::new();
    files(directory, &mut paths);
    let contents: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let has = |bytes: &Vec<u8>, needle: &Vec<u8>| {
        let mut starts = bytes.windows(needle.len());
        starts.any(|window| window == needle.as_slice())
    };
    let is_found = |needle: &&Vec<u8>| contents.iter().any(|bytes| has(bytes, needle));
    needles.iter().filter(is_found).count()
}

#[test]
fn root_key_rotates_under_officers_and_the_old_one_opens_nothing() {
    let stage = stage(&["officer1", "officer2"]);
    let tokens = tokenize(&stage, &["Ada Lovelace", "Grace Hopper"]);
    let new = PASSPHRASE_FILE.replace("root-key.toml", "root-key-2.toml");
    write_new(&stage, PASSPHRASE_FILE);
    let same = stage.run(ROTATE);
    assert_eq!(same.code, 2, "{}", same.words);
    write_new(&stage, &new);
    let alone = stage.run(ROTATE);
    assert_eq!(alone.code, 3, "{}", alone.words);
    let make = "keys statement rotate-root-key --config config.toml --new-root-key new.toml";
    fs::write(stage.path("statement"), stage.done(make)).unwrap();
    sign(&stage, "statement", "one", "officer1");
    sign(&stage, "one", "both", "officer2");
    let one = stage.run(&format!("{ROTATE} --statement one"));
    assert_eq!(one.code, 3, "{}", one.words);
    // Signed for a file under a passphrase, and not for shares.
    write_new(&stage, "provider = \"shares\"\nfile = \"sharing.toml\"");
    let other = stage.run(&format!("{ROTATE} --statement both"));
    assert_eq!(other.code, 3, "{}", other.words);
    assert!(
        !stage.path("root-key-2.toml").exists(),
        "nothing is made before they sign"
    );
    write_new(&stage, &new);

    let old = wrapped(&stage);
    // The control: the bytes are there to be found before.
    assert_eq!(found_count(&stage.path("data"), &old), old.len());
    stage.done(&format!("{ROTATE} --statement both"));
    assert_eq!(found_count(&stage.path("data"), &old), 0);
    let now = wrapped(&stage);
    assert_eq!(found_count(&stage.path("data"), &now), now.len());
    assert_eq!(stage.run("root-key check --config config.toml").code, 4);
    stage.done("root-key check --config config.toml --root-key new.toml");
    let again = stage.run(&format!("{ROTATE} --statement both"));
    assert_eq!(again.code, 0, "{}", again.words);
    assert!(
        again.words.contains("nothing is left to do"),
        "{}",
        again.words
    );
    assert_eq!(stage.run("serve --config config.toml").code, 1);

    put_in_force(&stage, PASSPHRASE_FILE, &new);
    fs::remove_file(stage.path("root-key.toml")).unwrap();
    assert_eq!(tokenize(&stage, &["Ada Lovelace", "Grace Hopper"]), tokens);
    let log = "--data-dir data --public-key data/audit.vkey";
    stage.done(&format!("audit verify {log}"));
    let export = stage.done(&format!("audit export {log}"));
    let entry = export
        .lines()
        .find(|line| line.contains("\"root_key_rotated\""));
    let entry = entry.unwrap();
    assert!(
        entry.contains("\"officers\":[\"officer1\",\"officer2\"]"),
        "{entry}"
    );
    // Used up: it is about keys as they were wrapped before.
    write_new(&stage, PASSPHRASE_FILE);
    let replayed = stage.run(&format!("{ROTATE} --statement both"));
    assert_eq!(replayed.code, 3, "{}", replayed.words);
}

#[test]
fn killed_rotation_leaves_a_vault_that_one_of_the_two_opens() {
    let stage = stage(&[]);
    let tokens = tokenize(&stage, &["Ada Lovelace"]);
    let place = |round: u32| PASSPHRASE_FILE.replace("root-key", &format!("root-key-{round}"));
    let mut current = PASSPHRASE_FILE.to_owned();
    let (mut old_opened, mut new_opened) = (0, 0);
    for round in 1..=KILLS {
        let new = place(round);
        write_new(&stage, &new);
        let mut command = stage.command(ROTATE);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(u64::from(round) * KILL_STEP_MS));
        let _ended = child.kill();
        child.wait().unwrap();
        let opens =
            |flags: &str| stage.run(&format!("root-key check --config config.toml {flags}"));
        let by_old = opens("").code == 0;
        let by_new = opens("--root-key new.toml").code == 0;
        assert!(
            by_old != by_new,
            "round {round}: old {by_old}, new {by_new}"
        );
        old_opened += u32::from(by_old);
        new_opened += u32::from(by_new);
        // The same command again.
        stage.done(ROTATE);
        put_in_force(&stage, &current, &new);
        current = new;
    }
    assert!(old_opened > 0, "no kill came before the transaction");
    // Whether one came after it is the machine's to say.
    println!("old root key opened {old_opened}, new {new_opened}");
    assert_eq!(tokenize(&stage, &["Ada Lovelace"]), tokens);
    stage.done("audit verify --data-dir data --public-key data/audit.vkey");
}

const KILLS: u32 = 6;
const KILL_STEP_MS: u64 = 400;
