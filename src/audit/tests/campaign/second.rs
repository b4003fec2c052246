//! The second verifier, as a process of its own.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use super::*;
use crate::untried::not_tried;

/// A second verifier that runs, and is asked about one export after another.
pub(super) struct Second {
    directory: TempDir,
    /// What it was given beside keys.
    files: Option<TempDir>,
    child: Child,
    paths: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
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
        let directory = tempfile::tempdir().unwrap();
        let mut flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        for (number, (flag, text)) in files.iter().enumerate() {
            let path = directory.path().join(number.to_string());
            fs::write(&path, text).unwrap();
            flags.extend([(*flag).to_owned(), path.display().to_string()]);
        }
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let mut second = Self::start_with(&flags, &keys())?;
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
        let probe = Command::new("python3")
            .args(["-c", "import cryptography"])
            .output();
        if !probe.is_ok_and(|probe| probe.status.success()) {
            not_tried("Python's cryptography is missing (python3-cryptography in Debian)");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("audit.vkey");
        fs::write(&key, keys.lines().join("\n")).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/verify_log.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args(flags)
            .args(["--list", "--public-key"])
            .arg(key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let paths = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self {
            directory,
            files: None,
            child,
            paths,
            answers,
        })
    }

    /// What it says of an export, or a receipt.
    pub(super) fn ask(&mut self, export: &[u8]) -> Value {
        let path = self.directory.path().join("log.jsonl");
        fs::write(&path, export).unwrap();
        writeln!(self.paths.as_mut().unwrap(), "{}", path.display()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    pub(super) fn finds(&mut self, export: &[u8]) -> bool {
        self.ask(export)["verified"] == false
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        self.paths = None;
        let _ = self.child.wait();
    }
}
