//! What a call costs while the vault grows: from a hundred thousand tokens to ten million, or to as
//! many as are asked for: `cargo bench --bench scale -- 100000000` takes some 30 GB of disk. With
//! `cache_mib=4096` its store has a cache of so many MiB. Then how fast a vault with the default
//! settings goes on writing for longer.
//! `docs/performance.md` says how to read it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "../vault/bare.rs"]
#[expect(dead_code, reason = "it is the limit of another bench, too")]
mod bare;
mod fill;
#[path = "../machine/mod.rs"]
mod machine;
#[expect(dead_code, reason = "it has the shapes of another bench, too")]
#[path = "../vault/measure.rs"]
mod measure;
#[path = "../vault/subject.rs"]
#[expect(dead_code, reason = "it is the subject of another bench, too")]
mod subject;
#[expect(dead_code, reason = "it serves another thing without a vault, too")]
#[path = "../../tests/testbed/mod.rs"]
mod testbed;
#[path = "../../tests/testbed/values.rs"]
mod values;
mod writes;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use counterfoil::store::{NamespaceId, RecordId, RecordKey, Store, ValueKey};

use crate::measure::Shape;
use crate::subject::{Served, Way, Work};
use crate::testbed::Failure;
use crate::values::scramble;

/// What a size of the vault costs.
struct Row {
    tokens_count: u64,
    opened_ms: f64,
    new_per_second: f64,
    known_per_second: f64,
    lookups_per_second: f64,
    gets_per_second: f64,
    misses_per_second: f64,
    get_us: f64,
    resident_mib: u64,
    bytes_per_token: u64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let is_real = machine::is_real_run();
    println!("{}", machine::description());
    let asked = std::env::args()
        .skip(1)
        .find_map(|it| it.parse::<u64>().ok());
    let most = asked.unwrap_or(if is_real {
        10_000_000
    } else {
        fill::LEAST_COUNT
    });
    let time = Duration::from_millis(if is_real { 2_000 } else { 0 });
    let directory = tempfile::tempdir()?;
    testbed::prepare(directory.path())?;
    if let Some(mib) =
        std::env::args().find_map(|it| Some(it.strip_prefix("cache_mib=")?.to_owned()))
    {
        let file = directory.path().join("counterfoil.toml");
        let config = fs::read_to_string(&file)?;
        fs::write(
            &file,
            format!("{config}\n[store]\nblock_cache_mib = {mib}\n"),
        )?;
    }
    let served = Served::start(directory.path()).await?;
    served.fill(OWN_BATCHES_COUNT).await?;
    let known = served.known_values();
    served.stop().await?;
    let mut rows = Vec::new();
    let mut size = fill::LEAST_COUNT;
    let mut filled = 0;
    while size <= most {
        fill::add(&directory.path().join("vault"), filled, size)?;
        filled = size;
        rows.push(measure(directory.path(), size, time, &known).await?);
        size *= 10;
    }
    print(&rows);
    drop(directory);
    let rounds_count = if is_real { WRITING_ROUNDS } else { 1 };
    writes::print(rounds_count, time * WRITING_TIMES).await
}

async fn measure(
    directory: &Path,
    tokens_count: u64,
    time: Duration,
    known: &[(values::Value, String)],
) -> Result<Row, Failure> {
    let started = Instant::now();
    let served = Served::open(directory, known, tokens_count * NEW_PER_SIZE).await?;
    let opened_ms = started.elapsed().as_secs_f64() * 1e3;
    let shape = Shape {
        callers_count: 1,
        items_count: 1_000,
    };
    let mut rates = Vec::new();
    for work in [Work::New, Work::Known, Work::Lookup] {
        let measured = served.measure(Way::InProcess, work, shape, time).await?;
        rates.push(measured.items_per_second);
    }
    let store = served.store();
    let (hits, misses) = tokio::task::block_in_place(|| {
        let place = |number| scramble(number) % tokens_count;
        let hits = gets(store, time, |number| fill::key("records", place(number)))?;
        // Keys of another table: as spread, and not in this one.
        let misses = gets(store, time, |number| fill::key("values", place(number)))?;
        Ok::<_, Failure>((hits, misses))
    })?;
    let get_us = tokio::task::block_in_place(|| single_get_us(store, tokens_count, time))?;
    let resident_mib = resident_mib()?;
    served.stop().await?;
    let bytes = bytes_of(&directory.join("vault").join("rocksdb"))?;
    let [new_per_second, known_per_second, lookups_per_second] = rates[..] else {
        return Err("a case was not measured".into());
    };
    Ok(Row {
        tokens_count,
        opened_ms,
        new_per_second,
        known_per_second,
        lookups_per_second,
        gets_per_second: hits,
        misses_per_second: misses,
        get_us,
        resident_mib,
        bytes_per_token: bytes / tokens_count,
    })
}

/// Reads a thousand records at a time, of rows that are anywhere.
fn gets(store: &dyn Store, time: Duration, key: impl Fn(u64) -> Vec<u8>) -> Result<f64, Failure> {
    let (started, mut count) = (Instant::now(), 0_u64);
    while started.elapsed() < time || count == 0 {
        let keys = (count..count + 1_000).map(|number| record_key(&key(number)));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        store.records(&keys)?;
        count += 1_000;
    }
    Ok(per_second(count, started))
}

/// How long one look-up takes: a value's row, and the record.
fn single_get_us(store: &dyn Store, tokens_count: u64, time: Duration) -> Result<f64, Failure> {
    let (started, mut count) = (Instant::now(), 0_u64);
    while started.elapsed() < time || count == 0 {
        let place = scramble(count ^ 0x5eed) % tokens_count;
        let value = record_key(&fill::key("values", place))?;
        let value = ValueKey {
            namespace: value.namespace,
            fingerprint: value.id.0,
        };
        let is_there = store.values(&[value])?.iter().all(Option::is_some);
        let record = record_key(&fill::key("records", place))?;
        let is_there = is_there && store.records(&[record])?.iter().all(Option::is_some);
        if !is_there {
            return Err("synthetic record is missing".into());
        }
        count += 1;
    }
    Ok(1e6 / per_second(count, started))
}

fn record_key(key: &[u8]) -> Result<RecordKey, Failure> {
    let (namespace, id) = key.split_at(4);
    Ok(RecordKey {
        namespace: NamespaceId(u32::from_be_bytes(namespace.try_into()?)),
        id: RecordId(id.try_into()?),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
fn per_second(count: u64, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}

/// Memory of this process right after it was measured, the vault's and its caller's.
fn resident_mib() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.ok_or("no VmRSS")?.trim().parse::<u64>()? / 1_024)
}

fn bytes_of(directory: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

fn print(rows: &[Row]) {
    println!(
        "| tokens | opens in | new per s | known per s | look-ups per s | multi-get per s, hits, \
         misses | single look-up | memory | bytes per token |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {:.0} ms | {:.0} | {:.0} | {:.0} | {:.0}, {:.0} | {:.1} µs | {} MiB | {} |",
            row.tokens_count,
            row.opened_ms,
            row.new_per_second,
            row.known_per_second,
            row.lookups_per_second,
            row.gets_per_second,
            row.misses_per_second,
            row.get_us,
            row.resident_mib,
            row.bytes_per_token,
        );
    }
}

/// How often tokens are made for longer than the store's memory lasts.
const WRITING_ROUNDS: usize = 3;
/// How many times as long as a case tokens are made then.
const WRITING_TIMES: u32 = 15;
/// No two sizes have a new value in common.
const NEW_PER_SIZE: u64 = 100;
/// Tokens that the vault made itself: what is known.
const OWN_BATCHES_COUNT: usize = 10;
