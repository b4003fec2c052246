//! Goal: no cosignature leaves before the disk has its checkpoint, whatever becomes of the write
//! and whenever the process ends. Method: writes that fail, writes that fail after they are on the
//! disk, and a new start after each; every bit of a state file flipped.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use super::*;

/// What becomes of a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    Done,
    Fails,
    FailsButPersisted,
    /// The planted fault: it says that it is done, and is not. So does a witness that answers
    /// before it has written.
    IsForgotten,
}

struct FaultyKeeper {
    inner: StateDirectory,
    fate: Mutex<Fate>,
}

impl KeepState for FaultyKeeper {
    fn write(&self, latest: &Latest) -> io::Result<()> {
        let failed = || io::Error::other("injected");
        match *self.fate.lock().unwrap() {
            Fate::Done => self.inner.write(latest),
            Fate::Fails => Err(failed()),
            Fate::FailsButPersisted => self.inner.write(latest).and(Err(failed())),
            Fate::IsForgotten => Ok(()),
        }
    }
}

/// Ends the witness after each submission, and starts it anew. Says whether it ever knew less than
/// what it had cosigned.
fn knows_less(path: &Path, seed: u64, fates: &[Fate]) -> bool {
    let log = TestLog::new(400, 400, 0);
    let mut state = seed;
    let mut cosigned_size = 0;
    for _ in 0..60 {
        let inner = StateDirectory::open(path).unwrap();
        let latest = inner.read(&origin()).unwrap();
        let size = latest.as_ref().map_or(0, |it| it.checkpoint().tree_size);
        if size < cosigned_size {
            return true;
        }
        let fate = fates[usize::try_from(next(&mut state, fates.len() as u64)).unwrap()];
        let keeper = FaultyKeeper {
            inner,
            fate: Mutex::new(fate),
        };
        let witness = log.witness_with(latest, Box::new(keeper));
        let to = (size + next(&mut state, 5)).min(400);
        let answer = add(&witness, &log.submission(size, to));
        match answer {
            Ok(cosigned) => cosigned_size = cosigned_size.max(cosigned.tree_size),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::Unavailable);
                // Whatever the disk has: nothing more leaves, not even what was cosigned before.
                assert!(!witness.is_well());
                let again = add(&witness, &log.submission(size, size));
                assert_eq!(again, Err(Refusal::Unavailable));
            }
        }
    }
    assert!(cosigned_size > 30, "the campaign got somewhere");
    false
}

#[test]
fn witness_never_knows_less_than_it_has_cosigned() {
    let directory = tempfile::tempdir().unwrap();
    let fates = [Fate::Done, Fate::Fails, Fate::FailsButPersisted];
    for seed in 0..3 {
        let path = directory.path().join(seed.to_string());
        assert!(!knows_less(&path, seed, &fates), "seed {seed}");
    }
}

#[test]
fn witness_that_answers_before_it_writes_is_caught() {
    let directory = tempfile::tempdir().unwrap();
    let fates = [Fate::Done, Fate::Done, Fate::IsForgotten];
    assert!(knows_less(directory.path(), 1, &fates));
}

#[test]
fn damaged_state_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(9, 9, 0);
    let witness = log.witness(StateDirectory::open(directory.path()).unwrap());
    add(&witness, &log.submission(0, 9)).unwrap();
    drop(witness);
    let state = StateDirectory::open(directory.path()).unwrap();
    let read = || state.read(&origin());
    assert_eq!(read().unwrap().unwrap().checkpoint(), &log.checkpoint(9));
    let file = state_file(directory.path());
    let whole = fs::read(&file).unwrap();
    for position in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[position] ^= 1 << bit;
            fs::write(&file, bytes).unwrap();
            let read = read();
            assert!(
                matches!(read, Err(StateError::Damaged { .. })),
                "byte {position}, bit {bit}"
            );
        }
        fs::write(&file, &whole[..position]).unwrap();
        assert!(read().is_err(), "cut at {position}");
    }
    fs::write(&file, [whole.as_slice(), b"\n"].concat()).unwrap();
    assert!(read().is_err());
    fs::write(&file, &whole).unwrap();
    assert!(read().is_ok());
    // The state of one log in the place of another's.
    let other = NoteKeyName::new("other.example/audit").unwrap();
    let of_other = Checkpoint {
        origin: other.clone(),
        ..log.checkpoint(9)
    };
    let accepted = Latest::accepted(of_other, NOW);
    state.write(&accepted).unwrap();
    assert_eq!(state.read(&other).unwrap(), Some(accepted.clone()));
    fs::write(&file, accepted.to_string()).unwrap();
    assert!(matches!(read(), Err(StateError::Damaged { .. })));
}

#[test]
fn crash_beside_the_file_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(9, 9, 0);
    let witness = log.witness(StateDirectory::open(directory.path()).unwrap());
    add(&witness, &log.submission(0, 4)).unwrap();
    drop(witness);
    let beside = state_file(directory.path()).with_extension("new");
    fs::write(&beside, "half of a st").unwrap();
    let witness = log.witness(StateDirectory::open(directory.path()).unwrap());
    assert!(add(&witness, &log.submission(4, 9)).is_ok());
    drop(witness);
    let state = StateDirectory::open(directory.path()).unwrap();
    let latest = state.read(&origin()).unwrap().unwrap();
    assert_eq!(latest.checkpoint(), &log.checkpoint(9));
}

#[test]
fn one_process_has_the_state() {
    let directory = tempfile::tempdir().unwrap();
    let first = StateDirectory::open(directory.path()).unwrap();
    let second = StateDirectory::open(directory.path());
    assert!(matches!(second, Err(StateError::Locked { .. })));
    drop(first);
    assert!(StateDirectory::open(directory.path()).is_ok());
}

#[test]
fn what_the_operator_accepts_is_where_the_log_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(40, 40, 0);
    let rolled_back = TestLog::new(40, 20, 1);
    let witness = log.witness(StateDirectory::open(directory.path()).unwrap());
    add(&witness, &log.submission(0, 30)).unwrap();
    let forked = add(&witness, &rolled_back.submission(30, 35));
    assert!(matches!(forked, Err(Refusal::Proof { .. })));
    drop(witness);
    let state = StateDirectory::open(directory.path()).unwrap();
    let before = fs::read(state_file(directory.path())).unwrap();
    state.set_aside(&origin(), 7).unwrap();
    let accepted = Latest::accepted(rolled_back.checkpoint(20), NOW);
    state.write(&accepted).unwrap();
    let witness = log.witness(state);
    let stale = Err(Refusal::Stale { latest_size: 20 });
    assert_eq!(add(&witness, &log.submission(30, 35)), stale);
    assert!(add(&witness, &rolled_back.submission(20, 35)).is_ok());
    let aside = state_file(directory.path()).with_extension("until-7");
    assert_eq!(fs::read(aside).unwrap(), before);
}

fn state_file(directory: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(directory).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files
        .find(|file| file.extension().is_some_and(|it| it == "state"))
        .unwrap()
}
