//! What a log is held against: archives of its beginning, what somebody kept of it, witnesses, and
//! the proof of an accepted rollback. Whatever verifies is of the log that was signed.
//!
//! An input is a text of files: `=NAME` and the lines of the file, of which those are read that are
//! named `FIRST-END.jsonl`, `export`, `kept` (several times), `witness` and `rollback`. Where the
//! first byte is `!`, it is one of the seeds with a few changes.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use counterfoil::audit::Archive;
use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Event;
use counterfoil::audit::Evidence;
use counterfoil::audit::KeptCheckpoint;
use counterfoil::audit::ProvenRollback;
use counterfoil::audit::Report;
use counterfoil::audit::TlogProof;
use counterfoil::audit::WitnessKeys;
use counterfoil::audit::read_rollback_proof;
use counterfoil::audit::verify_archive;
use counterfoil::audit::verify_export_against;
use counterfoil::crypto::note::CosignerVerifier;
use counterfoil_fuzz::fault;
use counterfoil_fuzz::input::Input;
use counterfoil_fuzz::input::change;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// Inputs, and how much of each verifies: an archive, a log, the proof of a rollback.
const SEEDS: [(&str, usize); 6] = [
    (include_str!("../seeds/archive/alone"), 1),
    (include_str!("../seeds/archive/behind"), 2),
    (include_str!("../seeds/archive/beside"), 2),
    (include_str!("../seeds/archive/fork"), 0),
    (include_str!("../seeds/archive/receipt"), 1),
    (ROLLBACK, 1),
];
const ROLLBACK: &str = include_str!("../seeds/archive/rollback");
/// Both keys of the log, and its root hash at each size.
const VERIFIERS: &str = include_str!("../seeds/archive.vkey");
const ROOTS: &str = include_str!("../seeds/archive.roots");

static LOG: LazyLock<Log> = LazyLock::new(Log::new);
/// A target that refuses everything would find nothing.
static SEEDS_VERIFY: LazyLock<()> = LazyLock::new(|| {
    for (seed, verified_count) in SEEDS {
        if !fault::is_planted() {
            let name = seed.lines().next();
            assert_eq!(judge(seed), verified_count, "{name:?}");
        }
    }
});

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut input = Input::new(data);
    let Ok(text) = str::from_utf8(data) else {
        return Corpus::Reject;
    };
    LazyLock::force(&SEEDS_VERIFY);
    if input.byte() != b'!' {
        judge(text);
        return Corpus::Keep;
    }
    let mut bytes = SEEDS[input.below(SEEDS.len())].0.as_bytes().to_vec();
    for _ in 0..input.below(5) {
        change(&mut bytes, &mut input);
    }
    if let Ok(changed) = String::from_utf8(bytes) {
        judge(&changed);
    }
    Corpus::Keep
});

/// The log that was signed.
struct Log {
    keys: CheckpointKeys,
    /// In base64, as checkpoints have them, and in hexadecimal.
    roots: Vec<(&'static str, &'static str)>,
    rollback: ProvenRollback,
}

impl Log {
    fn new() -> Self {
        let keys = VERIFIERS.lines().map(|line| line.parse().expect("a key"));
        let keys = CheckpointKeys::new(keys.collect());
        let proof = ROLLBACK.strip_prefix("=rollback\n").expect("its name");
        let proof = proof.parse().expect("a proof");
        let rollback = read_rollback_proof(&proof, &keys).expect("a rollback");
        Self {
            keys,
            roots: ROOTS.lines().filter_map(|it| it.split_once(' ')).collect(),
            rollback,
        }
    }

    /// Whether the log had this root hash when it had this size.
    fn has(&self, size: u64, root: &str) -> bool {
        let own = usize::try_from(size).ok().and_then(|it| self.roots.get(it));
        own.is_some_and(|(base64, hex)| root == *base64 || root == *hex)
    }
}

/// The files of an input.
struct Files {
    archive: TempDir,
    export: Option<String>,
    kept: Vec<String>,
    witness: Option<String>,
    rollback: Option<String>,
}

impl Files {
    fn read(text: &str) -> Self {
        let mut files = Self {
            archive: tempfile::tempdir_in(memory()).expect("a directory"),
            export: None,
            kept: Vec::new(),
            witness: None,
            rollback: None,
        };
        let mut named: Vec<(&str, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix('=') {
                named.push((name.trim_end(), String::new()));
            } else if let Some((_, content)) = named.last_mut() {
                content.push_str(line);
            }
        }
        for (name, content) in named.into_iter().take(FILES_MAX) {
            match name {
                "export" => files.export = Some(content),
                "kept" => files.kept.push(content),
                "witness" => files.witness = Some(content),
                "rollback" => files.rollback = Some(content),
                _ => files.write(name, &content),
            }
        }
        files
    }

    /// Writes what may be a segment; other names mean nothing to an archive.
    fn write(&self, name: &str, content: &str) {
        let is_one = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        let stem = name.strip_suffix(".jsonl").unwrap_or_default();
        if (1..40).contains(&stem.len()) && stem.bytes().all(is_one) {
            fs::write(self.archive.path().join(name), content).expect("a file");
        }
    }
}

/// Judges the files of an input, and says how much of it verifies.
fn judge(text: &str) -> usize {
    let files = Files::read(text);
    let mut verified_count = 0;
    if let Some(rollback) = &files.rollback {
        verified_count += usize::from(judge_rollback(rollback));
    }
    let archive = Archive::open(files.archive.path()).ok();
    let archive = archive.filter(|archive| archive.size() > 0);
    if let Some(archive) = &archive
        && let Ok(report) = verify_archive(archive, &LOG.keys)
    {
        assert!(report.tree_size == archive.size() && report.witnessed.is_none());
        judge_report(&report);
        verified_count += 1;
    }
    if let Some(export) = &files.export {
        verified_count += usize::from(judge_export(export, archive.as_ref(), &files));
    }
    verified_count
}

/// What verifies has all entries of the log to its end, each as it is or without its content.
fn judge_report(report: &Report) {
    let root = report.root.to_string();
    assert!(
        LOG.has(report.tree_size, &root),
        "another log, or another part of it, verifies"
    );
    let kept_count: u64 = report.counts.values().sum();
    let count = report.archived_size + kept_count + report.erased_count;
    assert!(count == report.tree_size, "an entry is not counted");
}

/// As above, and each erased entry of what is there has one that tells so, but at the end of an
/// archive.
fn judge_export(export: &str, archive: Option<&Archive>, files: &Files) -> bool {
    let kept = files.kept.iter().map(|text| KeptCheckpoint::read(text));
    let Ok(kept) = kept.collect::<Result<Vec<_>, _>>() else {
        return false;
    };
    let witnesses = match files.witness.as_deref().map(witnesses) {
        Some(None) => return false,
        Some(Some(witnesses)) => Some(witnesses),
        None => None,
    };
    let evidence = Evidence {
        // As if it were not looked at.
        kept: if fault::is_planted() { &[] } else { &kept },
        witnesses: witnesses.as_ref(),
        ..Evidence::of(&LOG.keys)
    };
    let Ok(report) = verify_export_against(export.as_bytes(), archive, &evidence) else {
        return false;
    };
    judge_report(&report);
    assert!(SIGNED_SIZES.contains(&report.tree_size));
    assert!(report.untold_count == 0, "an erased entry is not told of");
    let told = report.counts.get(&Event::EntryErased).copied();
    let erased_count = report.erased_count.max(report.still_archived_count);
    assert!(erased_count <= told.unwrap_or_default());
    for text in &files.kept {
        let (size, root) = claimed(text).expect("what was kept was read");
        assert!(
            LOG.has(size, root),
            "the log was held against another, and verifies"
        );
    }
    match report.witnessed {
        Some(seen) => assert!((seen.size, seen.unix_seconds) == WITNESSED),
        None => assert!(witnesses.is_none(), "the witness was not asked"),
    }
    true
}

fn judge_rollback(text: &str) -> bool {
    let _ = KeptCheckpoint::read(text);
    let Ok(proof) = text.parse::<TlogProof>() else {
        return false;
    };
    assert!(proof.to_string() == text);
    let proven = read_rollback_proof(&proof, &LOG.keys);
    assert!(
        proven.as_ref().is_ok_and(|it| *it == LOG.rollback) || proven.is_err(),
        "another rollback is proven"
    );
    proven.is_ok()
}

/// Keys of witnesses, one in a line; nothing if one of them is none.
fn witnesses(text: &str) -> Option<WitnessKeys> {
    let keys: Result<Vec<CosignerVerifier>, _> = text.lines().map(str::parse).collect();
    let keys = keys.ok()?;
    for (key, line) in keys.iter().zip(text.lines()) {
        assert!(key.to_string() == line, "a key has two forms");
    }
    Some(WitnessKeys::new(keys))
}

/// Size and root of a checkpoint, or of that of a receipt: by another reading than the program's.
fn claimed(text: &str) -> Option<(u64, &str)> {
    let note = match text.strip_prefix("c2sp.org/") {
        Some(proof) => proof.split_once("\n\n")?.1,
        None => text,
    };
    let mut lines = note.lines().skip(1);
    Some((lines.next()?.parse().ok()?, lines.next()?))
}

/// A directory in memory, where there is one.
fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        Path::new("/tmp")
    }
}

/// The sizes of the log of which an input has a signed checkpoint: at the handover, what was kept,
/// what was cosigned, and the end.
const SIGNED_SIZES: [u64; 4] = [3, 4, 7, 9];
/// How much the witness has seen, and when it said so.
const WITNESSED: (u64, u64) = (7, 1_800_000_007);
const FILES_MAX: usize = 12;
