//! The list of whom a key protected, under a disk that fails.

use std::fs;
use std::fs::File;
use std::process::Stdio;

use serde_json::Value;

use crate::strace;
use crate::strace::FAULTS;
use crate::strace::Injection;
use crate::vaults::stage;

/// The rows of a list, whose order is none.
fn rows(text: &str) -> Vec<&str> {
    let mut rows: Vec<&str> = text.lines().collect();
    rows.sort_unstable();
    rows
}

/// Goal: a list is there as a whole or not at all, whoever is told of an error is told, and the
/// same command makes the whole one. Method: each fault at the calls that keep it: its bytes, its
/// name, and that the name stays. Planted: a list that lacks its last row.
#[test]
fn interrupted_list_is_made_by_the_same_command() {
    if !strace::is_there() {
        return;
    }
    let stage = stage();
    let mut vault = stage.running("serve --dev dev");
    vault.line();
    fs::write(stage.path("names"), "Ada Lovelace\nGrace Hopper\n").unwrap();
    let call = "tokenize --field name --subject cus_1 --dev dev";
    let mut command = stage.command(call);
    command.stdin(File::open(stage.path("names")).unwrap());
    assert!(command.output().unwrap().status.success());
    let guide = "keys compromise --key-version 1 --dev dev";
    stage.done(&format!("{guide} --as officer1 --list early.csv --yes"));
    let status = stage.done(&format!("{guide} --status --json --as auditor"));
    let status: Value = serde_json::from_str(&status).unwrap();
    let id = status["operations"][0]["operation_id"].as_str().unwrap();
    stage.done(&format!("keys approve {id} --as officer2 --yes --dev dev"));
    let list = |name: &str| format!("{guide} --as officer1 --list {name} --yes");
    stage.done(&list("whole.csv"));
    let whole = fs::read_to_string(stage.path("whole.csv")).unwrap();
    assert_eq!(whole.lines().count(), 3, "{whole}");

    let path = stage.path("list.csv");
    let mut met_count = 0;
    for (kind, place, is_named) in [
        ("fsync", 1, false),
        ("linkat", 1, false),
        ("fsync", 2, true),
    ] {
        for fault in FAULTS {
            let injection = Injection {
                call: kind,
                fault,
                place,
            };
            let command = stage.command(&list("list.csv"));
            let ended = injection.run(&command, Stdio::null(), &stage.path(""));
            assert!(ended.is_met && !ended.is_done, "{injection:?}: {ended:?}");
            assert_eq!(path.exists(), is_named, "{injection:?}: {ended:?}");
            if fault != "signal=KILL" {
                assert!(!ended.words.is_empty(), "{injection:?}");
            }
            let is_whole = || rows(&fs::read_to_string(&path).unwrap()) == rows(&whole);
            assert!(!is_named || is_whole(), "{injection:?}");
            stage.done(&list("list.csv"));
            assert!(is_whole(), "{injection:?}");
            fs::remove_file(&path).unwrap();
            met_count += 1;
        }
    }
    println!("lists: {met_count} faults met");
    let (lacking, _) = whole.trim_end().rsplit_once('\n').unwrap();
    assert_ne!(rows(lacking), rows(&whole));
    vault.stop();
}
