//! The log that a vault for development has left, verified by both verifiers.

#[path = "second_verifier.rs"]
mod second_verifier;
#[path = "untried.rs"]
mod untried;

use std::fs;
use std::path::Path;
use std::process::Command;

use self::second_verifier::SecondVerifier;

/// Verifies the log of a vault that is stopped, in the directory that was given to `--dev`: the
/// second verifier says of what `audit export` writes what `audit verify` says.
pub(crate) fn verify_log(directory: &Path) {
    let data = directory.join("data");
    let key = data.join("audit.vkey");
    let audit = |command: &str, flags: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        program.args(["audit", command, "--data-dir"]).arg(&data);
        program.arg("--public-key").arg(&key).args(flags);
        let output = program.output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "audit {command}: {words}");
        output.stdout
    };
    let ours = serde_json::from_slice(&audit("verify", &["--json"])).unwrap();
    let line = fs::read_to_string(&key).unwrap();
    if let Some(mut second) = SecondVerifier::of_keys(&[line]) {
        second.assert_agrees(&audit("export", &[]), &ours);
    }
}
