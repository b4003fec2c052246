//! A backup that a serving vault makes, under a disk that fails.

use crate::commands::Stage;
use crate::places_count;
use crate::strace;
use crate::strace::Attached;
use crate::strace::Injection;
use crate::strace::is_killed;
use crate::vaults::stage;

/// Goal: a backup that could not be made is none, the one before is whole, and the next is, too.
/// Method: each fault at the first places of each call; then both are verified.
#[test]
fn backup_that_was_cut_off_is_none_and_the_next_is_whole() {
    if !strace::is_there() {
        return;
    }
    let stage = stage();
    stage.done("init --config config.toml");
    let to = stage.path("backups").display().to_string();
    let backup = |client: &str| format!("backup --to {to} {client} --namespace shop");
    let verify = "audit verify --backup backups --public-key data/audit.vkey";
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    stage.done(&backup(&client));
    vault.stop();
    stage.done(verify);
    let trace = stage.path("trace");
    let (mut met_count, mut failed_count) = (0, 0);
    for call in ["fsync", "rename"] {
        for fault in ["error=EIO", "signal=KILL"] {
            for place in 1..=3 * places_count() {
                let injection = Injection { call, fault, place };
                let mut vault = stage.serve();
                let client = Stage::client(&vault.line());
                stage.tokenize(&client, &format!("Ada {}", "x".repeat(3 + met_count)));
                let Some(attached) = Attached::to(&vault, &injection.rules(), &[], &trace) else {
                    return;
                };
                let is_done = stage.run(&backup(&client)).code == 0;
                let is_killed = is_killed(vault.end());
                let trace = attached.finish(&trace);
                let is_met = trace.contains("(INJECTED)") || is_killed;
                // Whatever became of it, the youngest there is verifies.
                stage.done(verify);
                failed_count += u64::from(!is_done);
                if !is_met {
                    break;
                }
                met_count += 1;
            }
        }
    }
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    stage.done(&backup(&client));
    vault.stop();
    stage.done(verify);
    println!("backups: {met_count} faults met, {failed_count} backups failed");
    assert!(met_count >= 6 && failed_count > 0, "{met_count} met");
}
