//! The script of `keys-example/` runs, and ends as it says.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

use std::path::Path;
use std::process::Command;
use std::process::Output;

fn play(directory: &Path) -> Output {
    Command::new("bash")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/keys-example/ceremony.sh"
        ))
        .arg(directory)
        .env("COUNTERFOIL", env!("CARGO_BIN_EXE_counterfoil"))
        .output()
        .unwrap()
}

#[test]
fn ceremony_of_the_example_runs() {
    let directory = tempfile::tempdir().unwrap();
    let played = play(directory.path());
    let (output, words) = (
        String::from_utf8_lossy(&played.stdout),
        String::from_utf8_lossy(&played.stderr),
    );
    assert!(played.status.success(), "{output}{words}");
    let state = |key: &str, state: &str| {
        let mut lines = output.lines();
        lines.any(|line| line.contains(key) && line.contains(state))
    };
    assert!(state("wrapping/dev/1", "destroyed") && state("wrapping/dev/2", "active"));
    assert!(output.contains("{\"erased\":") && output.contains(" 1 entries are erased"));
    assert!(words.contains("signed by the vault, and by officer1, officer2"));
    // A directory that has a vault is left alone.
    assert!(!play(directory.path()).status.success());
}
