//! A backup that a serving vault makes, under a disk that fails.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use crate::commands::Running;
use crate::commands::Stage;
use crate::commands::not_tried;
use crate::places_count;
use crate::strace;
use crate::strace::Injection;
use crate::strace::is_killed;
use crate::vaults::stage;

/// strace at work on a vault that serves.
struct Attached(Child);

impl Attached {
    /// Attaches; nothing if another process may not be traced here.
    fn to(vault: &Running, injection: &Injection<'_>, trace: &Path) -> Option<Self> {
        let mut command = Command::new("strace");
        command.args(["-f", "-e", "signal=none", "-e"]);
        command.arg(format!("trace={}", injection.call));
        command.args(["-e", &injection.rule(), "-o"]).arg(trace);
        command.args(["-p", &vault.process().to_string()]);
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

    /// Waits for its end, which is the vault's, and says whether a call has failed.
    fn finish(mut self, trace: &Path) -> bool {
        self.0.wait().unwrap();
        let trace = fs::read_to_string(trace).unwrap();
        trace.contains("(INJECTED)")
    }
}

/// Goal: a backup that could not be made is none, the one before is whole, and the next is, too.
/// Method: each fault at the first places of each call; then both are verified.
#[test]
fn backup_that_was_cut_off_is_none_and_the_next_is_whole() {
    if !strace::is_there() {
        return;
    }
    let stage = stage();
    stage.done("init --config config.toml");
    let to = stage.path("backups").display().to_string();
    let backup = |client: &str| format!("backup --to {to} {client} --namespace shop");
    let verify = "audit verify --backup backups --public-key data/audit.vkey";
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    stage.done(&backup(&client));
    vault.stop();
    stage.done(verify);
    let trace = stage.path("trace");
    let (mut met_count, mut failed_count) = (0, 0);
    for call in ["fsync", "rename"] {
        for fault in ["error=EIO", "signal=KILL"] {
            for place in 1..=3 * places_count() {
                let injection = Injection { call, fault, place };
                let mut vault = stage.serve();
                let client = Stage::client(&vault.line());
                stage.tokenize(&client, &format!("Ada {}", "x".repeat(3 + met_count)));
                let Some(attached) = Attached::to(&vault, &injection, &trace) else {
                    return;
                };
                let is_done = stage.run(&backup(&client)).code == 0;
                let is_killed = is_killed(vault.end());
                let is_met = attached.finish(&trace) || is_killed;
                // Whatever became of it, the youngest there is verifies.
                stage.done(verify);
                failed_count += u64::from(!is_done);
                if !is_met {
                    break;
                }
                met_count += 1;
            }
        }
    }
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    stage.done(&backup(&client));
    vault.stop();
    stage.done(verify);
    println!("backups: {met_count} faults met, {failed_count} backups failed");
    assert!(met_count >= 6 && failed_count > 0, "{met_count} met");
}
