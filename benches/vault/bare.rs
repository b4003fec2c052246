//! The limit of the store: the same rows written to, or read from, RocksDB with nothing around it.
//!
//! The options are those that the vault's own database has written beside its tables, and the rows
//! are as long as its own. Keys are random, as fingerprints are.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBWithThreadMode, Env, IteratorMode, Options,
    SingleThreaded, WriteBatch, WriteOptions,
};

use crate::measure::{Measured, Shape, measure_blocking};
use crate::subject::Work;
use crate::testbed::Failure;
use crate::values::scramble;

type Database = DBWithThreadMode<SingleThreaded>;

/// Whose options a bare database has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Tuning {
    /// Those of the vault's own.
    Vault,
    /// RocksDB's.
    Default,
}

/// How long the rows of a vault are.
pub(crate) struct Lengths {
    record: usize,
    value: usize,
    checkpoint: usize,
}

/// Bare RocksDB.
pub(crate) struct Bare {
    database: Database,
    lengths: Lengths,
    next_entry: AtomicU64,
    next_item: AtomicU64,
    known_count: u64,
}

/// The lengths of the entries that the vault wrote for a case, on average.
pub(crate) fn entry_bytes(vault: &Path, from: u64, until: u64) -> Result<usize, Failure> {
    let database = open_read_only(vault)?;
    let audit = family(&database, "audit")?;
    let from = from.to_be_bytes();
    let mode = IteratorMode::From(&from, rocksdb::Direction::Forward);
    let (mut bytes, mut count) = (0, 0);
    for row in database.iterator_cf(audit, mode) {
        let (key, value) = row?;
        if *key >= until.to_be_bytes()[..] {
            break;
        }
        bytes += value.len();
        count += 1;
    }
    Ok(bytes / count.max(1))
}

impl Bare {
    /// Makes an empty database with the options of the vault's, and fills it with as many known
    /// items.
    pub(crate) fn create(
        vault: &Path,
        directory: &Path,
        batches_count: usize,
    ) -> Result<Self, Failure> {
        Self::create_tuned(vault, directory, batches_count, Tuning::Vault)
    }

    /// The same with other options.
    pub(crate) fn create_tuned(
        vault: &Path,
        directory: &Path,
        batches_count: usize,
        tuning: Tuning,
    ) -> Result<Self, Failure> {
        let lengths = {
            let database = open_read_only(vault)?;
            Lengths {
                record: value_bytes(&database, "records")?,
                value: value_bytes(&database, "values")?,
                checkpoint: value_bytes(&database, "checkpoints")?,
            }
        };
        let (mut options, mut families) = vault_options(vault)?;
        if tuning == Tuning::Default {
            let plain = |it: &ColumnFamilyDescriptor| {
                ColumnFamilyDescriptor::new(it.name(), Options::default())
            };
            families = families.iter().map(plain).collect();
            options = Options::default();
        }
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_error_if_exists(true);
        let database = Database::open_cf_descriptors(&options, directory, families)?;
        let mut bare = Self {
            database,
            lengths,
            next_entry: AtomicU64::new(0),
            next_item: AtomicU64::new(0),
            known_count: 0,
        };
        for _ in 0..batches_count {
            bare.write(1_000, 1, 60_000)?;
        }
        bare.known_count = bare.next_item.load(Ordering::Relaxed);
        Ok(bare)
    }

    /// Measures the rows of one case.
    pub(crate) fn measure(
        &self,
        work: Work,
        shape: Shape,
        time: Duration,
        entry_bytes: usize,
    ) -> Result<Measured, Failure> {
        let count = shape.items_count;
        measure_blocking(shape, time, |_| match work {
            Work::New => self.write(count, 1, entry_bytes),
            // The value's row and the record, and a log that tells of it.
            Work::Known | Work::Lookup => {
                self.read(&["values", "records"], count)?;
                self.write(0, 1, entry_bytes)
            }
            // The record; an intent, and an outcome that nobody waits for.
            Work::Reveal => {
                self.read(&["records"], count)?;
                self.write(0, 2, entry_bytes)
            }
        })
    }

    /// Reads every record, changes it and writes it back: a thousand in a batch, with an entry.
    pub(crate) fn rewrite(&self, entry_bytes: usize) -> Result<(), Failure> {
        let records = family(&self.database, "records")?;
        let mut rows = self.database.iterator_cf(records, IteratorMode::Start);
        loop {
            let page = rows.by_ref().take(1_000);
            let page: Vec<_> = page.collect::<Result<_, _>>()?;
            if page.is_empty() {
                return Ok(());
            }
            let mut batch = WriteBatch::default();
            for (key, mut value) in page {
                value.iter_mut().for_each(|byte| *byte ^= 1);
                batch.put_cf(records, key, value);
            }
            self.put_entries(&mut batch, 1, entry_bytes)?;
            self.sync(batch)?;
        }
    }

    fn write(
        &self,
        items_count: usize,
        entries_count: u64,
        entry_bytes: usize,
    ) -> Result<(), Failure> {
        let Lengths { record, value, .. } = self.lengths;
        // As the vault does: memory that is asked for once need not grow.
        let item_bytes = record + value + ROWS_BYTES_ESTIMATE;
        let bytes = items_count * item_bytes + entry_bytes + ROWS_BYTES_ESTIMATE;
        let mut batch = WriteBatch::with_capacity_bytes(bytes);
        let first = self
            .next_item
            .fetch_add(items_count as u64, Ordering::Relaxed);
        let items = || first..first + items_count as u64;
        let rows = |kind| items().map(move |item| key(kind, item));
        self.put(&mut batch, "records", rows(1), &noise(first, record))?;
        self.put(&mut batch, "values", rows(2), &noise(first, value))?;
        let subjects = items().map(subject_key);
        self.put(&mut batch, "subjects", subjects, &[])?;
        self.put_entries(&mut batch, entries_count, entry_bytes)?;
        self.sync(batch)
    }

    /// Rows of one table, in its order. All have the same bytes: to make others would be the
    /// bench's own work, in the time of the rows.
    fn put<const N: usize>(
        &self,
        batch: &mut WriteBatch,
        name: &str,
        keys: impl Iterator<Item = [u8; N]>,
        value: &[u8],
    ) -> Result<(), Failure> {
        let family = family(&self.database, name)?;
        let mut keys: Vec<_> = keys.collect();
        keys.sort_unstable();
        for key in keys {
            batch.put_cf(family, key, value);
        }
        Ok(())
    }

    /// What the audit log grows by.
    fn put_entries(
        &self,
        batch: &mut WriteBatch,
        entries_count: u64,
        entry_bytes: usize,
    ) -> Result<(), Failure> {
        let (audit, tiles) = (
            family(&self.database, "audit")?,
            family(&self.database, "tiles")?,
        );
        let entry = self.next_entry.fetch_add(entries_count, Ordering::Relaxed);
        for entry in entry..entry + entries_count {
            let index = entry.to_be_bytes();
            batch.put_cf(audit, index, noise(entry, entry_bytes));
            batch.put_cf(tiles, [&[0], &index[..]].concat(), noise(entry, 32));
        }
        let checkpoints = family(&self.database, "checkpoints")?;
        let note = noise(entry, self.lengths.checkpoint);
        batch.put_cf(checkpoints, b"latest", note);
        Ok(())
    }

    fn sync(&self, batch: WriteBatch) -> Result<(), Failure> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        Ok(self.database.write_opt(batch, &options)?)
    }

    fn read(&self, tables: &[&str], items_count: usize) -> Result<(), Failure> {
        let place = scramble(self.next_item.fetch_add(1, Ordering::Relaxed));
        for table in tables {
            let kind = if *table == "records" { 1 } else { 2 };
            let item = |offset: usize| (place.wrapping_add(offset as u64)) % self.known_count;
            let mut keys: Vec<_> = (0..items_count).map(|it| key(kind, item(it))).collect();
            keys.sort_unstable();
            let family = family(&self.database, table)?;
            for row in self.database.batched_multi_get_cf(family, &keys, true) {
                row?.ok_or("row is missing")?;
            }
        }
        Ok(())
    }
}

/// What keys and lengths take in a batch, of one item or beside all of them.
const ROWS_BYTES_ESTIMATE: usize = 512;

/// A namespace, and a fingerprint.
fn key(kind: u64, item: u64) -> [u8; 20] {
    let [high, low] = noise_words(item.wrapping_mul(8) + kind);
    let number = (u128::from(high) << 64) | u128::from(low);
    let mut key = [0; 20];
    let (namespace, fingerprint) = key.split_at_mut(4);
    namespace.copy_from_slice(&1_u32.to_be_bytes());
    fingerprint.copy_from_slice(&number.to_be_bytes());
    key
}

/// A customer's list, which three neighbours share, and the record.
fn subject_key(item: u64) -> [u8; 36] {
    let [high, low] = noise_words(item);
    let number = (u128::from(high) << 64) | u128::from(low);
    let mut whole = [0; 36];
    let (list, record) = whole.split_at_mut(20);
    list.copy_from_slice(&key(3, item / 3));
    record.copy_from_slice(&number.to_be_bytes());
    whole
}

fn noise_words(seed: u64) -> [u64; 2] {
    [0, 1].map(|word| scramble(scramble(seed) ^ word))
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let words = (0..).flat_map(|word: u64| scramble(scramble(seed) ^ word).to_le_bytes());
    words.take(length).collect()
}

fn value_bytes(database: &Database, name: &str) -> Result<usize, Failure> {
    let (mut bytes, mut count) = (0, 0);
    let rows = database.iterator_cf(family(database, name)?, IteratorMode::Start);
    for row in rows.take(10_000) {
        bytes += row?.1.len();
        count += 1;
    }
    Ok(bytes / count.max(1))
}

fn family<'a>(database: &'a Database, name: &str) -> Result<&'a ColumnFamily, Failure> {
    Ok(database.cf_handle(name).ok_or("no such column family")?)
}

/// The options that the vault's database has written beside its tables, with what they leave out:
/// the block cache, whose size is the default's, and how many bits a key has in a filter, without
/// which there are no filters at all.
pub(crate) fn vault_options(
    vault: &Path,
) -> Result<(Options, Vec<ColumnFamilyDescriptor>), Failure> {
    let files = fs::read_dir(vault.join("rocksdb"))?;
    let names = files.map(|file| Ok(file?.file_name().into_string().unwrap_or_default()));
    let names: Vec<String> = names.collect::<Result<_, Failure>>()?;
    let name = names
        .iter()
        .filter(|name| name.starts_with("OPTIONS-"))
        .max();
    let name = name.ok_or("no options file")?;
    let text = fs::read_to_string(vault.join("rocksdb").join(name))?;
    if !text.contains(FILTER) {
        return Err("options file says another thing of filters".into());
    }
    let text = text.replace(FILTER, "filter_policy=bloomfilter:10:false\n");
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join(name), text)?;
    let cache = Cache::new_lru_cache(256 << 20);
    Ok(Options::load_latest(
        directory.path(),
        Env::new()?,
        true,
        cache,
    )?)
}

fn open_read_only(vault: &Path) -> Result<Database, Failure> {
    let (options, _) = vault_options(vault)?;
    let path = vault.join("rocksdb");
    let names = DB::list_cf(&options, &path)?;
    Ok(Database::open_cf_for_read_only(
        &options, &path, names, false,
    )?)
}

/// What an options file says of a filter.
const FILTER: &str = "filter_policy=bloomfilter\n";
