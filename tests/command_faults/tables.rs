//! `tokenize --output`, under a disk that fails.

use std::fmt::Write;
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
    /// The last row has not reached the disk, though the state says so.
    LostRow,
}

/// A command that makes a table of tokens.
struct Story<'a> {
    stage: &'a Stage,
    call: &'a str,
    /// The table where nothing fails.
    whole: Vec<u8>,
}

impl Story<'_> {
    /// Goal: after a fault there is no table or a whole one, and the same command makes the whole
    /// one, or says that it is there. Returns how many faults were met, and what was wrong first.
    fn try_all(&self, plant: Plant) -> (u64, Option<String>) {
        let mut met_count = 0;
        for kind in ["fdatasync", "rename", "unlink"] {
            for fault in FAULTS {
                for place in 1..=places_count() + 2 {
                    let injection = Injection {
                        call: kind,
                        fault,
                        place,
                    };
                    let command = self.stage.command(self.call);
                    let ended = injection.run(&command, Stdio::null(), &self.stage.path(""));
                    if plant == Plant::LostRow {
                        self.lose_a_row();
                    }
                    if ended.is_done == ended.is_met {
                        return (met_count, Some(format!("{injection:?}: {ended:?}")));
                    }
                    if let Some(wrong) = self.is_wrong(ended.is_done) {
                        return (met_count, Some(format!("{injection:?}: {wrong}")));
                    }
                    for name in ["tokens.csv", "tokens.csv.state", "tokens.csv.partial"] {
                        let _none = fs::remove_file(self.stage.path(name));
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

    fn is_wrong(&self, is_done: bool) -> Option<String> {
        let path = self.stage.path("tokens.csv");
        let is_there = path.exists();
        if is_done && !is_there {
            return Some("it says that it is done".to_owned());
        }
        if is_there && fs::read(&path).unwrap() != self.whole {
            return Some("the table is not whole".to_owned());
        }
        let again = self.stage.run(self.call);
        if (again.code == 0) == is_there {
            return Some(again.words);
        }
        (fs::read(&path).unwrap() != self.whole).then(|| "again makes another table".to_owned())
    }

    fn lose_a_row(&self) {
        let path = self.stage.path("tokens.csv.partial");
        if let Ok(rows) = fs::read(&path) {
            fs::write(&path, &rows[..rows.len() - rows.len().min(5)]).unwrap();
        }
    }
}

#[test]
fn interrupted_table_of_tokens_is_made_good_by_the_same_command() {
    if !strace::is_there() {
        return;
    }
    let stage = stage();
    stage.done("init --config config.toml");
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let mut rows = "id,name\n".to_owned();
    for number in 0..ROWS_COUNT {
        writeln!(rows, "cus_{number},Ada Lovelace").unwrap();
    }
    fs::write(stage.path("customers.csv"), rows).unwrap();
    let call = format!(
        "tokenize --csv --columns name=name --namespace shop {client} --output tokens.csv \
         customers.csv"
    );
    stage.done(&call);
    let whole = fs::read(stage.path("tokens.csv")).unwrap();
    fs::remove_file(stage.path("tokens.csv")).unwrap();
    let story = Story {
        stage: &stage,
        call: &call,
        whole,
    };
    let (met_count, wrong) = story.try_all(Plant::None);
    println!("tables of tokens: {met_count} faults met");
    assert_eq!(wrong, None);
    assert!(met_count >= 20, "{met_count} faults met");
    let (_, wrong) = story.try_all(Plant::LostRow);
    assert!(wrong.is_some_and(|it| it.contains("shorter than its state says")));
    vault.stop();
}

/// Two batches, and a little of a third.
const ROWS_COUNT: usize = 2_100;
