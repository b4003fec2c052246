//! How fast a log is verified, in its database and as an export, beside plain SHA-256 over the same
//! leaves by one thread; and what the head outside the database costs. `cargo bench --bench audit`;
//! `docs/performance.md` says how to read it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod head;
#[path = "../machine/mod.rs"]
mod machine;

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Decision;
use counterfoil::audit::Entry;
use counterfoil::audit::EntryDraft;
use counterfoil::audit::EntryItem;
use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::audit::Report;
use counterfoil::audit::verify_export;
use counterfoil::audit::verify_store;
use counterfoil::audit::write_export;
use counterfoil::crypto::Fingerprint;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::merkle::Frontier;
use counterfoil::crypto::merkle::leaf_hash;
use counterfoil::crypto::note::AuditSigningKey;
use counterfoil::crypto::note::Checkpoint;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::domain::CaseId;
use counterfoil::domain::FieldName;
use counterfoil::domain::KeyVersion;
use counterfoil::domain::Namespace;
use counterfoil::domain::Principal;
use counterfoil::domain::Purpose;
use counterfoil::domain::Subject;
use counterfoil::domain::Timestamp;
use counterfoil::store::Append;
use counterfoil::store::CommitBatch;
use counterfoil::store::Store;
use counterfoil::store::StoredEntry;
use counterfoil::store::StoredHash;
use counterfoil::store::StoredLeaf;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;
use sha2::Digest;
use sha2::Sha256;

use crate::machine::median;

type Failure = Box<dyn Error + Send + Sync>;
type Verified = Result<Report, Failure>;

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn main() -> Result<(), Failure> {
    let (rounds_count, entries_count) = if machine::is_real_run() {
        (5, 1_000_000)
    } else {
        (1, 3_000)
    };
    println!("{}", machine::description());
    println!("{rounds_count} rounds over a log of {entries_count} entries, each side in turn");
    let directory = tempfile::tempdir()?;
    let (key, origin) = signing_key()?;
    let keys = CheckpointKeys::new(vec![key.verifier(origin.clone())]);
    let store = fill(&directory.path().join("store"), entries_count, &key, origin)?;
    let export = directory.path().join("log.jsonl");
    let mut writer = BufWriter::new(File::create(&export)?);
    write_export(&mut writer, &store, &keys)?;
    writer.flush()?;

    let sides: [(&str, &dyn Fn() -> Verified); 2] = [
        ("database", &|| Ok(verify_store(&store, None, &keys)?)),
        ("export", &|| {
            Ok(verify_export(BufReader::new(File::open(&export)?), &keys)?)
        }),
    ];
    let per_second = |begun: Instant| entries_count as f64 / begun.elapsed().as_secs_f64();
    println!("| entries per second | verified | SHA-256 | ratio |\n|---|---|---|---|");
    for (name, verify) in sides {
        let (mut rates, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds_count {
            let begun = Instant::now();
            assert_eq!(verify()?.tree_size, entries_count);
            let rate = per_second(begun);
            let limit = hash_all(&store, entries_count)?;
            rates.push(rate);
            limits.push(limit);
            ratios.push(rate / limit);
        }
        println!(
            "| {name} | {:.0} | {:.0} | {:.2} |",
            median(&rates),
            median(&limits),
            median(&ratios)
        );
    }
    head::measure(directory.path(), rounds_count)
}

/// Leaves per second by SHA-256 alone; reading them is not counted.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn hash_all(store: &dyn Store, entries_count: u64) -> Result<f64, Failure> {
    let mut seconds = 0.0;
    let mut from = 0;
    while from < entries_count {
        let page = store.entries(from, 10_000)?;
        from += page.len() as u64;
        let begun = Instant::now();
        for stored in page.iter().filter_map(StoredLeaf::entry) {
            let hash = Sha256::new()
                .chain_update(stored.salt)
                .chain_update(&stored.entry);
            black_box(hash.finalize());
        }
        seconds += begun.elapsed().as_secs_f64();
    }
    Ok(entries_count as f64 / seconds)
}

/// A log of reveals of one value each, with their outcomes.
fn fill(
    directory: &Path,
    entries_count: u64,
    key: &AuditSigningKey,
    origin: NoteKeyName,
) -> Result<RocksStore, Failure> {
    let store = RocksStore::create(directory, &RocksOptions::default())?;
    let mut frontier = Frontier::new();
    while frontier.size() < entries_count {
        let mut append = Append {
            tree_size: frontier.size(),
            ..Append::default()
        };
        let end = entries_count.min(frontier.size() + 10_000);
        for index in frontier.size()..end {
            let stored = entry(index)?;
            let leaf = leaf_hash(&[&stored.salt, stored.entry.as_slice()].concat());
            let hashes = &mut append.hashes;
            frontier.append(leaf, |level, index, hash| {
                if level % 8 == 0 {
                    let hash = *hash.as_bytes();
                    hashes.push(StoredHash { level, index, hash });
                }
            })?;
            append.entries.push(stored);
        }
        let checkpoint = Checkpoint {
            origin: origin.clone(),
            tree_size: frontier.size(),
            root_hash: frontier.root(),
        };
        append.checkpoint = checkpoint.sign(key)?.to_string();
        store.commit(&CommitBatch {
            changes: Vec::new(),
            puts: Vec::new(),
            append,
        })?;
    }
    Ok(store)
}

fn entry(index: u64) -> Result<StoredEntry, Failure> {
    let is_outcome = index % 2 == 1;
    let (event, outcome) = if is_outcome {
        (Event::DetokenizeOutcome, ItemOutcome::Revealed)
    } else {
        (Event::Detokenize, ItemOutcome::Intended)
    };
    let hashed: [u8; 32] = Sha256::digest(index.to_be_bytes()).into();
    let (salt, fingerprint) = hashed.split_first_chunk().ok_or("a digest has 32 bytes")?;
    let entry = Entry {
        index,
        time: Timestamp::from_unix_ms(1_700_000_000_000 + index),
        uptime_ms: index,
        draft: EntryDraft {
            principal: Some(Principal::new("spiffe://shop.example/support")?),
            credential: Some(hashed),
            case_id: Some(CaseId::new("CASE-4711")?),
            purpose: Some(Purpose::new("support")?),
            namespace: Some(Namespace::new("shop")?),
            items: vec![EntryItem {
                field: Some(FieldName::new("email")?),
                subject: Some(Subject::new(&format!("cus_{}", index / 2))?),
                token: Some(Fingerprint::from_bytes(fingerprint.try_into()?)),
                key_version: Some(KeyVersion::FIRST),
                outcome,
            }],
            policy_hash: Some(hashed),
            decision: Some(Decision::Permit),
            intent_index: is_outcome.then(|| index - 1),
            ..EntryDraft::new(event)
        },
    };
    Ok(StoredEntry {
        index,
        salt: *salt,
        entry: entry.encode(),
    })
}

fn signing_key() -> Result<(AuditSigningKey, NoteKeyName), Failure> {
    let key = AuditSigningKey::new(&KeyBytes::from_array(&[7; 32]));
    Ok((key, NoteKeyName::new("vault.example/audit")?))
}
