//! The second verifier of the log, `docs/examples/verify_log.py`, asked about one log after
//! another.
//!
//! To start it takes longer than to verify what most tests write: one that has answered waits for
//! the next question, of whichever test of the program. There are as many as ask at one time.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde_json::Value;
use tempfile::TempDir;

use super::untried::not_tried;

/// The second verifier, with what it is given beside the logs.
pub(crate) struct SecondVerifier {
    /// The log that it is asked about, and what flags give it.
    directory: TempDir,
    flags: Vec<String>,
}

impl SecondVerifier {
    /// One that has these public keys, in their order; nothing, and words in the log, where it
    /// cannot run.
    pub(crate) fn of_keys(lines: &[String]) -> Option<Self> {
        if !*IS_THERE {
            not_tried("Python's cryptography is missing (python3-cryptography in Debian)");
            return None;
        }
        let second = Self {
            directory: tempfile::tempdir().unwrap(),
            flags: Vec::new(),
        };
        Some(second.with_file("--public-key", lines.join("\n").as_bytes()))
    }

    /// The same with a flag.
    pub(crate) fn with_flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// The same with a flag of a file that has these bytes.
    pub(crate) fn with_file(self, flag: &str, bytes: &[u8]) -> Self {
        let path = self.directory.path().join(self.flags.len().to_string());
        fs::write(&path, bytes).unwrap();
        self.with_path(flag, &path)
    }

    /// The same with a flag of a file or a directory that is there.
    pub(crate) fn with_path(self, flag: &str, path: &Path) -> Self {
        self.with_flag(flag).with_flag(path.to_str().unwrap())
    }

    /// What it says of an export, or of a receipt.
    pub(crate) fn ask(&mut self, bytes: &[u8]) -> Value {
        let path = self.directory.path().join("asked");
        fs::write(&path, bytes).unwrap();
        let mut arguments = self.flags.clone();
        arguments.push(path.to_str().unwrap().to_owned());
        let mut process = idle().pop().unwrap_or_else(Process::start);
        let answer = process.ask(&arguments);
        // One that has ended has said why, and is not asked again.
        idle().push(process);
        answer
    }

    pub(crate) fn finds(&mut self, bytes: &[u8]) -> bool {
        self.ask(bytes).get("verified") == Some(&Value::Bool(false))
    }

    /// Asserts that it says of an export what our verifier says; and that, planted, it finds one
    /// character of an entry that was changed.
    pub(crate) fn assert_agrees(&mut self, export: &[u8], ours: &Value) {
        let theirs = self.ask(export);
        let is_verified = theirs.get("verified") == Some(&Value::Bool(true));
        assert!(is_verified, "only ours believes it: {theirs}");
        for member in OF_LOGS {
            let (theirs, ours) = (theirs.get(member), ours.get(member));
            assert!(
                theirs.is_some() && theirs == ours,
                "{member}: {theirs:?}, {ours:?}"
            );
        }
        let Some(changed) = changed(export) else {
            return;
        };
        assert!(self.finds(&changed), "a changed log is believed");
    }
}

/// An export in which one character of one entry is another; nothing where it has no entry. Which
/// entry it is depends on the length, so that it is not the same in every log.
fn changed(export: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(export).unwrap();
    let leaves_count = text.matches(LEAF).count();
    let chosen = export.len().checked_rem(leaves_count)?;
    let (place, _) = text.match_indices(LEAF).nth(chosen)?;
    let mut changed = export.to_vec();
    let character = changed.get_mut(place + LEAF.len())?;
    *character = if *character == b'A' { b'B' } else { b'A' };
    Some(changed)
}

/// The program, which answers for one list of its arguments after another. It ends when nobody can
/// ask it any more: with the tests.
struct Process {
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    _child: Child,
}

impl Process {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/judge_logs.py");
        let mut child = Command::new("python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            requests: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            _child: child,
        }
    }

    fn ask(&mut self, arguments: &[String]) -> Value {
        let request = serde_json::to_string(arguments).unwrap();
        writeln!(self.requests, "{request}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "the second verifier has ended");
        serde_json::from_str(&answer).unwrap()
    }
}

fn idle() -> MutexGuard<'static, Vec<Process>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Those that wait to be asked.
static IDLE: Mutex<Vec<Process>> = Mutex::new(Vec::new());

/// Whether it can run here.
static IS_THERE: LazyLock<bool> = LazyLock::new(|| {
    let probe = Command::new("python3")
        .args(["-c", "import cryptography"])
        .output();
    probe.is_ok_and(|probe| probe.status.success())
});

/// What both verifiers say of a log.
pub(crate) const OF_LOGS: [&str; 10] = [
    "archived_size",
    "cosigned_unix_seconds",
    "counts",
    "erased_count",
    "open_intents_count",
    "root_hash",
    "still_archived_count",
    "tree_size",
    "verified",
    "witnessed_size",
];

const LEAF: &str = "\"leaf\":\"";
