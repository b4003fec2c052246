//! A witness by its commands: a process of its own that is killed at any moment, and never knows
//! less than what it has cosigned.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[path = "support/witnessed_log.rs"]
mod witnessed_log;

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use counterfoil::crypto::note::CosignerVerifier;
use counterfoil::crypto::note::SignedNote;
use counterfoil::crypto::note::Submission;
use tempfile::TempDir;

use self::witnessed_log::ORIGIN;
use self::witnessed_log::TestLog;
use self::witnessed_log::post;

/// A directory with a witness's key and configuration.
struct Stage {
    directory: TempDir,
    verifier: CosignerVerifier,
}

/// A witness that runs.
struct Running {
    child: Child,
    address: String,
}

impl Stage {
    fn new(log: &TestLog) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = run(
            &directory,
            "witness key new --name witness.example/w1 --file w1.pem",
        );
        assert!(made.status.success(), "{made:?}");
        let verifier = String::from_utf8(made.stdout).unwrap();
        let log_key = log.key.verifier(TestLog::origin());
        let config = format!(
            "name = \"witness.example/w1\"\nkey_file = \"w1.pem\"\nstate_dir = \"state\"\n\
             listen = \"127.0.0.1:0\"\n[[log]]\npublic_keys = [\"{log_key}\"]\n\
             accept_without_proof = true\n"
        );
        fs::write(directory.path().join("witness.toml"), config).unwrap();
        Self {
            directory,
            verifier: verifier.trim().parse().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn serve(&self) -> Running {
        let mut child = command(&self.directory, "witness serve --config witness.toml")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("ready ").unwrap().to_owned();
        Running { child, address }
    }

    /// What a command that must fail says.
    fn refused(&self, arguments: &str) -> String {
        let output = run(&self.directory, arguments);
        assert!(!output.status.success(), "{arguments}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn state_file(&self) -> PathBuf {
        let files = fs::read_dir(self.path("state")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let is_state = |path: &PathBuf| path.extension().is_some_and(|it| it == "state");
        files.find(is_state).unwrap()
    }
}

impl Running {
    fn post(&self, submission: &Submission) -> Option<(u16, String)> {
        post(&self.address, &submission.to_string())
    }

    /// The size that it says it has seen last.
    fn seen(&self, log: &TestLog) -> u64 {
        // Nobody has seen nothing of it and everything at once.
        let (status, body) = self.post(&log.submission(0, 1)).unwrap();
        match status {
            200 => 1,
            409 => body.trim().parse().unwrap(),
            other => panic!("{other} {body}"),
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn command(directory: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    command
        .args(arguments.split_whitespace())
        .current_dir(directory.path())
        .stdin(Stdio::null());
    command
}

fn run(directory: &TempDir, arguments: &str) -> Output {
    command(directory, arguments).output().unwrap()
}

/// Submits ever larger checkpoints until the witness is gone. Returns the largest that was
/// cosigned.
fn submit_until_gone(
    log: &TestLog,
    address: &str,
    verifier: &CosignerVerifier,
    largest: &AtomicU64,
) {
    let mut known = 0;
    loop {
        let size = (known + 1).min(SIZE);
        let submission = log.submission(known, size);
        let Some((status, body)) = post(address, &submission.to_string()) else {
            return;
        };
        match status {
            200 => {
                let text = submission.note.text();
                let note: SignedNote = format!("{text}\n{body}").parse().unwrap();
                verifier.verify(&note).unwrap();
                largest.fetch_max(size, Ordering::SeqCst);
                known = size;
            }
            409 => known = body.trim().parse().unwrap(),
            other => panic!("{other} {body}"),
        }
    }
}

/// Kills the witness again and again. After each start it is `meddled` with; says whether it ever
/// knew less than it had cosigned.
fn knows_less(stage: &Stage, log: &TestLog, rounds: u64, meddle: impl Fn(u64)) -> bool {
    let largest = AtomicU64::new(0);
    for round in 0..rounds {
        meddle(round);
        let running = stage.serve();
        let seen = running.seen(log);
        if seen < largest.load(Ordering::SeqCst) {
            running.kill();
            return true;
        }
        let address = running.address.clone();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| submit_until_gone(log, &address, &stage.verifier, &largest));
            }
            // Once it has cosigned some; where in a write it is then, is anybody's guess.
            for _ in 0..20_000 {
                if largest.load(Ordering::SeqCst) >= seen + 3 {
                    break;
                }
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(Duration::from_millis((round * 7) % 30));
            running.kill();
        });
    }
    let largest = largest.into_inner();
    assert!(largest > rounds, "the campaign got somewhere");
    false
}

#[test]
fn witness_that_is_killed_knows_what_it_cosigned() {
    let log = TestLog::new(SIZE, 0);
    let stage = Stage::new(&log);
    assert!(!knows_less(&stage, &log, 12, |_| {}));
}

#[test]
fn witness_whose_state_went_back_is_caught() {
    let log = TestLog::new(SIZE, 0);
    let stage = Stage::new(&log);
    let old = stage.path("old");
    let meddle = |round| match round {
        2 => drop(fs::copy(stage.state_file(), &old).unwrap()),
        4 => drop(fs::copy(&old, stage.state_file()).unwrap()),
        _ => {}
    };
    assert!(knows_less(&stage, &log, 6, meddle));
}

#[test]
fn witness_starts_with_its_own_state_and_key_or_not_at_all() {
    let log = TestLog::new(SIZE, 0);
    let stage = Stage::new(&log);
    let running = stage.serve();
    let (status, _) = running.post(&log.submission(0, 9)).unwrap();
    assert_eq!(status, 200);
    let words = stage.refused("witness serve --config witness.toml");
    assert!(words.contains("in use by another witness"), "{words}");
    running.kill();

    let file = stage.state_file();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let words = stage.refused("witness serve --config witness.toml");
    assert!(words.contains("is damaged"), "{words}");
    fs::write(&file, whole).unwrap();

    let key = stage.path("w1.pem");
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let words = stage.refused("witness serve --config witness.toml");
    assert!(words.contains("chmod 600"), "{words}");
    let again = "witness key new --name witness.example/w1 --file w1.pem";
    assert!(stage.refused(again).contains("w1.pem"));
}

#[test]
fn operator_lets_a_log_go_on_from_elsewhere() {
    let log = TestLog::new(SIZE, 0);
    let other = TestLog::new(SIZE, 1);
    let stage = Stage::new(&log);
    let running = stage.serve();
    assert_eq!(running.post(&log.submission(0, 9)).unwrap().0, 200);
    assert_eq!(running.post(&other.submission(9, 12)).unwrap().0, 422);
    let root = other.root(7);
    let accept = format!("witness accept --config witness.toml --size 7 --root {root} --log");
    let words = stage.refused(&format!("{accept} {ORIGIN}"));
    assert!(words.contains("in use by another witness"), "{words}");
    running.kill();
    let words = stage.refused(&format!("{accept} other.example"));
    assert!(words.contains("no such log"), "{words}");
    let accepted = run(&stage.directory, &format!("{accept} {ORIGIN}"));
    assert!(accepted.status.success(), "{accepted:?}");
    let words = String::from_utf8(accepted.stderr).unwrap();
    assert!(words.contains("it was seen with 9 entries"), "{words}");
    let running = stage.serve();
    assert_eq!(running.seen(&log), 7);
    assert_eq!(running.post(&log.submission(7, 12)).unwrap().0, 422);
    assert_eq!(running.post(&other.submission(7, 12)).unwrap().0, 200);
    running.kill();
}

const SIZE: u64 = 5_000;
