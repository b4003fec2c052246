//! Synthetic records by the million: rows that are as long as the vault's own, written in order to
//! table files that RocksDB takes in as they are.

use std::fs;
use std::path::Path;

use rocksdb::{
    BlockBasedOptions, ColumnFamilyDescriptor, DB, DBWithThreadMode, IteratorMode, Options,
    SingleThreaded, SstFileWriter, WaitForCompactOptions,
};

use crate::bare::vault_options;
use crate::testbed::Failure;
use crate::values::scramble;

/// The namespace's number in keys.
const NAMESPACE: [u8; 4] = [0, 0, 0, 1];
/// How many records the smallest vault has; each further one has ten times as many.
pub(crate) const LEAST_COUNT: u64 = 100_000;
/// A table file of about 256 MiB of records.
const RECORDS_PER_FILE: u64 = 1_000_000;

/// Adds synthetic records from one number up to another to a stopped vault, with their rows in the
/// value index and on a customer's list, and waits until they are compacted.
pub(crate) fn add(vault: &Path, from: u64, until: u64) -> Result<(), Failure> {
    let path = vault.join("rocksdb");
    let (options, families) = options(vault)?;
    let database =
        DBWithThreadMode::<SingleThreaded>::open_cf_descriptors(&options, &path, families)?;
    let sample = |name: &str| -> Result<Vec<u8>, Failure> {
        let family = database.cf_handle(name).ok_or("no such column family")?;
        let row = database.iterator_cf(family, IteratorMode::Start).next();
        Ok(row.ok_or("vault is empty")??.1.into_vec())
    };
    let rows = [
        ("records", sample("records")?),
        ("values", sample("values")?),
        ("subjects", sample("subjects")?),
    ];
    let mut first = from;
    while first < until {
        let end = until.min(first + RECORDS_PER_FILE);
        for (name, value) in &rows {
            let file = vault.join(format!("{name}.sst"));
            write_file(&file, name, first, end, value)?;
            let family = database.cf_handle(name).ok_or("no such column family")?;
            database.ingest_external_file_cf(family, vec![&file])?;
            fs::remove_file(&file)?;
        }
        first = end;
    }
    // A vault that grew by itself has compacted as it went; this one has it all to do at once.
    Ok(database.wait_for_compact(&WaitForCompactOptions::default())?)
}

/// The key of a synthetic record in a table. Those that are added at once lie in the order of their
/// numbers, over the whole range of keys.
pub(crate) fn key(name: &str, number: u64) -> Vec<u8> {
    let mut end = LEAST_COUNT;
    while end <= number {
        end *= 10;
    }
    let begin = if end == LEAST_COUNT { 0 } else { end / 10 };
    let salt = name
        .bytes()
        .fold(0_u64, |salt, byte| salt * 31 + u64::from(byte));
    let step = u64::MAX / (end - begin);
    // Random within its step.
    let high = (number - begin) * step + scramble(salt ^ number) % step;
    let low = scramble(salt.wrapping_add(number));
    let mut key = [&NAMESPACE, &high.to_be_bytes()[..], &low.to_be_bytes()[..]].concat();
    if name == "subjects" {
        key.extend(scramble(low).to_be_bytes());
        key.extend(scramble(high).to_be_bytes());
    }
    key
}

fn write_file(file: &Path, name: &str, first: u64, end: u64, value: &[u8]) -> Result<(), Failure> {
    let mut options = Options::default();
    let mut blocks = BlockBasedOptions::default();
    if name != "subjects" {
        // As the vault's own tables have.
        blocks.set_bloom_filter(10.0, false);
    }
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(rocksdb::DBCompressionType::None);
    let mut writer = SstFileWriter::create(&options);
    writer.open(file)?;
    for number in first..end {
        writer.put(key(name, number), value)?;
    }
    writer.finish()?;
    Ok(())
}

fn options(vault: &Path) -> Result<(Options, Vec<ColumnFamilyDescriptor>), Failure> {
    let loaded = vault_options(vault)?;
    let known = DB::list_cf(&loaded.0, vault.join("rocksdb"))?.len();
    if loaded.1.len() == known {
        Ok(loaded)
    } else {
        Err("options file does not have every column family".into())
    }
}
