//! The second verifier, asked about the log that a campaign has left.

use std::fs;
use std::path::Path;
use std::process::Command;

use counterfoil::audit::write_export;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use crate::ledger::Ledger;
use crate::testbed;
use crate::testbed::Failure;
use crate::untried::not_tried;

/// Has the whole log verified by the second verifier, as the first has done, and once more with one
/// character of it changed, which must be found.
pub(crate) fn agrees(directory: &Path, ledger: &Ledger) -> Result<(), Failure> {
    let probe = Command::new("python3")
        .args(["-c", "import cryptography"])
        .output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        not_tried("Python's cryptography is missing (python3-cryptography in Debian)");
        return Ok(());
    }
    let config = testbed::config(directory)?;
    let store = RocksStore::open_read_only(&config.data_dir, &RocksOptions::default())?;
    let mut export = Vec::new();
    write_export(&mut export, &store, &ledger.keys)?;
    assert!(is_verified(&export, ledger)?, "only ours believes the log");
    let text = str::from_utf8(&export)?;
    let place = text.find("\"leaf\":\"").ok_or("no leaf")? + "\"leaf\":\"".len();
    let changed = if export.get(place) == Some(&b'A') {
        b'B'
    } else {
        b'A'
    };
    *export.get_mut(place).ok_or("no leaf")? = changed;
    assert!(!is_verified(&export, ledger)?, "a changed log is believed");
    Ok(())
}

fn is_verified(export: &[u8], ledger: &Ledger) -> Result<bool, Failure> {
    let scratch = tempfile::tempdir()?;
    let (log, key) = (
        scratch.path().join("log.jsonl"),
        scratch.path().join("audit.vkey"),
    );
    fs::write(&log, export)?;
    fs::write(&key, ledger.keys.lines().join("\n"))?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/verify_log.py");
    let mut python = Command::new("python3");
    python.arg(script).arg("--public-key").args([key, log]);
    let output = python.output()?;
    match output.status.code() {
        Some(0) => Ok(true),
        Some(4) => Ok(false),
        code => Err(format!("the second verifier ended with {code:?}").into()),
    }
}
