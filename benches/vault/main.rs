//! The vault beside its limits: the same rows in bare RocksDB, and the same messages through the
//! same transport with nothing behind it. `cargo bench --bench vault`; `docs/performance.md` says
//! how to read it. A word after `--` selects the cases whose names have it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[expect(dead_code, reason = "it is the limit of another bench, too")]
mod bare;
mod echo;
mod figures;
#[path = "../machine/mod.rs"]
mod machine;
mod measure;
#[expect(dead_code, reason = "it is the subject of another bench, too")]
mod subject;
#[path = "../../tests/testbed/mod.rs"]
mod testbed;
#[path = "../../tests/testbed/values.rs"]
mod values;

use std::collections::HashMap;
use std::time::Duration;

use crate::bare::{Bare, Tuning};
use crate::echo::Echo;
use crate::figures::{Case, Figures, Side};
use crate::measure::{SHAPES, Shape};
use crate::subject::{Served, Way, Work};
use crate::testbed::Failure;

/// How long a run is.
#[derive(Clone, Copy)]
struct Extent {
    rounds_count: usize,
    batches_count: usize,
    time: Duration,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let is_real = machine::is_real_run();
    let extent = if is_real { REAL } else { TRIAL };
    println!("{}", machine::description());
    println!(
        "medians of {} rounds; each side of each case for {} ms, in turn",
        extent.rounds_count,
        extent.time.as_millis()
    );
    let selected = std::env::args().skip(1).find(|it| !it.starts_with("--"));
    let is_selected = |case: &Case| {
        let name = case.name();
        selected.as_ref().is_none_or(|word| name.contains(word))
    };
    let cases: Vec<Case> = cases().into_iter().filter(is_selected).collect();
    let directory = tempfile::tempdir()?;
    testbed::prepare(directory.path())?;
    let mut figures = Figures::default();
    for _ in 0..extent.rounds_count {
        round(directory.path(), extent, &cases, &mut figures).await?;
    }
    figures.print(&cases);
    Ok(())
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for way in [Way::Grpc, Way::InProcess] {
        for work in [Work::New, Work::Known, Work::Lookup, Work::Reveal] {
            cases.extend(SHAPES.map(|shape| Case { way, work, shape }));
        }
    }
    let way = Way::Stream;
    for work in [Work::New, Work::Known] {
        let batches = SHAPES.into_iter().filter(|shape| shape.items_count > 1);
        cases.extend(batches.map(|shape| Case { way, work, shape }));
    }
    cases
}

/// Measures everything once: the vault, the messages, the rows.
async fn round(
    directory: &std::path::Path,
    extent: Extent,
    cases: &[Case],
    figures: &mut Figures,
) -> Result<(), Failure> {
    let served = Served::start(directory).await?;
    served.fill(extent.batches_count).await?;
    let echo = Echo::start(directory).await?;
    let mut ranges = HashMap::new();
    for case in cases {
        let Case { way, work, shape } = *case;
        let from = served.tree_size()?;
        let measured = served.measure(way, work, shape, extent.time).await?;
        ranges.insert(*case, (from, served.tree_size()?));
        figures.add(*case, Side::Vault, measured);
        if way != Way::InProcess {
            let known = served.known(shape.items_count);
            let measured = echo.measure(work, shape, extent.time, known).await?;
            figures.add(*case, Side::Messages, measured);
        }
    }
    served.stop().await?;
    let vault = directory.join("vault");
    let rows = directory.join("rows");
    let bare = Bare::create(&vault, &rows, extent.batches_count)?;
    for case in cases {
        let (from, until) = ranges.get(case).copied().unwrap_or_default();
        let entry_bytes = bare::entry_bytes(&vault, from, until)?;
        let measured = tokio::task::block_in_place(|| {
            bare.measure(case.work, case.shape, extent.time, entry_bytes)
        })?;
        figures.add(*case, Side::Rows, measured);
    }
    drop(bare);
    std::fs::remove_dir_all(&rows)?;
    plain_rows(&vault, &rows, extent, figures)?;
    subject::remove(directory)
}

/// Measures bare RocksDB against itself: the rows of new values, with the vault's options and with
/// RocksDB's own.
fn plain_rows(
    vault: &std::path::Path,
    rows: &std::path::Path,
    extent: Extent,
    figures: &mut Figures,
) -> Result<(), Failure> {
    let shape = Shape {
        callers_count: 1,
        items_count: 1_000,
    };
    for tuning in [Tuning::Vault, Tuning::Default] {
        let bare = Bare::create_tuned(vault, rows, extent.batches_count, tuning)?;
        let measured = tokio::task::block_in_place(|| {
            bare.measure(Work::New, shape, extent.time, PLAIN_ENTRY_BYTES)
        })?;
        figures.add_plain(tuning, measured.items_per_second);
        drop(bare);
        std::fs::remove_dir_all(rows)?;
    }
    Ok(())
}

/// About what the entry of a thousand new values takes.
const PLAIN_ENTRY_BYTES: usize = 60_000;
const REAL: Extent = Extent {
    rounds_count: 7,
    batches_count: 20,
    time: Duration::from_millis(500),
};
const TRIAL: Extent = Extent {
    rounds_count: 1,
    batches_count: 1,
    time: Duration::ZERO,
};
