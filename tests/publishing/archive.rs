//! The commands of whoever archives a log, and of whoever judges an archive.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use counterfoil::crypto::merkle::leaf_hash;

use crate::export;
use crate::writer::Writer;
use crate::writer::cosigner;

fn run(arguments: &[&str], archive: &Path, flags: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_counterfoil"))
        .args(arguments)
        .arg(archive)
        .args(flags)
        .output()
        .unwrap()
}

/// Puts the hash of an entry's leaf in its place, as whoever can write the archive may.
fn blank(archive: &Path, index: usize) {
    let path = archive.join("0-256.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let line: serde_json::Value = serde_json::from_str(&lines[index]).unwrap();
    let leaf = STANDARD.decode(line["leaf"].as_str().unwrap()).unwrap();
    let hash = STANDARD.encode(leaf_hash(&leaf).as_bytes());
    lines[index] = format!("{{\"erased\":{index},\"leaf_hash\":\"{hash}\"}}");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
}

/// Goal: an archive that calls an entry erased is believed by nobody who has the log, and nothing
/// is pruned for it. Method: an archive with a line changed; the commands with the log and without.
#[test]
fn archive_with_a_blank_is_not_pruned_for() {
    let mut writer = Writer::new(1);
    writer.tell(300);
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path();
    let key = writer.flags()[4..].to_vec();
    let grow = ["audit", "archive", "--before", "300", "--to"];
    assert!(run(&grow, archive, &writer.flags()).status.success());
    let verify = ["audit", "verify", "--archive"];
    let prune = ["keys", "propose", "prune-log", "--dev", "none", "--archive"];
    let words = |output: &Output| {
        let (said, told) = (&output.stdout, &output.stderr);
        String::from_utf8([said.as_slice(), told].concat()).unwrap()
    };
    let before = run(&prune, archive, &key);
    assert!(!words(&before).contains("erased"), "{}", words(&before));

    blank(archive, 17);
    let alone = run(&verify, archive, &key);
    assert_eq!(alone.status.code(), Some(0));
    let said = words(&alone);
    assert!(said.contains("1 entries are erased, and what says so is not in the archive"));
    assert!(!said.contains("say so"), "{said}");
    let refused = run(&prune, archive, &key);
    assert_eq!(refused.status.code(), Some(4));
    assert!(words(&refused).contains("erased entries, and not the entries that say so"));
    let with_log = run(&verify, archive, &writer.flags());
    assert_eq!(with_log.status.code(), Some(4));
    assert!(words(&with_log).contains("archive does not have entry 17"));
    let grown = run(&grow, archive, &writer.flags());
    assert_eq!(grown.status.code(), Some(4));
}

/// The log has them no more: what is left of a published bundle comes from the bundle.
#[test]
fn entries_beside_an_erased_one_stay_published_once_the_log_is_pruned() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    let site = tempfile::tempdir().unwrap();
    let publish = |writer: &Writer| {
        let output = export(writer, site.path(), &["--entries"]);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}");
    };
    publish(&writer);
    writer.erase(7);
    writer.erase(9);
    writer.prune(256);
    publish(&writer);
    assert!(!site.path().join("tile/entries/000").exists());
    for index in 0..256_u64 {
        let leaf = fs::read(site.path().join(format!("leaf/{index}"))).ok();
        let entry = [&[1; 17], index.to_be_bytes().as_slice()].concat();
        let expected = Some(entry).filter(|_| index != 7 && index != 9);
        assert_eq!(leaf, expected, "entry {index}");
    }
    assert!(site.path().join("tile/entries/001.p/47").exists());
}

/// Goal: an archive has no cosignature, and the log behind it has. Method: the same log with its
/// archive, and the archive alone.
#[test]
fn witness_is_asked_of_the_log_and_not_of_its_archive() {
    let mut writer = Writer::new(1);
    writer.tell(300);
    writer.keep_cosigned(280);
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("archive");
    let key = writer.flags()[4..].to_vec();
    let witness = directory.path().join("w1.vkey");
    fs::write(&witness, cosigner().verifier().to_string()).unwrap();
    let witness = ["--witness-key".to_owned(), witness.display().to_string()];
    let grow = ["audit", "archive", "--before", "300", "--to"];
    assert!(run(&grow, &archive, &writer.flags()).status.success());
    let segment = fs::read_to_string(archive.join("0-256.jsonl")).unwrap();
    assert!(!segment.contains("cosigned"));
    let verify = ["audit", "verify", "--json", "--archive"];
    let with_log = run(
        &verify,
        &archive,
        &[writer.flags(), witness.to_vec()].concat(),
    );
    let report: serde_json::Value = serde_json::from_slice(&with_log.stdout).unwrap();
    assert_eq!(report["witnessed_size"], 280, "{report}");
    assert_eq!(run(&verify, &archive, &key).status.code(), Some(0));
    let alone = run(&verify, &archive, &[key.clone(), witness.to_vec()].concat());
    assert_eq!(alone.status.code(), Some(4));
    let words = String::from_utf8(alone.stderr).unwrap();
    assert!(words.contains("has cosigned"), "{words}");
    // What was kept may be of behind its end, so it is held against a log.
    let kept = directory.path().join("kept");
    let prove = ["audit", "prove-consistency", "--cosigned", "--data-dir"];
    let proven = run(&prove, &writer.path("data"), &writer.flags()[2..]);
    assert!(proven.status.success(), "{proven:?}");
    fs::write(&kept, proven.stdout).unwrap();
    let kept = ["--kept".to_owned(), kept.display().to_string()];
    let alone = run(&verify, &archive, &[key, kept.to_vec()].concat());
    assert_eq!(alone.status.code(), Some(2));
    let with_log = run(&verify, &archive, &[writer.flags(), kept.to_vec()].concat());
    assert_eq!(with_log.status.code(), Some(0), "{with_log:?}");
}
