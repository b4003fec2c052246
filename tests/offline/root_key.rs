//! Another root key for a stopped vault, by the command.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use counterfoil::store::RowChange;
use counterfoil::store::Store;
use counterfoil::store::Table;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use crate::PASSPHRASE_FILE;
use crate::cheap_root_key;
use crate::check_kept_record;
use crate::commands::PIN;
use crate::commands::Stage;
use crate::sign;
use crate::stage;
use crate::tokenize;

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
    stage.verified("data", "data/audit.vkey");
    let export = stage.done(&format!("audit export {log}"));
    let entry = export
        .lines()
        .find(|line| line.contains("\"root_key_rotated\""));
    let entry = entry.unwrap();
    assert!(
        entry.contains("\"officers\":[\"officer1\",\"officer2\"]"),
        "{entry}"
    );
    check_kept_record(&stage, entry, "rotate-root-key");
    // Used up: it is about keys as they were wrapped before.
    write_new(&stage, PASSPHRASE_FILE);
    let replayed = stage.run(&format!("{ROTATE} --statement both"));
    assert_eq!(replayed.code, 3, "{}", replayed.words);
}

/// The old root key is destroyed after a rotation: it must not be the new one, too.
#[test]
fn root_key_is_not_rotated_to_itself_in_another_place() {
    let stage = stage(&[]);
    let before = wrapped(&stage);
    fs::copy(stage.path("root-key.toml"), stage.path("copy.toml")).unwrap();
    std::os::unix::fs::symlink("root-key.toml", stage.path("link.toml")).unwrap();
    for file in ["copy.toml", "link.toml"] {
        write_new(&stage, &PASSPHRASE_FILE.replace("root-key.toml", file));
        let same = stage.run(ROTATE);
        assert_eq!(same.code, 1, "{}", same.words);
        assert!(
            same.words.contains("is the one that is in force"),
            "{}",
            same.words
        );
    }
    assert_eq!(wrapped(&stage), before);
}

/// Goal: whenever the command is killed, one of the two root keys opens the vault, and the same
/// command brings it to its end. Method: it is killed at points spread over the time that it takes.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long it takes says where to kill, and nothing is asserted of it"
)]
fn killed_rotation_leaves_a_vault_that_one_of_the_two_opens() {
    let stage = stage(&[]);
    let tokens = tokenize(&stage, &["Ada Lovelace"]);
    let mut current = PASSPHRASE_FILE.to_owned();
    let mut took = Duration::ZERO;
    let (mut old_opened, mut new_opened) = (0, 0);
    for round in 0..=KILLS {
        let file = format!("root-key-{round}.toml");
        cheap_root_key(&stage, &file);
        let new = PASSPHRASE_FILE.replace("root-key.toml", &file);
        write_new(&stage, &new);
        let began = Instant::now();
        if round == 0 {
            stage.done(ROTATE);
            took = began.elapsed();
        } else {
            let mut command = stage.command(ROTATE);
            let mut child = command.stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(took * round / KILLS);
            let _ended = child.kill();
            child.wait().unwrap();
            let (by_old, by_new) = opened(&stage);
            assert!(
                by_old != by_new,
                "round {round}: old {by_old}, new {by_new}"
            );
            old_opened += u32::from(by_old);
            new_opened += u32::from(by_new);
            stage.done(ROTATE);
        }
        put_in_force(&stage, &current, &new);
        current = new;
    }
    println!("killed {KILLS} times; then the old opened {old_opened}, the new {new_opened}");
    assert_eq!(tokenize(&stage, &["Ada Lovelace"]), tokens);
    stage.verified("data", "data/audit.vkey");
}

/// The fault that the test above must catch: keys that are wrapped anew in more than one write.
#[test]
fn half_a_rotation_would_be_opened_by_neither() {
    let stage = stage(&[]);
    cheap_root_key(&stage, "root-key-2.toml");
    write_new(
        &stage,
        &PASSPHRASE_FILE.replace("root-key.toml", "root-key-2.toml"),
    );
    let rows = |store: &RocksStore| store.rows(Table::Keys, None, 1_000).unwrap();
    let options = RocksOptions::default();
    let before = rows(&RocksStore::open_read_only(&stage.path("data"), &options).unwrap());
    assert_eq!(opened(&stage), (true, false));
    stage.done(ROTATE);
    assert_eq!(opened(&stage), (false, true));
    let store = RocksStore::open(&stage.path("data"), &options).unwrap();
    let (key, now) = rows(&store).remove(0);
    let half = RowChange {
        table: Table::Keys,
        key,
        expected: Some(now),
        value: Some(before[0].1.clone()),
    };
    store.compare_and_set(&half).unwrap();
    drop(store);
    assert_eq!(opened(&stage), (false, false));
    assert_eq!(stage.run(ROTATE).code, 1);
}

/// Whether the configured root key opens the vault, and whether the new one does.
fn opened(stage: &Stage) -> (bool, bool) {
    let check = "root-key check --config config.toml";
    let opens = |flags: &str| stage.run(&format!("{check} {flags}")).code == 0;
    (opens(""), opens("--root-key new.toml"))
}

#[test]
fn root_key_moves_from_a_file_to_shares_and_on_to_a_token() {
    let mut stage = stage(&[]);
    let tokens = tokenize(&stage, &["Ada Lovelace"]);
    let shares = "provider = \"shares\"\nfile = \"sharing.toml\"";
    write_new(&stage, shares);
    fs::create_dir(stage.path("shares")).unwrap();
    let words = "--new-share-passphrase-file words --new-share-passphrase-file words";
    let dealt = "--threshold 2 --share-dir shares --officer alice --officer bob";
    stage.done(&format!("{ROTATE} {dealt} {words}"));
    // The command that made the shares, again: they are there, and in force.
    let files = "--new-share shares/alice.share.toml --new-share shares/bob.share.toml";
    let again = stage.run(&format!("{ROTATE} {files} {words}"));
    assert_eq!(again.code, 0, "{}", again.words);
    assert!(
        again.words.contains("nothing is left to do"),
        "{}",
        again.words
    );
    put_in_force(&stage, PASSPHRASE_FILE, shares);
    fs::remove_file(stage.path("root-key.toml")).unwrap();

    fs::write(stage.path("pin"), format!("{PIN}\n")).unwrap();
    let Some(module) = stage.soft_hsm() else {
        return;
    };
    let token = format!(
        "provider = \"pkcs11\"\nmodule = \"{module}\"\ntoken = \"counterfoil\"\n\
         key = \"root-key\"\npin_file = \"pin\""
    );
    write_new(&stage, &token);
    let old = files.replace("new-share", "share");
    let old = format!("{old} {}", words.replace("new-share", "share"));
    stage.done(&format!("{ROTATE} {old}"));
    put_in_force(&stage, shares, &token);
    assert_eq!(tokenize(&stage, &["Ada Lovelace"]), tokens);
    // From one key on the token to another, and the first one away.
    let next = token.replace("root-key", "root-key-2");
    write_new(&stage, &next);
    stage.done(ROTATE);
    put_in_force(&stage, &token, &next);
    assert_eq!(tokenize(&stage, &["Ada Lovelace"]), tokens);
    stage.verified("data", "data/audit.vkey");
}

const KILLS: u32 = 12;
