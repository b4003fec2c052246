//! Commands that write a log for others: its archive, new and without what was erased, and its
//! tiles.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use crate::Files;
use crate::copy_directory;
use crate::files;
use crate::places_count;
use crate::strace;
use crate::strace::FAULTS;
use crate::strace::Injection;
use crate::writer::Writer;

/// What is wrong with a command on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Plant {
    None,
    /// What it was writing has its name before it is whole.
    HalfUnderItsName,
}

/// A command that makes of one directory another.
struct Story {
    name: &'static str,
    arguments: Vec<String>,
    log: Writer,
    /// The directory before.
    before: Files,
}

impl Story {
    fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        command.args(&self.arguments).arg(directory);
        command.args(self.log.flags());
        command
    }

    /// What the command makes where nothing fails.
    fn after(&self, from: &Path) -> Files {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("directory");
        copy_directory(from, &directory);
        let done = self.command(&directory).output().unwrap();
        assert!(done.status.success(), "{}: {done:?}", self.name);
        files(&directory)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// An archive that has a segment, of a log with a new one, and with an erased entry in the first.
fn archive(directory: &Path) -> Story {
    let mut log = Writer::new(1);
    log.tell(300);
    let story = Story {
        name: "archive",
        arguments: words("audit archive --before 512 --to"),
        log,
        before: Files::new(),
    };
    let made = story.command(directory).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut story = story;
    story.log.erase(7);
    story.log.tell(300);
    story.before = files(directory);
    story
}

/// Tiles of a log that has grown since they were written.
fn tiles(directory: &Path) -> Story {
    let mut log = Writer::new(2);
    log.tell(300);
    let story = Story {
        name: "tiles",
        arguments: words("audit export --entries --tiles"),
        log,
        before: Files::new(),
    };
    let made = story.command(directory).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let mut story = story;
    story.log.tell(300);
    story.before = files(directory);
    story
}

/// Goal: after a fault each file is as before or as after, and the same command again makes the
/// whole. Returns how many faults were met, and what was wrong first.
fn try_all(make: fn(&Path) -> Story, plant: Plant) -> (u64, Option<String>) {
    let scratch = tempfile::tempdir().unwrap();
    let original = scratch.path().join("original");
    let story = make(&original);
    let after = story.after(&original);
    let mut met_count = 0;
    for call in CALLS {
        for fault in FAULTS {
            for place in 1..=places_count() {
                let injection = Injection { call, fault, place };
                let directory = scratch.path().join("directory");
                copy_directory(&original, &directory);
                let command = story.command(&directory);
                let ended = injection.run(&command, Stdio::null(), scratch.path());
                if plant == Plant::HalfUnderItsName {
                    put_half(&directory, &after);
                }
                let wrong = is_wrong(&story, &directory, &after, ended.is_done);
                fs::remove_dir_all(&directory).unwrap();
                if let Some(wrong) = wrong {
                    return (met_count, Some(format!("{injection:?}: {wrong}")));
                }
                if !ended.is_met {
                    break;
                }
                met_count += 1;
            }
        }
    }
    println!("{}: {met_count} faults met, plant {plant:?}", story.name);
    (met_count, None)
}

/// What is wrong with a directory that a command was interrupted in.
fn is_wrong(story: &Story, directory: &Path, after: &Files, is_done: bool) -> Option<String> {
    let there = files(directory);
    if is_done && there != *after {
        return Some("it says that it is done".to_owned());
    }
    for (name, bytes) in &there {
        let is_one = [&story.before, after]
            .iter()
            .any(|files| files.get(name) == Some(bytes));
        if !is_one {
            return Some(format!("{name} is neither as before nor as after"));
        }
    }
    let again = story.command(directory).output().unwrap();
    if !again.status.success() {
        return Some(String::from_utf8(again.stderr).unwrap());
    }
    (files(directory) != *after).then(|| "again makes another directory".to_owned())
}

fn put_half(directory: &Path, after: &Files) {
    let there = files(directory);
    let missing = after.iter().find(|(name, _)| !there.contains_key(*name));
    if let Some((name, bytes)) = missing {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }
}

#[test]
fn interrupted_archive_and_tiles_are_made_good_by_the_same_command() {
    if strace::is_there() {
        for make in [archive, tiles] {
            let (met_count, wrong) = try_all(make, Plant::None);
            assert_eq!(wrong, None);
            assert!(met_count >= 6, "{met_count} faults met");
        }
    }
}

#[test]
fn half_a_file_under_its_name_is_noticed() {
    if strace::is_there() {
        for make in [archive, tiles] {
            let (_, wrong) = try_all(make, Plant::HalfUnderItsName);
            assert!(wrong.is_some_and(|it| it.contains("neither as before")));
        }
    }
}

/// What such a command makes its writes durable with.
const CALLS: [&str; 4] = ["fsync", "rename", "syncfs", "unlink"];
