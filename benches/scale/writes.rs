//! New tokens for longer than the memory of the store lasts: what they cost the disk, and how fast
//! they are beside the same rows in bare RocksDB, with the vault's options and with RocksDB's own.
//!
//! Bytes are those that the process has written, for its log of writes, its tables, their
//! compaction and the head, beside those that its rows have.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::task::block_in_place;

use crate::bare::{self, Bare, Tuning};
use crate::bytes_of;
use crate::machine::median;
use crate::measure::Shape;
use crate::subject::{Served, Way, Work};
use crate::testbed::{self, Failure};

/// Makes tokens in new vaults, four callers with batches of a thousand, and the same rows in turn,
/// and prints the medians.
pub(crate) async fn print(rounds_count: usize, time: Duration) -> Result<(), Failure> {
    let mut rounds = Vec::new();
    for _ in 0..rounds_count {
        let directory = tempfile::tempdir()?;
        rounds.push(Round::measure(directory.path(), time).await?);
    }
    let of = |part: fn(&Round) -> f64| median(&rounds.iter().map(part).collect::<Vec<_>>());
    println!("\n| new tokens | written for each | stored of each | written to stored |");
    println!("|---|---|---|---|");
    println!(
        "| {:.0} | {:.0} bytes | {:.0} bytes | {:.1} |",
        of(|it| it.count),
        of(|it| it.written),
        of(|it| it.stored),
        of(|it| it.written / it.stored.max(1.0))
    );
    println!("\n| items per second | vault | rows | ratio | rows, own options | rows to those |");
    println!("|---|---|---|---|---|---|");
    println!(
        "| for {} s | {:.0} | {:.0} | {:.2} | {:.0} | {:.2} |",
        time.as_secs(),
        of(|it| it.vault),
        of(|it| it.rows),
        of(|it| it.vault / it.rows),
        of(|it| it.plain_rows),
        of(|it| it.rows / it.plain_rows)
    );
    Ok(())
}

struct Round {
    /// New tokens, and how many bytes came to the disk for each and stayed there.
    count: f64,
    written: f64,
    stored: f64,
    /// Items per second: of the vault, and of its rows with each of the options.
    vault: f64,
    rows: f64,
    plain_rows: f64,
}

impl Round {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and bytes of a bench are far below 2^52"
    )]
    async fn measure(directory: &Path, time: Duration) -> Result<Self, Failure> {
        testbed::prepare(directory)?;
        let served = Served::start(directory).await?;
        let vault = directory.join("vault");
        let rocksdb = vault.join("rocksdb");
        let (bytes_before, written_before) = (bytes_of(&rocksdb)?, written_bytes()?);
        let from = served.tree_size()?;
        let measured = served
            .measure(Way::InProcess, Work::New, SHAPE, time)
            .await?;
        let until = served.tree_size()?;
        // What is in memory yet is written when the vault stops.
        served.stop().await?;
        let count = (measured.latencies_ms.len() * SHAPE.items_count) as f64;
        let written = written_bytes()? - written_before;
        let stored = bytes_of(&rocksdb)?.saturating_sub(bytes_before);
        let entry_bytes = bare::entry_bytes(&vault, from, until)?;
        let rows = |tuning| {
            let scratch = directory.join("rows");
            let bare = Bare::create_tuned(&vault, &scratch, 0, tuning)?;
            let measured = bare.measure(Work::New, SHAPE, time, entry_bytes)?;
            drop(bare);
            fs::remove_dir_all(&scratch)?;
            Ok::<_, Failure>(measured.items_per_second)
        };
        Ok(Self {
            count,
            written: written as f64 / count,
            stored: stored as f64 / count,
            vault: measured.items_per_second,
            rows: block_in_place(|| rows(Tuning::Vault))?,
            plain_rows: block_in_place(|| rows(Tuning::Default))?,
        })
    }
}

/// What this process has sent to the disk, by the kernel's count.
fn written_bytes() -> Result<u64, Failure> {
    let counts = fs::read_to_string("/proc/self/io")?;
    let line = counts
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"));
    Ok(line.ok_or("no write_bytes")?.trim().parse()?)
}

const SHAPE: Shape = Shape {
    callers_count: 4,
    items_count: 1_000,
};
