//! A vault whose whole disk went back, its head too: only its witness knows. Its officers accept
//! it, its log says so, and with the proof of that the operator of the witness does.

use std::fs;

use crate::ACCEPT;
use crate::commands::Running;
use crate::commands::Stage;
use crate::copy_directory;
use crate::sign;
use crate::stage;
use crate::tokenize;

const LOG: &str = "--log shop.example/counterfoil";
const SEEN: &str = "witness latest --config witness.toml";

/// A witness of the vault, which is told of it. It answers at one address, each time that it runs.
fn serve_first(stage: &Stage) -> Running {
    let key = stage.done("witness key new --name witness.example/w1 --file w1.pem");
    let log_key = fs::read_to_string(stage.path("data/audit.vkey")).unwrap();
    let config = |address: &str| {
        format!(
            "name = \"witness.example/w1\"\nkey_file = \"w1.pem\"\nstate_dir = \"state\"\n\
             listen = \"{address}\"\n[[log]]\npublic_keys = [\"{}\"]\n",
            log_key.trim()
        )
    };
    fs::write(stage.path("witness.toml"), config("127.0.0.1:0")).unwrap();
    let mut witness = serve(stage);
    let line = witness.line();
    let address = line.strip_prefix("ready ").unwrap();
    fs::write(stage.path("witness.toml"), config(address)).unwrap();
    let vault = fs::read_to_string(stage.path("config.toml")).unwrap();
    let origin = "origin = \"shop.example/counterfoil\"";
    let told = format!(
        "{origin}, witness = {{ url = \"http://{address}\", public_key = \"{}\" }}",
        key.trim()
    );
    fs::write(stage.path("config.toml"), vault.replace(origin, &told)).unwrap();
    witness
}

fn serve(stage: &Stage) -> Running {
    stage.running("witness serve --config witness.toml")
}

/// Says that the vault does not start, and why.
fn assert_refused(stage: &Stage) {
    let refused = stage.run("serve --config config.toml");
    assert_eq!(refused.code, 1, "{}", refused.words);
    let said = "its witness has seen";
    assert!(refused.words.contains(said), "{}", refused.words);
}

#[test]
fn officers_and_then_the_witness_accept_that_everything_went_back() {
    let stage = stage(&["officer1", "officer2"]);
    let witness = serve_first(&stage);
    tokenize(&stage, &["Ada Lovelace"]);
    copy_directory(&stage.path("data"), &stage.path("old"));
    tokenize(&stage, &["Grace Hopper", "Mary Jackson"].repeat(5));
    fs::remove_dir_all(stage.path("data")).unwrap();
    copy_directory(&stage.path("old"), &stage.path("data"));
    assert_refused(&stage);

    // Nothing on this disk tells that there was more.
    let statement = "keys statement accept-rollback --config config.toml";
    let alone = stage.run(statement);
    assert_eq!(alone.code, 1, "{}", alone.words);
    assert!(alone.words.contains("--seen"), "{}", alone.words);
    let seen = stage.done(&format!("{SEEN} {LOG}"));
    fs::write(stage.path("seen"), seen.replace("\n\n", "\n\n ")).unwrap();
    let damaged = stage.run(&format!("{statement} --seen seen"));
    assert!(damaged.words.contains("what was seen"), "{}", damaged.words);
    fs::write(stage.path("seen"), &seen).unwrap();
    let text = stage.done(&format!("{statement} --seen seen"));
    fs::write(stage.path("statement"), text).unwrap();
    sign(&stage, "statement", "one", "officer1");
    let few = stage.run(&format!("{ACCEPT} one --seen seen"));
    assert_eq!(few.code, 3, "{}", few.words);
    sign(&stage, "one", "both", "officer2");
    assert_eq!(stage.run(&format!("{ACCEPT} both")).code, 1);
    let accepted = stage.run(&format!("{ACCEPT} both --seen seen"));
    assert_eq!(accepted.code, 0, "{}", accepted.words);
    assert_refused(&stage);

    let (_, hint) = accepted.words.split_once("prove-inclusion ").unwrap();
    let (index, _) = hint.split_once(' ').unwrap();
    let log = "--data-dir data --public-key data/audit.vkey";
    let proof = format!("audit prove-inclusion {index} {log}");
    for (flag, file) in [("", "hash"), (" --with-entry", "proof")] {
        fs::write(stage.path(file), stage.done(&format!("{proof}{flag}"))).unwrap();
    }
    stage.done("audit check-receipt proof --public-key data/audit.vkey");
    witness.stop();
    let accept = format!("witness accept --config witness.toml {LOG}");
    let (size, root) = {
        let mut lines = seen.lines().skip(1);
        (lines.next().unwrap(), lines.next().unwrap())
    };
    let named = stage.run(&format!("{accept} --size {size} --root {root}"));
    assert_eq!(named.code, 3, "{}", named.words);
    let without = stage.run(&format!("{accept} --proof hash"));
    assert_eq!(without.code, 4, "{}", without.words);
    let proven = stage.run(&format!("{accept} --proof proof"));
    assert_eq!(proven.code, 0, "{}", proven.words);
    let said = format!("2 officers have accepted that {size} are given up");
    assert!(proven.words.contains(&said), "{}", proven.words);

    // To repeat it is safe, until the log goes on.
    let repeated = stage.run(&format!("{accept} --proof proof"));
    assert_eq!(repeated.code, 0, "{}", repeated.words);
    let said = "accepted before";
    assert!(repeated.words.contains(said), "{}", repeated.words);

    let witness = serve(&stage);
    tokenize(&stage, &["Grace Hopper"]);
    let verified = stage.verified("data", "data/audit.vkey");
    assert!(verified.contains(&format!("{size} entries")), "{verified}");
    let seen_now = stage.done(&format!("{SEEN} {LOG}"));
    assert_ne!(seen_now, seen);
    witness.stop();

    // The old disk once more, with the entry of then: the log is not as long again as what was
    // given up, and the proof verifies, but its statement has served.
    let replayed = stage.run(&format!("{accept} --proof proof"));
    assert_eq!(replayed.code, 4, "{}", replayed.words);
    let said = "a statement of its own";
    assert!(replayed.words.contains(said), "{}", replayed.words);
}

#[test]
fn proof_of_another_rollback_opens_no_witness() {
    let stage = stage(&[]);
    let witness = serve_first(&stage);
    tokenize(&stage, &["Ada Lovelace"]);
    copy_directory(&stage.path("data"), &stage.path("old"));
    tokenize(&stage, &["Grace Hopper"]);
    let seen = stage.done(&format!("{SEEN} {LOG}"));
    fs::write(stage.path("seen"), seen).unwrap();
    tokenize(&stage, &["Mary Jackson"]);
    fs::remove_dir_all(stage.path("data")).unwrap();
    copy_directory(&stage.path("old"), &stage.path("data"));
    // What was given up is less than what the witness has seen by now.
    let statement = "keys statement accept-rollback --config config.toml --seen seen";
    fs::write(stage.path("statement"), stage.done(statement)).unwrap();
    let accepted = stage.run(&format!(
        "{ACCEPT} statement --without-officers --seen seen"
    ));
    assert_eq!(accepted.code, 0, "{}", accepted.words);
    let (_, hint) = accepted.words.split_once("prove-inclusion ").unwrap();
    let (index, _) = hint.split_once(' ').unwrap();
    let proof = format!(
        "audit prove-inclusion {index} --with-entry --data-dir data --public-key data/audit.vkey"
    );
    fs::write(stage.path("proof"), stage.done(&proof)).unwrap();
    witness.stop();
    let accept = format!("witness accept --config witness.toml {LOG} --proof proof");
    let refused = stage.run(&accept);
    assert_eq!(refused.code, 4, "{}", refused.words);
    assert!(
        refused.words.contains("not what was seen"),
        "{}",
        refused.words
    );
}
