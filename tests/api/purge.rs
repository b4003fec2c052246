//! No byte of what was erased is left on the disk.

use std::fs;
use std::path::Path;

use counterfoil::domain::KeyVersion;
use counterfoil::domain::Namespace;
use counterfoil::domain::Subject;
use counterfoil::keys::Keyring;
use counterfoil::keys::StoredKey;
use counterfoil::store::NamespaceId;
use counterfoil::store::Record;
use counterfoil::store::RecordKey;
use counterfoil::store::RecordState;
use counterfoil::store::SubjectKey;
use counterfoil::store::Table;

use crate::erase::erase;
use crate::erase::start;
use crate::erase::token_for;
use crate::support::TestVault;

/// The records of a customer of `shop`, as they are in the store.
fn records_of(vault: &TestVault, subject: &str) -> Vec<(RecordKey, Record)> {
    let shop = Namespace::new("shop").unwrap();
    let rows = vault.with_store(|store| store.rows(Table::Keys, None, 100).unwrap());
    let keys: Vec<StoredKey> = rows
        .iter()
        .map(|(_, row)| StoredKey::decode(row).unwrap())
        .collect();
    let keyring = Keyring::open(&*vault.root_key(), &keys).unwrap();
    let key = keyring
        .namespace(&shop)
        .unwrap()
        .value_fingerprint()
        .active();
    let fingerprint = *key
        .subject(&shop, &Subject::new(subject).unwrap())
        .as_bytes();
    let mut found = Vec::new();
    for namespace in [1, 2].map(NamespaceId) {
        let subject = SubjectKey {
            namespace,
            fingerprint,
            key_version: KeyVersion::FIRST,
        };
        vault.with_store(|store| {
            let ids = store.subject_records(&subject, None, 100).unwrap();
            let key = |id| RecordKey { namespace, id };
            let keys: Vec<RecordKey> = ids.into_iter().map(key).collect();
            let records = store
                .records(&keys)
                .unwrap()
                .into_iter()
                .map(Option::unwrap);
            found.extend(keys.into_iter().zip(records));
        });
    }
    found
}

/// Every sealed part of the records on the disk, with what state each record is in.
fn sealed_parts(record: &Record) -> [&[u8]; 3] {
    [&record.wrapped, &record.subject, &record.residue]
}

/// Every file of a directory with what is in it, but pages of zeros: nothing sealed is one.
pub(crate) fn contents(directory: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let zeros = [0; 4_096];
        let pages = bytes.chunks(zeros.len());
        let pages = pages.filter(|page| *page != &zeros[..page.len()]);
        found.push(pages.collect::<Vec<_>>().concat());
    }
    found
}

/// In how many files the bytes are.
pub(crate) fn files_with(files: &[Vec<u8>], bytes: &[u8]) -> usize {
    let has = |file: &&Vec<u8>| file.windows(bytes.len()).any(|window| window == bytes);
    files.iter().filter(has).count()
}

/// Goal: after a purge no file has the bytes of what was erased. Method: the sealed parts of a
/// customer's records are searched for in every file: found before, and in the log of writes after
/// erasing; not found after the purge. Those of a customer who stays are found throughout.
#[tokio::test(flavor = "multi_thread")]
async fn purge_leaves_no_byte_of_what_was_erased() {
    let vault = start().await;
    let client = vault.backend().await;
    for round in 0..3 {
        for (name, subject) in [("Ada Lovelace", "cus_1"), ("Grace Hopper", "cus_2")] {
            let value = format!("{name}{}", "x".repeat(round));
            token_for(&client, "name", &value, subject).await;
        }
        // Some rows are in tables, in more than one of them, and some in the log of writes.
        if round < 2 {
            vault.with_store(|store| store.flush().unwrap());
        }
    }
    let (gone, kept) = (records_of(&vault, "cus_1"), records_of(&vault, "cus_2"));
    assert_eq!((gone.len(), kept.len()), (3, 3));
    let data_dir = vault.config.data_dir.clone();
    let found = |records: &[(RecordKey, Record)]| -> Vec<usize> {
        let parts = records.iter().flat_map(|(_, record)| sealed_parts(record));
        let parts = parts.filter(|part| !part.is_empty());
        let files = contents(&data_dir);
        parts.map(|part| files_with(&files, part)).collect()
    };
    assert!(
        found(&gone).iter().all(|count| *count > 0),
        "planted bytes are found"
    );

    erase(&client, "cus_1", false).await;
    let keys: Vec<RecordKey> = gone.iter().map(|(key, _)| *key).collect();
    let stones = vault.with_store(|store| store.records(&keys).unwrap());
    for stone in stones {
        let stone = stone.unwrap();
        assert!(
            stone.state == RecordState::Erased && stone == Record::tombstone(KeyVersion::FIRST)
        );
    }
    let unpurged = |vault: &TestVault| {
        vault.with_store(|store| store.statistics().unwrap().erasures_unpurged_count)
    };
    // The vault may have purged already, by itself.
    let is_left = found(&gone).iter().any(|count| *count > 0);
    assert!(
        is_left || unpurged(&vault) == 0,
        "erasing alone leaves old bytes"
    );
    vault.with_store(|store| store.purge().unwrap());
    assert_eq!(unpurged(&vault), 0);
    assert!(
        found(&gone).iter().all(|count| *count == 0),
        "no byte is left: {:?}",
        found(&gone)
    );
    assert!(
        found(&kept).iter().all(|count| *count > 0),
        "others are untouched"
    );
    vault.check().await;
}
