//! strace(1), under which a command runs, or which is attached to one that serves.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::commands::Running;
use crate::commands::not_tried;

/// What the disk says, or that the command is killed right there.
pub(crate) const FAULTS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];

/// One fault: at the n-th call of a kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Injection<'a> {
    pub(crate) call: &'a str,
    pub(crate) fault: &'a str,
    pub(crate) place: u64,
}

/// What became of a command under a fault.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Whether it came to the call.
    pub(crate) is_met: bool,
    pub(crate) is_done: bool,
    pub(crate) output: String,
    pub(crate) words: String,
}

/// Whether there is a strace; says so if there is none.
pub(crate) fn is_there() -> bool {
    let found = Command::new("strace").arg("-V").output();
    let is_there = found.is_ok_and(|output| output.status.success());
    if !is_there {
        not_tried("there is no strace here");
    }
    is_there
}

/// Whether a process was killed.
pub(crate) fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}

/// Runs a command to its end, and returns what strace saw of these calls of it, files by name.
pub(crate) fn trace(command: &Command, calls: &str, output: Stdio, scratch: &Path) -> String {
    let trace = scratch.join("trace");
    let mut traced = Command::new("strace");
    traced.args(["-f", "-y", "-s", "0", "-e", "signal=none", "-e"]);
    traced.arg(format!("trace={calls}")).arg("-o").arg(&trace);
    traced.arg(command.get_program()).args(command.get_args());
    let directory = command.get_current_dir();
    traced.current_dir(directory.unwrap_or(Path::new(".")));
    let ended = traced.stdin(Stdio::null()).stdout(output).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    fs::read_to_string(trace).unwrap()
}

impl Injection<'_> {
    pub(crate) fn rule(&self) -> String {
        let Self { call, fault, place } = self;
        format!("inject={call}:{fault}:when={place}")
    }

    /// The rules by which strace looks at the calls of the kind, and injects.
    pub(crate) fn rules(&self) -> [String; 2] {
        [format!("trace={}", self.call), self.rule()]
    }

    /// A command as it runs under the fault.
    pub(crate) fn traced(&self, command: &Command, trace: &Path) -> Command {
        let mut traced = Command::new("strace");
        traced.args(["-f", "-e", "signal=none"]);
        for rule in self.rules() {
            traced.args(["-e", &rule]);
        }
        traced.arg("-o").arg(trace);
        traced.arg(command.get_program()).args(command.get_args());
        let directory = command.get_current_dir();
        traced.current_dir(directory.unwrap_or(Path::new(".")));
        traced
    }

    /// Runs a command under the fault.
    pub(crate) fn run(&self, command: &Command, input: Stdio, scratch: &Path) -> Ended {
        self.run_into(command, input, Stdio::piped(), scratch)
    }

    /// The same with somewhere else for its output.
    pub(crate) fn run_into(
        &self,
        command: &Command,
        input: Stdio,
        output: Stdio,
        scratch: &Path,
    ) -> Ended {
        let trace = scratch.join("trace");
        let mut traced = self.traced(command, &trace);
        let ended = traced.stdin(input).stdout(output).output().unwrap();
        let trace = fs::read_to_string(trace).unwrap();
        // strace says nothing of a signal in its trace, and ends as the command did.
        let is_met = trace.contains("(INJECTED)") || is_killed(ended.status);
        Ended {
            is_met,
            is_done: ended.status.success(),
            output: String::from_utf8(ended.stdout).unwrap(),
            words: String::from_utf8(ended.stderr).unwrap(),
        }
    }
}

/// strace at work on a command that serves.
pub(crate) struct Attached(Child);

impl Attached {
    /// Attaches, by these rules, to what is done to these files, or to all if none is given;
    /// nothing if another process may not be traced here. From then on calls are counted, for each
    /// thread of its own.
    pub(crate) fn to(
        running: &Running,
        rules: &[String],
        files: &[&Path],
        trace: &Path,
    ) -> Option<Self> {
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-s", "16", "-e", "signal=none"]);
        for rule in rules {
            command.args(["-e", rule]);
        }
        for file in files {
            command.arg("-P").arg(file);
        }
        command.arg("-o").arg(trace);
        command.args(["-p", &running.process().to_string()]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        words.read_line(&mut first).unwrap();
        if !first.contains(" attached") {
            child.wait().unwrap();
            not_tried(&format!("strace says {}", first.trim_end()));
            return None;
        }
        // It tells of every new thread.
        std::thread::spawn(move || words.lines().map_while(Result::ok).count());
        Some(Self(child))
    }

    /// Waits for its end, once what it is attached to has ended, and returns what it saw.
    pub(crate) fn finish(mut self, trace: &Path) -> String {
        for _ in 0..LOOKS_MAX {
            if self.0.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        // It may wait for ever for threads of a process that was killed. Each line of its trace is
        // written at once.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        fs::read_to_string(trace).unwrap()
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How often it is looked whether strace has ended, before it is made to.
const LOOKS_MAX: u32 = 1_000;
