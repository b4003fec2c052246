//! The script of `keys-example/` runs, and so does the demo with its officers' day; both end as
//! they say.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[path = "support/dev_log.rs"]
mod dev_log;

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
    dev_log::verify_log(&directory.path().join("dev"));
    // A directory that has a vault is left alone.
    assert!(!play(directory.path()).status.success());
}

#[test]
fn demo_tells_its_whole_story() {
    let directory = tempfile::tempdir().unwrap();
    let shown = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
        .arg("demo")
        .current_dir(directory.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&shown.stdout);
    let words = String::from_utf8_lossy(&shown.stderr);
    assert!(shown.status.success(), "{told}{words}");
    let story = told + words;
    let mut at = 0;
    for step in [
        "permission denied",
        "keys approve",
        "it is carried out at",
        "wrapping/dev/1          | destroyed",
        "the same address has the same token",
        "done: signed by the vault, and by officer1, officer2",
        "NOT verified: entry",
        "exit code 4",
    ] {
        let found = story.get(at..).and_then(|rest| rest.find(step));
        at += found.unwrap_or_else(|| panic!("{step}: {story}"));
    }
}
