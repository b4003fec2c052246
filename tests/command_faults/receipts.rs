//! Receipts that `detokenize --receipts` keeps, under a disk that fails.

use std::fs;
use std::fs::File;

use crate::commands::Stage;
use crate::files;
use crate::places_count;
use crate::strace;
use crate::strace::FAULTS;
use crate::strace::Injection;
use crate::vaults::stage;

/// Goal: a receipt is there as a whole or not at all; the value is shown all the same, and whoever
/// asked is told that its receipt was not kept. Method: each fault at each call that keeps one, but
/// for writes, which are of connections too.
#[test]
fn receipt_that_is_not_kept_is_told_of() {
    if !strace::is_there() {
        return;
    }
    let stage = stage();
    stage.done("init --config config.toml");
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let token = stage.tokenize(&client, "Ada Lovelace");
    fs::write(stage.path("tokens"), token).unwrap();
    let call = format!(
        "detokenize --field name --namespace shop --purpose support {client} --receipts receipts"
    );
    let (mut met_count, mut whole_count) = (0, 0);
    for kind in ["fsync", "renameat2"] {
        for fault in FAULTS {
            for place in 1..=places_count() {
                let injection = Injection {
                    call: kind,
                    fault,
                    place,
                };
                let input = File::open(stage.path("tokens")).unwrap();
                let command = stage.command(&call);
                let ended = injection.run(&command, input.into(), &stage.path(""));
                let kept = files(&stage.path("receipts"));
                let kept: Vec<_> = kept
                    .keys()
                    .filter(|it| it.ends_with(".tlog-proof"))
                    .collect();
                for name in &kept {
                    stage.done(&format!(
                        "audit check-receipt receipts/{name} --public-key data/audit.vkey"
                    ));
                }
                whole_count += kept.len();
                if ended.is_met {
                    let is_killed = fault == "signal=KILL";
                    let is_told = ended.words.contains("was not kept");
                    assert!(is_killed || is_told, "{injection:?}: {ended:?}");
                    let is_shown = ended.output.contains("Ada Lovelace");
                    assert!(is_killed || is_shown, "{injection:?}: {ended:?}");
                    met_count += 1;
                }
                let _none = fs::remove_dir_all(stage.path("receipts"));
                if !ended.is_met {
                    break;
                }
            }
        }
    }
    vault.stop();
    println!("receipts: {met_count} faults met, {whole_count} receipts kept as a whole");
    assert!(met_count >= 4, "{met_count} faults met");
}

/// The fault that the test above must catch: a receipt that is cut off under its name.
#[test]
fn receipt_that_is_cut_off_is_noticed() {
    let stage = stage();
    stage.done("init --config config.toml");
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    let token = stage.tokenize(&client, "Ada Lovelace");
    fs::write(stage.path("tokens"), token).unwrap();
    let call = format!(
        "detokenize --field name --namespace shop --purpose support {client} --receipts receipts"
    );
    let mut command = stage.command(&call);
    command.stdin(File::open(stage.path("tokens")).unwrap());
    assert!(command.output().unwrap().status.success());
    vault.stop();
    let (name, bytes) = files(&stage.path("receipts")).pop_first().unwrap();
    let check = format!("audit check-receipt receipts/{name} --public-key data/audit.vkey");
    stage.done(&check);
    let path = stage.path("receipts").join(name);
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    assert_ne!(stage.run(&check).code, 0);
}
