//! The vault beside its limits: the same rows in bare RocksDB, and the same messages through the
//! same transport with nothing behind it. `cargo bench --bench vault`; `docs/performance.md` says
//! how to read it. A word after `--` selects the cases whose names have it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[expect(dead_code, reason = "it is the limit of another bench, too")]
mod bare;
mod echo;
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

use crate::bare::Bare;
use crate::echo::Echo;
use crate::machine::median;
use crate::measure::{SHAPES, Shape};
use crate::subject::{Served, Way, Work};
use crate::testbed::Failure;

/// One row of the table.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct Case {
    way: Way,
    work: Work,
    shape: Shape,
}

/// What is measured in each case.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Side {
    Vault,
    Rows,
    Messages,
}

/// Every figure of every round.
#[derive(Default)]
struct Figures {
    items_per_second: HashMap<(Case, Side), Vec<f64>>,
    latencies_ms: HashMap<Case, Vec<f64>>,
}

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
        let name = name(*case);
        selected.as_ref().is_none_or(|word| name.contains(word))
    };
    let cases: Vec<Case> = cases().into_iter().filter(is_selected).collect();
    let directory = tempfile::tempdir()?;
    testbed::prepare(directory.path())?;
    let mut figures = Figures::default();
    for _ in 0..extent.rounds_count {
        round(directory.path(), extent, &cases, &mut figures).await?;
    }
    print(&cases, &figures);
    Ok(())
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for way in [Way::Grpc, Way::InProcess] {
        for work in [Work::New, Work::Known, Work::Reveal] {
            cases.extend(SHAPES.map(|shape| Case { way, work, shape }));
        }
    }
    cases
}

fn name(case: Case) -> String {
    let way = match case.way {
        Way::Grpc => "gRPC",
        Way::InProcess => "in process",
    };
    let work = match case.work {
        Work::New => "new",
        Work::Known => "known",
        Work::Reveal => "reveal",
    };
    let Shape {
        callers_count,
        items_count,
    } = case.shape;
    match items_count {
        1 => format!("{way}, {work}, single, {callers_count} callers"),
        _ => format!("{way}, {work}, batch of {items_count}"),
    }
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
        figures.add(*case, Side::Vault, measured.items_per_second);
        let latencies = figures.latencies_ms.entry(*case).or_default();
        latencies.extend(measured.latencies_ms);
        if way == Way::Grpc {
            let known = served.known(shape.items_count);
            let measured = echo.measure(work, shape, extent.time, known).await?;
            figures.add(*case, Side::Messages, measured.items_per_second);
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
        figures.add(*case, Side::Rows, measured.items_per_second);
    }
    drop(bare);
    std::fs::remove_dir_all(&rows)?;
    subject::remove(directory)
}

impl Figures {
    fn add(&mut self, case: Case, side: Side, items_per_second: f64) {
        let figures = self.items_per_second.entry((case, side)).or_default();
        figures.push(items_per_second);
    }

    fn of(&self, case: Case, side: Side) -> Option<&[f64]> {
        self.items_per_second.get(&(case, side)).map(Vec::as_slice)
    }

    /// The middle of the ratios of each round, so that a slow minute of the machine counts on
    /// both sides.
    fn ratio(&self, case: Case, limit: Side) -> Option<f64> {
        let (vault, limit) = (self.of(case, Side::Vault)?, self.of(case, limit)?);
        let ratios: Vec<f64> = vault.iter().zip(limit).map(|(it, max)| it / max).collect();
        Some(median(&ratios))
    }
}

fn print(cases: &[Case], figures: &Figures) {
    println!(
        "| items per second | vault (least to most) | call p50, p99 | rows | ratio | messages | \
         ratio |"
    );
    println!("|---|---|---|---|---|---|---|");
    for case in cases {
        let vault = figures.of(*case, Side::Vault).unwrap_or_default();
        let least = vault.iter().copied().fold(f64::INFINITY, f64::min);
        let most = vault.iter().copied().fold(0.0, f64::max);
        let mut latencies = figures.latencies_ms.get(case).cloned().unwrap_or_default();
        latencies.sort_by(f64::total_cmp);
        let latency = |hundredths: usize| {
            let place = latencies.len() * hundredths / 100;
            latencies.get(place).copied().unwrap_or(f64::NAN)
        };
        let limit = |side| match (figures.of(*case, side), figures.ratio(*case, side)) {
            (Some(limit), Some(ratio)) => format!("{:.0} | {ratio:.2}", median(limit)),
            (_, _) => "| ".to_owned(),
        };
        println!(
            "| {} | {:.0} ({least:.0} to {most:.0}) | {:.2}, {:.2} ms | {} | {} |",
            name(*case),
            median(vault),
            latency(50),
            latency(99),
            limit(Side::Rows),
            limit(Side::Messages),
        );
    }
}

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
