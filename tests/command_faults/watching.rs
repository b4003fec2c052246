//! `audit watch --state`, under a disk that fails.

use std::fs;
use std::process::Stdio;

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

    /// Goal: after a fault the state is the one of before or this one, and the next run goes on
    /// there, and leaves no entry out. Returns how many faults were met, and what was wrong first.
    fn try_all(&mut self, plant: Plant) -> (u64, Option<String>) {
        let mut met_count = 0;
        for kind in ["fsync", "rename"] {
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
                    let ended = injection.run(&command, Stdio::null(), &self.stage.path(""));
                    if plant == Plant::HalfAState {
                        let state = fs::read(self.stage.path("watched")).unwrap();
                        let half = &state[..state.len() / 2];
                        fs::write(self.stage.path("watched"), half).unwrap();
                    }
                    // Bytes, then the name, then that the name stays.
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

#[test]
fn interrupted_watch_goes_on_where_its_state_is() {
    if !strace::is_there() {
        return;
    }
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
    let mut watching = Watching { stage, size };
    let call = watching.call(0);
    watching.stage.done(&call);
    assert_eq!(watching.kept_size(), Some(watching.size));
    let (met_count, wrong) = watching.try_all(Plant::None);
    println!("audit watch: {met_count} faults met");
    assert_eq!(wrong, None);
    assert!(met_count >= 9, "{met_count} faults met");
    let (_, wrong) = watching.try_all(Plant::HalfAState);
    assert!(wrong.is_some_and(|it| it.contains("the state is not of")));
    vault.stop();
}
