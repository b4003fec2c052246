//! `audit watch --state`, under a disk that fails.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::process::Stdio;

use crate::commands::Running;
use crate::commands::Stage;
use crate::places_count;
use crate::strace;
use crate::strace::FAULTS;
use crate::strace::Injection;
use crate::vaults::stage;

/// What is wrong with a command on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Plant {
    None,
    /// The state is cut off, as one that is written in its place may be.
    HalfAState,
}

/// A vault's log that is followed: each time that this begins, the log has one entry more.
struct Watching {
    stage: Stage,
    /// Entries that the log has.
    size: u64,
}

impl Watching {
    /// How many entries are out, as the state says; nothing if it is no state.
    fn kept_size(&self) -> Option<u64> {
        let note = fs::read_to_string(self.stage.path("watched")).unwrap();
        let (size, rest) = note.split_once('\n')?.1.split_once('\n')?;
        rest.ends_with('\n').then(|| size.parse().ok())?
    }

    /// Follows the log to its end, which is the beginning of this.
    fn call(&mut self, kept_size: u64) -> String {
        self.size += 1;
        let count = self.size - kept_size;
        format!(
            "audit watch --config-client client.toml --public-key data/audit.vkey \
             --state watched --count {count}"
        )
    }

    /// The file that entries are appended to, as by `>>`.
    fn log(&self) -> File {
        let mut options = OpenOptions::new();
        let options = options.append(true).create(true);
        options.open(self.stage.path("log.jsonl")).unwrap()
    }

    /// Goal: after a fault the state is the one of before or this one, and the next run goes on
    /// there, and leaves no entry out. Returns how many faults were met, and what was wrong first.
    fn try_all(&mut self, plant: Plant) -> (u64, Option<String>) {
        let mut met_count = 0;
        for kind in ["fdatasync", "fsync", "rename"] {
            for fault in FAULTS {
                for place in 1..=places_count() {
                    let injection = Injection {
                        call: kind,
                        fault,
                        place,
                    };
                    let before = self.kept_size().unwrap();
                    let call = self.call(before);
                    let command = self.stage.command(&call);
                    let (input, output) = (Stdio::null(), Stdio::from(self.log()));
                    let scratch = self.stage.path("");
                    let ended = injection.run_into(&command, input, output, &scratch);
                    if plant == Plant::HalfAState {
                        let state = fs::read(self.stage.path("watched")).unwrap();
                        let half = &state[..state.len() / 2];
                        fs::write(self.stage.path("watched"), half).unwrap();
                    }
                    // The entries; the state's bytes, then its name, then that the name stays.
                    let is_kept = !ended.is_met || (kind, place) == ("fsync", 2);
                    let expected = if is_kept { self.size } else { before };
                    if ended.is_done == ended.is_met {
                        return (met_count, Some(format!("{injection:?}: {ended:?}")));
                    }
                    if self.kept_size() != Some(expected) {
                        let wrong = format!("{injection:?}: the state is not of {expected}");
                        return (met_count, Some(wrong));
                    }
                    let call = self.call(expected);
                    let lines = self.stage.done(&call);
                    let first = format!("\"index\":{expected},");
                    let is_next = lines.lines().next().is_some_and(|it| it.contains(&first));
                    if !is_next || lines.lines().count() as u64 != self.size - expected {
                        let wrong = format!("{injection:?}: {lines} after {expected}");
                        return (met_count, Some(wrong));
                    }
                    if !ended.is_met {
                        break;
                    }
                    met_count += 1;
                }
            }
        }
        (met_count, None)
    }
}

/// Whether the state got its name, and never while the log had entries that were not synced.
fn is_synced_before_its_state(trace: &str) -> bool {
    let (mut is_dirty, mut states_count, mut is_in_order) = (false, 0, true);
    for line in trace.lines() {
        let of_log = line.contains("/log.jsonl>");
        if of_log && line.contains(" write(") {
            is_dirty = true;
        } else if line.contains("fdatasync") && line.ends_with(" = 0") {
            // The result may have a line of its own. Nothing else is synced so.
            is_dirty = false;
        } else if line.contains(" rename(") && line.contains("\"watched\"") {
            states_count += 1;
            is_in_order &= !is_dirty;
        }
    }
    is_in_order && states_count > 0
}

/// Goal: a power cut that leaves the state leaves the entries that it speaks of. Method: the order
/// of the calls of a whole run. Planted: a run whose syncs of the log have not happened.
#[test]
fn watched_entries_are_on_the_disk_before_the_state_says_so() {
    if !strace::is_there() {
        return;
    }
    let (mut watching, vault) = watching();
    let call = watching.call(0);
    let output = Stdio::from(watching.log());
    let command = watching.stage.command(&call);
    let calls = "write,fdatasync,rename";
    let trace = strace::trace(&command, calls, output, &watching.stage.path(""));
    assert_eq!(watching.kept_size(), Some(watching.size), "{trace}");
    let log = fs::read_to_string(watching.stage.path("log.jsonl")).unwrap();
    assert_eq!(log.lines().count() as u64, watching.size);
    assert!(is_synced_before_its_state(&trace), "{trace}");
    let is_sync = |line: &&str| line.contains("fdatasync");
    let unsynced: Vec<&str> = trace.lines().filter(|line| !is_sync(line)).collect();
    assert!(!is_synced_before_its_state(&unsynced.join("\n")), "{trace}");
    vault.stop();
}

/// A vault with a client that may follow its log.
fn watching() -> (Watching, Running) {
    let stage = stage();
    stage.done("init --config config.toml");
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    stage.tokenize(&client, "Ada Lovelace");
    let words: Vec<&str> = client.split_whitespace().collect();
    let settings = words.chunks(2).map(|pair| {
        let name = pair[0].trim_start_matches("--").replace('-', "_");
        format!("{name} = \"{}\"\n", pair[1])
    });
    fs::write(stage.path("client.toml"), settings.collect::<String>()).unwrap();
    let public_key = "--public-key data/audit.vkey";
    let online = format!("--online --config-client client.toml {public_key}");
    // As it was before the question, which is an entry too.
    let note = stage.done(&format!("audit prove-consistency {online}"));
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    (Watching { stage, size }, vault)
}

#[test]
fn interrupted_watch_goes_on_where_its_state_is() {
    if !strace::is_there() {
        return;
    }
    let (mut watching, vault) = watching();
    let call = watching.call(0);
    watching.stage.done(&call);
    assert_eq!(watching.kept_size(), Some(watching.size));
    let (met_count, wrong) = watching.try_all(Plant::None);
    println!("audit watch: {met_count} faults met");
    assert_eq!(wrong, None);
    assert!(met_count >= 12, "{met_count} faults met");
    let (_, wrong) = watching.try_all(Plant::HalfAState);
    assert!(wrong.is_some_and(|it| it.contains("the state is not of")));
    vault.stop();
}
