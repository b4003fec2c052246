//! The second verifier, as a process of its own: one for each thread, which is asked about one log
//! after another.

use std::cell::RefCell;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::LazyLock;

use serde_json::Value;

use super::*;
use crate::untried::not_tried;

/// A second verifier that is asked about one export after another.
pub(super) struct Second {
    directory: TempDir,
    /// What it was given beside keys.
    files: Option<TempDir>,
    flags: Vec<String>,
}

impl Second {
    /// Starts it for exports; nothing, and words in the log, where it cannot run.
    pub(super) fn start() -> Option<Self> {
        Self::start_with(&[], &keys())
    }

    /// Starts it with flags of which each has a file, with what is to be in it.
    pub(super) fn with_files(files: &[(&str, &str)]) -> Option<Self> {
        Self::with_flags_and_files(&[], files)
    }

    /// The same with flags that have none.
    pub(super) fn with_flags_and_files(flags: &[&str], files: &[(&str, &str)]) -> Option<Self> {
        let files = files.iter().map(|(flag, text)| (*flag, text.as_bytes()));
        Self::with_all(&keys(), flags, &files.collect::<Vec<_>>())
    }

    /// The same with other public keys, and files that may have anything.
    pub(super) fn with_all(
        keys: &CheckpointKeys,
        flags: &[&str],
        files: &[(&str, &[u8])],
    ) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        for (number, (flag, bytes)) in files.iter().enumerate() {
            let path = directory.path().join(number.to_string());
            fs::write(&path, bytes).unwrap();
            flags.extend([(*flag).to_owned(), path.display().to_string()]);
        }
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let mut second = Self::start_with(&flags, keys)?;
        second.files = Some(directory);
        Some(second)
    }

    /// Starts it with other public keys, in their order.
    pub(super) fn with_keys(keys: &CheckpointKeys) -> Option<Self> {
        Self::start_with(&[], keys)
    }

    /// Starts it for receipts.
    pub(super) fn of_receipts() -> Option<Self> {
        Self::start_with(&["--receipt"], &keys())
    }

    /// Starts it for exports of a log whose beginning is in an archive.
    pub(super) fn behind(archive: &Path) -> Option<Self> {
        Self::start_with(&["--archive", archive.to_str().unwrap()], &keys())
    }

    fn start_with(flags: &[&str], keys: &CheckpointKeys) -> Option<Self> {
        if !*IS_THERE {
            not_tried("Python's cryptography is missing (python3-cryptography in Debian)");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("audit.vkey");
        fs::write(&key, keys.lines().join("\n")).unwrap();
        let mut flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        flags.extend(["--public-key".to_owned(), key.display().to_string()]);
        Some(Self {
            directory,
            files: None,
            flags,
        })
    }

    /// What it says of an export, or a receipt.
    pub(super) fn ask(&mut self, export: &[u8]) -> Value {
        let path = self.directory.path().join("log.jsonl");
        fs::write(&path, export).unwrap();
        let mut arguments = self.flags.clone();
        arguments.push(path.display().to_string());
        PROCESS.with_borrow_mut(|process| {
            let process = process.get_or_insert_with(Process::start);
            process.ask(&arguments)
        })
    }

    pub(super) fn finds(&mut self, export: &[u8]) -> bool {
        self.ask(export)["verified"] == false
    }
}

/// The program, which answers for one list of its arguments after another.
struct Process {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
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
            requests: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn ask(&mut self, arguments: &[String]) -> Value {
        let request = serde_json::to_string(arguments).unwrap();
        writeln!(self.requests.as_mut().unwrap(), "{request}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.requests = None;
        let _ = self.child.wait();
    }
}

thread_local! {
    static PROCESS: RefCell<Option<Process>> = const { RefCell::new(None) };
}

/// Whether it can run here.
static IS_THERE: LazyLock<bool> = LazyLock::new(|| {
    let probe = Command::new("python3")
        .args(["-c", "import cryptography"])
        .output();
    probe.is_ok_and(|probe| probe.status.success())
});
