//! What a new token costs the disk: bytes that the process has written, for its log of writes, its
//! tables, their compaction and the head, beside the bytes that its rows have.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::bytes_of;
use crate::measure::Shape;
use crate::subject::{Served, Way, Work};
use crate::testbed::{self, Failure};

/// Makes tokens in a new vault for a while, four callers with batches of a thousand, and prints
/// what came to the disk.
pub(crate) async fn print(directory: &Path, time: Duration) -> Result<(), Failure> {
    testbed::prepare(directory)?;
    let served = Served::start(directory).await?;
    let rocksdb = directory.join("vault").join("rocksdb");
    let (bytes_before, written_before) = (bytes_of(&rocksdb)?, written_bytes()?);
    let shape = Shape {
        callers_count: 4,
        items_count: 1_000,
    };
    let measured = served
        .measure(Way::InProcess, Work::New, shape, time)
        .await?;
    let count = (measured.latencies_ms.len() * shape.items_count) as u64;
    // What is in memory yet is written when the vault stops.
    served.stop().await?;
    let written = written_bytes()? - written_before;
    let stored = bytes_of(&rocksdb)?.saturating_sub(bytes_before);
    println!("\n| new tokens | written for each | stored of each | written to stored |");
    println!("|---|---|---|---|");
    #[expect(
        clippy::cast_precision_loss,
        reason = "bytes of a bench are far below 2^52"
    )]
    let amplification = written as f64 / stored.max(1) as f64;
    println!(
        "| {count} | {} bytes | {} bytes | {amplification:.1} |",
        written / count,
        stored / count
    );
    Ok(())
}

/// What this process has sent to the disk, by the kernel's count.
fn written_bytes() -> Result<u64, Failure> {
    let counts = fs::read_to_string("/proc/self/io")?;
    let line = counts
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes:"));
    Ok(line.ok_or("no write_bytes")?.trim().parse()?)
}
