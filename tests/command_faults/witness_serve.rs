//! `witness serve` under a disk that fails, and after a power cut: what it has cosigned, it knows.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use counterfoil::crypto::note::CosignerVerifier;
use counterfoil::crypto::note::SignedNote;

use crate::commands::Running;
use crate::commands::Stage;
use crate::places_count;
use crate::strace;
use crate::strace::Attached;
use crate::strace::FAULTS;
use crate::strace::Injection;
use crate::strace::is_killed;
use crate::witnessed_log::ORIGIN;
use crate::witnessed_log::TestLog;
use crate::witnessed_log::ask;
use crate::witnessed_log::post;

/// A witness of one log.
pub(crate) struct Witnessed {
    pub(crate) stage: Stage,
    pub(crate) log: TestLog,
    verifier: CosignerVerifier,
}

/// A witness that runs.
pub(crate) struct Serving {
    running: Running,
    address: String,
}

impl Witnessed {
    pub(crate) fn new() -> Self {
        let stage = Stage::new("provider = \"passphrase-file\"");
        let verifier = stage.done("witness key new --name witness.example/w1 --file w1.pem");
        let keys = include_str!("../../fuzz/seeds/archive.vkey").lines();
        let keys: Vec<_> = keys.map(|key| format!("\"{key}\"")).collect();
        let config = format!(
            "name = \"witness.example/w1\"\nkey_file = \"w1.pem\"\nstate_dir = \"state\"\n\
             listen = \"127.0.0.1:0\"\n[[log]]\npublic_keys = [{}]\n",
            keys.join(", ")
        );
        fs::write(stage.path("witness.toml"), config).unwrap();
        Self {
            stage,
            log: TestLog::new(SIZE, 0),
            verifier: verifier.trim().parse().unwrap(),
        }
    }

    pub(crate) fn serve(&self) -> Serving {
        let mut running = self.stage.running(SERVE);
        let line = running.line();
        let address = line.strip_prefix("ready ").unwrap().to_owned();
        Serving { running, address }
    }

    /// Submits a larger checkpoint, and returns the status of the answer, if there is one. A
    /// cosignature is the witness's own.
    pub(crate) fn submit(&self, serving: &Serving, from: u64, to: u64) -> Option<u16> {
        let submission = self.log.submission(from, to);
        let (status, body) = post(&serving.address, &submission.to_string())?;
        if status == 200 {
            let text = submission.note.text();
            let note: SignedNote = format!("{text}\n{body}").parse().unwrap();
            self.verifier.verify(&note).unwrap();
        }
        Some(status)
    }

    /// The first cosignature, so that there is a state. Returns the size.
    fn begin(&self) -> u64 {
        let serving = self.serve();
        assert_eq!(self.submit(&serving, 0, 1), Some(200));
        serving.running.stop();
        assert_eq!(self.kept_size(), 1);
        1
    }

    /// How many entries were seen, as the state says.
    pub(crate) fn kept_size(&self) -> u64 {
        let latest = format!("witness latest --config witness.toml --log {ORIGIN}");
        let note = self.stage.done(&latest);
        note.lines().nth(1).unwrap().parse().unwrap()
    }

    fn state_file(&self) -> PathBuf {
        let files = fs::read_dir(self.stage.path("state")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        let is_state = |path: &PathBuf| path.extension().is_some_and(|it| it == "state");
        files.find(is_state).unwrap()
    }

    /// Lets a witness that knows so much come to a fault, and compares what it has cosigned with
    /// what is there. Returns how much that is; nothing if it cannot be tried here.
    fn fail_once(&self, injection: &Injection<'_>, files: &[&Path], known: u64) -> Option<u64> {
        let serving = self.serve();
        assert_eq!(serving.seen(&self.log), known, "before {injection:?}");
        let trace = self.stage.path("trace");
        let attached = Attached::to(&serving.running, &injection.rules(), files, &trace)?;
        let (mut cosigned, mut answer) = (known, Some(200));
        for _ in 0..SUBMISSIONS_MAX {
            answer = self.submit(&serving, cosigned, cosigned + 1);
            if answer != Some(200) {
                break;
            }
            cosigned += 1;
        }
        let is_last = injection.fault == "signal=KILL";
        let refused = (!is_last).then_some(503);
        assert_eq!(answer, refused, "{injection:?}");
        // Whatever the disk has: nothing more leaves, not even what was cosigned before.
        for to in [cosigned, cosigned + 1] {
            let again = self.submit(&serving, cosigned, to);
            assert_eq!(again, refused, "{injection:?}");
        }
        let health = ask(&serving.address, "GET /healthz HTTP/1.1", "");
        assert_eq!(health.map(|it| it.0), refused, "{injection:?}");
        let is_killed = is_killed(serving.running.end());
        let trace = attached.finish(&trace);
        let is_met = is_killed || trace.contains("(INJECTED)");
        assert!(is_met && is_killed == is_last, "{injection:?}: {trace}");
        // Bytes, then the name, then that the name stays: each second sync is of names.
        let is_named = injection.call == "fsync" && injection.place.is_multiple_of(2);
        let expected = cosigned + u64::from(is_named);
        assert_eq!(self.kept_size(), expected, "{injection:?}");
        Some(expected)
    }

    /// Has some checkpoints cosigned by a witness that is traced, with these rules beside.
    fn traced(&self, rules: &[&str]) -> Option<Traced> {
        let serving = self.serve();
        let known = serving.seen(&self.log);
        let file = self.state_file();
        let mut states = vec![fs::read(&file).unwrap()];
        let calls = "trace=fsync,rename,write,writev,sendto".to_owned();
        let rules: Vec<_> = rules.iter().map(|rule| (*rule).to_owned()).collect();
        let rules = [vec![calls], rules].concat();
        let trace = self.stage.path("trace");
        let attached = Attached::to(&serving.running, &rules, &[], &trace)?;
        let mut cosigned = known;
        for _ in 0..TRACED_COUNT {
            let answer = self.submit(&serving, cosigned, cosigned + 1);
            assert_eq!(answer, Some(200));
            cosigned += 1;
            states.push(fs::read(&file).unwrap());
        }
        serving.running.stop();
        Some(Traced {
            steps: steps(&attached.finish(&trace)),
            states,
            cosigned,
        })
    }

    /// Cuts the power after the last answer, and says whether the witness knows less then than it
    /// has cosigned.
    fn knows_less_after_a_cut(&self, traced: &Traced) -> bool {
        let certain = certain_counts(&traced.steps).pop().unwrap();
        fs::write(self.state_file(), &traced.states[certain]).unwrap();
        let serving = self.serve();
        let seen = serving.seen(&self.log);
        serving.running.stop();
        seen < traced.cosigned
    }
}

impl Serving {
    /// The size that it says it has seen last, which is not none.
    pub(crate) fn seen(&self, log: &TestLog) -> u64 {
        let submission = log.submission(0, 1).to_string();
        let (status, body) = post(&self.address, &submission).unwrap();
        assert_eq!(status, 409, "{body}");
        body.trim().parse().unwrap()
    }

    pub(crate) fn stop(self) {
        self.running.stop();
    }
}

/// What strace saw of a witness.
struct Traced {
    steps: Vec<Step>,
    /// The state before, and after each answer.
    states: Vec<Vec<u8>>,
    /// The size of the latest checkpoint that was cosigned.
    cosigned: u64,
}

/// What a witness does for a cosignature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    /// The new state has its bytes, under another name.
    Written,
    /// They are on the disk.
    Synced,
    /// It has its name.
    Renamed,
    /// The name is on the disk.
    NameSynced,
    /// The cosignature begins to leave.
    Answered,
}

/// Reads a trace in its order. A call counts once it is done, but for an answer, which may be there
/// as soon as its call begins; one that only pretends is not done.
fn steps(trace: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    // By thread, what it is in the middle of.
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    for line in trace.lines() {
        let (thread, words) = line.split_once(' ').unwrap();
        let words = words.trim_start();
        if words.contains("\"HTTP/1.1 200") {
            steps.push(Step::Answered);
            continue;
        }
        if !words.starts_with("<... ") {
            begun.insert(thread, words);
        }
        // The result comes at the end of its line, or in a line of its own.
        let Some((_, result)) = words.rsplit_once(" = ") else {
            continue;
        };
        let is_done = !result.starts_with('-') && !result.contains("INJECTED");
        let call = begun.remove(thread).filter(|_| is_done);
        steps.extend(call.and_then(step));
    }
    steps
}

fn step(call: &str) -> Option<Step> {
    let (name, words) = call.split_once('(')?;
    let path = words.split_once('<').and_then(|(_, it)| it.split_once('>'));
    let path = path.map_or("", |(path, _)| path);
    match name {
        "write" => path.ends_with(".new").then_some(Step::Written),
        "fsync" if path.ends_with(".new") => Some(Step::Synced),
        "fsync" => path.ends_with("/state").then_some(Step::NameSynced),
        "rename" => words.contains(".state\"").then_some(Step::Renamed),
        _ => None,
    }
}

/// How many new states no power cut can take, at each answer: those whose bytes were on the disk
/// before they had their name, and whose name is.
fn certain_counts(steps: &[Step]) -> Vec<usize> {
    let mut counts = Vec::new();
    let (mut certain, mut is_synced, mut is_whole) = (0, false, false);
    for step in steps {
        match step {
            Step::Written => is_synced = false,
            Step::Synced => is_synced = true,
            Step::Renamed => is_whole = is_synced,
            Step::NameSynced => {
                certain += usize::from(is_whole);
                is_whole = false;
            }
            Step::Answered => counts.push(certain),
        }
    }
    counts
}

/// Goal: no cosignature came for what the witness does not know afterwards, and after a failure
/// none comes at all. Method: each fault at the first places of each call by which a state is
/// kept; then what is kept, and what a new start says.
#[test]
fn witness_on_a_failing_disk_knows_what_it_cosigned() {
    if !strace::is_there() {
        return;
    }
    let witnessed = Witnessed::new();
    let mut known = witnessed.begin();
    let beside = witnessed.state_file().with_extension("new");
    let mut met_count = 0;
    for call in ["write", "fsync", "rename"] {
        // Answers are written, too, and words of the log.
        let files = [beside.as_path()];
        let files = if call == "write" { &files[..] } else { &[] };
        for fault in FAULTS {
            for place in 1..=places_count() {
                let injection = Injection { call, fault, place };
                let Some(kept) = witnessed.fail_once(&injection, files, known) else {
                    return;
                };
                known = kept;
                met_count += 1;
            }
        }
    }
    let serving = witnessed.serve();
    assert_eq!(serving.seen(&witnessed.log), known);
    assert_eq!(witnessed.submit(&serving, known, known + 1), Some(200));
    serving.stop();
    println!("witness: {met_count} faults met, {known} entries cosigned or kept");
    assert!(met_count >= 9, "{met_count} faults met");
}

/// Goal: a power cut right after a cosignature takes nothing that the witness must know. Method:
/// what strace saw of the state's bytes and names, in its order, and of the answers; of that, what
/// is certain is put on the disk.
#[test]
fn state_is_on_the_disk_before_its_cosignature() {
    if !strace::is_there() {
        return;
    }
    let witnessed = Witnessed::new();
    witnessed.begin();
    let Some(traced) = witnessed.traced(&[]) else {
        return;
    };
    assert_eq!(traced.steps, CALLS_IN_ORDER.repeat(TRACED_COUNT));
    assert_eq!(certain_counts(&traced.steps), [1, 2, 3]);
    assert!(!witnessed.knows_less_after_a_cut(&traced));
}

/// The faults that the test above must catch: syncs that pretend, all of them, those of bytes, and
/// those of names.
#[test]
fn sync_that_pretends_is_noticed() {
    if !strace::is_there() {
        return;
    }
    let witnessed = Witnessed::new();
    witnessed.begin();
    for (places, missing) in [
        ("", &[Step::Synced, Step::NameSynced][..]),
        (":when=1+2", &[Step::Synced]),
        (":when=2+2", &[Step::NameSynced]),
    ] {
        let rule = format!("inject=fsync:retval=0{places}");
        let Some(traced) = witnessed.traced(&[&rule]) else {
            return;
        };
        let there = CALLS_IN_ORDER.iter().filter(|it| !missing.contains(it));
        let there: Vec<_> = there.copied().collect();
        assert_eq!(traced.steps, there.repeat(TRACED_COUNT), "{rule}");
        assert_eq!(certain_counts(&traced.steps), [0, 0, 0], "{rule}");
        assert!(witnessed.knows_less_after_a_cut(&traced), "{rule}");
    }
}

/// A witness whose directory may go in a power cut says that it does not start.
#[test]
fn witness_whose_directory_does_not_reach_the_disk_does_not_start() {
    if !strace::is_there() {
        return;
    }
    let witnessed = Witnessed::new();
    let known = witnessed.begin();
    for fault in FAULTS {
        for place in [1, 2] {
            let injection = Injection {
                call: "fsync",
                fault,
                place,
            };
            let command = witnessed.stage.command(SERVE);
            let mut traced = injection.traced(&command, &witnessed.stage.path("trace"));
            let mut child = traced
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut line = String::new();
            let mut output = BufReader::new(child.stdout.take().unwrap());
            output.read_line(&mut line).unwrap();
            // One that serves would do so for ever.
            let _gone = child.kill();
            child.wait().unwrap();
            assert_eq!(line, "", "{injection:?}");
            assert_eq!(witnessed.kept_size(), known, "{injection:?}");
        }
    }
}

const SERVE: &str = "witness serve --config witness.toml";
/// As many entries as the campaigns come to, and more.
const SIZE: u64 = 2_000;
/// A fault comes within so many submissions.
const SUBMISSIONS_MAX: u64 = 50;
/// How many cosignatures are traced.
const TRACED_COUNT: usize = 3;
/// What is done for each.
const CALLS_IN_ORDER: [Step; 5] = [
    Step::Written,
    Step::Synced,
    Step::Renamed,
    Step::NameSynced,
    Step::Answered,
];
