//! Nothing that a customer said gets out: not into a log line, a metric, an error, the audit log or
//! a file, whatever goes wrong.
//!
//! Unique values go through every call, in order and in error. Then everything that the vault has
//! written is searched for the values and their tokens. A value planted in each of these places
//! must be found, or the search proves nothing.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

mod access_calls;
mod calls;
mod canaries;
mod parts;
mod redaction;
mod replacing;
#[path = "../support/scanner.rs"]
mod scanner;
#[expect(
    dead_code,
    reason = "it is the support of all tests; this one needs a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use counterfoil::audit::write_export;
use rocksdb::{DB, Options};
use tracing::Level as LogLevel;

use crate::canaries::Canaries;
use crate::scanner::Scanner;
use crate::support::TestVault;
use crate::support::item_of;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every file below a directory, with what it holds.
fn files(directory: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(bytes) = fs::read(&path)
            // The ballast is large and empty.
            && bytes.iter().any(|byte| *byte != 0)
        {
            // The names of files are written by the vault too.
            found.push((
                path.display().to_string(),
                path.display().to_string().into_bytes(),
            ));
            found.push((path.display().to_string(), bytes));
        }
    }
}

fn export(vault: &TestVault) -> Vec<u8> {
    let mut text = Vec::new();
    let keys = vault.public_keys();
    vault.with_store(|store| write_export(&mut text, store, &keys).unwrap());
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn values_and_tokens_are_nowhere_but_in_answers() {
    let captured = Captured::default();
    let writer = captured.clone();
    tracing_subscriber::fmt()
        .with_max_level(LogLevel::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let fields = "[namespaces.shop.fields.card]\nformat = \"card\"\n\
                  [namespaces.shop.fields.phone]\nformat = \"phone\"";
    let people = access_calls::People::new();
    let officers = replacing::table();
    let lines = [fields, parts::FIELD, "\n", &people.lines(), &officers].concat();
    let mut vault = TestVault::start_with(&lines).await;
    let mut canaries = Canaries::new();
    let client = vault.backend().await;
    calls::go_well(&client, &mut canaries).await;
    calls::go_wrong(&client, &mut canaries).await;
    redaction::redact(&client, &mut canaries).await;
    parts::go_by_parts(&client, &mut canaries).await;
    calls::go_astray(&client, &mut canaries).await;
    replacing::replace(&vault, &mut canaries).await;
    access_calls::go_well(&vault, &people, &mut canaries).await;
    access_calls::go_wrong(&vault, &people, &mut canaries).await;
    let stranger = vault.client("stranger").await;
    calls::be_denied(&stranger, &mut canaries).await;
    let nameless = vault.client("nameless").await;
    calls::be_denied(&nameless, &mut canaries).await;
    drop((client, stranger, nameless));

    assert!(canaries.texts.len() > 100 && canaries.errors.len() > 10_000);
    let scanner = Scanner::new(canaries.texts.iter().map(String::as_str));
    let clean = |what: &str, bytes: &[u8]| {
        if let Some(hit) = scanner.find(bytes) {
            let from = hit.position.saturating_sub(200);
            let around = &bytes[from..bytes.len().min(hit.position + 100)];
            panic!("{what} has {hit:?}: {}", String::from_utf8_lossy(around));
        }
    };
    let metrics = vault.metrics_text().await;
    assert!(metrics.contains("counterfoil_calls_total") && metrics.contains("denied"));
    let exported = export(&vault);
    assert!(canaries.masks.lines().count() >= 10);
    clean(
        "masked answers and answers about grants",
        canaries.masks.as_bytes(),
    );
    clean("errors", canaries.errors.as_bytes());
    clean("metrics", metrics.as_bytes());
    clean("export", &exported);
    // As the files are while it runs, after it has stopped, and after it was started again.
    for _ in 0..2 {
        let mut found = Vec::new();
        files(vault.directory(), &mut found);
        assert!(
            found
                .iter()
                .any(|(path, bytes)| path.ends_with(".log") && !bytes.is_empty())
        );
        vault.stop().await;
        files(vault.directory(), &mut found);
        assert!(found.iter().any(|(path, _)| path.ends_with(".sst")));
        for (path, bytes) in &found {
            clean(path, bytes);
        }
        vault.serve().await.unwrap();
    }
    let log = captured.0.lock().unwrap().clone();
    assert!(log.len() > 100_000, "the log was captured");
    clean("log", &log);

    plants_are_found(vault, canaries, &scanner, &captured, &metrics).await;
}

/// The positive control: a value in each of these places is found.
async fn plants_are_found(
    mut vault: TestVault,
    mut canaries: Canaries,
    scanner: &Scanner,
    captured: &Captured,
    metrics: &str,
) {
    let planted = canaries.texts[0].clone();
    let is_found = |bytes: &[u8]| scanner.find(bytes).is_some_and(|hit| hit.text == planted);
    let before = captured.0.lock().unwrap().len();
    tracing::trace!(planted, "this is a leak");
    assert!(is_found(&captured.0.lock().unwrap()[before..]));
    let words = Scanner::new(["Planted-Subject-0815"]);
    let client = vault.backend().await;
    client
        .tokenized(item_of("name", "Somebody Else", "Planted-Subject-0815"))
        .await;
    assert!(
        words.find(&export(&vault)).is_some(),
        "subjects are in the log in clear"
    );
    assert!(is_found(format!("{}{planted}", canaries.masks).as_bytes()));
    let error = tonic::Status::invalid_argument(format!("not a name: {planted}"));
    canaries.error(&error);
    assert!(is_found(canaries.errors.as_bytes()));
    assert!(is_found(
        format!("{metrics}counterfoil_calls{{name=\"{planted}\"}} 1").as_bytes()
    ));
    drop(client);
    vault.stop().await;
    {
        let path = vault.config.data_dir.join("rocksdb");
        let families = DB::list_cf(&Options::default(), &path).unwrap();
        let database = DB::open_cf(&Options::default(), &path, families).unwrap();
        let handle = database.cf_handle("requests").unwrap();
        database
            .put_cf(&handle, [0; 20], planted.as_bytes())
            .unwrap();
        database.delete_cf(&handle, [0; 20]).unwrap();
    }
    let mut found = Vec::new();
    files(vault.directory(), &mut found);
    assert!(found.iter().any(|(_, bytes)| is_found(bytes)));
    vault.serve().await.unwrap();
    vault.check().await;
}
