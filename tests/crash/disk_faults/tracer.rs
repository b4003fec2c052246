//! strace(1), which makes chosen system calls of a vault fail, wait or be its last.
//!
//! It is attached to a vault that serves, so that the n-th call of a kind is the n-th from then on.
//! strace counts for each thread of its own; nearly everything is written by one.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;

use crate::server::Server;
use crate::testbed::Failure;
use crate::untried::not_tried;

/// strace at work.
pub(crate) struct Tracer {
    child: Child,
    log: PathBuf,
}

impl Tracer {
    /// Whether there is a strace; says so if there is none.
    pub(crate) fn is_there() -> bool {
        let output = Command::new("strace").arg("-V").output();
        let is_there = output.is_ok_and(|output| output.status.success());
        if !is_there {
            not_tried("there is no strace here");
        }
        is_there
    }

    /// Attaches to a vault. Only calls on the given files count, or on all if none are given;
    /// nothing if another process may not be traced here.
    pub(crate) fn attach(
        server: &Server,
        directory: &Path,
        files: &[PathBuf],
        rules: &[String],
    ) -> Result<Option<Self>, Failure> {
        let log = directory.join("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-s", "0", "-e", "signal=none", "-o"]);
        command.arg(&log);
        for file in files {
            command.arg("-P").arg(file);
        }
        for rule in rules {
            command.args(["-e", rule]);
        }
        command.args(["-p", &server.process().to_string()]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut words = BufReader::new(child.stderr.take().ok_or("strace has no words")?);
        let mut first = String::new();
        words.read_line(&mut first)?;
        if !first.contains(" attached") {
            child.wait()?;
            not_tried(&format!("strace says {}", first.trim_end()));
            return Ok(None);
        }
        // It tells of every new thread.
        std::thread::spawn(move || words.lines().map_while(Result::ok).count());
        Ok(Some(Self { child, log }))
    }

    /// Whether the call that was to wait has been answered.
    pub(crate) fn is_over(&self) -> Result<bool, Failure> {
        Ok(fs::read_to_string(&self.log)?.contains("(DELAYED)"))
    }

    /// Lets go of the vault, and returns what it saw.
    pub(crate) fn finish(mut self) -> Result<Trace, Failure> {
        let id = i32::try_from(self.child.id())?;
        let process = Pid::from_raw(id).ok_or("a process has an id")?;
        // It may have ended with the vault.
        let _ended = rustix::process::kill_process(process, Signal::TERM);
        for _ in 0..LOOKS_MAX {
            if self.child.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        // It may wait for ever for threads of a process that was killed. Each line of its log is
        // written at once.
        self.child.kill()?;
        self.child.wait()?;
        Ok(Trace(fs::read_to_string(&self.log)?))
    }
}

/// What strace saw.
pub(crate) struct Trace(pub(crate) String);

impl Trace {
    /// Whether the vault came to the call that was chosen.
    pub(crate) fn is_met(&self) -> bool {
        self.0.contains("(INJECTED)") || self.0.contains("(DELAYED)") || self.is_killed()
    }

    fn is_killed(&self) -> bool {
        self.0.contains("+++ killed by SIGKILL +++")
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How often it is looked whether strace has ended, before it is made to.
const LOOKS_MAX: u32 = 100;
