//! RocksDB's settings, and why each is as it is.
//!
//! What the comments say about lost records was tried: with the default settings, one flipped bit
//! in the middle of a write-ahead log opened without an error, and half of the records were gone.

use rocksdb::BlockBasedOptions;
use rocksdb::Cache;
use rocksdb::ColumnFamilyDescriptor;
use rocksdb::DBCompressionType;
use rocksdb::DBRecoveryMode;
use rocksdb::LogLevel;
use rocksdb::Options;
use rocksdb::WriteOptions;

use crate::store::rocks::layout::Family;

/// How much memory the store may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RocksOptions {
    /// Bytes for blocks of tables, their indexes and filters.
    pub block_cache_bytes: usize,
    /// Bytes for rows that are not in a table yet, over all column families. The ballast and the
    /// watermark of free space are multiples of it.
    pub memtable_bytes: usize,
    /// Bytes of the disk that writes leave free, on top of the watermark.
    pub disk_reserve_bytes: u64,
}

impl Default for RocksOptions {
    fn default() -> Self {
        Self {
            block_cache_bytes: 256 << 20,
            memtable_bytes: 64 << 20,
            disk_reserve_bytes: 0,
        }
    }
}

/// The settings of the whole database.
pub(super) fn database_options(options: &RocksOptions) -> Options {
    let mut database = Options::default();

    // A torn last write is what a crash leaves, and was never acknowledged; damage before it is
    // refused, where the default would open with fewer records and say nothing. A log that ends
    // too early still opens: that is what the signed head outside the database is for.
    database.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    // A reused file has old records after the new ones, which blurs where the log ends.
    database.set_recycle_log_file_num(0);
    // Every write is synced, in the order of the log; no background write-out in between.
    database.set_wal_bytes_per_sync(0);
    // A sync that failed for want of space may have written. Otherwise RocksDB goes on by itself
    // and flushes one family after the other: a kill in between left a batch of which some families
    // had their rows and others not, and the database did not open. With this setting a failed
    // write of the log is final. A synced write leaves the process by itself; the one that is not
    // is flushed by hand.
    database.set_manual_wal_flush(true);
    // One order of log, memtable and acknowledgement.
    database.set_enable_pipelined_write(false);
    database.set_unordered_write(false);
    // The first damage seen anywhere stops all writes.
    database.set_paranoid_checks(true);

    // Memory: all memtables together, and so many logs that a start replays in seconds. The log is
    // shared by the families, so a small table that never fills a memtable would keep it for ever.
    database.set_db_write_buffer_size(options.memtable_bytes);
    database.set_max_total_wal_size(MEMTABLES_PER_WAL * options.memtable_bytes as u64);
    // Open tables take a file handle each; a service has 1,024 by default.
    database.set_max_open_files(512);
    // One flush and one compaction: more would take processors from requests.
    database.set_max_background_jobs(2);
    // Tables reach the disk a little at a time, and not in one long stall of everybody's sync.
    database.set_bytes_per_sync(1 << 20);
    database.set_max_manifest_file_size(16 << 20);

    // RocksDB's own log of itself: no more than four files of a megabyte, and only what matters.
    database.set_log_level(LogLevel::Warn);
    database.set_max_log_file_size(1 << 20);
    database.set_keep_log_file_num(4);
    database.set_stats_dump_period_sec(0);
    database
}

/// The settings for a database whose log of writes ends in bytes that were never synced: it is read
/// as far as it is whole. For damage further ahead that is to lose what comes after it, so whoever
/// takes them knows how much there must be.
pub(super) fn cut_off_options(options: &RocksOptions) -> Options {
    let mut database = database_options(options);
    database.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    database
}

/// The column families with their settings, all over one cache of blocks.
pub(super) fn family_descriptors(options: &RocksOptions) -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(options.block_cache_bytes);
    Family::ALL
        .into_iter()
        .map(|family| {
            ColumnFamilyDescriptor::new(family.name(), family_options(family, options, &cache))
        })
        .collect()
}

/// Every write is synced: what is acknowledged is on the disk.
pub(super) fn write_options() -> WriteOptions {
    let mut write = WriteOptions::default();
    write.set_sync(true);
    write.disable_wal(false);
    write
}

/// For what may be lost: in the log of writes, and on the disk with whatever is synced next.
pub(super) fn unsynced_write_options() -> WriteOptions {
    let mut write = WriteOptions::default();
    write.set_sync(false);
    write.disable_wal(false);
    write
}

fn family_options(family: Family, options: &RocksOptions, cache: &Cache) -> Options {
    let mut settings = Options::default();
    settings.set_write_buffer_size(options.memtable_bytes / 2);
    settings.set_compression_type(match family {
        // Entries repeat principals, namespaces and fields.
        Family::Audit => DBCompressionType::Lz4,
        // Fingerprints, sealed bytes and hashes do not shrink.
        Family::Budgets
        | Family::Ceremonies
        | Family::Checkpoints
        | Family::Decoys
        | Family::Freezes
        | Family::Grants
        | Family::Guesses
        | Family::Keys
        | Family::Meta
        | Family::Records
        | Family::Requests
        | Family::Schema
        | Family::Sharers
        | Family::Subjects
        | Family::Tiles
        | Family::Values => DBCompressionType::None,
    });

    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // Indexes and filters count in the cache, so that memory stays bounded as tables grow; those
    // of the youngest tables, which every read asks, stay in.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    if matches!(family, Family::Records | Family::Values | Family::Requests) {
        // Most look-ups of a new value and a new token find nothing: 10 bits a key answer 99 of
        // 100 of them without a read.
        blocks.set_bloom_filter(10.0, false);
        // And those of the rows that are not in a table yet, without a walk through them all: for a
        // tenth of their memory, a row that is not there costs a quarter.
        settings.set_memtable_whole_key_filtering(true);
        settings.set_memtable_prefix_bloom_ratio(0.1);
    }
    settings.set_block_based_table_factory(&blocks);
    settings
}

/// How many budgets of memtables the write-ahead logs may hold before the oldest is flushed.
const MEMTABLES_PER_WAL: u64 = 4;
