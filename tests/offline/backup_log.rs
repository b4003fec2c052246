//! The log of a backup, verified by whoever has the backup and a public key.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::commands::Said;
use crate::commands::Stage;
use crate::stage;
use crate::tokenize;

const POLICY: &str = "permit (principal == Service::\"client.shop.example\", \
                      action == Action::\"create_backup\", resource);\n";

fn verify(stage: &Stage, key: &str) -> Said {
    stage.run(&format!("audit verify --backup backups --public-key {key}"))
}

fn export(stage: &Stage, flags: &str) -> Said {
    stage.run(&format!("audit export --backup backups {flags}"))
}

/// The files below a directory that have anything in them.
fn files(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory)
        .unwrap()
        .map(|it| it.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .filter(|path| fs::metadata(path).unwrap().len() > 0)
        .collect()
}

/// A vault that is stopped, with one backup of its own.
fn backed_up() -> Stage {
    let stage = stage(&["officer1", "officer2"]);
    fs::create_dir(stage.path("policies")).unwrap();
    fs::write(stage.path("policies/backup.cedar"), POLICY).unwrap();
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let config =
        format!("{config}\n[backup]\ndir = \"backups\"\n\n[policies]\ndir = \"policies\"\n");
    fs::write(stage.path("config.toml"), config).unwrap();
    tokenize(&stage, &["Ada Lovelace"]);
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let backups = stage.path("backups");
    stage.done(&format!(
        "backup --to {} {client} --namespace shop",
        backups.display()
    ));
    vault.stop();
    stage
}

/// Goal: `audit verify --backup` ends with 0 for a backup that would restore, and with 4 for any
/// other; `audit export --backup` writes nothing of one with a changed byte. Method: a byte of each
/// file changed, a file away, another key.
#[test]
fn log_of_a_backup_is_verified_by_its_command() {
    let stage = backed_up();
    let sound = verify(&stage, "data/audit.vkey");
    assert_eq!(sound.code, 0, "{}", sound.words);
    let json = "audit verify --json --backup backups --public-key data/audit.vkey";
    let report: serde_json::Value = serde_json::from_str(&stage.done(json)).unwrap();
    assert!(report["tree_size"].as_u64().unwrap() > 2, "{report}");

    // It is held against what a witness and a reader know, too: this vault has no witness, and its
    // log went on after the backup.
    let key = stage.done("witness key new --name witness.example/w1 --file w1.pem");
    fs::write(stage.path("w1.vkey"), key).unwrap();
    let unseen = verify(&stage, "data/audit.vkey --witness-key w1.vkey");
    assert_eq!(unseen.code, 4);
    assert!(unseen.words.contains("has cosigned"), "{}", unseen.words);
    let consistency = "audit prove-consistency --data-dir data --public-key data/audit.vkey";
    fs::write(stage.path("kept"), stage.done(consistency)).unwrap();
    let older = verify(&stage, "data/audit.vkey --kept kept");
    assert_eq!(older.code, 4);
    assert!(
        older.words.contains("older, or went back"),
        "{}",
        older.words
    );

    let files = files(&stage.path("backups"));
    assert!(files.len() > 3, "{files:?}");
    for file in &files {
        let whole = fs::read(file).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        fs::write(file, changed).unwrap();
        let said = verify(&stage, "data/audit.vkey");
        assert_eq!(said.code, 4, "{}: {}", file.display(), said.words);
        let said = export(&stage, "--public-key data/audit.vkey");
        assert_eq!(said.code, 4, "{}: {}", file.display(), said.words);
        assert_eq!(said.output, "");
        fs::write(file, whole).unwrap();
    }
    let away = stage.path("away");
    fs::rename(&files[0], &away).unwrap();
    assert_ne!(verify(&stage, "data/audit.vkey").code, 0);
    fs::rename(&away, &files[0]).unwrap();
    let other = crate::stage(&[]);
    tokenize(&other, &["Ada Lovelace"]);
    fs::copy(other.path("data/audit.vkey"), stage.path("other.vkey")).unwrap();
    assert_eq!(verify(&stage, "other.vkey").code, 4);
    assert_eq!(verify(&stage, "data/audit.vkey").code, 0);
}

/// Goal: what is exported of a backup is its log, which another verifier reads too, and not the
/// vault's, which has gone on since. As tiles, it has the same size.
#[test]
fn log_of_a_backup_is_exported() {
    let stage = backed_up();
    let verified = "audit verify --json --backup backups --public-key data/audit.vkey";
    let report: serde_json::Value = serde_json::from_str(&stage.done(verified)).unwrap();
    stage.verified_log("--backup backups", "data/audit.vkey");
    let lines = export(&stage, "--public-key data/audit.vkey").output;
    let later = stage.done("audit export --data-dir data --public-key data/audit.vkey");
    assert!(lines.lines().count() < later.lines().count());
    let size = report["tree_size"].as_u64().unwrap();
    let told = format!("\\n{size}\\n");
    assert!(lines.lines().last().unwrap().contains(&told), "{lines}");
    let tiles = export(&stage, "--public-key data/audit.vkey --tiles tiles");
    assert_eq!(tiles.code, 0, "{}", tiles.words);
    let checkpoint = fs::read_to_string(stage.path("tiles/checkpoint")).unwrap();
    assert_eq!(checkpoint.lines().nth(1), Some(&*size.to_string()));
    let both = export(&stage, "--data-dir data --public-key data/audit.vkey");
    assert_eq!(both.code, 2, "{}", both.words);
}
