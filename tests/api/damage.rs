//! Damage under the vault: it fails what it touches, and nothing else. Chance that repeats itself
//! draws again.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use counterfoil::crypto::Entropy;
use counterfoil::crypto::SystemEntropy;
use counterfoil::protocol::DetokenizeResult;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::inspect_result;
use counterfoil::protocol::lookup_result;
use counterfoil::protocol::verify_match_result;
use rocksdb::DB;
use rocksdb::IteratorMode;
use rocksdb::Options;
use tonic::Code;
use tonic_types::pb;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::import_of;
use crate::support::imported_of;
use crate::support::item;
use crate::support::reveal;
use crate::support::token_of;
use crate::support::value_of;

/// Opens the database of a vault that is stopped, past the vault.
pub(crate) fn raw(vault: &TestVault) -> DB {
    let path = vault.config.data_dir.join("rocksdb");
    let families = DB::list_cf(&Options::default(), &path).unwrap();
    DB::open_cf(&Options::default(), &path, families).unwrap()
}

pub(crate) type Row = (Box<[u8]>, Box<[u8]>);

pub(crate) fn rows(database: &DB, family: &str) -> Vec<Row> {
    let handle = database.cf_handle(family).unwrap();
    database
        .iterator_cf(&handle, IteratorMode::Start)
        .map(Result::unwrap)
        .collect()
}

pub(crate) fn put(database: &DB, family: &str, key: &[u8], value: &[u8]) {
    let handle = database.cf_handle(family).unwrap();
    database.put_cf(&handle, key, value).unwrap();
}

async fn codes(client: &Client, tokens: &[String]) -> Vec<Code> {
    let items = tokens.iter().map(|token| reveal("name", token)).collect();
    let response = client.detokenize(detokenize_items(items)).await.unwrap();
    let code = |result: DetokenizeResult| match value_of(result) {
        Ok(_) => Code::Ok,
        Err(status) => Code::from(status.code),
    };
    response.results.into_iter().map(code).collect()
}

const PEOPLE: [&str; 4] = ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Li"];

async fn tokens_of_people(client: &Client) -> Vec<String> {
    let mut tokens = Vec::new();
    for person in PEOPLE {
        tokens.push(client.token("name", person).await);
    }
    tokens
}

fn counts(codes: &[Code]) -> (usize, usize) {
    let count = |code| codes.iter().filter(|it| **it == code).count();
    (count(Code::Ok), count(Code::DataLoss))
}

/// Goal: one damaged record fails its own item only. Method: every byte of one record, changed one
/// after the other, and the record cut or lengthened; the three others must open, and the damaged
/// one must never give a wrong value.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_record_fails_only_its_own_item() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let tokens = tokens_of_people(&client).await;
    vault.stop().await;
    let (key, value) = rows(&raw(&vault), "records").into_iter().next().unwrap();
    let mut damaged: Vec<Vec<u8>> = Vec::new();
    for place in (0..value.len()).step_by(9) {
        let mut bytes = value.to_vec();
        bytes[place] ^= 0x21;
        damaged.push(bytes);
    }
    damaged.push(value[..value.len() / 2].to_vec());
    damaged.push([&value[..], b"more"].concat());
    damaged.push(Vec::new());
    let mut lost_count = 0;
    for bytes in damaged {
        put(&raw(&vault), "records", &key, &bytes);
        vault.serve().await.unwrap();
        let client = vault.backend().await;
        let items = tokens.iter().map(|token| reveal("name", token)).collect();
        let response = client.detokenize(detokenize_items(items)).await.unwrap();
        let mut good_count = 0;
        for (result, person) in response.results.into_iter().zip(PEOPLE) {
            match value_of(result) {
                Ok(value) => {
                    assert_eq!(value, person);
                    good_count += 1;
                }
                Err(status) => {
                    let code = Code::from(status.code);
                    // A changed state or time of expiry makes it unknown, not damaged.
                    let is_refused = matches!(
                        code,
                        Code::DataLoss | Code::PermissionDenied | Code::FailedPrecondition
                    );
                    assert!(is_refused, "{code:?}");
                    lost_count += usize::from(code == Code::DataLoss);
                }
            }
        }
        assert!(good_count >= 3);
        vault.stop().await;
    }
    assert!(lost_count > 10, "{lost_count}");
    vault.check().await;
}

/// The other calls stand by the same rule.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_record_fails_only_its_own_item_in_every_call() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let tokens = tokens_of_people(&client).await;
    vault.stop().await;
    let (key, value) = rows(&raw(&vault), "records").into_iter().next().unwrap();
    put(&raw(&vault), "records", &key, &value[..value.len() - 1]);
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    assert_eq!(counts(&codes(&client, &tokens).await), (3, 1));
    let items = PEOPLE.map(|person| item("name", person)).to_vec();
    let results = client.tokenize(items).await.unwrap();
    let code = |status: &pb::Status| Code::from(status.code);
    let tokenized: Vec<Code> = results
        .into_iter()
        .map(|it| token_of(it).map_or_else(|status| code(&status), |_| Code::Ok))
        .collect();
    assert_eq!(counts(&tokenized), (3, 1));
    let lookup = |value: &str| LookupItem {
        field: "name".to_owned(),
        value: value.to_owned(),
        subject: String::new(),
        ..LookupItem::default()
    };
    let results = client
        .lookup_items(PEOPLE.map(lookup).to_vec())
        .await
        .unwrap();
    let looked_up: Vec<Code> = results
        .into_iter()
        .map(|it| match it.result.unwrap() {
            lookup_result::Result::Token(_) => Code::Ok,
            lookup_result::Result::Error(status) => code(&status),
        })
        .collect();
    assert_eq!(counts(&looked_up), (3, 1));
    let pairs = tokens
        .iter()
        .zip(PEOPLE)
        .map(|(token, person)| VerifyMatchItem {
            field: "name".to_owned(),
            token: token.clone(),
            value: person.to_owned(),
            subject: String::new(),
            ..VerifyMatchItem::default()
        });
    let results = client.verify_match_items(pairs.collect()).await.unwrap();
    let verified: Vec<Code> = results
        .into_iter()
        .map(|it| match it.result.unwrap() {
            verify_match_result::Result::Equal(equal) => {
                assert!(equal);
                Code::Ok
            }
            verify_match_result::Result::Error(status) => code(&status),
        })
        .collect();
    assert_eq!(counts(&verified), (3, 1));
    let items = tokens.iter().map(|token| InspectItem {
        field: "name".to_owned(),
        token: token.clone(),
        subject: String::new(),
        ..InspectItem::default()
    });
    let results = client.inspect_items(items.collect()).await.unwrap();
    let inspected: Vec<Code> = results
        .into_iter()
        .map(|it| match it.result.unwrap() {
            inspect_result::Result::Description(description) => {
                assert!(description.known);
                Code::Ok
            }
            inspect_result::Result::Error(status) => code(&status),
        })
        .collect();
    assert_eq!(counts(&inspected), (3, 1));
    vault.check().await;
}

/// Goal: a damaged record of an imported token never gives a wrong value, a wrong token, or a wrong
/// answer. Method: every third byte of it, changed one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_record_of_an_imported_token_opens_to_nothing() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let items = vec![import_of("name", "Ada Lovelace", "tok_1", "")];
    client.import(items).await.unwrap();
    vault.stop().await;
    let (key, value) = rows(&raw(&vault), "records").into_iter().next().unwrap();
    let (mut lost_values, mut lost_tokens, mut lost_matches) = (0, 0, 0);
    for place in (0..value.len()).step_by(3) {
        let mut bytes = value.to_vec();
        bytes[place] ^= 0x21;
        put(&raw(&vault), "records", &key, &bytes);
        vault.serve().await.unwrap();
        let client = vault.backend().await;
        let is_refused = |status: &pb::Status| {
            let code = Code::from(status.code);
            // A changed state or time of expiry makes it unknown, not damaged.
            assert!(
                matches!(
                    code,
                    Code::DataLoss
                        | Code::PermissionDenied
                        | Code::FailedPrecondition
                        | Code::AlreadyExists
                ),
                "{place}: {code:?}"
            );
            usize::from(code == Code::DataLoss)
        };
        match client.value("name", "tok_1").await {
            Ok(value) => assert_eq!(value, "Ada Lovelace"),
            Err(status) => lost_values += is_refused(&status),
        }
        match client.verify_match("name", "tok_1", "Ada Lovelace").await {
            Ok(equal) => assert!(equal, "{place}"),
            Err(status) => lost_matches += is_refused(&status),
        }
        let items = vec![import_of("name", "Ada Lovelace", "tok_1", "")];
        match imported_of(client.import(items).await.unwrap().remove(0)) {
            Ok(token) => assert!(token.token == "tok_1" && !token.created, "{place}"),
            Err(status) => _ = is_refused(&status),
        }
        match client.lookup("name", "Ada Lovelace").await {
            Ok(token) => assert_eq!(token.token, "tok_1", "{place}"),
            Err(status) if Code::from(status.code) == Code::NotFound => (),
            Err(status) => lost_tokens += is_refused(&status),
        }
        vault.stop().await;
    }
    // The wrapped key is in all of them, and of the sealed parts each its own.
    println!(
        "of {} bytes: {lost_values} {lost_tokens} {lost_matches}",
        value.len()
    );
    assert!(lost_values > 20 && lost_tokens > 20 && lost_matches > 20);
    assert!(lost_values < value.len() / 3 && lost_tokens < value.len() / 3);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn record_in_anothers_place_does_not_open() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let tokens = tokens_of_people(&client).await;
    vault.stop().await;
    {
        let database = raw(&vault);
        let records = rows(&database, "records");
        put(&database, "records", &records[0].0, &records[1].1);
        put(&database, "records", &records[1].0, &records[0].1);
    }
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    assert_eq!(counts(&codes(&client, &tokens).await), (2, 2));
    let items = PEOPLE.map(|person| item("name", person)).to_vec();
    let results = client.tokenize(items).await.unwrap();
    let lost = results.into_iter().filter_map(|it| token_of(it).err());
    let codes: Vec<_> = lost.map(|status| Code::from(status.code)).collect();
    assert_eq!(codes, [Code::DataLoss, Code::DataLoss]);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn value_that_points_at_anothers_record_gets_no_token() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let tokens = tokens_of_people(&client).await;
    vault.stop().await;
    {
        let database = raw(&vault);
        let values = rows(&database, "values");
        put(&database, "values", &values[0].0, &values[1].1);
        put(&database, "values", &values[1].0, &values[0].1);
        put(&database, "values", &values[2].0, &[9; 20]);
    }
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    // Tokens find their records by themselves.
    assert_eq!(counts(&codes(&client, &tokens).await), (4, 0));
    let mut lost_count = 0;
    for (person, token) in PEOPLE.into_iter().zip(&tokens) {
        let results = client.tokenize(vec![item("name", person)]).await.unwrap();
        match token_of(results.into_iter().next().unwrap()) {
            Ok(value) => assert_eq!(value.token, *token),
            Err(status) => {
                assert_eq!(Code::from(status.code), Code::DataLoss);
                lost_count += 1;
            }
        }
    }
    assert_eq!(lost_count, 3);
    vault.check().await;
}

/// Gives each key several times.
struct Repeating {
    count: u64,
    drawn_count: AtomicU64,
}

impl Entropy for Repeating {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() != 32 {
            return SystemEntropy.fill(bytes);
        }
        let key = self.drawn_count.fetch_add(1, Ordering::SeqCst) / self.count;
        bytes.fill(0x5a);
        bytes[..8].copy_from_slice(&key.to_be_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_that_is_taken_is_drawn_again() {
    let mut vault = TestVault::start().await;
    let drawn_count = AtomicU64::new(0);
    vault
        .restart_with(Arc::new(Repeating {
            count: 4,
            drawn_count,
        }))
        .await;
    let client = vault.backend().await;
    for value in ["Ada Lovelace", "Li"] {
        let mut tokens = HashSet::new();
        for _ in 0..4 {
            // Alone: what is taken is found when it is written.
            assert!(tokens.insert(client.token("nickname", value).await));
            // In a batch: it is found before.
            let results = client
                .tokenize(vec![item("nickname", value); 5])
                .await
                .unwrap();
            for result in results {
                assert!(tokens.insert(token_of(result).unwrap().token));
            }
        }
        for token in tokens {
            assert_eq!(client.value("nickname", &token).await.unwrap(), value);
        }
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slice_without_free_tokens_is_exhausted_and_not_a_loop() {
    let mut vault = TestVault::start().await;
    let drawn_count = AtomicU64::new(0);
    vault
        .restart_with(Arc::new(Repeating {
            count: u64::MAX,
            drawn_count,
        }))
        .await;
    let client = vault.backend().await;
    for value in ["Ada Lovelace", "Li"] {
        // In each language of outlines there is one.
        let mut last = Ok(());
        for _ in 0..3 {
            let items = vec![item("nickname", value), item("name", "Somebody Else")];
            let results = client.tokenize(items).await.unwrap();
            let mut results = results.into_iter();
            last = token_of(results.next().unwrap()).map(drop);
            assert!(token_of(results.next().unwrap()).is_ok());
        }
        assert_eq!(
            Code::from(last.err().unwrap().code),
            Code::ResourceExhausted
        );
    }
    vault.check().await;
}
