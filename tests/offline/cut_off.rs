//! A log whose database a power cut has left with bytes that were never synced, read by the
//! commands before the vault starts.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::commands::Stage;
use crate::stage;
use crate::tokenize;

const KEY: &str = "--data-dir data --public-key data/audit.vkey";
const CHECK: &str = "audit exposure --check report --against data --public-key data/audit.vkey";

/// Makes the report that [`CHECK`] holds against the log.
fn report_exposure(stage: &Stage) {
    let asked = "--everybody --from 2000-01-01 --to 2100-01-01";
    let report = stage.done(&format!("audit exposure {KEY} --json {asked}"));
    fs::write(stage.path("report"), report).unwrap();
}

/// The longest log of writes of the vault's database.
fn log_of_writes(stage: &Stage) -> PathBuf {
    let files = fs::read_dir(stage.path("data/rocksdb")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let logs = paths.filter(|path| path.extension().is_some_and(|it| it == "log"));
    let length = |path: &PathBuf| fs::metadata(path).unwrap().len();
    logs.max_by_key(length).unwrap()
}

/// What `audit verify` says, as JSON, and what it says beside.
fn verified(stage: &Stage, flags: &str) -> (Value, String) {
    let said = stage.run(&format!("audit verify {flags} --json"));
    assert_eq!(said.code, 0, "{}", said.words);
    (serde_json::from_str(&said.output).unwrap(), said.words)
}

/// Goal: what a power cut leaves behind the log is no damage to whoever has the head, and nothing
/// that the head speaks of may be missing. Method: a vault that is killed, and garbage behind its
/// database's log over some of its blocks; read with the head, without, and with the head
/// elsewhere; planted: a bit of what was promised. Then the vault starts.
#[test]
fn log_is_read_as_far_as_its_head_promises_before_the_vault_starts() {
    let stage = stage(&[]);
    tokenize(&stage, &["Ada Lovelace"]);
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    for count in 0..20 {
        stage.tokenize(&client, &format!("Grace {}", "x".repeat(count + 3)));
    }
    // It is killed.
    drop(vault);
    let (whole, words) = verified(&stage, KEY);
    assert_eq!(
        (&whole["cut_off"], words.as_str()),
        (&Value::Bool(false), "")
    );
    report_exposure(&stage);
    let log = log_of_writes(&stage);
    let good = fs::read(&log).unwrap();
    let garbage = (1..100_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8);
    let cut_off: Vec<u8> = good.iter().copied().chain(garbage).collect();
    fs::write(&log, &cut_off).unwrap();

    let (left, words) = verified(&stage, KEY);
    let said = "the database's log ends in bytes that were never synced: left out";
    let is_said = |words: &str| assert_eq!(words.matches(said).count(), 1, "{words}");
    is_said(&words);
    assert_eq!(left["cut_off"], true);
    assert_eq!(left["tree_size"], whole["tree_size"]);
    assert_eq!(left["root_hash"], whole["root_hash"]);
    let exported = stage.run(&format!("audit export {KEY}"));
    is_said(&exported.words);
    stage.verified("data", "data/audit.vkey");
    let checked = stage.run(CHECK);
    assert_eq!(checked.code, 0, "{}", checked.words);
    is_said(&checked.words);

    fs::rename(stage.path("data/head"), stage.path("head")).unwrap();
    for command in ["verify", "export"] {
        let refused = stage.run(&format!("audit {command} {KEY}"));
        assert_eq!(refused.code, 4, "{command}: {}", refused.words);
        assert!(
            refused.words.contains("give --head-dir"),
            "{}",
            refused.words
        );
        assert_eq!(refused.output, "");
        stage.done(&format!("audit {command} {KEY} --head-dir head"));
    }
    fs::rename(stage.path("head"), stage.path("data/head")).unwrap();

    let mut damaged = cut_off.clone();
    damaged[good.len() / 2] ^= 1;
    fs::write(&log, &damaged).unwrap();
    for command in ["verify", "export"] {
        let refused = stage.run(&format!("audit {command} {KEY}"));
        assert_eq!(refused.code, 4, "{command}: {}", refused.words);
        assert!(
            refused.words.contains("speaks of cannot be read"),
            "{}",
            refused.words
        );
    }
    assert!(
        fs::read(&log).unwrap() == damaged,
        "reading changes nothing"
    );

    fs::write(&log, &cut_off).unwrap();
    tokenize(&stage, &["Ada Lovelace"]);
    let (started, words) = verified(&stage, KEY);
    assert_eq!(
        (&started["cut_off"], words.as_str()),
        (&Value::Bool(false), "")
    );
}
