//! How the embedded store uses the machine: `[store]`.

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::error::bounded;

/// How the embedded store uses the machine: `[store]`. Every key has a default. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreConfig {
    /// `block_cache_mib`: MiB of memory for blocks read from the disk, 8 to 65,536. Default: 256.
    pub block_cache_bytes: usize,
    /// `memtable_mib`: MiB of memory for rows that are not in a table yet, 16 to 4,096. A start
    /// after a crash replays up to four times as much. Default: 64.
    pub memtable_bytes: usize,
    /// `disk_reserve_mib`: MiB that must stay free on the disk, 64 to 1,048,576; below it the
    /// vault refuses to write, since a database on a full disk may not open again. Default: 512.
    pub disk_reserve_bytes: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStore {
    block_cache_mib: Option<usize>,
    memtable_mib: Option<usize>,
    disk_reserve_mib: Option<u64>,
}

impl RawStore {
    pub(super) fn check(self) -> Result<StoreConfig, ConfigError> {
        let block_cache_mib = bounded(
            "store.block_cache_mib",
            self.block_cache_mib,
            BLOCK_CACHE_MIB,
            &(8..=65_536),
        )?;
        let memtable_mib = bounded(
            "store.memtable_mib",
            self.memtable_mib,
            MEMTABLE_MIB,
            &(16..=4_096),
        )?;
        let disk_reserve_mib = bounded(
            "store.disk_reserve_mib",
            self.disk_reserve_mib,
            DISK_RESERVE_MIB,
            &(64..=1_048_576),
        )?;
        Ok(StoreConfig {
            block_cache_bytes: block_cache_mib << 20,
            memtable_bytes: memtable_mib << 20,
            disk_reserve_bytes: disk_reserve_mib << 20,
        })
    }
}

const BLOCK_CACHE_MIB: usize = 256;
const MEMTABLE_MIB: usize = 64;
const DISK_RESERVE_MIB: u64 = 512;
