//! `witness accept`, under a disk that fails.

use std::fs;
use std::process::Stdio;

use crate::copy_directory;
use crate::files;
use crate::strace;
use crate::strace::FAULTS;
use crate::strace::Injection;
use crate::witness_serve::Witnessed;
use crate::witnessed_log::ORIGIN;

/// What is wrong with a command on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Plant {
    None,
    /// What is set aside is cut off, as what is written under its name may be.
    HalfAside,
}

/// A witness whose log's officers have accepted a rollback, of which it has a proof.
struct Accepting {
    witnessed: Witnessed,
    /// The state before.
    state: Vec<u8>,
    /// What was seen, as the log has signed it.
    seen: String,
}

impl Accepting {
    fn new() -> Self {
        let witnessed = Witnessed::new();
        let serving = witnessed.serve();
        assert_eq!(witnessed.submit(&serving, 0, SEEN), Some(200));
        serving.stop();
        let stage = &witnessed.stage;
        let proof = include_str!("../../fuzz/seeds/archive/rollback");
        let proof = proof.strip_prefix("=rollback\n").unwrap();
        fs::write(stage.path("proof"), proof).unwrap();
        copy_directory(&stage.path("state"), &stage.path("before"));
        let state = files(&stage.path("before"));
        let state = state.into_iter().find(|(name, _)| name.ends_with(".state"));
        let submission = witnessed.log.submission(0, SEEN);
        Self {
            state: state.unwrap().1,
            seen: submission.note.text().to_owned(),
            witnessed,
        }
    }

    fn put_back(&self) {
        let stage = &self.witnessed.stage;
        fs::remove_dir_all(stage.path("state")).unwrap();
        copy_directory(&stage.path("before"), &stage.path("state"));
    }

    /// What is wrong with the state directory, where the log goes on from so many entries: what was
    /// set aside, and which statement has served, are whole where they are, and are there where
    /// another state is.
    fn wrong(&self, expected_size: u64) -> Option<String> {
        let size = self.witnessed.kept_size();
        if size != expected_size {
            return Some(format!("{size} entries, not {expected_size}"));
        }
        let files = files(&self.witnessed.stage.path("state"));
        let (mut aside_count, mut statements_count) = (0, 0);
        for (name, bytes) in &files {
            if name.contains(".until-") {
                aside_count += 1;
                if *bytes != self.state {
                    return Some(format!("{name} is not what was seen"));
                }
            } else if name.ends_with(".accepted") {
                statements_count += 1;
                if bytes != self.seen.as_bytes() {
                    return Some(format!("{name} is not what was given up"));
                }
            }
        }
        let is_told = aside_count > 0 && statements_count == 1;
        (expected_size == ACCEPTED && !is_told).then(|| "nothing tells of it".to_owned())
    }

    /// Goal: after a fault the log goes on from where it was seen, or from what was accepted, the
    /// command that is told of an error says so, and the same command again ends it. Returns how
    /// many faults were met, and what was wrong first.
    fn try_all(&self, plant: Plant) -> (u64, Option<String>) {
        let accept = format!("witness accept --config witness.toml --log {ORIGIN} --proof proof");
        let stage = &self.witnessed.stage;
        let mut met_count = 0;
        // Two of the start; then bytes, name, and that the name stays, of the statement, of what
        // is set aside, and of the state.
        let places = (1..=8).map(|place| ("fsync", place));
        for (call, place) in places.chain((1..=3).map(|place| ("rename", place))) {
            for fault in FAULTS {
                let injection = Injection { call, fault, place };
                let command = stage.command(&accept);
                let ended = injection.run(&command, Stdio::null(), &stage.path(""));
                assert!(ended.is_met && !ended.is_done, "{injection:?}: {ended:?}");
                met_count += 1;
                if plant == Plant::HalfAside {
                    self.cut_aside();
                }
                let is_accepted = (call, place) == ("fsync", 8);
                let expected = if is_accepted { ACCEPTED } else { SEEN };
                let wrong = self.wrong(expected).or_else(|| {
                    stage.done(&accept);
                    self.wrong(ACCEPTED)
                });
                if let Some(wrong) = wrong {
                    return (met_count, Some(format!("{injection:?}: {wrong}")));
                }
                self.put_back();
            }
        }
        (met_count, None)
    }

    fn cut_aside(&self) {
        let directory = self.witnessed.stage.path("state");
        for (name, bytes) in files(&directory) {
            if name.contains(".until-") {
                fs::write(directory.join(name), &bytes[..bytes.len() / 2]).unwrap();
            }
        }
    }
}

#[test]
fn interrupted_acceptance_is_ended_by_the_same_command() {
    if !strace::is_there() {
        return;
    }
    let accepting = Accepting::new();
    let (met_count, wrong) = accepting.try_all(Plant::None);
    println!("witness accept: {met_count} faults met");
    assert_eq!(wrong, None);
    assert_eq!(met_count, 33);
    let (_, wrong) = accepting.try_all(Plant::HalfAside);
    assert!(wrong.is_some_and(|it| it.contains("is not what was seen")));
}

/// What the witness has seen of the log: less than its officers give up.
const SEEN: u64 = 10;
/// Where the log goes on, by the proof.
const ACCEPTED: u64 = 9;
