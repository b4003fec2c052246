//! Goal: no cosignature has a time before that of an earlier one, though the machine's clock was
//! set back while the witness was stopped. Method: a witness that is started anew before each
//! answer, under a clock that goes anywhere.

use std::fs;
use std::io;
use std::path::Path;

use sha2::Digest;
use sha2::Sha256;

use super::*;

/// A clock that says what it was told.
struct Told(u64);

impl Clock for Told {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0 * 1_000)
    }
}

/// The planted fault: it keeps the checkpoint, and not when that was cosigned.
struct Timeless(StateDirectory);

impl KeepState for Timeless {
    fn write(&self, latest: &Latest) -> io::Result<()> {
        let checkpoint = latest.checkpoint().clone();
        self.0.write(&Latest::accepted(checkpoint, 0))
    }
}

/// The time of the cosignature of these entries, by a witness that is started at such a time.
fn time_at(
    log: &TestLog,
    path: &Path,
    unix_seconds: u64,
    size: u64,
    keeper: impl Fn(StateDirectory) -> Box<dyn KeepState>,
) -> u64 {
    let directory = StateDirectory::open(path).unwrap();
    let latest = directory.read(&log.origin).unwrap();
    let old_size = latest.as_ref().map_or(0, |it| it.checkpoint().tree_size);
    let clock = Arc::new(Told(unix_seconds));
    let logs = vec![log.watched(latest)];
    let witness = Witness::new(cosigner(), logs, keeper(directory), clock);
    let submission = log.submission(old_size, size);
    let cosigned = add(&witness, &submission).unwrap();
    let note = format!("{}{}\n", submission.note, cosigned.signature);
    verifier().verify(&note.parse().unwrap()).unwrap()
}

fn whole(directory: StateDirectory) -> Box<dyn KeepState> {
    Box::new(directory)
}

fn timeless(directory: StateDirectory) -> Box<dyn KeepState> {
    Box::new(Timeless(directory))
}

/// How often a time is before the one before it, of a log that grows or is asked for again.
fn backward_count(seed: u64, keeper: impl Fn(StateDirectory) -> Box<dyn KeepState>) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(80, 80, 0);
    let (mut state, mut size, mut before, mut count) = (seed, 0, 0, 0);
    for _ in 0..40 {
        size += next(&mut state, 3);
        let now = NOW - 500 + next(&mut state, 1_000);
        let time = time_at(&log, directory.path(), now, size, &keeper);
        // It is the clock's where that is not behind.
        assert!(now <= time && time < NOW + 500);
        count += u64::from(time < before);
        before = time;
    }
    count
}

#[test]
fn time_never_goes_back_over_a_restart() {
    for seed in 0..3 {
        assert_eq!(backward_count(seed, whole), 0, "seed {seed}");
    }
    assert!(backward_count(0, timeless) > 0, "the planted fault");
}

#[test]
fn time_of_a_repeated_answer_is_kept_too() {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(9, 9, 0);
    let at = |unix_seconds, size| time_at(&log, directory.path(), unix_seconds, size, whole);
    assert_eq!(at(NOW, 4), NOW);
    assert_eq!(at(NOW + 30, 4), NOW + 30);
    assert_eq!(at(NOW - 3_600, 4), NOW + 30);
    assert_eq!(at(NOW - 3_600, 9), NOW + 30);
    assert_eq!(at(NOW + 31, 9), NOW + 31);
}

#[test]
fn time_of_one_log_is_not_before_that_of_another() {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(9, 9, 0);
    time_at(&log, directory.path(), NOW, 4, whole);
    let other = TestLog {
        origin: NoteKeyName::new("other.example/audit").unwrap(),
        ..TestLog::new(9, 9, 0)
    };
    let state = StateDirectory::open(directory.path()).unwrap();
    let watched = [&log, &other].map(|it| it.watched(state.read(&it.origin).unwrap()));
    let clock = Arc::new(Told(NOW - 60));
    let witness = Witness::new(cosigner(), watched.into(), Box::new(state), clock);
    add(&witness, &other.submission(0, 5)).unwrap();
    drop(witness);
    let state = StateDirectory::open(directory.path()).unwrap();
    let kept = state.read(&other.origin).unwrap().unwrap();
    assert_eq!(kept.cosigned_unix_seconds(), NOW);
}

#[test]
fn state_of_the_version_without_a_time_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(9, 9, 0);
    time_at(&log, directory.path(), NOW, 4, whole);
    let files = fs::read_dir(directory.path()).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let file = files.find(|file| file.extension().is_some_and(|it| it == "state"));
    let file = file.unwrap();
    let note = log.note(4).to_string();
    let digest = hex::encode(Sha256::digest(&note));
    let old = format!("counterfoil witness state 1\nsha256 {digest}\n{note}");
    let now = fs::read_to_string(&file).unwrap();
    assert!(now.starts_with("counterfoil witness state 2\n"));
    // What is newer is none of the old version with something more.
    let forged = now.replacen("state 2", "state 1", 1);
    fs::write(&file, forged).unwrap();
    let state = StateDirectory::open(directory.path()).unwrap();
    let read = state.read(&log.origin);
    assert!(matches!(read, Err(StateError::Damaged { .. })));
    fs::write(&file, old).unwrap();
    let latest = state.read(&log.origin).unwrap().unwrap();
    assert_eq!(latest, Latest::signed(log.checkpoint(4), log.note(4), 0));
    drop(state);
    let time = time_at(&log, directory.path(), NOW - 5, 9, whole);
    assert_eq!(time, NOW - 5);
}
