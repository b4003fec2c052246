//! Goal: no bytes are taken by one verifier and refused by the other, or read as something else.
//! Method: what the fuzz targets `entry`, `archive` and `proof` begin with, as far as it is an
//! export, a log with what it is held against, or a receipt; each as it is, and changed at random.
//! Planted: a verifier of ours that takes what it can read.
//!
//! `COUNTERFOIL_JUDGED_CORPUS` names a directory with corpora that the targets have grown; what is
//! in it is judged too.

use serde_json::Value;
use serde_json::json;

use super::*;
use crate::crypto::note::CosignerVerifier;
use crate::second_verifier::OF_LOGS;
use crate::second_verifier::SecondVerifier;

/// Something that a fuzz target was given, or begins with.
struct Input {
    name: String,
    bytes: Vec<u8>,
}

/// What a reader is handed.
enum Handed {
    Log(Box<Log>),
    Receipt(Vec<u8>),
}

/// A log, and what it is held against.
#[derive(Default)]
struct Log {
    export: Vec<u8>,
    /// Segments, where there are any.
    archive: Option<TempDir>,
    kept: Vec<Vec<u8>>,
    witness: Option<Vec<u8>>,
}

/// What is wrong with our verifier on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Plant {
    None,
    /// It takes what it can read, whatever its hashes and signatures say.
    OnlyReads,
}

/// What a verifier says of it; nothing where it refuses it.
type Verdict = Option<Value>;

/// What both said.
#[derive(Debug, Default)]
struct Outcome {
    taken_count: u64,
    refused_count: u64,
    /// Where they did not say the same.
    disagreements: Vec<String>,
}

impl Handed {
    /// Reads an input as the targets do; nothing if it is none for both verifiers.
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? {
            b'{' => Some(Self::Log(Box::new(Log {
                export: bytes.to_owned(),
                ..Log::default()
            }))),
            b'=' => Self::of_files(bytes),
            _ => {
                let is_receipt = bytes.starts_with(b"c2sp.org/");
                is_receipt.then(|| Self::Receipt(bytes.to_owned()))
            }
        }
    }

    /// Reads a text of files: `=NAME`, and what is in it.
    fn of_files(bytes: &[u8]) -> Option<Self> {
        let mut files: Vec<(String, Vec<u8>)> = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if let Some(name) = line.strip_prefix(b"=") {
                let name = String::from_utf8_lossy(name).trim_end().to_owned();
                files.push((name, Vec::new()));
            } else if let Some((_, content)) = files.last_mut() {
                content.extend(line);
            }
        }
        let (mut log, mut export) = (Log::default(), None);
        for (name, content) in files.into_iter().take(FILES_MAX) {
            match name.as_str() {
                "export" => export = Some(content),
                "kept" => log.kept.push(content),
                "witness" => log.witness = Some(content),
                "rollback" => return Some(Self::Receipt(content)),
                _ => log.write(&name, &content),
            }
        }
        log.export = export?;
        Some(Self::Log(Box::new(log)))
    }

    fn ours(&self, keys: &CheckpointKeys, plant: Plant) -> Verdict {
        match self {
            Self::Log(log) => log.ours(keys, plant),
            Self::Receipt(bytes) => {
                let proof: TlogProof = str::from_utf8(bytes).ok()?.parse().ok()?;
                match proof.verify(keys) {
                    Ok(proven) => Some(json!({
                        "leaf_hash": proven.leaf_hash().to_string(),
                        "leaf_index": proven.index(),
                        "tree_size": proven.checkpoint().size(),
                    })),
                    Err(_) => (plant == Plant::OnlyReads).then_some(Value::Null),
                }
            }
        }
    }

    fn theirs(&self, keys: &CheckpointKeys) -> Verdict {
        let (bytes, flags, files, members) = match self {
            Self::Log(log) => {
                let archive = log.archive.as_ref().map(|it| it.path().to_str().unwrap());
                let flags = archive.map_or(Vec::new(), |path| vec!["--archive", path]);
                let kept = log.kept.iter().map(|kept| ("--kept", kept.as_slice()));
                let witness = log.witness.iter().map(|key| ("--witness-key", &key[..]));
                (
                    &log.export,
                    flags,
                    kept.chain(witness).collect(),
                    &OF_LOGS[..],
                )
            }
            Self::Receipt(bytes) => (bytes, vec!["--receipt"], Vec::new(), &OF_RECEIPTS[..]),
        };
        let mut second = SecondVerifier::with_all(keys, &flags, &files).unwrap();
        let answer = second.ask(bytes);
        let members = members
            .iter()
            .map(|it| ((*it).to_owned(), answer[*it].clone()));
        let said = Value::Object(members.collect());
        (answer["verified"] == true).then_some(said)
    }
}

impl Log {
    /// Writes what may be a segment.
    fn write(&mut self, name: &str, content: &[u8]) {
        let is_one = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        let stem = name.strip_suffix(".jsonl").unwrap_or_default();
        if (1..40).contains(&stem.len()) && stem.bytes().all(is_one) {
            let make = || tempfile::tempdir().unwrap();
            let directory = self.archive.get_or_insert_with(make);
            fs::write(directory.path().join(name), content).unwrap();
        }
    }

    /// As `audit verify` reads and judges it.
    fn ours(&self, keys: &CheckpointKeys, plant: Plant) -> Verdict {
        let archive = self.archive.as_ref().map(|it| Archive::open(it.path()));
        let archive = archive.transpose().ok()?;
        let kept = self.kept.iter().map(|bytes| {
            let text = str::from_utf8(bytes).ok()?;
            KeptCheckpoint::read(text).ok()
        });
        let kept = kept.collect::<Option<Vec<_>>>()?;
        let witnesses = match &self.witness {
            Some(lines) => Some(read_witnesses(lines)?),
            None => None,
        };
        let evidence = Evidence {
            kept: &kept,
            witnesses: witnesses.as_ref(),
            ..Evidence::of(keys)
        };
        match verify_export_against(self.export.as_slice(), archive.as_ref(), &evidence) {
            Ok(report) => Some(json!({
                "archived_size": report.archived_size,
                "cosigned_unix_seconds": report.witnessed.as_ref().map(|it| it.unix_seconds),
                "counts": counts(&report),
                "erased_count": report.erased_count,
                "open_intents_count": report.open_intents_count,
                "root_hash": report.root.to_string(),
                "still_archived_count": report.still_archived_count,
                "tree_size": report.tree_size,
                "verified": true,
                "witnessed_size": report.witnessed.as_ref().map(|it| it.size),
            })),
            Err(
                VerifyError::Line { .. } | VerifyError::Entry { .. } | VerifyError::Index { .. },
            ) => None,
            Err(_) => (plant == Plant::OnlyReads).then_some(Value::Null),
        }
    }
}

/// How many entries of each event, by its name.
fn counts(report: &Report) -> Value {
    let counts = report.counts.iter();
    let counts = counts.map(|(event, count)| (event.name().to_owned(), json!(count)));
    Value::Object(counts.collect())
}

/// The keys of witnesses, one in a line; nothing if one is none.
fn read_witnesses(lines: &[u8]) -> Option<WitnessKeys> {
    let lines = str::from_utf8(lines).ok()?.lines();
    let keys = lines.filter(|line| !line.is_empty()).map(str::parse);
    let keys: Vec<CosignerVerifier> = keys.collect::<Result<_, _>>().ok()?;
    (!keys.is_empty()).then(|| WitnessKeys::new(keys))
}

/// Makes one change: a byte is another, comes twice, or is left out; or a line comes elsewhere too,
/// is left out, or in the place of another.
fn change(bytes: &mut Vec<u8>, random: &mut StdRng) {
    if bytes.is_empty() {
        return;
    }
    let place = random.random_range(0..bytes.len());
    let kind = random.random_range(0..6);
    match kind {
        0 => bytes[place] = random.random(),
        1 => bytes.insert(place, bytes[place]),
        2 => drop(bytes.remove(place)),
        _ => {
            let lines = bytes.split_inclusive(|byte| *byte == b'\n');
            let mut lines: Vec<_> = lines.map(<[u8]>::to_vec).collect();
            let [one, other] = [(), ()].map(|()| random.random_range(0..lines.len()));
            match kind {
                3 => lines.insert(one, lines[other].clone()),
                4 => drop(lines.remove(one)),
                _ => lines.swap(one, other),
            }
            *bytes = lines.concat();
        }
    }
}

/// What is in a directory and those below it, in the order of the names.
fn inputs(directory: &Path) -> Vec<Input> {
    let mut inputs = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let inside = fs::read_dir(&path).unwrap();
            waiting.extend(inside.map(|it| it.unwrap().path()));
        } else {
            inputs.push(Input {
                name: path.strip_prefix(directory).unwrap().display().to_string(),
                bytes: fs::read(&path).unwrap(),
            });
        }
    }
    inputs.retain(|it| TARGETS.iter().any(|target| it.name.starts_with(target)));
    inputs.sort_by(|one, other| one.name.cmp(&other.name));
    inputs
}

/// The seeds, and the receipt that one of them is held against.
fn seeds() -> Vec<Input> {
    let mut seeds = inputs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds"));
    let held = include_str!("../../../../fuzz/seeds/archive/receipt");
    let (_, receipt) = held.split_once("=kept\n").unwrap();
    let (receipt, _) = receipt.split_once("=witness\n").unwrap();
    seeds.push(Input {
        name: "proof/kept".to_owned(),
        bytes: receipt.as_bytes().to_vec(),
    });
    seeds
}

/// The keys of the logs that the targets begin with.
fn keys_of_seeds() -> CheckpointKeys {
    let lines = [
        include_str!("../../../../fuzz/seeds/archive.vkey"),
        include_str!("../../../../fuzz/seeds/entry.vkey"),
    ];
    let lines = lines.iter().flat_map(|text| text.lines());
    CheckpointKeys::new(lines.map(|line| line.parse().unwrap()).collect())
}

/// Asks both verifiers about each input, as it is and after each of so many changes.
fn judge(inputs: &[Input], changes_count: u64, plant: Plant) -> Outcome {
    let keys = keys_of_seeds();
    let mut outcome = Outcome::default();
    for Input { name, bytes } in inputs {
        for seed in 0..=changes_count {
            let mut bytes = bytes.clone();
            let mut random = StdRng::seed_from_u64(seed);
            if seed > 0 {
                (0..random.random_range(1..=3)).for_each(|_| change(&mut bytes, &mut random));
            }
            let Some(handed) = Handed::read(&bytes) else {
                continue;
            };
            let (ours, theirs) = (handed.ours(&keys, plant), handed.theirs(&keys));
            outcome.taken_count += u64::from(ours.is_some());
            outcome.refused_count += u64::from(ours.is_none());
            if ours != theirs {
                let wrong = format!("{name}, seed {seed}: {ours:?}, and {theirs:?}");
                outcome.disagreements.push(wrong);
            }
        }
    }
    outcome
}

#[test]
fn both_verifiers_say_the_same_of_what_fuzz_targets_begin_with() {
    if SecondVerifier::start().is_none() {
        return;
    }
    let seeds = seeds();
    let whole = judge(&seeds, 0, Plant::None);
    assert_eq!(whole.disagreements, Vec::<String>::new());
    // A segment is no log, one log is held against another, and nobody has the key of one receipt.
    assert_eq!((whole.taken_count, whole.refused_count), (9, 3));
    let changed = judge(&seeds, cases(150), Plant::None);
    let (taken, refused) = (changed.taken_count, changed.refused_count);
    println!(
        "seeds 0 to {}: {taken} taken, {refused} refused",
        cases(150)
    );
    assert_eq!(changed.disagreements, Vec::<String>::new());
    assert!(taken > whole.taken_count && refused > taken);
}

/// A file of an archive is a segment by its name, which has one spelling.
#[test]
fn names_of_segments_are_read_alike_by_both_verifiers() {
    if SecondVerifier::start().is_none() {
        return;
    }
    let seeds = seeds();
    let behind = seeds.iter().find(|it| it.name == "archive/behind").unwrap();
    let text = str::from_utf8(&behind.bytes).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(first, "=0-2.jsonl");
    let called = |name: &str| format!("={name}\n{rest}");
    let beside = |name: &str| format!("{text}={name}\nno segment\n");
    let big = "18446744073709551616";
    for (text, is_whole) in [
        (called("0-2.jsonl"), true),
        (called("00-2.jsonl"), false),
        (called("0-02.jsonl"), false),
        (beside("1-1.jsonl"), true),
        (beside("3-1.jsonl"), true),
        (beside("04-9.jsonl"), true),
        (beside("-.jsonl"), true),
        (beside(&format!("0-{big}.jsonl")), true),
        (beside(&format!("9-{big}.jsonl")), true),
        (beside("4-9.jsonl"), false),
        (beside("5-9.jsonl"), false),
        (beside("1-2.jsonl"), false),
    ] {
        let input = Input {
            name: text
                .lines()
                .find(|it| it.starts_with('='))
                .unwrap()
                .to_owned(),
            bytes: text.clone().into_bytes(),
        };
        let outcome = judge(&[input], 0, Plant::None);
        assert_eq!(outcome.disagreements, Vec::<String>::new(), "{text}");
        assert_eq!(outcome.taken_count == 1, is_whole, "{text}");
    }
}

/// A key has one spelling, and a line of its own.
#[test]
fn keys_of_witnesses_are_read_alike_by_both_verifiers() {
    if SecondVerifier::start().is_none() {
        return;
    }
    let seeds = seeds();
    let held = seeds.iter().find(|it| it.name == "archive/receipt");
    let text = str::from_utf8(&held.unwrap().bytes).unwrap();
    let (log, key) = text.trim_end().split_once("=witness\n").unwrap();
    let (name, rest) = key.split_once('+').unwrap();
    let (id, base64) = rest.split_once('+').unwrap();
    for (lines, is_key) in [
        (format!("{key}\n"), true),
        (key.to_owned(), true),
        (format!("\n{key}\r\n\r\n"), true),
        (format!("{key}\n{key}\n"), true),
        (String::new(), false),
        ("\n".to_owned(), false),
        (format!("{key} \n"), false),
        (format!(" {key}\n"), false),
        (format!("{key}\r"), false),
        (format!("{key}\n \n"), false),
        (format!("{key}\x0c{key}\n"), false),
        (format!("{key}=\n"), false),
        (format!("{key}====\n"), false),
        (format!("{name}+{}+{base64}\n", id.to_uppercase()), false),
        (format!("{name}+{base64}\n"), false),
        (format!("{name}+{id}+\n"), false),
    ] {
        let input = Input {
            name: format!("{lines:?}"),
            bytes: format!("{log}=witness\n{lines}").into_bytes(),
        };
        let outcome = judge(&[input], 0, Plant::None);
        assert_eq!(outcome.disagreements, Vec::<String>::new());
        assert_eq!(outcome.taken_count == 1, is_key, "{lines:?}");
    }
}

#[test]
fn both_verifiers_say_the_same_of_a_corpus() {
    let Some(directory) = std::env::var_os("COUNTERFOIL_JUDGED_CORPUS") else {
        return;
    };
    if SecondVerifier::start().is_none() {
        return;
    }
    let inputs = inputs(Path::new(&directory));
    let outcome = judge(&inputs, cases(1), Plant::None);
    let (taken, refused) = (outcome.taken_count, outcome.refused_count);
    println!("{} inputs: {taken} taken, {refused} refused", inputs.len());
    assert_eq!(outcome.disagreements, Vec::<String>::new());
    assert!(taken > 0 && refused > 0);
}

#[test]
fn verifiers_that_disagree_are_caught() {
    if SecondVerifier::start().is_none() {
        return;
    }
    let outcome = judge(&seeds(), PLANTED_CHANGES, Plant::OnlyReads);
    for target in TARGETS {
        let is_of = |wrong: &&String| wrong.starts_with(target);
        let count = outcome.disagreements.iter().filter(is_of).count();
        println!("{target}: {count} disagreements");
        assert!(count > 0, "{target}: none is found");
    }
}

const TARGETS: [&str; 3] = ["archive/", "entry/", "proof/"];
/// What both verifiers say of a receipt.
const OF_RECEIPTS: [&str; 3] = ["leaf_hash", "leaf_index", "tree_size"];
/// As many files as an input of archives has, at the most.
const FILES_MAX: usize = 12;
/// The planted fault must show within so many changes.
const PLANTED_CHANGES: u64 = 40;
