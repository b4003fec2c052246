//! Commands that write files, under a disk that fails: at the n-th call of each kind that a command
//! makes, the system says that it failed, or the command is killed.
//!
//! A sync that fails is of bytes that are there: it is a write that fails, and is on the disk.
//!
//! `COUNTERFOIL_COMMAND_FAULTS` says at how many places each fault is tried (2 without it).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy takes only functions with #[test] for tests"
)]
#![expect(clippy::print_stdout, reason = "a campaign prints what it did")]
#![expect(dead_code, reason = "the stage has more than these stories need")]

#[path = "command_faults/backups.rs"]
mod backups;
#[path = "support/commands.rs"]
mod commands;
#[path = "command_faults/keys.rs"]
mod keys;
#[path = "command_faults/lists.rs"]
mod lists;
#[path = "command_faults/logs.rs"]
mod logs;
#[path = "command_faults/receipts.rs"]
mod receipts;
#[path = "command_faults/root_keys.rs"]
mod root_keys;
#[path = "command_faults/stores.rs"]
mod stores;
#[path = "command_faults/strace.rs"]
mod strace;
#[path = "command_faults/tables.rs"]
mod tables;
#[path = "command_faults/vaults.rs"]
mod vaults;
#[path = "command_faults/watching.rs"]
mod watching;
#[path = "command_faults/witness_accept.rs"]
mod witness_accept;
#[path = "command_faults/witness_serve.rs"]
mod witness_serve;
#[path = "support/witnessed_log.rs"]
mod witnessed_log;
#[path = "publishing/writer.rs"]
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What has a name in a directory, and is not on its way to one.
type Files = BTreeMap<String, Vec<u8>>;

/// Reads the files below a directory, but for those that say by their name that they are not whole.
fn files(directory: &Path) -> Files {
    let mut files = Files::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            let is_on_its_way = UNFINISHED.iter().any(|end| name.ends_with(end));
            if !is_on_its_way {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            copy_directory(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

/// At how many places each fault is tried.
fn places_count() -> u64 {
    let count = std::env::var("COUNTERFOIL_COMMAND_FAULTS").ok();
    count.map_or(2, |text| text.parse().unwrap())
}

const UNFINISHED: [&str; 2] = [".partial", ".new"];
