//! `counterfoil keys compromise` leads from the list of whom a key protects to the signed record.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]
#![expect(clippy::too_many_lines, reason = "a test tells one story")]

#[path = "support/dev_log.rs"]
mod dev_log;

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

/// A vault for development that runs, in a directory of its own.
struct Dev {
    directory: TempDir,
    vault: Child,
}

struct Said {
    code: i32,
    output: String,
    words: String,
}

impl Dev {
    fn serve() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = command(&directory, "serve --dev dev");
        let mut vault = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        let mut output = BufReader::new(vault.stdout.take().unwrap());
        output.read_line(&mut ready).unwrap();
        assert!(ready.starts_with("ready "), "{ready}");
        Self { directory, vault }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, arguments: &str, input: &str) -> Said {
        let mut command = command(&self.directory, arguments);
        let mut child = command
            .args(["--dev", "dev"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{input}").unwrap_or_default();
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            output: String::from_utf8(output.stdout).unwrap(),
            words: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what must be done, and returns its output.
    fn done(&self, arguments: &str, input: &str) -> String {
        let said = self.run(arguments, input);
        assert_eq!(said.code, 0, "{arguments}: {}", said.words);
        said.output
    }

    /// The standing of each step, and the object that says it.
    fn standings(&self) -> (Vec<(String, String)>, Value) {
        let arguments = "keys compromise --key-version 1 --status --json --as auditor";
        let object: Value = serde_json::from_str(&self.done(arguments, "")).unwrap();
        let text = |step: &Value, member: &str| step[member].as_str().unwrap().to_owned();
        let steps = object["steps"].as_array().unwrap().iter();
        let steps = steps.map(|step| (text(step, "step"), text(step, "standing")));
        (steps.collect(), object)
    }

    fn assert_standings(&self, expected: [&str; 6]) -> Value {
        let (steps, object) = self.standings();
        let names = [
            "compromise",
            "list",
            "move",
            "retokenize",
            "destroy",
            "record",
        ];
        let expected = names.iter().zip(expected);
        let expected = expected.map(|(name, standing)| ((*name).to_owned(), standing.to_owned()));
        assert_eq!(steps, expected.collect::<Vec<_>>());
        object
    }
}

impl Drop for Dev {
    /// A test that fails leaves no vault behind, and one that passes a log that verifies.
    fn drop(&mut self) {
        let _gone = self.vault.kill();
        let _ended = self.vault.wait();
        if !std::thread::panicking() {
            dev_log::verify_log(&self.path("dev"));
        }
    }
}

fn command(directory: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    command
        .args(arguments.split_whitespace())
        .current_dir(directory.path());
    command
}

#[test]
fn compromised_key_is_led_from_the_list_to_the_record() {
    let dev = Dev::serve();
    let name = dev.done("tokenize --field name --subject cus_1", "Ada Lovelace");
    for subject in ["cus_1", "cus_2"] {
        let email = format!("tokenize --field email --subject {subject}");
        dev.done(&email, "ada@mail.example");
    }
    let to_do = "to do";
    let object = dev.assert_standings([to_do; 6]);
    assert_eq!(object["key"], "wrapping/dev/1");
    assert_eq!(object["could_have_used"]["grants"], serde_json::json!([]));

    // Nothing is proposed without the officer, nor where another's file is there.
    let guide = "keys compromise --key-version 1 --as officer1";
    let unseen = dev.run(&format!("{guide} --list first.csv"), "");
    assert_eq!(unseen.code, 2, "{}", unseen.words);
    fs::write(dev.path("first.csv"), "of another day").unwrap();
    let listed = format!("{guide} --list first.csv --yes");
    assert_eq!(dev.run(&listed, "").code, 2);
    dev.assert_standings([to_do; 6]);

    let early = dev.run(&format!("{guide} --list early.csv --yes"), "");
    assert_eq!(early.code, 0, "{}", early.words);
    assert!(early.words.contains("until it is marked; list again then"));
    assert!(early.words.contains("operation compromise-key"));
    let object = dev.assert_standings(["under way", to_do, to_do, to_do, to_do, to_do]);
    let id = object["operations"][0]["operation_id"].as_str().unwrap();
    dev.done(&format!("keys approve {id} --as officer2 --yes"), "");
    let listed = format!("{guide} --list list.csv --yes");
    let said = dev.run(&listed, "");
    assert_eq!(said.code, 0, "{}", said.words);
    assert!(said.output.contains("keys propose retokenize --tokens 2 "));
    let list = dev.path("list.csv");
    let text = fs::read_to_string(&list).unwrap();
    let mut rows: Vec<&str> = text.lines().skip(1).collect();
    rows.sort_unstable();
    assert_eq!(rows, ["cus_1,email,1", "cus_1,name,0"]);
    assert!(text.starts_with("subject,field,further_customers\n"));
    let mode = list.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!dev.path("list.csv.partial").exists());
    dev.assert_standings(["done", to_do, "done", to_do, to_do, to_do]);

    // Called again it goes on: nothing is proposed or written anew.
    let again = dev.run(&listed, "");
    assert_eq!(again.code, 0, "{}", again.words);
    assert!(!again.words.contains("signs:"), "{}", again.words);
    assert_eq!(fs::read_to_string(&list).unwrap(), text);
    // Its records have moved, and whom it protected is still known.
    dev.done(&format!("{guide} --list late.csv"), "");
    assert_eq!(fs::read_to_string(dev.path("late.csv")).unwrap(), text);

    let propose = "keys propose retokenize --tokens 2 --as officer1 --yes";
    let replacing = dev.done(propose, "").trim().to_owned();
    dev.assert_standings(["done", to_do, "done", "under way", to_do, to_do]);
    dev.done(&format!("keys approve {replacing} --as officer2 --yes"), "");
    let retokenize = format!("retokenize --field name --operation {replacing}");
    assert_ne!(dev.done(&retokenize, name.trim()), name);

    let unlisted = dev.run(&format!("{guide} --destroy --yes"), "");
    assert_eq!(unlisted.code, 2, "{}", unlisted.words);
    // Nor with a list that another call has written: it may be of another key.
    assert_eq!(dev.run(&format!("{listed} --destroy"), "").code, 2);
    let said = dev.run(&format!("{guide} --list last.csv --destroy --yes"), "");
    assert_eq!(said.code, 0, "{}", said.words);
    // What was made within a minute of the mark, as the other token, may be on it too.
    let last = fs::read_to_string(dev.path("last.csv")).unwrap();
    assert!(text.lines().all(|row| last.lines().any(|it| it == row)));
    assert!(said.words.contains("operation destroy-key"));
    let object = dev.assert_standings(["done", to_do, "done", "under way", "under way", to_do]);
    let operations = object["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 3);
    assert_eq!(
        operations[2]["state"], "proposed",
        "in the order of signing"
    );
    let id = operations[2]["operation_id"].as_str().unwrap();
    dev.done(&format!("keys approve {id} --as officer2 --yes"), "");
    dev.done(&format!("keys watch {id} --as officer2"), "");
    dev.assert_standings(["done", "too late", "done", "under way", "done", to_do]);

    let record = "keys compromise --key-version 1 --record record.txt --as auditor";
    let said = dev.run(record, "");
    assert_eq!(said.code, 0, "{}", said.words);
    assert!(said.words.contains("without a record: retokenize"));
    assert!(said.words.contains("2 records"), "{}", said.words);
    assert_eq!(dev.run(record, "").code, 1, "a file that is there is kept");
    let charter = dev.done("keys list --charter --as auditor", "");
    fs::write(dev.path("charter.txt"), charter).unwrap();
    let check = || {
        let flags = "--public-key dev/audit.vkey --charter charter.txt";
        let mut command = command(&dev.directory, &format!("keys check-record {flags}"));
        let checked = command.arg("record.txt").output().unwrap();
        let words = String::from_utf8(checked.stderr).unwrap();
        (checked.status.code().unwrap(), words)
    };
    let (code, words) = check();
    assert_eq!(code, 0, "{words}");
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(
        lines,
        [
            "compromise-key wrapping/dev/1, done: signed by the vault, and by officer1, officer2",
            "destroy-key wrapping/dev/1, done: signed by the vault, and by officer1, officer2",
        ]
    );
    // Every record counts: the second is changed.
    let text = fs::read_to_string(dev.path("record.txt")).unwrap();
    let changed = text.replace(
        "does destroy-key wrapping/dev/1",
        "does destroy-key wrapping/dev/2",
    );
    assert_ne!(changed, text);
    fs::write(dev.path("record.txt"), changed).unwrap();
    let (code, words) = check();
    assert_eq!(code, 4);
    assert!(words.contains("record 2 does not hold"), "{words}");
}
