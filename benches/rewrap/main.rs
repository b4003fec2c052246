//! How fast a rotation moves records to the new key, beside the raw read-modify-write of rows that
//! are as long and as many in bare RocksDB, in synced batches of a thousand. `cargo bench --bench
//! rewrap`; `docs/performance.md` says how to read it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[expect(
    dead_code,
    reason = "it is the limit of all cases; this bench needs a part of it"
)]
#[path = "../vault/bare.rs"]
mod bare;
#[path = "../machine/mod.rs"]
mod machine;
#[expect(dead_code, reason = "it measures calls; a job is measured by its end")]
#[path = "../vault/measure.rs"]
mod measure;
#[expect(dead_code, reason = "it tells a longer story; this bench only rotates")]
#[path = "../../tests/crash/ceremonies/story.rs"]
mod story;
#[expect(
    dead_code,
    reason = "it is the subject of all cases; this bench needs a part of it"
)]
#[path = "../vault/subject.rs"]
mod subject;
#[expect(dead_code, reason = "it serves another thing without a vault, too")]
#[path = "../../tests/testbed/mod.rs"]
mod testbed;
#[path = "../../tests/testbed/values.rs"]
mod values;

use std::fs;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use counterfoil::ceremony::Operation;
use counterfoil::domain::Clock;
use counterfoil::domain::SystemClock;

use crate::bare::Bare;
use crate::machine::median;
use crate::story::Officers;
use crate::story::Step;
use crate::subject::Served;
use crate::testbed::Failure;

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn main() -> Result<(), Failure> {
    let (rounds_count, batches_count) = if machine::is_real_run() {
        (7, 100)
    } else {
        (1, 2)
    };
    println!("{}", machine::description());
    println!("{rounds_count} rotations of {batches_count},000 records, each side in turn");
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    prepare(directory)?;
    let served = Served::start(directory).await?;
    served.fill(batches_count).await?;
    let bare = Bare::create(
        &directory.join("vault"),
        &directory.join("bare"),
        batches_count,
    )?;
    let records_count = u32::try_from(batches_count * 1_000)?;
    let (mut rates, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for version in 1..=u32::try_from(rounds_count)? {
        let from = served.tree_size()?;
        let rate = f64::from(records_count) / rotate(&served, version).await?.as_secs_f64();
        let entry_bytes = bare::entry_bytes(&directory.join("vault"), from, served.tree_size()?)?;
        let begun = Instant::now();
        tokio::task::block_in_place(|| bare.rewrite(entry_bytes))?;
        let limit = f64::from(records_count) / begun.elapsed().as_secs_f64();
        rates.push(rate);
        limits.push(limit);
        ratios.push(rate / limit);
    }
    println!("| records per second | vault | rows | ratio |\n|---|---|---|---|");
    println!(
        "| rotation of the wrapping key | {:.0} | {:.0} | {:.2} |",
        median(&rates),
        median(&limits),
        median(&ratios)
    );
    served.stop().await
}

/// Rotates the wrapping key, from the officer's signature to the last record.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn rotate(served: &Served, version: u32) -> Result<Duration, Failure> {
    let mut officers = Officers::new(&served.reveal_channel()?);
    let operation = Operation::RotateKey(story::wrapping(version)?);
    let now_ms = SystemClock::default().now().unix_ms();
    let (id, text) = officers.statement(&operation, now_ms).await?;
    let begun = Instant::now();
    officers.take(Step::Propose(1), &id, &text).await?;
    officers.take(Step::End, &id, &text).await?;
    Ok(begun.elapsed())
}

fn prepare(directory: &Path) -> Result<(), Failure> {
    testbed::prepare(directory)?;
    fs::create_dir(directory.join("policies"))?;
    fs::write(directory.join("policies/officers.cedar"), story::POLICY)?;
    let file = directory.join("counterfoil.toml");
    let officers = story::table(0)?.replace("second = 3000", "second = 1000000");
    let config = fs::read_to_string(&file)?;
    Ok(fs::write(
        file,
        format!("{config}\n[policies]\ndir = \"policies\"\n{officers}"),
    )?)
}
