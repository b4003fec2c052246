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

#[path = "support/scanner.rs"]
mod scanner;
#[expect(
    dead_code,
    reason = "it is the support of all tests; this one needs a part of it"
)]
mod support;

use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use counterfoil::audit::write_export;
use counterfoil::protocol::{
    DetokenizeRequest, InspectItem, InspectRequest, Level, LookupItem, LookupRequest,
    TokenizeRequest, VerifyMatchItem, VerifyMatchRequest,
};
use rocksdb::{DB, Options};
use tokio_stream::StreamExt;
use tracing::Level as LogLevel;

use scanner::Scanner;
use support::{
    Client, TestVault, detokenize_items, item, item_of, reveal, reveal_of, token_of, value_of,
};

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

/// Values that are nowhere else, and what became of them.
struct Canaries {
    state: u64,
    texts: Vec<String>,
    /// Every error that a client was shown.
    errors: String,
}

impl Canaries {
    /// A word of letters that is nowhere else. By itself it is found in a compressed file too, as
    /// long as no other word begins alike.
    fn word(&mut self) -> String {
        // Xorshift, by Marsaglia.
        let mut letter = || {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            char::from(b'a' + u8::try_from((self.state >> 20) % 26).unwrap())
        };
        let word: String = (0..11).map(|_| letter()).collect();
        let first = word[..1].to_uppercase();
        self.keep(format!("{first}{}", &word[1..]))
    }

    fn keep(&mut self, text: String) -> String {
        self.texts.push(text.clone());
        text
    }

    /// A value for a field.
    fn value(&mut self, field: &str) -> String {
        let (one, two) = (self.word(), self.word());
        let text = match field {
            "email" | "contact" => format!("{one}.{two}@{one}mail.example"),
            "address" | "address_of" => format!("77 {one} Street, {two} NW1"),
            _ => format!("{one} {two}"),
        };
        self.keep(text)
    }

    fn error(&mut self, error: &impl Debug) {
        self.errors.push_str(&format!("{error:?}\n"));
    }

    fn outcome<T>(&mut self, result: Result<T, impl Debug>) -> Option<T> {
        result.map_err(|error| self.error(&error)).ok()
    }
}

const FIELDS: [&str; 8] = [
    "name",
    "address",
    "email",
    "contact",
    "nickname",
    "address_of",
    "alias",
    "visitor",
];

/// Every call as it should be.
async fn go_well(client: &Client, canaries: &mut Canaries) {
    for field in FIELDS {
        let value = canaries.value(field);
        let item = item_of(field, &value, "cus_1");
        let token = canaries.keep(client.tokenized(item).await.token);
        let known = client.inspect(field, &token, "cus_1").await;
        assert!(known.ok().unwrap().known);
        let revealed = client.value_of(field, &token, "cus_1").await.unwrap();
        assert_eq!(revealed.to_lowercase(), value.to_lowercase());
        // A token that is itself tokenized.
        let request = TokenizeRequest {
            namespace: "shop".to_owned(),
            items: vec![item_of(field, &token, "cus_1")],
            allow_token_values: true,
            request_id: format!("twice-{field}"),
        };
        let results = client.tokenize_request(request).await.unwrap();
        canaries.keep(token_of(results.into_iter().next().unwrap()).unwrap().token);
        if field == "address_of" {
            continue;
        }
        assert!(client.verify_match(field, &token, &value).await.unwrap());
        let other = canaries.value(field);
        assert!(!client.verify_match(field, &token, &other).await.unwrap());
        assert_eq!(
            client.lookup(field, &value).await.is_ok(),
            field != "nickname"
        );
    }
    // What no shape carries.
    for value in ["ประยุทธ์ จันทร์โอชา", "Zz", "𠮷田太郎𠮷田太郎"]
    {
        let token = canaries.keep(client.token("name", value).await);
        assert_eq!(client.value("name", &token).await.unwrap(), value);
        if value.len() > 8 {
            canaries.keep(value.to_owned());
        }
    }
    let values: Vec<String> = (0..20).map(|_| canaries.value("name")).collect();
    let requests: Vec<_> = values
        .iter()
        .map(|value| shop(vec![item("name", value)]))
        .collect();
    let answers = client
        .token
        .clone()
        .tokenize_stream(tokio_stream::iter(requests))
        .await;
    let mut answers = answers.unwrap().into_inner();
    let mut reveals = Vec::new();
    while let Some(answer) = answers.next().await {
        let result = answer.unwrap().results.into_iter().next().unwrap();
        let token = canaries.keep(token_of(result).unwrap().token);
        reveals.push(detokenize_items(vec![reveal("name", &token)]));
    }
    let answers = client
        .reveal
        .clone()
        .detokenize_stream(tokio_stream::iter(reveals))
        .await;
    let mut answers = answers.unwrap().into_inner();
    while let Some(answer) = answers.next().await {
        assert!(value_of(answer.unwrap().results.into_iter().next().unwrap()).is_ok());
    }
}

fn shop(items: Vec<counterfoil::protocol::TokenizeItem>) -> TokenizeRequest {
    TokenizeRequest {
        namespace: "shop".to_owned(),
        items,
        ..TokenizeRequest::default()
    }
}

/// Every call as it should not be.
async fn go_wrong(client: &Client, canaries: &mut Canaries) {
    for field in FIELDS {
        let value = canaries.value(field);
        let token = canaries.value(field);
        let forms = [
            value.clone(),
            format!("{value}\0"),
            format!("{value}\u{1b}[31m"),
            value.repeat(200),
            value.repeat(50_000 / value.len()),
            format!("{value}@@{value}"),
        ];
        for form in forms {
            let subject = canaries.word() + "@x";
            for (field, subject) in [(field, ""), (field, "cus_1"), (field, subject.as_str())] {
                let items = vec![item_of(field, &form, subject)];
                if let Some(results) = canaries.outcome(client.tokenize(items).await)
                    && let Some(value) =
                        canaries.outcome(token_of(results.into_iter().next().unwrap()))
                {
                    canaries.keep(value.token);
                }
            }
            let result = client.lookup(field, &form).await;
            canaries.outcome(result);
            let result = client.verify_match(field, &token, &form).await;
            canaries.outcome(result);
            let result = client.inspect(field, &form, "cus_1").await;
            canaries.outcome(result);
            let result = client.value_of(field, &form, "cus_1").await;
            canaries.outcome(result);
        }
        let many = vec![item(field, &value); 1_001];
        let result = client.tokenize(many).await;
        canaries.outcome(result);
        let many = vec![reveal(field, &token); 1_001];
        let result = client.detokenize(detokenize_items(many)).await;
        canaries.outcome(result);
        let result = client
            .tokenize(vec![item(field, &value.repeat(5_000_000 / value.len()))])
            .await;
        canaries.outcome(result);
    }
}

/// Values in places where they do not belong.
async fn go_astray(client: &Client, canaries: &mut Canaries) {
    let word = canaries.word();
    let made_up = canaries.keep(word.to_lowercase());
    let value = canaries.value("name");
    for text in [made_up.as_str(), value.as_str()] {
        let text = text.to_owned();
        let good = || detokenize_items(vec![reveal("name", "Some Token")]);
        let requests = [
            DetokenizeRequest {
                namespace: text.clone(),
                ..good()
            },
            DetokenizeRequest {
                grant_id: text.clone(),
                ..good()
            },
            DetokenizeRequest {
                acting_principal: text.clone(),
                ..good()
            },
            detokenize_items(vec![reveal(&text, &value)]),
            detokenize_items(vec![reveal_of("name", &value, &value)]),
            DetokenizeRequest {
                purpose: value.clone(),
                ..good()
            },
            DetokenizeRequest {
                case_id: value.clone(),
                ..good()
            },
            DetokenizeRequest {
                request_id: value.clone(),
                ..good()
            },
            DetokenizeRequest {
                level: Level::Masked.into(),
                ..good()
            },
        ];
        for request in requests {
            let result = client.detokenize(request).await;
            if let Some(response) = canaries.outcome(result) {
                for result in response.results {
                    canaries.outcome(value_of(result));
                }
            }
        }
        let namespace = text.clone();
        let request = TokenizeRequest {
            namespace,
            ..shop(vec![item(&text, &value)])
        };
        let result = client.tokenize_request(request).await;
        canaries.outcome(result);
        let results = client.tokenize(vec![item(&text, &value)]).await;
        for result in canaries.outcome(results).into_iter().flatten() {
            canaries.outcome(token_of(result));
        }
    }
}

/// Everything, by somebody who may do nothing.
async fn be_denied(client: &Client, canaries: &mut Canaries) {
    for namespace in ["shop", "other"] {
        let namespace = || namespace.to_owned();
        let (field, subject) = ("name".to_owned(), String::new());
        let (value, token) = (canaries.value("name"), canaries.value("name"));
        let request = TokenizeRequest {
            namespace: namespace(),
            ..shop(vec![item("name", &value)])
        };
        let result = client.tokenize_request(request).await;
        assert!(canaries.outcome(result).is_none());
        let items = vec![LookupItem {
            field: field.clone(),
            value: value.clone(),
            subject: subject.clone(),
        }];
        let request = LookupRequest {
            namespace: namespace(),
            items,
            ..LookupRequest::default()
        };
        let result = client.token.clone().lookup(request).await;
        assert!(canaries.outcome(result).is_none());
        let items = vec![InspectItem {
            field: field.clone(),
            token: token.clone(),
            subject: subject.clone(),
        }];
        let request = InspectRequest {
            namespace: namespace(),
            items,
            ..InspectRequest::default()
        };
        let result = client.token.clone().inspect(request).await;
        assert!(canaries.outcome(result).is_none());
        let items = vec![VerifyMatchItem {
            field,
            token: token.clone(),
            value,
            subject,
        }];
        let request = VerifyMatchRequest {
            namespace: namespace(),
            items,
            ..VerifyMatchRequest::default()
        };
        let result = client.token.clone().verify_match(request).await;
        assert!(canaries.outcome(result).is_none());
        let items = vec![reveal("name", &token)];
        let request = DetokenizeRequest {
            namespace: namespace(),
            ..detokenize_items(items)
        };
        let result = client.detokenize(request).await;
        assert!(canaries.outcome(result).is_none());
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
    let mut vault = TestVault::start().await;
    let mut canaries = Canaries {
        state: 0x9e37_79b9_7f4a_7c15,
        texts: Vec::new(),
        errors: String::new(),
    };
    let client = vault.backend().await;
    go_well(&client, &mut canaries).await;
    go_wrong(&client, &mut canaries).await;
    go_astray(&client, &mut canaries).await;
    let stranger = vault.client("stranger").await;
    be_denied(&stranger, &mut canaries).await;
    let nameless = vault.client("nameless").await;
    be_denied(&nameless, &mut canaries).await;
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
